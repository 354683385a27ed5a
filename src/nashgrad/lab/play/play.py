"""The playground as one file: written, and opened in the user's browser.

Everything is computed in the page, by the formulas of `nashgrad.analysis.updates` and of
`nashgrad.analysis.rates` once more in JavaScript; `tests/pages/test_play_numbers.py` holds one
against the other.
"""

from __future__ import annotations

import sys
import tempfile
import webbrowser
from pathlib import Path

from nashgrad.lab.common.atomic import write_text
from nashgrad.lab.common.errors import file_errors
from nashgrad.lab.pages import file_to_write, page

SCRIPTS = (
    "algebra", "games", "methods", "rates", "run", "state", "presets",
    "svg", "phase", "spectra", "distance", "numbers", "controls", "side", "play",
)  # fmt: skip
"""In the order in which each needs those before it."""


def play(out: str | None = None) -> int:
    """Writes the page; without a name for it into a temporary folder, and opens it from there.

    Raises:
        UsageError: The file cannot be written.
    """
    path = _temporary() if out is None else file_to_write(out)
    write_text(path, render())
    sys.stdout.write(f"{path}\n")
    sys.stdout.flush()  # a browser in the terminal takes it over
    if out is None and not webbrowser.open(path.as_uri()):
        sys.stdout.write("no browser was found here: open this file in one\n")
    return 0


def render() -> str:
    """The page, whole: it fetches nothing."""
    return page("play/play.html", scripts=SCRIPTS)


def _temporary() -> Path:
    with file_errors(tempfile.gettempdir()):
        return Path(tempfile.mkdtemp(prefix="nashgrad-")) / "play.html"
