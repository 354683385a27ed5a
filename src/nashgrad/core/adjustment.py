"""Adjustments: maps of the field."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Literal, TypeAlias

from torch import Tensor

from nashgrad.core.linearization import Linearization, Order, State
from nashgrad.core.space import PlayerSpace

Base: TypeAlias = Literal["any", "known", "plain"]
"""What a method asks of the optimisers below it: nothing, effective steps that are known, or plain
SGD because it preconditions by itself.
"""


def strictest(*bases: Base) -> Base:
    """The one of several demands that fulfils all."""
    order: tuple[Base, ...] = ("any", "known", "plain")
    return max(bases, key=order.index, default="any")


class Adjustment(abc.ABC):
    """A map of the field w, with or without memory; a frozen value.

    What it remembers is a plain value (tensors, numbers, containers of them) that it is handed and
    returns, so that checkpoints and composition need nothing from the adjustment.
    """

    @property
    @abc.abstractmethod
    def pure(self) -> bool:
        """Whether it keeps no memory, so that w is a field of its own."""

    @property
    def base(self) -> Base:
        """What it asks of the optimisers below it."""
        return "any"

    @abc.abstractmethod
    def order(self, players: tuple[str, ...], state: State) -> Order:
        """What this evaluation needs: 1 for v alone, 2 when it takes products with the Jacobian."""

    @abc.abstractmethod
    def init(self, space: PlayerSpace) -> State:
        """The memory before the first step; `None` when it keeps nothing.

        Raises:
            ValueError: For a player's name that the game does not have, and for a game that the
                method does not allow.
        """

    @abc.abstractmethod
    def update(self, w: Tensor, at: Linearization, state: State) -> tuple[Tensor, State]:
        """Maps w, `(n,)`, at a point. The memory of players that do not move stays as it is."""

    def turn(
        self, players: tuple[str, ...], state: State
    ) -> tuple[Adjustment, State, Callable[[State], State]]:
        """What this evaluation does, apart from what is merely counted.

        Returns:
            An adjustment, its memory, and what makes the memory after this evaluation of that of
            the adjustment. An engine that traces needs one graph for each of these adjustments,
            instead of one for each count.
        """
        return self, state, lambda after: after


def check_inner(inner: object) -> None:
    """Raises `TypeError` for what is no adjustment."""
    if not isinstance(inner, Adjustment):
        raise TypeError(f"inner: expected an Adjustment, got {inner!r}")


class PureAdjustment(Adjustment):
    """An adjustment without memory: a function w -> w at a point."""

    @property
    def pure(self) -> bool:
        return True

    def init(self, space: PlayerSpace) -> State:
        self.check(space)

    def update(self, w: Tensor, at: Linearization, state: State) -> tuple[Tensor, State]:
        return self(w, at), state

    def check(self, space: PlayerSpace) -> None:
        """Raises `ValueError` for an unknown player, and for a game that is not allowed."""

    @abc.abstractmethod
    def __call__(self, w: Tensor, at: Linearization) -> Tensor:
        """The adjusted field, `(n,)`."""
