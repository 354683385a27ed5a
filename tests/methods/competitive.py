"""Rows of competitive gradient descent, in the papers' own signs: gradients, not utilities."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from methods.case import Method, eye, off_diagonal
from nashgrad.adjustments import AdaptiveCompetitive, Competitive
from nashgrad.analysis.updates import competitive
from nashgrad.core.krylov import Krylov


def mixed(J: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """D_xy f and D_yx g."""
    return -J[:n, n:], -J[n:, :n]


def published(J: Tensor, sizes: Sequence[int], h: float) -> Tensor:
    """The step as the solution of one antisymmetric system, for zero-sum games."""
    B = off_diagonal(J, sizes)
    return eye(J) + h * torch.linalg.solve(eye(J) - h**2 * B @ B, (eye(J) + h * B) @ J)


def adaptive(
    v: Callable[[Tensor], Tensor],
    J: Tensor,
    sizes: Sequence[int],
    h: float,
    x: Tensor,
    *,
    beta: float,
    epsilon: float,
) -> Tensor:
    """ACGD: CGD with a vector of step sizes, from second moments as the authors' code has them."""
    n, m = sizes[0], torch.zeros_like(x)
    f_xy, g_yx = mixed(J, n)
    for t in (1, 2):
        gradient = -v(x)
        m = beta * m + (1 - beta) * gradient**2
        step = (1 - beta**t) ** 0.5 * h / (m**0.5 + epsilon)
        (f_x, g_y), (p, q) = (u.split([n, len(x) - n]) for u in (gradient, step))
        P, Q = torch.diag(p), torch.diag(q)
        dx = -torch.linalg.solve(eye(P) - P @ f_xy @ Q @ g_yx, p * (f_x - f_xy @ (q * g_y)))
        dy = -torch.linalg.solve(eye(Q) - Q @ g_yx @ P @ f_xy, q * (g_y - g_yx @ (p * f_x)))
        x = x + torch.cat([dx, dy])
    return x


GMRES, CG = Krylov("gmres", 1e-12, 100), Krylov("cg", 1e-12, 400)

METHODS = [
    Method("CGD", partial(Competitive, solver=GMRES), operator=competitive, players=2),
    Method("CGD, warm", partial(Competitive, None, GMRES, True), operator=competitive, players=2),
    Method(
        "CGD by CG",
        partial(Competitive, 0.05, CG),
        operator=partial(competitive, rate=0.05),
        players=2,
    ),
    Method(
        "CGD by CG, zero-sum",
        partial(Competitive, solver=CG),
        operator=published,
        players=2,
        game="zero-sum",
    ),
    Method(
        "ACGD",
        partial(AdaptiveCompetitive, 0.9, 1e-3, GMRES, True),
        hand=partial(adaptive, beta=0.9, epsilon=1e-3),
        players=2,
    ),
]
