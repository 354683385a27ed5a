"""Local symplectic surgery: near fixed points the rotation is cut out of the field."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nashgrad.core.adjustment import PureAdjustment
from nashgrad.core.krylov import Krylov, check_solver
from nashgrad.core.limits import check_not_negative
from nashgrad.core.linearization import Linearization, Order, State
from nashgrad.core.operators import DiagonalOperator
from nashgrad.core.space import PlayerSpace

_CG = Krylov("cg")


@dataclass(frozen=True)
class LocalSymplecticSurgery(PureAdjustment):
    r"""Local symplectic surgery (LSS): w = (v + g J^T u) / 2 with (J^T J + lambda I) u = J^T v.

    lambda = damping (1 - exp(-|v|^2)) vanishes at fixed points of v and makes the system solvable
    elsewhere; g = exp(-bound |u|^2) keeps a large u, where J is nearly singular, from steering.
    Near a fixed point with an invertible J, w' = (J + J^T)/2: the antisymmetric part is gone. In
    a zero-sum game this is the two players' own curvature, so what attracts are local Nash
    equilibria and nothing else, without rotation. A fixed point that only rotation keeps stable
    (the discriminator at a maximum of its loss, for one) repels.

    The reverse holds as well: where players have no curvature of their own there is nothing left.
    On a bilinear game w' = 0 at the equilibrium, and all points around it nearly stand still.

    The paper's algorithm follows u by a second, faster iteration, and asks of lambda that it
    vanishes at fixed points alone. Ours: u is solved for anew in each step; the form of lambda; g
    with a bound above zero.

    Args:
        damping: the largest lambda, in units of J^2; non-negative.
        bound: g = exp(-bound |u|^2); zero leaves u as it is.
        solver: solves for u; the system is symmetric and positive definite, and its condition is
            that of J squared.

    Cost: one gradient evaluation with a graph, one linear solve of two products per iteration (one
    with J, one with J^T), and two products besides. No memory. Keeps fixed points of v; others,
    with v = -g J^T u, are possible (without lambda and g where J + J^T is singular), and the paper
    assumes that there are none. Two players, of a zero-sum game in theory. Any base optimiser.

    Raises:
        ValueError: For numbers that are negative or not finite, and for other than two players.
        TypeError: For a solver that is none.

    References:
        E. Mazumdar, M. Jordan, S. Sastry: On Finding Local Nash Equilibria (and Only Local Nash
        Equilibria) in Zero-Sum Games, 2019.
    """

    damping: float = 1e-4
    bound: float = 0.0
    solver: Krylov = _CG

    def __post_init__(self) -> None:
        check_not_negative("damping", self.damping)
        check_not_negative("bound", self.bound)
        check_solver(self.solver)

    def order(self, players: tuple[str, ...], state: State) -> Order:
        return 2

    def check(self, space: PlayerSpace) -> None:
        if len(space.players) != 2:
            raise ValueError(
                f"local symplectic surgery needs two players, and there are {len(space.players)}: "
                "use Consensus or Symplectic, which allow any number"
            )

    def __call__(self, w: Tensor, at: Linearization) -> Tensor:
        v, J = at.value, at.jacobian
        damping = -self.damping * torch.expm1(-torch.dot(v, v))
        u = at.solve(J.T @ J + DiagonalOperator(damping.expand_as(v)), J.T @ v, self.solver)
        g = torch.exp(-self.bound * torch.dot(u, u))
        return w + (g * (J.T @ u) - v) / 2
