"""The joint parameter space: all players' parameters as one flat vector."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch._utils import _flatten_dense_tensors, _unflatten_dense_tensors

from nashgrad.core.game import Game

Names: TypeAlias = str | Sequence[str] | None
"""One player, several, or `None` for all."""


class PlayerSpace:
    """The space of x = (x_1, ..., x_P): all trainable parameters in one `(n,)` tensor.

    Args:
        game: the game whose parameters these are.

    Raises:
        ValueError: For a game without players, a player without trainable parameters, a parameter
        that two players share, a trainable parameter of no player, and parameters of several types
        or devices;
        TypeError: For what is no game, and for a module wrapped in `DistributedDataParallel` or
        FSDP.
    """

    def __init__(self, game: Game) -> None:
        if not isinstance(game, Game):
            raise TypeError(
                f"expected a Game, got {type(game).__name__}: wrap modules and losses in a "
                "FunctionGame, or two networks in a GAN"
            )
        _refuse_wrapped(game)
        self.players = tuple(game.players)
        owned = {player: _trainable(game, player) for player in self.players}
        _check_owners(game, owned)
        self.names = [name for block in owned.values() for name in block]
        self.parameters = [p for block in owned.values() for p in block.values()]
        self._frozen = {n: p for n, p in game.named_parameters() if not p.requires_grad}
        self._sizes = [sum(p.numel() for p in block.values()) for block in owned.values()]
        self._blocks = dict(zip(self.players, _slices(self._sizes), strict=True))
        counts = [len(block) for block in owned.values()]
        self._owned = dict(zip(self.players, _slices(counts), strict=True))
        self.size = sum(self._sizes)
        self._buffers = [name for name, _ in game.named_buffers()]
        self.dtype, self.device = self.parameters[0].dtype, self.parameters[0].device

    @cached_property
    def _buffer(self) -> Tensor:
        return torch.zeros(self.size, dtype=self.dtype, device=self.device)

    @cached_property
    def _buffer_pieces(self) -> list[Tensor]:
        # Twenty views a step would be a percent or two of a small net's step.
        return self.pieces(self._buffer)

    def at(self, parameters: Sequence[Tensor]) -> PlayerSpace:
        """The same space with other tensors in the parameters' place."""
        other = copy.copy(self)
        other.parameters = list(parameters)  # type: ignore[arg-type]
        other.dtype, other.device = parameters[0].dtype, parameters[0].device
        return other

    def block(self, player: str) -> slice:
        """Where a player's parameters lie in the flat vector."""
        return self._blocks[self.named(player)[0]]

    def parameters_of(self, player: str) -> list[nn.Parameter]:
        """A player's trainable parameters, in the order of its block."""
        return self.parameters[self._owned[self.named(player)[0]]]

    def buffers_of(self, players: tuple[str, ...]) -> list[str]:
        """The names of these players' buffers."""
        prefixes = tuple(f"{player}." for player in players)
        return [name for name in self._buffers if name.startswith(prefixes)]

    def buffers_of_others(self, players: tuple[str, ...]) -> list[str]:
        """The names of all buffers that do not belong to these players."""
        own = self.buffers_of(players)
        return [name for name in self._buffers if name not in own]

    def named(self, players: Names) -> tuple[str, ...]:
        """The players meant by a name, several names or `None`, in the game's order.

        Raises:
            ValueError: For a name that no player has.
            TypeError: For what is no name.
        """
        if players is None or players == self.players:
            return self.players
        if not isinstance(players, str | Sequence):
            raise TypeError(f"players: expected a name or several, got {players!r}")
        wanted = (players,) if isinstance(players, str) else tuple(players)
        for name in wanted:
            if name not in self.players:
                raise ValueError(
                    f"unknown player {name!r}; the players are {', '.join(self.players)}"
                )
        return tuple(p for p in self.players if p in wanted)

    def get(self) -> Tensor:
        """A copy of x, `(n,)`, without a graph."""
        # `flatten` of a single parameter would be a view of it.
        return torch.cat([p.detach().reshape(-1) for p in self.parameters])

    @torch.no_grad()
    def set_(self, x: Tensor) -> None:
        """Writes x, `(n,)`, into the parameters."""
        for p, piece in zip(self.parameters, self.pieces(x), strict=True):
            p.copy_(piece)

    def set_grad_(self, gradient: Tensor, players: Names = None, *, sign: int = 1) -> None:
        """Writes a flat `(n,)` gradient, times a sign, into these players' `.grad`.

        They are views of one buffer, which the next call writes again.
        """
        chosen = self.named(players)
        if chosen == self.players:
            torch.mul(gradient.detach(), sign, out=self._buffer)
        for player in chosen:
            block, owned = self._blocks[player], self._owned[player]
            if chosen != self.players:
                torch.mul(gradient[block].detach(), sign, out=self._buffer[block])
            for p, piece in zip(self.parameters[owned], self._buffer_pieces[owned], strict=True):
                p.grad = piece

    def clear_grad_(self, players: Names = None) -> None:
        """Sets the `.grad` of these players' parameters to `None`."""
        for player in self.named(players):
            for p in self.parameters_of(player):
                p.grad = None

    def restrict(self, vector: Tensor, players: Names) -> Tensor:
        """The vector with the blocks of all other players set to zero."""
        chosen = self.named(players)
        if chosen == self.players:
            return vector
        blocks = self.split(vector)
        return torch.cat(
            [
                b if p in chosen else torch.zeros_like(b)
                for p, b in zip(self.players, blocks, strict=True)
            ]
        )

    def merge(self, new: Tensor, old: Tensor, players: Names) -> Tensor:
        """These players' blocks of the new vector, the others' of the old one."""
        chosen = self.named(players)
        if chosen == self.players:
            return new
        blocks = zip(self.players, self.split(new), self.split(old), strict=True)
        return torch.cat([now if p in chosen else before for p, now, before in blocks])

    def pieces(self, vector: Tensor) -> list[Tensor]:
        """Views of a flat vector in the parameters' shapes; differentiable."""
        return list(_unflatten_dense_tensors(vector, self.parameters))

    def flatten(self, pieces: Iterable[Tensor | None]) -> Tensor:
        """The inverse of `pieces`; `None` stands for zero."""
        filled = [
            torch.zeros_like(p) if piece is None else piece
            for piece, p in zip(pieces, self.parameters, strict=True)
        ]
        flat: Tensor = _flatten_dense_tensors(filled)
        return flat

    def named_pieces(self, vector: Tensor) -> dict[str, Tensor]:
        """`pieces` by parameter name, as `torch.func.functional_call` takes them."""
        return dict(zip(self.names, self.pieces(vector), strict=True))

    def pairs(self, vector: Tensor) -> Iterable[tuple[nn.Parameter, Tensor]]:
        """Each parameter with its piece of a flat vector."""
        return zip(self.parameters, self.pieces(vector), strict=True)

    def norms(self, vector: Tensor) -> dict[str, Tensor]:
        """The Euclidean norm of each player's block."""
        norms = [torch.linalg.vector_norm(block) for block in self.split(vector)]
        return dict(zip(self.players, norms, strict=True))

    def split(self, vector: Tensor) -> tuple[Tensor, ...]:
        """Each player's block, as views; differentiable."""
        blocks: tuple[Tensor, ...] = vector.split(self._sizes)
        return blocks

    def check_unchanged(self) -> None:
        """Raises `ValueError` when a parameter was frozen or unfrozen after this space was made."""
        for name, p in zip(self.names, self.parameters, strict=True):
            if not p.requires_grad:
                raise ValueError(
                    f"parameter {name!r} was frozen after the field was built; {_REBUILD}"
                )
        for name, p in self._frozen.items():
            if p.requires_grad:
                raise ValueError(
                    f"parameter {name!r} was unfrozen after the field was built; {_REBUILD}"
                )


