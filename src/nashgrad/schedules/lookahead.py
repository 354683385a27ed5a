"""Every few steps, all players go back part of the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Real

from nashgrad.analysis import updates
from nashgrad.analysis.updates import Round
from nashgrad.core.adjustment import Base
from nashgrad.core.limits import check_count
from nashgrad.core.linearization import State
from nashgrad.schedules.base import Draw, Mover, Schedule, StepRecord


@dataclass(frozen=True)
class Lookahead(Schedule):
    """x <- s + alpha (x - s) after every `period` inner steps, s being where the period began.

    All players go back together, which damps the rotation of their game (lookahead-minmax). Where F
    is the operator of an inner step, that of a period is (1 - alpha) I + alpha F^period: a rotation
    that grows over few steps can contract, and also the other way around.

    One step is one inner step, and lookaheads nest: `Lookahead(Lookahead(inner, 5), 500)` counts
    500 inner steps for its own period, the last of which also ends one of the inner lookahead.
    Moments of the base optimisers and memories of adjustments go on across the average.

    (The adjustment `LookAhead`, which predicts the opponents' steps, is another method.)

    Args:
        inner: the schedule of the steps between.
        period: inner steps between two averages; positive.
        alpha: share of the way that is kept, in (0, 1].

    Cost: that of the inner schedule. Memory: s, `(n,)`, the count, and the inner schedule's. Keeps
    the inner schedule's fixed points; it has others where F^period does, such as cycles of that
    length. Players and base optimisers as the inner schedule allows.

    Raises:
        TypeError: For an inner schedule that is none.
        ValueError: For a period or a share out of range.

    References:
        M. Zhang, J. Lucas, G. Hinton, J. Ba: Lookahead Optimizer: k steps forward, 1 step back,
        2019. T. Chavdarova, M. Pagliardini, S. U. Stich, F. Fleuret, M. Jaggi: Taming GANs with
        Lookahead-Minmax, 2021.
    """

    inner: Schedule
    period: int = 5
    alpha: float = 0.5

    def __post_init__(self) -> None:
        if not isinstance(self.inner, Schedule):
            raise TypeError(f"inner: expected a Schedule, got {self.inner!r}")
        check_count("period", self.period)
        alpha: object = self.alpha
        if isinstance(alpha, bool) or not isinstance(alpha, Real) or not 0 < float(alpha) <= 1:
            raise ValueError(f"alpha must be above 0 and at most 1, got {alpha!r}")

    @property
    def base(self) -> Base:
        return self.inner.base

    @property
    def revisits(self) -> bool:
        return self.inner.revisits

    def init(self, opt: Mover) -> State:
        return {"count": 0, "slow": None, "inner": self.inner.init(opt)}

    def linear(self, players: Sequence[str]) -> Round | None:
        inner = self.inner.linear(players)
        if inner is None or self.period % inner.steps:
            return None
        whole = partial(
            updates.lookahead,
            inner=inner.update,
            period=self.period // inner.steps,
            alpha=self.alpha,
        )
        return Round(whole, self.period)

    def step(self, opt: Mover, draw: Draw, state: State) -> tuple[StepRecord, State]:
        count = state["count"] + 1
        slow = opt.space.get() if state["slow"] is None else state["slow"]
        record, inner = self.inner.step(opt, draw, state["inner"])
        if count == self.period:
            opt.space.set_(slow + self.alpha * (opt.space.get() - slow))
            count, slow = 0, None
        return record, {"count": count, "slow": slow, "inner": inner}
