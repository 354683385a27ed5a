"""Krylov descent: the best step in a space of a few directions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nashgrad.core.adjustment import Base, PureAdjustment
from nashgrad.core.limits import check_count, check_positive
from nashgrad.core.linearization import Linearization, Order, State
from nashgrad.core.operators import LinearOperator
from nashgrad.core.orthogonal import split


@dataclass(frozen=True)
class KrylovDescent(PureAdjustment):
    r"""Krylov descent: w = the minimum of |v + J w|^2 + damping |w|^2 over a few directions.

    They are span{v, J^T v, (J^T)^2 v, ...}: plain ascent, consensus, and what follows. So two
    dimensions are consensus with the best gamma and length of step for the linearised game, and all
    n of them are [`Newton`][nashgrad.adjustments.Newton]. The cost is known beforehand, and nothing
    waits for the device. With one dimension alone w = 0 wherever <v, J v> = 0, as on all of a
    bilinear game; with two or more, w = 0 where J^T v = 0 and nowhere else.

    Like Newton's method, it goes to any fixed point with an invertible J, spurious ones as well.

    Vinyals and Povey minimise a loss over the Krylov space of its curvature and its gradient, on a
    batch of its own, by BFGS, with the last step among the directions. Ours: |v|^2, which a game
    has instead of a loss; its linearisation on the same batch; powers of J^T, whose products cost
    half of those with J; the damping.

    In a `Chain` the w that comes in takes the place of v.

    Args:
        dimension: how many directions; at least 1.
        damping: in units of J^2; positive.

    Cost: one gradient evaluation with a graph, `dimension` products with J and `dimension - 1` with
    J^T. No memory. Keeps fixed points of v. Any number of players. Base optimiser: SGD without
    momentum and weight decay, whose learning rate is the share of the step that is taken.

    Raises:
        ValueError: For numbers out of range, and other base optimisers.

    References:
        O. Vinyals, D. Povey: Krylov Subspace Descent for Deep Learning, 2012.
    """

    dimension: int = 3
    damping: float = 1e-3

    def __post_init__(self) -> None:
        check_positive("damping", self.damping)
        check_count("dimension", self.dimension)

    @property
    def base(self) -> Base:
        return "plain"

    def order(self, players: tuple[str, ...], state: State) -> Order:
        return 2

    def __call__(self, w: Tensor, at: Linearization) -> Tensor:
        J = at.jacobian
        K = self._directions(J.T, w)
        JK = torch.stack([J @ q for q in K]).double()  # the products below square the condition
        A = JK @ JK.T + self.damping * torch.eye(len(K), dtype=JK.dtype, device=JK.device)
        # Positive definite, so it needs none of the checks that wait for the device.
        c: Tensor = torch.linalg.solve_ex(A, -(JK @ w.double())).result
        return c.to(w.dtype) @ K

    def _directions(self, A: LinearOperator, u: Tensor) -> Tensor:
        """An orthonormal basis of span{u, A u, ...}, `(dimension, n)`; zeros where it ends."""
        K = _unit(u, u)[None]
        for _ in range(self.dimension - 1):
            image = A @ K[-1]
            _, u = split(image, K)
            K = torch.cat([K, _unit(u, image)[None]])
        return K


def _unit(u: Tensor, before: Tensor) -> Tensor:
    """The vector u at length 1; zero where it is what rounding left of another one."""
    length, eps = torch.linalg.vector_norm(u), torch.finfo(u.dtype).eps
    real = length > 10 * eps * torch.linalg.vector_norm(before)
    # The denominator is made safe first, for the derivative at a fixed point.
    return torch.where(real, u / torch.where(real, length, 1.0), 0.0)
