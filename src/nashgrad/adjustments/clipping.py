"""Clipping of the field."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nashgrad.core.adjustment import PureAdjustment
from nashgrad.core.limits import check_positive
from nashgrad.core.linearization import Linearization, Order, State


@dataclass(frozen=True)
class ClipNorm(PureAdjustment):
    """w_i -> w_i min(1, max_norm / |w_i|) for each player's block.

    Keeps fixed points and the direction of each block; near a fixed point it changes nothing, so it
    cannot repair a spectrum. No further evaluation. Any number of players.

    Args:
        max_norm: largest Euclidean norm of a player's block; positive.

    Raises:
        ValueError: For a bound that is not positive and finite.

    References:
        R. Pascanu, T. Mikolov, Y. Bengio: On the difficulty of training recurrent neural networks,
        2013.
    """

    max_norm: float

    def __post_init__(self) -> None:
        check_positive("max_norm", self.max_norm)

    def order(self, players: tuple[str, ...], state: State) -> Order:
        return 1

    def __call__(self, w: Tensor, at: Linearization) -> Tensor:
        return torch.cat([self._clip(block) for block in at.space.split(w)])

    def _clip(self, block: Tensor) -> Tensor:
        # The clamp keeps a zero block's derivative finite.
        norm: Tensor = torch.linalg.vector_norm(block).clamp(min=torch.finfo(block.dtype).tiny)
        return block * (self.max_norm / norm).clamp(max=1.0)


@dataclass(frozen=True)
class ClipValue(PureAdjustment):
    """w_k -> min(max(w_k, -max_abs), max_abs) for each coordinate.

    Keeps fixed points, not the direction. No further evaluation. Any number of players.

    Args:
        max_abs: largest magnitude of a coordinate; positive.

    Raises:
        ValueError: For a bound that is not positive and finite.
    """

    max_abs: float

    def __post_init__(self) -> None:
        check_positive("max_abs", self.max_abs)

    def order(self, players: tuple[str, ...], state: State) -> Order:
        return 1

    def __call__(self, w: Tensor, at: Linearization) -> Tensor:
        return w.clamp(-self.max_abs, self.max_abs)
