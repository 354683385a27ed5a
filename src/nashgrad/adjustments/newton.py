"""Newton's method for v(x) = 0."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from nashgrad.core.adjustment import Base, PureAdjustment
from nashgrad.core.krylov import Krylov, check_solver
from nashgrad.core.limits import check_not_negative
from nashgrad.core.linearization import Linearization, Order, State
from nashgrad.core.operators import IdentityOperator

_CG = Krylov("cg", iterations=50)


@dataclass(frozen=True)
class Newton(PureAdjustment):
    r"""Damped Newton (Levenberg-Marquardt): w = -(J^T J + damping I)^-1 J^T v.

    The minimum of |v + J w|^2 + damping |w|^2. Without damping it is -J^-1 v, which on a linear
    game arrives in one step; where J is singular it is the shortest of the best. A large damping
    leaves 1/damping times the step of consensus' second term.

    Near a fixed point w' = -(J^T J + damping I)^-1 J^T J: all its eigenvalues are negative. So
    *every* fixed point with an invertible J attracts, spurious ones as well: a generator at its
    worst, a discriminator at its most mistaken. Use it to polish what another method has found, or
    as a reference. Away from fixed points it may stop where J^T v = 0 with v != 0.

    In a `Chain` the w that comes in takes the place of v.

    Args:
        damping: in units of J^2; non-negative.
        solver: solves for w. The matrix is symmetric and positive semi-definite, and its condition
            is that of J squared.

    Cost: one gradient evaluation with a graph, one product with J^T, and one linear solve of two
    products per iteration. No memory. Keeps fixed points of v. Any number of players. Base
    optimiser: SGD without momentum and weight decay, whose learning rate is the share of the step
    that is taken; 1 is a whole step.

    Raises:
        ValueError: For a damping that is negative or not finite, and other base optimisers.
        TypeError: For a solver that is none.

    References:
        K. Levenberg: A method for the solution of certain non-linear problems in least squares,
        1944. D. Marquardt: An algorithm for least-squares estimation of nonlinear parameters, 1963.
    """

    damping: float = 1e-3
    solver: Krylov = _CG

    def __post_init__(self) -> None:
        check_not_negative("damping", self.damping)
        check_solver(self.solver)

    @property
    def base(self) -> Base:
        return "plain"

    def order(self, players: tuple[str, ...], state: State) -> Order:
        return 2

    def __call__(self, w: Tensor, at: Linearization) -> Tensor:
        J = at.jacobian
        A = J.T @ J + self.damping * IdentityOperator(J)
        return -at.solve(A, J.T @ w, self.solver)
