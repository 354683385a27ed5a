"""The `nashgrad` command: checks that the packages of the `lab` extra are there, then hands over.

Only the standard library is imported before the check, so that a plain `pip install nashgrad`
answers with the command to run and not with a traceback.
"""

import sys
from collections.abc import Sequence
from importlib.util import find_spec

INTERRUPTED = 130
LAB_MODULES = ("tyro", "pydantic", "yaml", "rich", "matplotlib", "PIL", "plotly", "jinja2")


def missing_modules() -> list[str]:
    """The modules of the `lab` extra that are not installed."""
    return [name for name in LAB_MODULES if find_spec(name) is None]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; 2 when the `lab` extra is missing."""
    if missing := missing_modules():
        names = ", ".join(missing)
        print(  # noqa: T201
            f'nashgrad: the command line also needs {names}: pip install "nashgrad[lab]"',
            file=sys.stderr,
        )
        return 2
    try:
        from nashgrad.lab.commands import cli

        return cli.main(argv)
    except KeyboardInterrupt:  # while it imports; a command that runs has its own way
        return INTERRUPTED
