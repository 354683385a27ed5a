"""How a run is getting on: a bar on a terminal, lines in a log file."""

from __future__ import annotations

import time
from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from nashgrad.lab.common.waiting import SECONDS_BETWEEN_LINES


class Reporter:
    """Shows steps per second, time left, losses and the norm of v, or nothing when quiet."""

    def __init__(
        self,
        total: int,
        *,
        label: str,
        done: float = 0,
        unit: str = "step",
        quiet: bool = False,
        console: Console | None = None,
    ) -> None:
        self._console = console or Console(quiet=quiet, highlight=False)
        self._total, self._label, self._last = total, label, -SECONDS_BETWEEN_LINES
        self._unit = unit
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[now]}"),
        )
        self._bar = Progress(
            *columns, console=self._console, disable=quiet or not self._console.is_terminal
        )
        self._task = self._bar.add_task(label, total=total, completed=int(done), now="")

    def __enter__(self) -> Reporter:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def update(self, done: float, speed: float, losses: Mapping[str, float], norm: float) -> None:
        """Tells how training stands after a step; speed is in units of the total a second."""
        shown = "  ".join(f"{player} {loss:.3f}" for player, loss in losses.items())
        now = (
            f"{speed:,.0f} {self._unit}s/s  {shown}  |v| {norm:.3g}"
            if speed >= 10
            else (f"{speed:.2f} {self._unit}s/s  {shown}  |v| {norm:.3g}")
        )
        self._bar.update(self._task, completed=done, now=now)
        if not self._bar.disable or time.monotonic() - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = time.monotonic()
        left = (self._total - done) / speed if speed else float("nan")
        self.say(
            f"{self._label}: {self._unit} {done:,.0f} of {self._total:,}, {left:,.0f} s left, {now}"
        )

    def say(self, text: str) -> None:
        """A line that stays."""
        self._console.print(text, soft_wrap=True, markup=False)
