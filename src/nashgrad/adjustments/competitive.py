"""Competitive gradient descent: the step is the Nash equilibrium of a local bilinear game."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nashgrad.adjustments.implicit import Implicit, solvable
from nashgrad.core.adjustment import Base
from nashgrad.core.blocks import Block, OffDiagonal
from nashgrad.core.krylov import Krylov, check_solver
from nashgrad.core.limits import check_between, check_positive
from nashgrad.core.linearization import Linearization, Order, State
from nashgrad.core.operators import IdentityOperator, LinearOperator
from nashgrad.core.space import PlayerSpace

_GMRES = Krylov()


class _Competitive(Implicit):
    """What plain and adaptive competitive descent share: the system of two players."""

    def init(self, space: PlayerSpace) -> State:
        if len(space.players) != 2:
            raise ValueError(
                "competitive gradient descent needs two players, and there are "
                f"{len(space.players)}: use LinearlyImplicit or Consensus, which allow any number"
            )
        return super().init(space)

    def scaled(
        self, at: Linearization, K: LinearOperator, b: Tensor, guess: Tensor | None
    ) -> Tensor:
        """The z with (I - K_o) z = b."""
        if self.solver.method == "cg":
            system = solvable(IdentityOperator(K) - OffDiagonal(K, at.space), b, self.solver)
            return at.solve(*system, self.solver, guess)
        return self._eliminated(at, K, b, guess)

    def _eliminated(
        self, at: Linearization, K: LinearOperator, b: Tensor, guess: Tensor | None
    ) -> Tensor:
        """The same by (I - K_pq K_qp) z_p = b_p + K_pq b_q and z_q = b_q + K_qp z_p.

        That takes two products per iteration as K_o does, and half as many iterations: a power of
        K_pq K_qp is two of K_o.
        """
        p, q = sorted(at.space.players, key=lambda name: len(b[at.space.block(name)]))
        pq, qp = Block(K, at.space, p, q), Block(K, at.space, q, p)
        A, b_p = IdentityOperator(K) - pq @ qp, at.space.restrict(b, p) + pq @ b
        z_p = at.solve(A, b_p, self.solver, None if guess is None else at.space.restrict(guess, p))
        return z_p + at.space.restrict(b, q) + qp @ z_p


@dataclass(frozen=True)
class Competitive(_Competitive):
    r"""Competitive gradient descent (CGD): w = (I - J_o S)^-1 v, S = diag(step sizes).

    The step S w is the Nash equilibrium of the game in which each player's loss is its linear part,
    the bilinear interaction with the other's step, and its own squared step over 2 S:
    S w = S (v + J_o S w), J_o being J without the players' own blocks. To first order in S it is
    [`LookAhead`][nashgrad.adjustments.LookAhead]; the whole series makes it stable for any strength
    of the interaction. On a zero-sum game with step size h, J_o is antisymmetric and
    w = (I - h^2 J_o^2)^-1 (I + h J_o) v. What players' own curvature does stays explicit.

    In a `Chain` the system is solved for the w that comes in.

    Args:
        rate: the step size; `None` for the optimisers' effective steps. Zero makes it plain.
        solver: `"gmres"` solves for the smaller player's block, in any game; `"cg"` solves the
            normal equations of the whole, which in zero-sum games are the published form above.
        warm: whether the solver starts from the last step's w: it then has memory. It pays where
            little changes from step to step; on fresh batches it costs more than it saves.

    Cost: one gradient evaluation with a graph, one linear solve. With `"gmres"` two products with J
    per iteration and two, and two more for a warm start; with `"cg"` four per iteration, two of
    them with J^T, and two, and four for a warm start. Memory: w, if warm. Keeps fixed points of v
    and has no others. Two players. Any base optimiser with a rate; one whose effective steps are
    known without.

    Raises:
        ValueError: For a rate that is negative or not finite, and for other than two players; in a
            step without a rate where no GameOptimizer knows one.
        TypeError: For a solver that is none.

    References:
        F. Schaefer, A. Anandkumar: Competitive Gradient Descent, 2019.
    """

    rate: float | None = None
    solver: Krylov = _GMRES
    warm: bool = False


@dataclass(frozen=True)
class AdaptiveCompetitive(_Competitive):
    r"""Adaptive competitive gradient descent (ACGD): w = D u with (I - J_o h D) u = v.

    CGD in which each coordinate has its own step h D, as Adam has it, and the equilibrium is that
    of players who know these steps: with t the number of steps so far, this one included,

    - m <- beta m + (1 - beta) v^2,
    - D = diag(sqrt(1 - beta^t) / (sqrt(m) + epsilon)).

    h is the learning rate of the SGD below, which makes the step h w; schedulers work on it.
    (Correction and epsilon are placed as in the authors' code.)

    Args:
        beta: decay of the second moment; between 0 and 1.
        epsilon: added to the root; positive.
        solver: as for [`Competitive`][nashgrad.adjustments.Competitive].
        warm: whether the solver starts from the last step's u; likewise.

    Cost: that of CGD. Memory: m, the number of steps, and u if warm. Keeps fixed points of v and
    has no others. Two players. Base optimiser: SGD without momentum and weight decay.

    Raises:
        ValueError: For constants out of range, other than two players, and other base optimisers.
        TypeError: For a solver that is none.

    References:
        F. Schaefer, H. Zheng, A. Anandkumar: Implicit competitive regularization in GANs, 2020.
    """

    beta: float = 0.99
    epsilon: float = 1e-5
    solver: Krylov = _GMRES
    warm: bool = False

    def __post_init__(self) -> None:
        check_solver(self.solver)
        check_positive("epsilon", self.epsilon)
        check_between("beta", self.beta, 0, 1)

    @property
    def pure(self) -> bool:
        return False

    @property
    def base(self) -> Base:
        return "plain"

    def order(self, players: tuple[str, ...], state: State) -> Order:
        return 2

    def init(self, space: PlayerSpace) -> State:
        count = torch.zeros((), dtype=torch.float64, device=space.device)
        return {
            "moment": torch.zeros_like(space.get()),
            "steps": {player: count.clone() for player in space.players},
            "last": super().init(space),
        }

    def update(self, w: Tensor, at: Linearization, state: State) -> tuple[Tensor, State]:
        # In a turn of one player the other's step is what it would be if it moved as well.
        moment = self.beta * state["moment"] + (1 - self.beta) * w.square()
        steps = {player: t + 1 for player, t in state["steps"].items()}
        D = self._correction(at, steps).sqrt() / (moment.sqrt() + self.epsilon)
        u = self.solve(w, at, at.steps(None) * D, state["last"])
        return D * u, {
            "moment": at.space.merge(moment, state["moment"], at.players),
            "steps": {p: steps[p] if p in at.players else t for p, t in state["steps"].items()},
            "last": at.space.merge(u, state["last"], at.players) if self.warm else None,
        }

    def _correction(self, at: Linearization, steps: dict[str, Tensor]) -> Tensor:
        """1 - beta^t of each coordinate's player, `(n,)`."""
        blocks = zip(at.space.players, at.space.split(at.value), strict=True)
        each = [(1 - self.beta ** steps[p]).to(b.dtype).expand_as(b) for p, b in blocks]
        return torch.cat(each)
