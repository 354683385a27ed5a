"""Where a step leads from here: what the linearised dynamics make of the present field."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from nashgrad.analysis.gamma import projected
from nashgrad.core.operators import LinearOperator

PER_TURN = 0.05
"""|Re l| / |Im l| up to which an eigenvalue turns: it changes by less than e^(0.1 pi), a third and
a bit, while it goes round once.
"""


class Motion(NamedTuple):
    """What the present step is made of, in shares that add up to one.

    A share belongs to an eigenvalue l of A, where d <- (I + A) d carries the step d on.
    """

    cycling: float
    """Goes round: |Re l| <= 0.05 |Im l|, and the step itself enlarges it no faster than that."""
    overshooting: float
    """Grows because the step is too large: |1 + l| > 1, where a smaller one would shrink it or go
    round.
    """
    growing: float
    """Grows however small the step: Re l > 0."""
    shrinking: float
    drifting: float
    """Neither: l = 0 to rounding."""
    factor: float
    """The largest |1 + l| that has a share of at least 0.05."""


def motion(A: LinearOperator, d: Tensor, *, rank: int = 30) -> Motion:
    r"""Splits a step by the eigenvalues of the map that carries it on.

    The map is projected on the Krylov space of d (Arnoldi), of which the next steps never leave the
    first dimensions. With V^T A V = Y diag(l) Y^-1 and d = |d| V e_1, eigenvalue l_i has the weight
    |(Y^-1 e_1)_i|, columns of Y being of length one.

    Args:
        A: what one step does: S w', or S^1/2 w' S^1/2 with d = S^1/2 w, for step sizes S.
        d: the step, `(n,)`, not zero.
        rank: dimension of the space, and products that it takes.

    Raises:
        ValueError: For a d that is zero or not finite.
    """
    if not bool(d.isfinite().all()) or not bool(d.any()):
        raise ValueError("d must be finite and not zero")
    H, _ = projected(A, d.to(A.device, A.dtype), rank)
    values, Y = torch.linalg.eig(H)
    first = torch.zeros(len(values), dtype=Y.dtype)
    first[0] = 1
    # A defective H has no basis of eigenvectors; the shortest of the best weights will do.
    weights = torch.linalg.lstsq(Y, first[:, None], driver="gelsd").solution[:, 0].abs()
    share = weights / weights.sum()
    turning = values.real.abs() <= PER_TURN * values.imag.abs()
    log_factor = (1 + values).abs().log()
    kinds = {
        "drifting": values.abs() <= 1e-9 * max(1e-300, float(values.abs().max())),
        "cycling": turning & (log_factor <= PER_TURN * values.imag.abs()),
        "growing": values.real > 0,
        "overshooting": log_factor > 0,
        "shrinking": torch.ones_like(turning),
    }
    shares, left = {}, torch.ones_like(turning)
    for kind, here in kinds.items():
        # What turns and yet grows fast does so for its step: see `cycling`.
        mine = left & here & ~(turning & (log_factor > 0)) if kind == "growing" else left & here
        shares[kind], left = float(share[mine].sum()), left & ~mine
    seen = log_factor[share >= 0.05]
    return Motion(**shares, factor=float(seen.max().exp()) if len(seen) else 1.0)
