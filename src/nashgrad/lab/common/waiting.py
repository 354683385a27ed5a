"""Work of known length that has to be waited for: a bar on a terminal, now and then a line."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 10.0
"""Between two lines where there is no terminal."""


class Waiting:
    """Shows how much of something is done; says nothing of what ends soon.

    Args:
        unit: what is counted.
    """

    def __init__(self, unit: str, console: Console | None = None) -> None:
        self._unit, self._console = unit, console or Console(highlight=False)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f} {task.fields[unit]}"),
            TimeRemainingColumn(),
        )
        self._bar = Progress(
            *columns, console=self._console, disable=not self._console.is_terminal, transient=True
        )
        self._task = self._bar.add_task("", total=None, unit=unit)
        self._last = time.monotonic()

    def __enter__(self) -> Waiting:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def update(self, label: str, done: int, total: int | None) -> None:
        """Tells how far it is."""
        self._bar.update(self._task, description=label, completed=done, total=total or done)
        if not self._bar.disable or time.monotonic() - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = time.monotonic()
        of = f" of {total:,}" if total else ""
        self._console.print(
            f"{label}: {done:,}{of} {self._unit}", soft_wrap=True, markup=False, highlight=False
        )
