"""No adjustment, and several in a row."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from nashgrad.core.adjustment import Adjustment, Base, PureAdjustment, strictest
from nashgrad.core.linearization import Linearization, Order, State
from nashgrad.core.space import PlayerSpace


@dataclass(frozen=True)
class Identity(PureAdjustment):
    """w = w: gradient ascent on utilities, as every framework does it. One gradient evaluation."""

    def order(self, players: tuple[str, ...], state: State) -> Order:
        return 1

    def __call__(self, w: Tensor, at: Linearization) -> Tensor:
        return w


@dataclass(frozen=True, init=False)
class Chain(Adjustment):
    """w -> b(a(w)): adjustments in the order they are written.

    Terms made of v, such as consensus, add up; what depends on w, such as clipping, sees what came
    before.

    Example:
        Chain(Consensus(10.0), ClipNorm(1.0))

    Raises:
        TypeError: For a member that is no adjustment.
    """

    adjustments: tuple[Adjustment, ...]

    def __init__(self, *adjustments: Adjustment) -> None:
        for adjustment in adjustments:
            _check_member(adjustment)
        object.__setattr__(self, "adjustments", adjustments)

    @property
    def pure(self) -> bool:
        return all(a.pure for a in self.adjustments)

    @property
    def base(self) -> Base:
        return strictest(*(a.base for a in self.adjustments))

    def order(self, players: tuple[str, ...], state: State) -> Order:
        states = state or (None,) * len(self.adjustments)
        orders = [a.order(players, s) for a, s in zip(self.adjustments, states, strict=True)]
        return max(orders, default=1)

    def init(self, space: PlayerSpace) -> State:
        return tuple(a.init(space) for a in self.adjustments)

    def update(self, w: Tensor, at: Linearization, state: State) -> tuple[Tensor, State]:
        states = []
        for a, s in zip(self.adjustments, state or (None,) * len(self.adjustments), strict=True):
            w, s = a.update(w, at, s)
            states.append(s)
        return w, tuple(states)


def _check_member(value: object) -> None:
    if isinstance(value, Adjustment):
        return
    if isinstance(value, list | tuple):
        raise TypeError(
            "Chain: write adjustments one after the other, without a list: "
            "Chain(Consensus(10.0), ClipNorm(1.0))"
        )
    if isinstance(value, type) and issubclass(value, Adjustment):
        raise TypeError(f"Chain: {value.__name__} is a class; write {value.__name__}(...)")
    raise TypeError(f"Chain: expected adjustments such as Consensus(10.0), got {value!r}")
