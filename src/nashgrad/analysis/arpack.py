"""ARPACK's search for the outermost eigenvalues of an operator, by products alone."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackNoConvergence, eigs
from scipy.sparse.linalg import LinearOperator as ScipyOperator
from torch import Tensor

from nashgrad.core.operators import LinearOperator

BASIS = 28
"""Vectors that a search keeps, at least: with 20 it takes a fifth more products for `"LI"`."""
WARM = 12
"""The same of a warm start, which a small basis holds on to."""
SHIFT = 2.0
"""Of the stretch: with less the tolerance of outermost eigenvalues near zero is tighter, and a
twentieth more products do not reach it.
"""
POWERS = 3
"""Products that see how far the operator stretches: some two thirds of the largest |l|."""
NOT_FINITE = "a product with the operator is not finite: a field that has diverged has no spectrum"


class Found(NamedTuple):
    """What was found, one of each conjugate pair; it may not be all, nor the outermost."""

    values: Tensor
    """`(m,)`, complex128; none below the real axis."""
    residuals: Tensor
    """|A u - l u|, relative to the largest |l|, or to the stretch where that is more."""
    vectors: Tensor
    """Unit vectors u as columns, `(n, m)`."""
    products: int


@dataclass(frozen=True)
class Search:
    """A search for the k outermost eigenvalues of A by products with A; k < n - 1.

    Args:
        k: how many.
        which: as SciPy's.
        tolerance: of residuals; relative.
        max_products: the most, those for residuals included.
    """

    k: int
    which: str
    tolerance: float
    max_products: int

    def __call__(self, A: LinearOperator, start: Tensor | None = None) -> Found:
        """Searches from a start, `(n,)`."""
        product = Products(A)
        plan = self.plan(A.size, warm=start is not None)
        anything = _random(A.size).to(product.dtype)
        powers, stretch = _stretch(product, anything)
        if stretch == 0:  # a power of A is zero, and with it all eigenvalues
            nothing = torch.zeros(self.k, dtype=torch.complex128)
            vectors = powers[:, None].repeat(1, self.k)
            return Found(nothing, nothing.real, torch.complex(vectors, 0 * vectors), product.count)
        # Powers lose what is neutral, which may be rightmost or leftmost.
        first = anything if self.which in ("LR", "SR") else powers
        first = first if start is None else _warm(start, first)
        shift = SHIFT * stretch * {"LM": 0, "SR": -1}.get(self.which, 1)
        tolerance = max(self.tolerance, 100 * torch.finfo(product.dtype).eps)
        values, vectors = _upper_half(*self._arpack(product, plan, first, shift, tolerance))
        pairs = zip(values, vectors.unbind(1), strict=True)
        residuals = torch.tensor([product.residual(*pair) for pair in pairs], dtype=torch.float64)
        residuals = residuals / max([stretch, *values.abs().tolist()])
        good = residuals <= (1 + SHIFT) * tolerance  # ARPACK's is relative to |l + shift|
        return Found(values[good], residuals[good], vectors[:, good], product.count)

    def plan(self, n: int, *, warm: bool) -> Plan:
        """How the products are spent. Raises `ValueError` where they are too few."""
        k, max_products = self.k, self.max_products
        room = max_products - POWERS - (k + 1)  # residuals take one more where a pair is cut
        least = k + 3  # ARPACK multiplies its first vector once more than its basis
        if room < least:
            needed = max_products - room + least
            raise ValueError(
                f"max_products must be at least {needed} for k={k}, got {max_products}"
            )
        basis = min(n, max(WARM if warm else BASIS, 2 * k + 2))
        restarts = (room - 1 - basis) // (basis - k)
        if restarts >= 2:
            return Plan(basis, restarts, room)
        return Plan(min(n, room - 1), 1, room)

    def _arpack(
        self, product: Products, plan: Plan, first: Tensor, shift: float, tolerance: float
    ) -> tuple[Tensor, Tensor]:
        """Eigenvalues of A, though found in A + shift, and vectors as columns: what converged."""
        last = product.count + plan.products

        def shifted(u: NDArray[Any]) -> NDArray[Any]:
            if product.count == last:
                raise _Spent
            v = torch.from_numpy(u).ravel()
            image: NDArray[Any] = (product(v) + shift * v).numpy()
            return image

        n, dtype = len(first), first.numpy().dtype
        # Where a Krylov space is exhausted it goes on at random: the same again, where SciPy asks.
        again = {"rng": np.random.default_rng(0)} if "rng" in _OPTIONS else {}
        try:
            values, vectors = eigs(
                ScipyOperator((n, n), matvec=shifted, dtype=dtype),
                self.k,
                which=self.which,
                v0=first.numpy(),
                ncv=plan.basis,
                maxiter=plan.restarts,
                tol=tolerance,
                **again,
            )
        except ArpackNoConvergence as error:
            values, vectors = error.eigenvalues, error.eigenvectors
        except _Spent:
            values, vectors = np.zeros(0), np.zeros((n, 0))
        values = torch.from_numpy(np.asarray(values, dtype=np.complex128))
        return values - shift, torch.from_numpy(np.asarray(vectors)).to(first.dtype.to_complex())


class Plan(NamedTuple):
    """How products are spent."""

    basis: int
    restarts: int
    products: int
    """What ARPACK may take; it may need all of that for one basis without a restart."""


class Products:
    """Products on the host, in ARPACK's precision, counted and checked."""

    def __init__(self, A: LinearOperator) -> None:
        self.A, self.count = A, 0
        self.dtype = torch.float64 if A.dtype == torch.float64 else torch.float32

    def __call__(self, u: Tensor) -> Tensor:
        self.count += 1
        image: Tensor = self.A @ u.to(self.A.device, self.A.dtype)
        if not image.isfinite().all():
            raise ValueError(NOT_FINITE)
        return image.detach().to("cpu", self.dtype)

    def residual(self, value: Tensor, u: Tensor) -> float:
        """|A u - l u| of a unit vector: one product for a real one, two for a complex one."""
        image = torch.complex(self(u.real), self(u.imag) if value.imag != 0 else 0 * u.real)
        return float(torch.linalg.vector_norm(image - value.to(u.dtype) * u))


def _random(n: int) -> Tensor:
    return torch.randn(n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def _stretch(product: Products, u: Tensor) -> tuple[Tensor, float]:
    """A^3 u, and how far the last of these products stretched its vector; if to zero, that one."""
    length = 0.0
    for _ in range(POWERS):
        u = u / torch.linalg.vector_norm(u)
        image = product(u)
        length = float(torch.linalg.vector_norm(image))
        if length == 0:
            return u, 0.0
        u = image
    return u, length


def _warm(start: Tensor, like: Tensor) -> Tensor:
    first = start.detach().to("cpu", like.dtype)
    if first.shape != like.shape:
        raise ValueError(f"start must have shape {tuple(like.shape)}, got {tuple(start.shape)}")
    usable = first.isfinite().all() and first.any()
    return first if usable else like


class _Spent(Exception):  # noqa: N818 (nothing is wrong)
    """No products are left."""


_OPTIONS = inspect.signature(eigs).parameters


def _upper_half(values: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """One of each conjugate pair, the one above; SciPy may have dropped either."""
    several = values.tolist()
    keep = [i for i, z in enumerate(several) if z.imag >= 0 or z.conjugate() not in several]
    values, vectors = values[keep], vectors[:, keep]
    lower = values.imag < 0
    return torch.where(lower, values.conj(), values), torch.where(lower, vectors.conj(), vectors)
