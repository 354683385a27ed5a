"""Linear systems A x = b on the flat vector, by products with A alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from nashgrad.core.limits import check_count, check_kind, check_positive
from nashgrad.core.operators import LinearOperator
from nashgrad.core.orthogonal import split


class Solution(NamedTuple):
    """What a Krylov method found: x, how far it is off, and what that took."""

    x: Tensor
    residual: float
    """|b - A x| / |b|, with what rounding may add."""
    iterations: int
    converged: bool


@dataclass(frozen=True)
class Krylov:
    """Solves A x = b with one product A u per iteration; vectors stay on their device.

    - `"gmres"`: the x in the Krylov space of the first residual whose residual is least; any A.
      Keeps one vector per iteration, twice that while it adds one.
    - `"cg"`: conjugate gradients, for a symmetric positive definite A. Keeps five vectors. Of its
      x the one with the least residual counts, for residuals go up and down.

    Both stop when |b - A x| <= tolerance |b|, and look at that number, which waits for the device,
    once per iteration. They stop as well where iterations bring no more: when the Krylov space is
    exhausted (a singular A, and a b that it cannot reach), at the precision of the vectors' type,
    and, for `"cg"`, at a direction u for which <u, A u> is not positive or lost in rounding. What
    they have then, or when iterations run out, is returned, and as not converged unless it is good
    enough. The residual is followed along the way, without a product of its own.

    Args:
        method: `"gmres"` or `"cg"`.
        tolerance: largest relative residual; positive. In float32 some 1e-6 times the condition of
            A is the least that can be had.
        iterations: most iterations; at least 1.

    Raises:
        ValueError: For an unknown method and numbers out of range.

    References:
        Y. Saad, M. Schultz: GMRES: A generalized minimal residual algorithm for solving
        nonsymmetric linear systems, 1986. M. Hestenes, E. Stiefel: Methods of conjugate gradients
        for solving linear systems, 1952.
    """

    method: Literal["gmres", "cg"] = "gmres"
    tolerance: float = 1e-3
    iterations: int = 20

    def __post_init__(self) -> None:
        if self.method not in _METHODS:
            raise ValueError(f"method must be one of {', '.join(_METHODS)}, got {self.method!r}")
        check_positive("tolerance", self.tolerance)
        check_count("iterations", self.iterations)

    def solve(self, operator: LinearOperator, b: Tensor, guess: Tensor | None = None) -> Solution:
        """Solves from a guess, `(n,)`, which is dropped where it is no better than zero.

        A guess costs one product. What is not finite is not solved: such a b comes back as it is,
        and a product that is not finite makes all of x NaN.
        """
        size = _norm(b)
        if size == 0:
            return Solution(torch.zeros_like(b), 0.0, 0, True)
        if not math.isfinite(size):
            return Solution(b, math.inf, 0, False)
        x, r, eps = torch.zeros_like(b), b, torch.finfo(b.dtype).eps
        if guess is not None:
            left = b - operator @ guess
            if _norm(left) < size:
                x, r = guess, left
        # Below the rounding of b itself a residual means nothing.
        enough = max(self.tolerance, eps)
        found = _METHODS[self.method](operator, r / size, enough, self.iterations)
        x = x + size * found.d
        rounding = eps * found.scale * _norm(x) / size
        residual = max(found.residual, rounding)
        return Solution(x, residual, found.iterations, residual <= self.tolerance)


def _norm(u: Tensor) -> float:
    return float(torch.linalg.vector_norm(u))


class _Found(NamedTuple):
    """A correction d, |r - A d|, the largest |A u| / |u| seen, and the number of products."""

    d: Tensor
    residual: float
    scale: float
    iterations: int


def _not_finite(r: Tensor, iterations: int) -> _Found:
    return _Found(r * math.nan, math.inf, 0.0, iterations)


def _gmres(operator: LinearOperator, r: Tensor, enough: float, iterations: int) -> _Found:
    """The correction d with the least |r - A d| in span{r, A r, A^2 r, ...}."""
    size, eps = _norm(r), torch.finfo(r.dtype).eps
    basis, small = (r / size if size > 0 else r)[None], _LeastSquares(size)
    while small.residual > enough and len(small.columns) < iterations:
        within, u = split(operator @ basis[-1], basis)
        length = torch.linalg.vector_norm(u)
        column = torch.cat([within, length[None]]).tolist()
        if not all(map(math.isfinite, column)):
            return _not_finite(r, len(small.columns) + 1)
        rest = column[-1]
        small.add(column)
        if rest <= 10 * eps * small.scale:
            break  # all that is left is what rounding left
        basis = torch.cat([basis, (u / length)[None]])
    y, residual = small.solve(eps)
    d = torch.as_tensor(y, dtype=r.dtype, device=r.device) @ basis[: len(y)]
    return _Found(d, residual, small.scale, len(y))


@dataclass
class _LeastSquares:
    """The y with the least |size e_1 - H y|, H growing by columns: H = Q R by Givens rotations.

    References:
        Y. Saad: Iterative Methods for Sparse Linear Systems, 2003, section 6.5.3.
    """

    last: float
    """The last entry of Q^T (size e_1), which no y reaches."""
    scale: float = 0.0
    """The greatest length of a column of H."""
    columns: list[list[float]] = field(default_factory=list)
    target: list[float] = field(default_factory=list)
    rotations: list[tuple[float, float]] = field(default_factory=list)

    @property
    def residual(self) -> float:
        """The least, where R is invertible."""
        return abs(self.last)

    def add(self, column: list[float]) -> None:
        """Adds the next column of H, one entry longer than the one before."""
        self.scale = max(self.scale, math.hypot(*column))
        for k, (c, s) in enumerate(self.rotations):
            a, b = column[k : k + 2]
            column[k : k + 2] = [c * a + s * b, c * b - s * a]
        *rest, a, b = column
        length = math.hypot(a, b)
        c, s = (a / length, b / length) if length > 0 else (1.0, 0.0)
        self.rotations.append((c, s))
        self.columns.append([*rest, length])
        self.target.append(c * self.last)
        self.last = -s * self.last

    def solve(self, eps: float) -> tuple[np.ndarray, float]:
        """That y and its residual; directions in which R vanishes to rounding are left out."""
        size = len(self.columns)
        upper, target = np.zeros((size, size)), np.array(self.target)
        for j, column in enumerate(self.columns):
            upper[: j + 1, j] = column
        y = np.linalg.lstsq(upper, target, rcond=10 * eps * size)[0]
        return y, math.hypot(self.last, np.linalg.norm(target - upper @ y))


def _conjugate_gradients(
    operator: LinearOperator, r: Tensor, enough: float, iterations: int
) -> _Found:
    """Of the corrections with the least error in the norm of A, that with the least |r - A d|."""
    d, p, square = torch.zeros_like(r), r, torch.dot(r, r)
    best, scale, eps = _Found(d, float(square) ** 0.5, 0.0, 0), 0.0, torch.finfo(r.dtype).eps
    for j in range(iterations):
        if best.residual <= enough:
            break
        image, length = operator @ p, torch.linalg.vector_norm(p)
        stretch, curvature = torch.linalg.vector_norm(image) / length, torch.dot(p, image)
        step = square / curvature
        left = r - step * image
        after = torch.dot(left, left)
        largest, least, ahead = torch.stack([stretch, curvature / length**2, after]).tolist()
        if not (math.isfinite(largest) and math.isfinite(least)):
            return _not_finite(r, j + 1)
        scale = max(scale, largest)
        best = best._replace(scale=scale, iterations=j + 1)
        if least <= eps * scale:
            break  # not positive definite, to rounding
        d, r = d + step * p, left
        p, square = r + (after / square) * p, after
        if ahead**0.5 < best.residual:
            best = _Found(d, ahead**0.5, scale, j + 1)
    return best


def check_solver(value: object) -> None:
    """Raises `TypeError` unless the value is a Krylov."""
    check_kind("solver", value, Krylov, "Krylov('cg')")


_METHODS = {"gmres": _gmres, "cg": _conjugate_gradients}
