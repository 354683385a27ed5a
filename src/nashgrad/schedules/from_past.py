"""Extragradient at the price of one evaluation: look ahead with the last field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nashgrad.analysis import updates
from nashgrad.analysis.updates import Round
from nashgrad.core.linearization import State
from nashgrad.schedules.base import Draw, Mover, Schedule, StepRecord, restoring


@dataclass(frozen=True)
class ExtrapolationFromPast(Schedule):
    """x' = x + h w_last, then x <- x + h w(x') and w_last <- w(x'): looks ahead with the past.

    With z = (x, w_last) the linear operator is [[I + h J, h^2 J], [J, h J]]. On a bilinear game it
    contracts where h sigma < 1 / sqrt(3) for all singular values sigma of the coupling.

    The first step has no past and is a plain one. Both steps are the base optimisers' own, as in
    `Extragradient`: Adam's moments take each field twice, when it is found and when it is used
    again. The points x' obey the recurrence of `Optimistic`.

    Cost: one evaluation a step. Memory: the last w, `(n,)`; the adjustment's moves at x' only.
    Keeps fixed points of w. Any number of players, any base optimisers. An error on the way leaves
    the parameters as they were before the step.

    References:
        L. D. Popov: A modification of the Arrow-Hurwicz method for search of saddle points, 1980.
        G. Gidel, H. Berard, G. Vignoud, P. Vincent, S. Lacoste-Julien: A Variational Inequality
        Perspective on Generative Adversarial Networks, 2019.
    """

    def init(self, opt: Mover) -> State:
        return None

    def linear(self, players: Sequence[str]) -> Round | None:
        return Round(updates.from_past)

    def step(self, opt: Mover, draw: Draw, state: State) -> tuple[StepRecord, State]:
        batch = draw()
        with restoring(opt.space) as x:
            if state is not None:
                # The look ahead evaluates nothing: the adjustment's memory stays what it is.
                opt.apply(state, None, opt.memory)
            ahead = opt.evaluate(batch)
            opt.space.set_(x)
            opt.apply(ahead.w, None, ahead.state)
        return StepRecord.of([ahead]), ahead.w