_REBUILD = "build the GameField (and GameOptimizer) anew"


def _slices(sizes: Sequence[int]) -> list[slice]:
    ends = list(accumulate(sizes, initial=0))
    return [slice(start, end) for start, end in pairwise(ends)]


def _trainable(game: Game, player: str) -> dict[str, nn.Parameter]:
    owned = getattr(game, player, None)
    if isinstance(owned, nn.Parameter):
        block = {player: owned}
    elif isinstance(owned, nn.Module):
        block = {f"{player}.{name}": p for name, p in owned.named_parameters()}
    else:
        raise ValueError(f"player {player!r}: the game has no module or parameter of that name")
    block = {name: p for name, p in block.items() if p.requires_grad}
    if not block:
        raise ValueError(
            f"player {player!r} has no trainable parameters; make it context, or unfreeze it"
        )
    return block


def _check_owners(game: Game, owned: dict[str, dict[str, nn.Parameter]]) -> None:
    if not owned:
        raise ValueError(f"{type(game).__name__} has no players: no child module is trainable")
    owner: dict[nn.Parameter, str] = {}
    for block in owned.values():
        for name, p in block.items():
            if p in owner:
                raise ValueError(f"parameters {owner[p]!r} and {name!r} are shared by two players")
            owner[p] = name
    strays = [n for n, p in game.named_parameters() if p.requires_grad and p not in owner]
    if strays:
        raise ValueError(
            f"trainable parameters of no player: {', '.join(strays)}; "
            "give them to one or freeze them"
        )
    if len({(p.dtype, p.device) for p in owner}) > 1:
        kinds = sorted({f"{p.dtype} on {p.device}" for p in owner})
        raise ValueError(f"parameters must share one type and device, not {' and '.join(kinds)}")


def _refuse_wrapped(game: Game) -> None:
    for name, module in game.named_modules():
        kinds = {kind.__name__ for kind in type(module).__mro__}
        if found := kinds & {"DistributedDataParallel", "FullyShardedDataParallel", "FSDPModule"}:
            raise TypeError(
                f"module {name!r} is wrapped in {found.pop()}, whose hooks miss autograd.grad: "
                "pass the bare module, whole on every rank, and "
                "reduce=nashgrad.distributed.all_reduce_mean to the GameField"
            )
