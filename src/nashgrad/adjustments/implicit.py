"""Linearly implicit steps, and what methods with such a linear system share."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from nashgrad.core.adjustment import Adjustment, Base
from nashgrad.core.krylov import Krylov, check_solver
from nashgrad.core.limits import check_not_negative
from nashgrad.core.linearization import Linearization, Order, State
from nashgrad.core.operators import DiagonalOperator, IdentityOperator, LinearOperator
from nashgrad.core.space import PlayerSpace

_GMRES = Krylov()
System: TypeAlias = tuple[LinearOperator, Tensor]
"""A and b of A x = b."""


class Implicit(Adjustment):
    """w -> u with (I - M S) u = w, S = diag(step sizes) and M a part of J: the shared half.

    The system is solved as (I - K) z = S^1/2 w with K = S^1/2 M S^1/2 and u = S^-1/2 z: where step
    sizes differ by orders of magnitude, as adaptive optimisers' do, I - M S is badly scaled and
    I - K is not. |z| is the length of the step in the metric S^-1, and the residual is measured in
    it.
    """

    rate: float | None
    solver: Krylov
    warm: bool

    def __post_init__(self) -> None:
        check_solver(self.solver)
        if self.rate is not None:
            check_not_negative("rate", self.rate)

    @property
    def pure(self) -> bool:
        return not self.warm

    @property
    def base(self) -> Base:
        return "known" if self.rate is None else "any"

    def order(self, players: tuple[str, ...], state: State) -> Order:
        return 1 if self.rate == 0 else 2

    def init(self, space: PlayerSpace) -> State:
        return torch.zeros_like(space.get()) if self.warm else None

    def update(self, w: Tensor, at: Linearization, state: State) -> tuple[Tensor, State]:
        if self.rate == 0:
            return w, state
        u = self.solve(w, at, at.steps(self.rate), state)
        return u, None if state is None else at.space.merge(u, state, at.players)

    def solve(self, w: Tensor, at: Linearization, steps: Tensor, last: Tensor | None) -> Tensor:
        """The u of these step sizes; the last one is where the solver starts."""
        # A coordinate without a gradient so far may have an infinite step; its own never comes.
        root = torch.where(steps.isfinite(), steps, 0).sqrt()
        S = DiagonalOperator(root)
        z = self.scaled(at, S @ at.jacobian @ S, root * w, None if last is None else root * last)
        return torch.where(root > 0, z / root, w)

    @abc.abstractmethod
    def scaled(
        self, at: Linearization, K: LinearOperator, b: Tensor, guess: Tensor | None
    ) -> Tensor:
        """The z, `(n,)`, with (I - K) z = b; K = S^1/2 J S^1/2 still has all of its blocks."""


def solvable(A: LinearOperator, b: Tensor, solver: Krylov) -> System:
    """The system itself, or the normal equations A^T A x = A^T b for conjugate gradients."""
    return (A.T @ A, A.T @ b) if solver.method == "cg" else (A, b)


@dataclass(frozen=True)
class LinearlyImplicit(Implicit):
    r"""Linearly implicit Euler: w = (I - J S)^-1 v, S = diag(step sizes).

    The step is one Newton step of implicit Euler's x_+ = x + S v(x_+), from x; on a linear game it
    is all of it. With one step size h an eigenvalue l of J becomes 1 / (1 - h l) per step: stable
    for every h where all eigenvalues have negative real part, and on bilinear games. Large steps
    damp everything, though, and an eigenvalue with |1 - h l| > 1 does not ask for a negative real
    part: unstable points whose eigenvalues are large attract as well.

    To first order w = v + h J v. Where J is antisymmetric this is consensus with gamma = h; on the
    symmetric part the sign is the opposite one (and rightly: implicit Euler shortens the steps
    along steep directions, consensus lengthens them).

    In a `Chain` the system is solved for the w that comes in.

    Args:
        rate: the step size; `None` for the optimisers' effective steps. Zero makes it plain.
        solver: solves for w; any method, `"cg"` on the normal equations.
        warm: whether the solver starts from the last step's w: it then has memory. It pays where
            little changes from step to step; on fresh batches it costs more than it saves.

    Cost: one gradient evaluation with a graph, one linear solve; with `"gmres"` one product with J
    per iteration, and one for a warm start; with `"cg"` two per iteration (J and J^T), one, and two
    for a warm start. Memory: w, if warm. Keeps fixed points of v and has no others. Any number of
    players. Any base optimiser with a rate; one whose effective steps are known without.

    Raises:
        ValueError: For a rate that is negative or not finite; in a step without a rate where no
            GameOptimizer knows one.
        TypeError: For a solver that is none.

    References:
        E. Hairer, G. Wanner: Solving Ordinary Differential Equations II, 1996, section IV.7
        (Rosenbrock methods; this is the one of one stage).
    """

    rate: float | None = None
    solver: Krylov = _GMRES
    warm: bool = False

    def scaled(
        self, at: Linearization, K: LinearOperator, b: Tensor, guess: Tensor | None
    ) -> Tensor:
        A, b = solvable(IdentityOperator(K) - K, b, self.solver)
        return at.solve(A, b, self.solver, guess)
