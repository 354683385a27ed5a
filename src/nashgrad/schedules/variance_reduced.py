"""Steps with less noise: fields relative to a snapshot whose mean field is known better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from nashgrad.analysis import updates
from nashgrad.analysis.updates import Round
from nashgrad.core.game import Batch
from nashgrad.core.limits import check_count
from nashgrad.core.linearization import Evaluation, State
from nashgrad.schedules.base import Draw, Mover, Schedule, StepRecord, restoring


@dataclass(frozen=True)
class VarianceReduced(Schedule):
    r"""Stochastic variance-reduced extragradient (SVRE): r_b(x) = w_b(x) - w_b(s) + m for w.

    b is a fresh batch for each evaluation point, s the snapshot of x at which an epoch of `period`
    steps begins, and m the mean of w(s) over `batches` fresh batches:

    x' = x + h r_b(x),  x <- x + h r_b'(x').

    The noise that w_b has in common at x and at s cancels. On a game without noise r = w, and the
    method is extragradient.

    The stream of batches has no end, so the paper's pass over all data is a mean over `batches`
    draws, whose own noise stays for an epoch: take enough of them. The paper draws the length of an
    epoch from a geometric distribution; here it is that distribution's mean, so that a step has no
    randomness but its batches.

    Both steps are the base optimisers' own. Adjustments without memory only: today's memory would
    cancel in r and the snapshot's would stay. The base optimisers' momentum sees r.

    Args:
        period: steps of an epoch; positive. The paper has as many as the data set has batches.
        batches: draws of the mean at the snapshot; positive.
        extrapolate: whether to step as extragradient does; otherwise plainly (SVRG).

    Cost: four evaluations a step, two without extrapolation, and `batches` more once per epoch.
    Memory: s and m, `(n,)` each, and a count. Keeps fixed points of w where w has no noise; with
    noise it rests near them as far as m is right. Any number of players, any base optimisers. Needs
    an iterator of batches. An error on the way leaves the parameters as they were before the step.

    Raises:
        ValueError: For counts that are not positive, an adjustment with memory, and in a step with
            a single batch.

    References:
        T. Chavdarova, G. Gidel, F. Fleuret, S. Lacoste-Julien: Reducing Noise in GAN Training with
        Variance Reduced Extragradient, 2019. R. Johnson, T. Zhang: Accelerating Stochastic Gradient
        Descent using Predictive Variance Reduction, 2013 (SVRG).
    """

    period: int
    batches: int
    extrapolate: bool = True

    def __post_init__(self) -> None:
        check_count("period", self.period)
        check_count("batches", self.batches)

    @property
    def revisits(self) -> bool:
        return True

    def init(self, opt: Mover) -> State:
        if not opt.adjustment.pure:
            raise ValueError(
                f"VarianceReduced takes differences of fields, in which the memory of "
                f"{type(opt.adjustment).__name__} would cancel; use an adjustment without memory, "
                "or the optimisers' own momentum"
            )
        return {"count": 0, "snapshot": None, "mean": None}

    def linear(self, players: Sequence[str]) -> Round | None:
        return Round(updates.extragradient if self.extrapolate else updates.simultaneous)

    def step(self, opt: Mover, draw: Draw, state: State) -> tuple[StepRecord, State]:
        many = [draw.fresh() for _ in range(self.batches if state["count"] == 0 else 0)]
        own = [draw.fresh() for _ in range(2 if self.extrapolate else 1)]
        evaluations = []
        with restoring(opt.space) as x:
            if many:
                state, found = self._snapshot(opt, many)
                evaluations += found
            for batch in own:
                r, found = self._reduced(opt, batch, state)
                opt.space.set_(x)
                opt.apply(r, None, found[-1].state)
                evaluations += found
        # A mean that overflowed in half precision would spoil the whole epoch: take it again.
        again = bool(many) and not state["mean"].isfinite().all()
        count = 0 if again else (state["count"] + 1) % self.period
        return StepRecord.of(evaluations), {**state, "count": count}

    def _snapshot(self, opt: Mover, batches: Sequence[Batch]) -> tuple[State, list[Evaluation]]:
        """Takes s and m at the present parameters."""
        found = [opt.evaluate(batch) for batch in batches]
        mean = sum(e.w for e in found) / len(found)
        return {"count": 0, "snapshot": opt.space.get(), "mean": mean}, found

    def _reduced(self, opt: Mover, batch: Batch, state: State) -> tuple[Tensor, list[Evaluation]]:
        """r_b here, and the evaluations at s and here that it took; leaves x at s."""
        # Buffers, such as batch norm's statistics, take their traces of the first evaluation.
        here = opt.evaluate(batch)
        opt.space.set_(state["snapshot"])
        there = opt.evaluate(batch)
        return here.w - there.w + state["mean"], [there, here]
