"""Rows of opponent-aware learning, on games with l_i = -x_i^T (J_ii x_i / 2 + J_i. x_-i + b_i)."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from methods.case import Method, off_diagonal
from nashgrad.adjustments import LOLA, LookAhead, StableOpponentShaping
from nashgrad.analysis.updates import look_ahead


def chi(J: Tensor, sizes: Sequence[int], x: Tensor) -> Tensor:
    """diag(H_o^T grad l) of Letcher et al.: chi_i = sum over j != i of H_ji^T dl_i/dx_j, H = -J."""
    blocks = [row.split(list(sizes), 1) for row in J.split(list(sizes))]
    xs = x.split(list(sizes))
    total = []
    for i in range(len(sizes)):
        felt = [-blocks[i][j].T @ xs[i] for j in range(len(sizes))]  # dl_i/dx_j
        rows = [-blocks[j][i].T @ felt[j] for j in range(len(sizes)) if j != i]
        total.append(torch.stack(rows).sum(0))
    return torch.cat(total)


def shaped(
    v: Callable[[Tensor], Tensor],
    J: Tensor,
    sizes: Sequence[int],
    h: float,
    x: Tensor,
    *,
    p: Callable[[Tensor, Tensor, Tensor], Tensor | float],
    rate: float | None = None,
) -> Tensor:
    """Steps along xi_0 - p alpha chi, in the paper's own signs: xi = -v, H = -J."""
    alpha = h if rate is None else rate
    H_o = -off_diagonal(J, sizes)
    for _ in range(2):
        xi = -v(x)
        xi_0, shaping = xi - alpha * H_o @ xi, -alpha * chi(J, sizes, x)
        x = x - h * (xi_0 + p(xi, xi_0, shaping) * shaping)
    return x


def stable(xi: Tensor, xi_0: Tensor, shaping: Tensor, *, a: float, b: float) -> float:
    """The criterion of stable opponent shaping, Algorithm 1 of Letcher et al."""
    product = (shaping @ xi_0).item()
    p1 = 1.0 if product >= 0 else min(1.0, -a * (xi_0 @ xi_0).item() / product)
    p2 = (xi @ xi).item() if xi.norm() < b else 1.0
    return min(p1, p2)


def whole(xi: Tensor, xi_0: Tensor, shaping: Tensor) -> float:
    return 1.0


METHODS = [
    Method("LookAhead", LookAhead, operator=look_ahead),
    Method(
        "LookAhead, rate given", partial(LookAhead, 0.3), operator=partial(look_ahead, rate=0.3)
    ),
    Method("LOLA", LOLA, hand=partial(shaped, p=whole), keeps=False),
    Method(
        "LOLA, rate given",
        partial(LOLA, 0.3),
        hand=partial(shaped, p=whole, rate=0.3),
        keeps=False,
    ),
    Method("SOS", StableOpponentShaping, hand=partial(shaped, p=partial(stable, a=0.5, b=0.1))),
    Method(
        "SOS, cut back",
        partial(StableOpponentShaping, 0.01, 0.1, 0.3),
        hand=partial(shaped, p=partial(stable, a=0.01, b=0.1), rate=0.3),
    ),
]
