"""A study of many runs in one folder: locked, interrupted and gone on with as one."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from nashgrad.lab.common.errors import UsageError, file_errors
from nashgrad.lab.common.interrupt import Interrupt
from nashgrad.lab.common.locks import locked
from nashgrad.lab.runs.records import is_run
from nashgrad.lab.studies.runner import Job, Outcome, cores, run_jobs

INTERRUPTED = 130
Plan = TypeVar("Plan")


@dataclass(frozen=True)
class Stage:
    """What the runs of a study share: how many at once, where progress goes, the signals."""

    workers: int | None
    console: Console
    interrupt: Interrupt

    def play(self, jobs: Sequence[Job]) -> list[Outcome] | None:
        """How the jobs ended; None when some were interrupted."""
        outcomes = run_jobs(
            jobs, workers=self.workers, console=self.console, interrupt=self.interrupt
        )
        interrupted = any(outcome.status == "interrupted" for outcome in outcomes)
        return None if interrupted else outcomes

    @property
    def at_once(self) -> int:
        """How many runs train at the same time."""
        return self.workers or cores()


def study(
    folder: Path,
    prepare: Callable[[], Plan],
    play: Callable[[Plan, Stage], bool],
    *,
    command: str,
    jobs: int | None = None,
    console: Console | None = None,
) -> int:
    """Plays all runs of a study, from where it stands, in a folder that it keeps for itself.

    Args:
        folder: made where it is not there, once `prepare` has found nothing wrong.
        prepare: reads what is to be done.
        play: does it; whether it came to its end.
        command: what to type to go on with it.
        jobs: runs at once; one for each core by default.
        console: where progress is shown.

    Returns:
        The exit code: 0, or 128 + signal when interrupted.

    Raises:
        UsageError: The folder is a file, or another process is at work in it.
    """
    console = console or Console(highlight=False)
    if folder.is_file():
        raise UsageError(f"{folder}: is a file; --out names a folder")
    if is_run(folder):
        raise UsageError(f"{folder}: holds a run; choose another --out")
    with Interrupt() as interrupt:  # around all stages, so that none begins after a signal
        plan = prepare()
        with file_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with locked(folder, "another process is at work here"):
            if play(plan, Stage(jobs, console, interrupt)):
                return 0
    console.print(f"interrupted; go on with: {command}", soft_wrap=True, markup=False)
    return interrupt.exit_code if interrupt.signal else INTERRUPTED


def typed(name: str, *words: str, **flags: object) -> str:
    """A command as one types it; flags that are None, False or "" are left out.

    >>> typed("sweep", "a b.yaml", out=None, jobs=2)
    "nashgrad sweep 'a b.yaml' --jobs 2"
    """
    parts = ["nashgrad", name, *map(shlex.quote, words)]
    for flag, value in flags.items():
        if value not in (None, False, ""):
            parts.append(f"--{flag.replace('_', '-')}")
            parts += [] if value is True else [shlex.quote(str(value))]
    return " ".join(parts)
