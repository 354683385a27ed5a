"""Operators made of a Jacobian: its parts, its means, and what steps and consensus make of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from nashgrad.core.limits import check_count, check_finite, check_not_negative
from nashgrad.core.operators import DenseOperator, DiagonalOperator, LinearOperator

SAMPLES = 8
"""Random vectors of an estimate, by default."""


def symmetric(A: LinearOperator) -> LinearOperator:
    """S = (A + A^T) / 2: the part of a Jacobian that damps or drives. Two products."""
    return 0.5 * (A + A.T)


def antisymmetric(A: LinearOperator) -> LinearOperator:
    """(A - A^T) / 2: the part of a Jacobian that rotates. Two products."""
    return 0.5 * (A - A.T)


def averaged(
    operators: Sequence[LinearOperator], weights: Sequence[float] | None = None
) -> LinearOperator:
    """The mean of operators, such as Jacobians on several batches.

    Args:
        operators: of one size.
        weights: how much each counts, relative to their sum; equally by default.

    Raises:
        ValueError: Without operators, and for weights that are negative, all zero, or of another
            number.
    """
    if not operators:
        raise ValueError("operators: there are none to average")
    weights = [1.0] * len(operators) if weights is None else list(weights)
    if len(weights) != len(operators):
        raise ValueError(f"weights must be {len(operators)} numbers, got {len(weights)}")
    for weight in weights:
        check_not_negative("weights", weight)
    total = math.fsum(weights)
    if total == 0:
        raise ValueError("weights must not all be zero")
    mean, *others = (w / total * A for w, A in zip(weights, operators, strict=True))
    for other in others:
        mean = mean + other
    return mean


def preconditioned(J: LinearOperator, steps: Tensor) -> LinearOperator:
    """S^(1/2) J S^(1/2) with S = diag(steps): the map that optimisers iterate, x + S v.

    It has the eigenvalues of S J: it is similar to it where no step is zero, and coordinates with
    step zero give neutral ones to both. In contrast to S J it keeps what is symmetric, and what is
    negative definite.

    Args:
        J: the Jacobian, or that of an adjusted field.
        steps: the step per coordinate, `(n,)`; not negative.

    Raises:
        ValueError: For steps of another size, negative or not finite.
    """
    if steps.shape != (J.size,):
        raise ValueError(f"steps must have shape ({J.size},), got {tuple(steps.shape)}")
    if not (steps.isfinite().all() and (steps >= 0).all()):
        raise ValueError("steps must be finite and not negative")
    root = DiagonalOperator(steps.detach().sqrt().to(J.device, J.dtype))
    return root @ J @ root


class ConsensusJacobian(LinearOperator):
    """J - gamma J^T J, by one product with J and one with J^T."""

    def __init__(self, J: LinearOperator, gamma: float) -> None:
        self.size, self.dtype, self.device = J.size, J.dtype, J.device
        self._J, self._gamma = J, gamma

    def matvec(self, u: Tensor) -> Tensor:
        image = self._J @ u
        return image - self._gamma * (self._J.T @ image)

    def rmatvec(self, u: Tensor) -> Tensor:
        return self._J.T @ (u - self._gamma * (self._J @ u))

    def matmat(self, U: Tensor) -> Tensor:
        return self.matvec(U)  # column by column it is the same formula

    def rmatmat(self, U: Tensor) -> Tensor:
        return self.rmatvec(U)

    def to_dense(self) -> Tensor:
        J = self._J.to_dense()
        return J - self._gamma * (J.T @ J)


def consensus_jacobian(J: LinearOperator, gamma: float) -> LinearOperator:
    """J - gamma J^T J: w' of consensus optimisation where v = 0.

    Elsewhere the second derivative of v is missing, which `AdjustedField` has.

    Args:
        J: the field's Jacobian.
        gamma: the strength; any sign.

    Raises:
        ValueError: For a gamma that is not finite.
    """
    check_finite("gamma", gamma)
    return ConsensusJacobian(J, gamma)


class Share(NamedTuple):
    """A share of a whole, between 0 and 1."""

    estimate: float
    error: float
    """Its standard error; 0 where it is exact, infinite from a single sample."""


def rotation_share(
    J: LinearOperator | Tensor,
    samples: int | None = None,
    *,
    generator: torch.Generator | None = None,
) -> Share:
    """How much of J rotates: |A|^2 / |J|^2 in the Frobenius norm, A being (J - J^T) / 2.

    0 for a potential game, where players descend one function, and 1 for a bilinear zero-sum game.
    The square norms of A and of the symmetric part add up to that of J. 0 for J = 0.

    Of matrices it is exact. Otherwise it is estimated by Hutchinson's method, from J z and J^T z of
    random vectors z of signs: E |A z|^2 is |A|^2. The standard error is that of a ratio of means;
    it is rough for few samples.

    Args:
        J: the Jacobian.
        samples: how many z, three products each; 8 by default, and none for matrices.
        generator: draws them, on the host; one of a fixed seed by default.

    Raises:
        ValueError: For products that are not finite, and no samples.

    References:
        M. Hutchinson: A stochastic estimator of the trace of the influence matrix for Laplacian
        smoothing splines, 1989.
    """
    if samples is None and isinstance(J, DenseOperator | Tensor):
        return _exact(J if isinstance(J, Tensor) else J.matrix)
    A = DenseOperator(J) if isinstance(J, Tensor) else J
    draw = torch.Generator().manual_seed(0) if generator is None else generator
    count = SAMPLES if samples is None else samples
    check_count("samples", count)
    found = torch.stack([_squares(A, draw) for _ in range(count)])
    return _ratio(*_finite(found).unbind(1))


def _exact(J: Tensor) -> Share:
    J = _finite(J.detach().double())
    whole = float(J.square().sum())
    rotating = float((J - J.T).square().sum()) / 4
    return Share(rotating / whole if whole else 0.0, 0.0)


def _squares(J: LinearOperator, draw: torch.Generator) -> Tensor:
    """|A z|^2 and |S z|^2 + |A z|^2, `(2,)`."""
    signs = 2 * torch.randint(2, (J.size,), generator=draw) - 1
    z = signs.to(J.device, J.dtype)
    forth, back = (J @ z).detach().double(), (J.T @ z).detach().double()
    rotating = (forth - back).square().sum() / 4
    return torch.stack([rotating, rotating + (forth + back).square().sum() / 4]).cpu()


def _ratio(parts: Tensor, wholes: Tensor) -> Share:
    """The ratio of two means, and its standard error to first order."""
    whole, m = float(wholes.mean()), len(wholes)
    if whole == 0:
        return Share(0.0, 0.0)
    share = float(parts.mean()) / whole
    if m == 1:
        return Share(share, math.inf)
    square = float((parts - share * wholes).square().sum()) / (m * (m - 1))
    return Share(share, math.sqrt(square) / whole)


def _finite(values: Tensor) -> Tensor:
    if not values.isfinite().all():
        raise ValueError("products with J must be finite: some are infinite or NaN")
    return values
