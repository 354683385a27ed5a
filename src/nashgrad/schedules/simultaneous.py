"""All players move at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nashgrad.analysis import updates
from nashgrad.analysis.updates import Round
from nashgrad.core.linearization import State
from nashgrad.schedules.base import Draw, Mover, Schedule, StepRecord


@dataclass(frozen=True)
class Simultaneous(Schedule):
    """x <- x + h w(x): all players move at once, on one batch (the paper's Algorithms 1 and 2).

    One field evaluation a step. Linearly stable at a fixed point when |1 + h l| < 1 for all
    eigenvalues l of w'.
    """

    def init(self, opt: Mover) -> State:
        return None

    def linear(self, players: Sequence[str]) -> Round | None:
        return Round(updates.simultaneous)

    def step(self, opt: Mover, draw: Draw, state: State) -> tuple[StepRecord, State]:
        here = opt.evaluate(draw())
        opt.apply(here.w, None, here.state)
        return StepRecord.of([here]), state
