"""Look a step ahead, and step from where the look began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nashgrad.analysis import updates
from nashgrad.analysis.updates import Round
from nashgrad.core.linearization import State
from nashgrad.schedules.base import Draw, Mover, Schedule, StepRecord, restoring


@dataclass(frozen=True)
class Extragradient(Schedule):
    """x' = x + h w(x), then x <- x + h w(x'): a step to look ahead, and one with what was seen.

    The linear operator is F' = I + h J + h^2 J^2. On a bilinear game it contracts where h sigma < 1
    for all singular values sigma of the coupling.

    Both steps are the base optimisers' own, so that Adam's moments move in both: over Adam this is
    ExtraAdam. What an adjustment remembers moves in both likewise; the memory of the second
    evaluation is kept.

    Args:
        resample: draws a fresh batch for the second evaluation, as the stochastic analysis has it;
            otherwise both see the same.

    Cost: two evaluations a step. No memory of its own. Keeps fixed points of w, and has no others
    for small steps (h |w'| < 1). Any number of players, any base optimisers. An error on the way
    leaves the parameters as they were before the step.

    Raises:
        ValueError: In a step with a single batch where a fresh one is asked for.

    References:
        G. M. Korpelevich: The extragradient method for finding saddle points and other problems,
        1976. G. Gidel, H. Berard, G. Vignoud, P. Vincent, S. Lacoste-Julien: A Variational
        Inequality Perspective on Generative Adversarial Networks, 2019 (ExtraAdam).
    """

    resample: bool = False

    @property
    def revisits(self) -> bool:
        return not self.resample

    def init(self, opt: Mover) -> State:
        return None

    def linear(self, players: Sequence[str]) -> Round | None:
        return Round(updates.extragradient)

    def step(self, opt: Mover, draw: Draw, state: State) -> tuple[StepRecord, State]:
        first = draw()
        second = draw.fresh() if self.resample else first
        here = opt.evaluate(first)
        with restoring(opt.space) as x:
            opt.apply(here.w, None, here.state)
            ahead = opt.evaluate(second)
            opt.space.set_(x)
            opt.apply(ahead.w, None, ahead.state)
        return StepRecord.of([here, ahead]), state
