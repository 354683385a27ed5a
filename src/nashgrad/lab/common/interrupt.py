"""Ctrl-C and SIGTERM as a wish that the loop grants after the step."""

from __future__ import annotations

import signal
import time
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM)
SECONDS_OF_ONE_WISH = 1.0  # `timeout` sends its signal to the process and then to its group


class Interrupt:
    """Remembers the first SIGINT or SIGTERM of its context; a later one acts as ever.

    One that follows at once is the same wish, told twice.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._came = 0.0
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Interrupt:
        for number in STOPPING:
            self._before[number] = signal.signal(number, self._remember)
        return self

    def __exit__(self, *error: object) -> None:
        self._restore()

    def _remember(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.signal is None:
            self.signal, self._came = signal.Signals(number), now
        elif now - self._came > SECONDS_OF_ONE_WISH:
            self._restore()
            signal.raise_signal(number)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    @property
    def exit_code(self) -> int:
        """128 + the signal's number, as shells have it."""
        return 128 + int(self.signal or 0)
