"""What a method makes of v', as a linear map: w' near a fixed point."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from nashgrad.core.adjustment import Adjustment
from nashgrad.core.linearization import Linearization
from nashgrad.core.operators import DenseOperator

TINY = 1e-6
"""Of J's columns: what limits the size of w is not to be felt, as near a fixed point."""


def adjusted_map(adjustment: Adjustment, at: Linearization, J: Tensor) -> Tensor:
    """W' with J held fixed: what the adjustment makes of the game with the field J x, `(n, n)`.

    For consensus it is J - gamma J^T J. It is all of w' where v = 0, for methods that are
    differentiable there; elsewhere the derivative of J is left out.

    Args:
        adjustment: the method; what it remembers is left out.
        at: a linearization whose players and step sizes are meant.
        J: `(n, n)`.

    Raises:
        ValueError: For a method that is not linear in v for a given J, and for one that needs more
            of a game than J.
    """
    operator = DenseOperator(J)
    state = adjustment.init(at.space)

    def of(u: Tensor) -> Tensor:
        here = replace(at, value=u, operator=operator, gradient_of=None)
        w, _ = adjustment.update(u, here, state)
        return w

    W = torch.stack([of(TINY * column) for column in J.unbind(1)], 1) / TINY
    draw = torch.Generator().manual_seed(0)
    u = torch.randn(len(J), generator=draw, dtype=torch.float64).to(J)
    expected, found = W @ u, of(TINY * (J @ u)) / TINY
    if not torch.allclose(found, expected, rtol=1e-3, atol=1e-3 * float(expected.norm())):
        raise ValueError(
            f"{type(adjustment).__name__} is not linear in v: it has no w' at a fixed point"
        )
    return W
