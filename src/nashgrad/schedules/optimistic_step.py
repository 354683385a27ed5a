"""Optimism over what the base optimiser makes of the field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from nashgrad.analysis import updates
from nashgrad.analysis.updates import Round
from nashgrad.core.linearization import State
from nashgrad.schedules.base import Draw, Mover, Schedule, StepRecord, restoring


@dataclass(frozen=True)
class OptimisticStep(Schedule):
    """x <- x + 2 d - d_last: twice the optimisers' own step d, less their last one.

    Over Adam this is optimistic Adam: its moments see the plain field, and optimism comes after
    them. (The adjustment `Optimistic` is optimism before them: Adam then sees 2 w - w_last.) Over
    SGD the two agree, and the linear operator for z = (x, d_last) is [[I + 2 h J, -I], [h J, 0]].

    The first step is plain, d_last = d. (Taking d_last = 0, as some code does, moves twice as far.)

    Cost: one evaluation a step. Memory: d_last, `(n,)`. Keeps fixed points of w. Any number of
    players, any base optimisers.

    References:
        C. Daskalakis, A. Ilyas, V. Syrgkanis, H. Zeng: Training GANs with Optimism, 2018.
    """

    def init(self, opt: Mover) -> State:
        return None

    def linear(self, players: Sequence[str]) -> Round | None:
        return Round(updates.optimistic_step)

    def step(self, opt: Mover, draw: Draw, state: State) -> tuple[StepRecord, State]:
        here = opt.evaluate(draw())
        with restoring(opt.space) as x:
            opt.apply(here.w, None, here.state)
            d = opt.space.get() - x
            last = d if state is None else state
            # In half precision an overflow makes the optimisers skip: then nothing moves.
            moved = (d != 0).any()
            opt.space.set_(torch.where(moved, x + 2 * d - last, x))
        return StepRecord.of([here]), torch.where(moved, d, last)
