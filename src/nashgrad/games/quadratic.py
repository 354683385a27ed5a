"""Games with a linear field: quadratic, and bilinear as its best-known case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from nashgrad.core.game import Batch, Game, Losses


class Quadratic(Game):
    """The general-sum game of any number of players whose field is v(x) = J x + b.

    l_i(x) = -x_i^T (J_ii x_i / 2 + sum over j != i of J_ij x_j + b_i), with symmetric J_ii.

    Its Jacobian is J everywhere. The batch is not used: pass `None`.

    Args:
        jacobian: J, `(n, n)`, with symmetric diagonal blocks.
        sizes: each player's number of parameters, by name; they add up to n.
        offset: b, `(n,)`; zero by default.
        start: x at the start, `(n,)`; ones by default.

    Raises:
        ValueError: For sizes that do not add up, and for a diagonal block that is not symmetric: no
            loss has it.
    """

    matrix: Tensor
    offset: Tensor

    def __init__(
        self,
        jacobian: Tensor,
        sizes: Mapping[str, int],
        offset: Tensor | None = None,
        start: Tensor | None = None,
    ) -> None:
        super().__init__()
        n = sum(sizes.values())
        if jacobian.shape != (n, n):
            raise ValueError(f"jacobian must have shape ({n}, {n}), got {tuple(jacobian.shape)}")
        self.register_buffer("matrix", jacobian)
        self.register_buffer("offset", jacobian.new_zeros(n) if offset is None else offset)
        self.players = tuple(sizes)
        self._sizes = list(sizes.values())
        x = jacobian.new_ones(n) if start is None else start
        for player, piece in zip(self.players, x.split(self._sizes), strict=True):
            self.hold(player, nn.Parameter(piece.clone()))
        for player, block in zip(self.players, self._diagonal(), strict=True):
            if not torch.allclose(block, block.T):
                raise ValueError(
                    f"player {player!r}: its diagonal block of the Jacobian is not symmetric"
                )

    def forward(self, batch: Batch, players: Sequence[str]) -> Losses:
        """The losses of these players."""
        own = [getattr(self, player) for player in self.players]
        v = (self.matrix @ torch.cat(own) + self.offset).split(self._sizes)
        # x_i v_i counts x_i J_ii x_i whole, of which the loss holds half.
        losses = [
            -x @ (v_i - block @ x / 2)
            for x, v_i, block in zip(own, v, self._diagonal(), strict=True)
        ]
        return {p: loss for p, loss in zip(self.players, losses, strict=True) if p in players}

    def jacobian(self) -> Tensor:
        """v'(x) = J, `(n, n)`."""
        return self.matrix

    def equilibrium(self) -> Tensor:
        """The x with v(x) = 0, `(n,)`. Raises `torch.linalg.LinAlgError` when J is singular."""
        x: Tensor = torch.linalg.solve(self.matrix, -self.offset)
        return x

    def _diagonal(self) -> list[Tensor]:
        rows = self.matrix.split(self._sizes)
        return [row.split(self._sizes, dim=1)[i] for i, row in enumerate(rows)]


def bilinear(coupling: Tensor, start: Tensor | None = None) -> Quadratic:
    """The zero-sum game of "x" and "y" with l_x = x^T M y = -l_y, and the equilibrium zero.

    J = [[0, -M], [M^T, 0]] has purely imaginary eigenvalues: simultaneous ascent spirals outwards
    for every step size.

    Args:
        coupling: M, `(n, m)`.
        start: (x, y) at the start, `(n + m,)`; ones by default.
    """
    n, m = coupling.shape
    jacobian = torch.cat(
        [
            torch.cat([coupling.new_zeros(n, n), -coupling], 1),
            torch.cat([coupling.T, coupling.new_zeros(m, m)], 1),
        ]
    )
    return Quadratic(jacobian, {"x": n, "y": m}, start=start)
