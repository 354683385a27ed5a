"""What a method makes of v', as a linear map: w' near a fixed point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from nashgrad.core.adjustment import Adjustment
from nashgrad.core.linearization import Linearization
from nashgrad.core.operators import DenseOperator, LinearOperator

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
    adjusted = _Adjusted(adjustment, at, DenseOperator(J))
    W = torch.stack([adjusted.of(TINY * column) for column in J.unbind(1)], 1) / TINY
    draw = torch.Generator().manual_seed(0)
    u = torch.randn(len(J), generator=draw, dtype=torch.float64).to(J)
    expected = W @ u
    if not torch.allclose(adjusted @ u, expected, rtol=1e-3, atol=1e-3 * float(expected.norm())):
        raise ValueError(
            f"{type(adjustment).__name__} is not linear in v: it has no w' at a fixed point"
        )
    return W


def pseudo_values(
    adjustment: Adjustment, at: Linearization, J: LinearOperator, parts: Sequence[LinearOperator]
) -> list[LinearOperator]:
    """The jackknife of w' with J held fixed: m A(J) - (m - 1) A(J without J_b), for each b.

    A is not linear in J, so that A(J_b) would not do: its mean is another map. The pseudo-values'
    mean is that of A(J), less the bias that noise in J has on it to first order, and they differ as
    independent samples do.

    Args:
        adjustment: the method.
        at: a linearization whose players and step sizes are meant.
        J: the mean of all parts.
        parts: J_b of m batches; m at least 2.

    References:
        J. Tukey: Bias and Confidence in Not-Quite Large Samples, 1958.
    """
    m, whole = len(parts), _Adjusted(adjustment, at, J)
    return [m * whole - (m - 1) * _Adjusted(adjustment, at, _Without(J, part, m)) for part in parts]


class _Adjusted(LinearOperator):
    """A(J), by products with J and J^T; forwards only."""

    def __init__(self, adjustment: Adjustment, at: Linearization, J: LinearOperator) -> None:
        self._adjustment, self._at, self._J = adjustment, at, J
        self._state = adjustment.init(at.space)
        self.size, self.dtype, self.device = J.size, J.dtype, J.device

    def of(self, v: Tensor) -> Tensor:
        here = replace(self._at, value=v, operator=self._J, gradient_of=None)
        w, _ = self._adjustment.update(v, here, self._state)
        return w

    def matvec(self, u: Tensor) -> Tensor:
        return self.of(TINY * (self._J @ u)) / TINY

    def rmatvec(self, u: Tensor) -> Tensor:
        raise NotImplementedError(
            "w' with J held fixed is known by its products, not by those of its transpose"
        )


class _Without(LinearOperator):
    """(m J - J_b) / (m - 1), where and as J is: the mean of all others."""

    def __init__(self, J: LinearOperator, part: LinearOperator, m: int) -> None:
        self._J, self._part, self._m = J, part, m
        self.size, self.dtype, self.device = J.size, J.dtype, J.device

    def matvec(self, u: Tensor) -> Tensor:
        return self._rest(self._J @ u, self._part @ u.to(self._part.device, self._part.dtype))

    def rmatvec(self, u: Tensor) -> Tensor:
        J, part = self._J.T, self._part.T
        return self._rest(J @ u, part @ u.to(part.device, part.dtype))

    def _rest(self, all_of_them: Tensor, one: Tensor) -> Tensor:
        return (self._m * all_of_them - one.to(all_of_them)) / (self._m - 1)
