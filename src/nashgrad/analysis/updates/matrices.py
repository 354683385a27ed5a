"""Blocks of matrices by player: what the operators of updates are put together from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeAlias

import torch
from torch import Tensor

Players: TypeAlias = int | Sequence[int] | None
"""Players by position, 0 being the first: one, several, or all (`None`)."""


class Update(Protocol):
    """The matrix F of one step z <- F z of a method, `(m n, m n)`.

    z = (x - x*, memory), with m - 1 vectors of memory, on a game with field v(x) = J (x - x*) over
    plain SGD. Functions with further keyword arguments become one by `functools.partial`.
    """

    def __call__(self, J: Tensor, sizes: Sequence[int], h: float, /) -> Tensor:
        """F for a Jacobian J `(n, n)`, the players' numbers of parameters, and a learning rate."""
        ...


class Round(NamedTuple):
    """An update, and how many steps of its method it is: more than one where steps differ."""

    update: Update
    steps: int = 1


class Linear(Protocol):
    """What has an update: the schedules of [`nashgrad.schedules`][]."""

    def linear(self, players: Sequence[str], /) -> Round | None:
        """The round that it repeats, for players of these names; `None` where there is none."""
        ...


def identity(J: Tensor) -> Tensor:
    """I, `(n, n)`, of the type of J."""
    return torch.eye(len(J), dtype=J.dtype, device=J.device)


def projection(J: Tensor, sizes: Sequence[int], players: Players = None) -> Tensor:
    """The diagonal projection on the blocks of some players, `(n, n)`.

    Raises:
        ValueError: For sizes that do not add up to n, and a player that there is not.
    """
    diagonal = J.new_zeros(len(J))
    for own in _slices(J, sizes, players):
        diagonal[own] = 1
    return torch.diag(diagonal)


def own_blocks(J: Tensor, sizes: Sequence[int]) -> Tensor:
    """J with the players' own diagonal blocks alone."""
    kept = torch.zeros_like(J)
    for own in _slices(J, sizes):
        kept[own, own] = J[own, own]
    return kept


def other_blocks(J: Tensor, sizes: Sequence[int]) -> Tensor:
    """J_o: J without the players' own diagonal blocks."""
    return J - own_blocks(J, sizes)


def rows_of(J: Tensor, sizes: Sequence[int], players: Players) -> Tensor:
    """J with the rows of all other players set to zero."""
    return projection(J, sizes, players) @ J


def block_matrix(*rows: tuple[Tensor, ...]) -> Tensor:
    """The matrix of these blocks, row by row."""
    return torch.cat([torch.cat(row, 1) for row in rows])


def _slices(J: Tensor, sizes: Sequence[int], players: Players = None) -> list[slice]:
    if J.shape != (sum(sizes), sum(sizes)):
        raise ValueError(
            f"J must be square with as many rows as the sizes {list(sizes)} add up to, "
            f"got shape {tuple(J.shape)}"
        )
    chosen = range(len(sizes)) if players is None else players
    chosen = [chosen] if isinstance(chosen, int) else chosen
    for i in chosen:
        if not 0 <= i < len(sizes):
            raise ValueError(f"player {i}: there are {len(sizes)}, counted from 0")
    return [slice(sum(sizes[:i]), sum(sizes[: i + 1])) for i in chosen]
