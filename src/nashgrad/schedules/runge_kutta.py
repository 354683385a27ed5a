"""Training as an ordinary differential equation, by Runge-Kutta steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from torch import Tensor

from nashgrad.analysis import updates
from nashgrad.analysis.updates import Round
from nashgrad.core.adjustment import Base
from nashgrad.core.linearization import State
from nashgrad.schedules.base import Draw, Mover, Schedule, StepRecord, restoring

_TABLES = {  # order: nodes c of the later stages, and weights b of all
    2: ((1.0,), (1 / 2, 1 / 2)),
    4: ((1 / 2, 1 / 2, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
}


@dataclass(frozen=True)
class RungeKutta(Schedule):
    r"""Heun's method (order 2) and the classical method of Runge and Kutta (order 4) on x' = w(x).

    k_1 = w(x),  k_{i+1} = w(x + c_i S k_i),  x <- x + S sum_i b_i k_i;

    order 2 has c = (1) and b = (1, 1)/2, order 4 has c = (1/2, 1/2, 1) and b = (1, 2, 2, 1)/6. The
    linear operator is the exponential series of h J up to that order: I + h J + h^2 J^2 / 2, and so
    on to h^4 J^4 / 24. On a bilinear game order 2 diverges for every h, and order 4 contracts where
    h sigma < 2 sqrt(2) for all singular values sigma of the coupling.

    S = diag(the optimisers' effective steps), momentum aside, taken at the first stage; the last
    step is the optimisers' own, with sum_i b_i k_i for its field. All stages see one batch. The
    memory of an adjustment is that of before the step in all stages, and that of the first stage,
    at x, is kept.

    Args:
        order: 2 or 4.

    Cost: as many evaluations a step as the order says. No memory of its own. Keeps fixed points of
    w. Any number of players. Base optimisers whose effective steps are known. An error on the way
    leaves the parameters as they were before the step.

    Raises:
        ValueError: For another order, and for base optimisers that are not known.

    References:
        C. Qin, Y. Wu, J. T. Springenberg, A. Brock, J. Donahue, T. P. Lillicrap, P. Kohli: Training
        Generative Adversarial Networks by Solving Ordinary Differential Equations, 2020.
    """

    order: Literal[2, 4] = 2

    def __post_init__(self) -> None:
        if self.order not in _TABLES:
            raise ValueError(f"order must be 2 or 4, got {self.order!r}")

    @property
    def base(self) -> Base:
        return "known"

    @property
    def revisits(self) -> bool:
        return True

    def init(self, opt: Mover) -> State:
        return None

    def linear(self, players: Sequence[str]) -> Round | None:
        return Round(partial(updates.runge_kutta, order=self.order))

    def step(self, opt: Mover, draw: Draw, state: State) -> tuple[StepRecord, State]:
        nodes, weights = _TABLES[self.order]
        batch = draw()
        stages = [opt.evaluate(batch)]
        steps = opt.step_sizes(stages[0].w)
        with restoring(opt.space) as x:
            for c in nodes:
                opt.space.set_(x + c * steps * stages[-1].w)
                stages.append(opt.evaluate(batch))
            opt.space.set_(x)
            opt.apply(_combined(weights, [s.w for s in stages]), None, stages[0].state)
        return StepRecord.of(stages), state


def _combined(weights: tuple[float, ...], fields: list[Tensor]) -> Tensor:
    """The sum over i of b_i k_i."""
    total = weights[0] * fields[0]
    for b, k in zip(weights[1:], fields[1:], strict=True):
        total = total + b * k
    return total
