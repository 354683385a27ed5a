"""Games whose field is that of one scalar: one backward pass, and Hessian-vector products."""

from __future__ import annotations

import torch
from torch import Tensor

from nashgrad.core.engine import answer, gradient_of
from nashgrad.core.jacobian import GraphJacobian
from nashgrad.core.linearization import Linearization, Query
from nashgrad.core.operators import LinearOperator, SymmetricOperator
from nashgrad.core.space import PlayerSpace
from nashgrad.engines.claims import ClaimingEngine


class ZeroSum(ClaimingEngine):
    """Two players whose field is that of one scalar l: v = (grad_1 l, -grad_2 l), l = l_2.

    J = S H with S = diag(I, -I) and H the Hessian of l, so that J^T u = H S u and J u = S H u are
    one Hessian-vector product each. One backward pass serves both players.

    Losses need not sum to zero: a term that the other player cannot change may be in one of them
    alone. In a GAN the discriminator's loss has all terms, so it is the one to name; the paper's
    js, tv and indicator pass, standard and kl don't.

    Args:
        scalar: the player whose loss is l; the last one by default.

    Raises:
        ValueError: `linearize`, for another number of players, an unknown one, and a field that is
            not that of l.
    """

    claim = "a field that is that of one player's loss"

    def __init__(self, scalar: str | None = None) -> None:
        super().__init__()
        self.scalar = scalar

    def answer(self, query: Query) -> Linearization:
        owner = owner_of(query, self.scalar)
        losses = query.losses()
        scaled = query.scaled(losses)
        second = query.order == 2 or query.create_graph
        pieces = torch.autograd.grad(
            scaled[owner],
            query.space.parameters,
            create_graph=second,
            allow_unused=True,
        )
        gradient, S = query.space.flatten(pieces), Reflection(query.space, owner)
        jacobian: LinearOperator | None = None
        if query.order == 2:
            hessian = SymmetricOperator(
                GraphJacobian(
                    query.space, gradient, create_graph=query.create_graph, scale=query.scale
                )
            )
            jacobian = S @ hessian
        raw = S @ gradient
        return answer(self, query, losses, raw, jacobian, gradient_of(query, scaled))


def owner_of(query: Query, scalar: str | None) -> str:
    """The player whose loss is the scalar; the last one by default.

    Raises:
        ValueError: There are not two players, or none has that name.
    """
    players = query.space.players
    if len(players) != 2:
        raise ValueError(
            f"a zero-sum engine needs two players, got {len(players)}: {', '.join(players)}"
        )
    return players[-1] if scalar is None else query.space.named(scalar)[0]


class Reflection(LinearOperator):
    """S: changes the sign of the block of the player who minimises l."""

    def __init__(self, space: PlayerSpace, owner: str) -> None:
        self.size, self.dtype, self.device = space.size, space.dtype, space.device
        self._block = space.block(owner)

    def matvec(self, u: Tensor) -> Tensor:
        block = self._block
        return torch.cat([u[: block.start], -u[block], u[block.stop :]])

    def rmatvec(self, u: Tensor) -> Tensor:
        return self.matvec(u)

    def matmat(self, U: Tensor) -> Tensor:
        return self.matvec(U)

    def rmatmat(self, U: Tensor) -> Tensor:
        return self.matvec(U)
