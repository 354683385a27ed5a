"""Eigenvalues of an operator: all of a small one's, the outermost of a large one's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from nashgrad.analysis.arpack import NOT_FINITE, Search
from nashgrad.core.limits import check_count, check_positive
from nashgrad.core.operators import DenseOperator, LinearOperator

Which: TypeAlias = Literal["LM", "LR", "SR", "LI"]
"""Which eigenvalues are the outermost: those largest in magnitude, rightmost, leftmost, or largest
in their imaginary parts, of either sign.
"""
KEYS: dict[str, Callable[[Tensor], Tensor]] = {
    "LM": torch.abs,
    "LR": torch.real,
    "SR": lambda values: -values.real,
    "LI": lambda values: values.imag.abs(),
}
DENSE = 500
"""Size up to which the whole matrix costs no more than a search: its products come in batches."""
LARGEST = 20_000
"""Size up to which all eigenvalues can be had: a matrix of 3 GB, and several of them."""
PRODUCTS = 1_000
"""Most products of a search, by default."""


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues l, how exact they are, and whether they are all."""

    eigenvalues: Tensor
    """`(k,)`, complex128 on the host, the outermost first. Both of a conjugate pair are there, so
    that it may be one more than asked for.
    """
    residuals: Tensor
    """`(k,)`, float64: |A u - l u| of unit vectors u, or |A^T u - l u|, relative to the largest |l|
    found, or to what A was seen to stretch a vector where that is more.
    """
    complete: bool
    """Whether these are all n of them."""
    products: int
    """Products with A or A^T that it took."""
    right: Tensor | None = None
    """Eigenvectors x as columns, `(n, k)`, where they were asked for: A x = l x."""
    left: Tensor | None = None
    """y with y^H A = l y^H, likewise, of complete spectra of matrices that are not defective."""
    start: Tensor | None = None
    """Where to look for the same eigenvalues of a nearby operator, `(n,)`."""
    asked: int | None = None
    """How many were asked for; `None` for all, and for two spectra joined."""

    @property
    def converged(self) -> int:
        """How many of those asked for were found."""
        found = len(self.eigenvalues)
        return found if self.asked is None else min(found, self.asked)

    def joined(self, other: Spectrum) -> Spectrum:
        """Those of both, each once: this one's where they differ by less than 0.1 % of the largest.

        Args:
            other: eigenvalues of the same operator, by another `which`.
        """
        products = self.products + other.products
        mine, others = self.eigenvalues, other.eigenvalues
        if not len(mine) or not len(others) or self.complete:
            return replace(self if len(mine) else other, products=products)
        scale = float(torch.cat([mine, others]).abs().max())
        new = (others[:, None] - mine[None]).abs().amin(1) > 1e-3 * scale
        right = None
        if self.right is not None and other.right is not None:
            right = torch.cat([self.right, other.right[:, new]], 1)
        return Spectrum(
            torch.cat([mine, others[new]]),
            torch.cat([self.residuals, other.residuals[new]]),
            False,
            products,
            right,
            start=self.start,
        )


def spectrum(
    operator: LinearOperator | Tensor,
    k: int | None = None,
    which: Which = "LM",
    *,
    start: Tensor | None = None,
    tolerance: float = 1e-3,
    max_products: int | None = None,
    vectors: bool = False,
) -> Spectrum:
    """All eigenvalues of A, or the k outermost.

    - All of them, of matrices, and where n <= 500: from the matrix, in float64, to rounding.
    - k of a larger operator: by ARPACK's implicitly restarted Arnoldi method, from products with
      A^T, whose eigenvalues are A's: of a Jacobian it is the cheaper one. In the operator's own
      precision, float32 at least. Three products see how far A stretches vectors. For other `which`
      than `"LM"` the search is for A shifted by twice that, since ARPACK's tolerance is relative to
      what it looks for, and a rightmost eigenvalue near zero would never meet it.

    The same call gives the same numbers. Where products run out there are fewer eigenvalues than
    asked for, or none, and not always the outermost: `converged` tells. So it is as well where many
    tie, as all real parts of a bilinear game do. A search starts from one vector: of eigenvalues
    that occur several times it may miss some.

    Args:
        operator: A, `(n, n)`.
        k: how many; all by default.
        which: `"LM"` largest magnitude, `"LR"` rightmost, `"SR"` leftmost, `"LI"` largest imaginary
            part of either sign.
        start: where a search begins, `(n,)`: `start` of a nearby operator's spectrum.
        tolerance: of the residuals of a search, which may come to three times that; positive. In
            float32 no less than 1e-5.
        max_products: most products, 1,000 by default. Where it leaves no room for two restarts, a
            search keeps as many vectors instead, and finds all or nothing.
        vectors: whether to find right eigenvectors: by products with A itself, and of a matrix left
            ones too.

    Raises:
        ValueError: For numbers out of range, too few products for k, products that are not finite,
            and all eigenvalues of more than 20,000.

    References:
        R. Lehoucq, D. Sorensen, C. Yang: ARPACK Users' Guide, 1998.
    """
    A = _checked(operator, k, which, tolerance, max_products)
    if _whole(A, k, max_products):
        return _all(A, k, which, vectors)
    assert k is not None
    search = Search(k, which, tolerance, max_products or PRODUCTS)
    return _found(A, search, start, vectors)


def eigenvalues(
    operator: LinearOperator | Tensor,
    k: int | None = None,
    which: Which = "LM",
    *,
    start: Tensor | None = None,
    tolerance: float = 1e-3,
    max_products: int | None = None,
) -> Tensor:
    """The eigenvalues of [`spectrum`][nashgrad.analysis.spectrum], `(k,)`, complex128, alone.

    Those of a matrix come in half the time, without their residuals.

    Example:
        >>> eigenvalues(torch.tensor([[-1.0, 2.0], [0.0, -3.0]])).tolist()
        [(-3+0j), (-1+0j)]
    """
    A = _checked(operator, k, which, tolerance, max_products)
    if _whole(A, k, max_products):
        values: Tensor = torch.linalg.eigvals(_matrix(A))
        return values.index_select(0, _outermost(values, k, which))
    found = spectrum(A, k, which, start=start, tolerance=tolerance, max_products=max_products)
    return found.eigenvalues


def _checked(
    operator: LinearOperator | Tensor,
    k: int | None,
    which: str,
    tolerance: float,
    max_products: int | None,
) -> LinearOperator:
    if which not in KEYS:
        raise ValueError(f"which must be one of {', '.join(KEYS)}, got {which!r}")
    for name, value in (("k", k), ("max_products", max_products)):
        if value is not None:
            check_count(name, value)
    check_positive("tolerance", tolerance)
    if isinstance(operator, LinearOperator):
        return operator
    if operator.dim() != 2 or operator.shape[0] != operator.shape[1]:
        raise ValueError(f"operator must be square, got shape {tuple(operator.shape)}")
    return DenseOperator(operator)


def _whole(A: LinearOperator, k: int | None, max_products: int | None) -> bool:
    """Whether the matrix is made."""
    if isinstance(A, DenseOperator):
        return True
    affordable = max_products is None or max_products >= A.size
    if k is not None and k < A.size - 1:
        return affordable and A.size <= DENSE
    if not affordable:
        raise ValueError(
            f"max_products must be at least {A.size} for all eigenvalues, got {max_products}; "
            "give a smaller k"
        )
    if A.size > LARGEST:
        raise ValueError(f"{A.size:,} eigenvalues are too many to find them all: give k")
    return True


def _matrix(A: LinearOperator) -> Tensor:
    matrix = A.to_dense().detach().double().cpu()
    if not matrix.isfinite().all():
        raise ValueError(NOT_FINITE)
    return matrix


def _all(A: LinearOperator, k: int | None, which: str, vectors: bool) -> Spectrum:
    matrix = _matrix(A)
    values, right = torch.linalg.eig(matrix)
    order = _outermost(values, k, which)
    values, chosen = values[order], right[:, order]
    images = torch.complex(matrix @ chosen.real, matrix @ chosen.imag)
    residuals = torch.linalg.vector_norm(images - values * chosen, dim=0)
    complete = len(values) == A.size
    return Spectrum(
        values,
        residuals / _scale(values),
        complete,
        0 if isinstance(A, DenseOperator) else A.size,
        chosen if vectors else None,
        _left(chosen) if vectors and complete else None,
        None if k is None else _start(chosen),
        k,
    )


def _scale(values: Tensor) -> float:
    return max(values.abs().tolist(), default=0.0) or 1.0


def _found(A: LinearOperator, search: Search, start: Tensor | None, vectors: bool) -> Spectrum:
    some = search(A if vectors else A.T, start)
    pairs = (some.values.imag > 0).nonzero().flatten()
    index = torch.cat([torch.arange(len(some.values)), pairs])
    lower = torch.arange(len(index)) >= len(some.values)
    values = torch.where(lower, some.values[index].conj(), some.values[index])
    order = _outermost(values, search.k, search.which)
    index, lower = index[order], lower[order]
    found = some.vectors[:, index]
    return Spectrum(
        values[order],
        some.residuals[index],
        False,
        some.products,
        torch.where(lower, found.conj(), found) if vectors else None,
        None,
        _start(found) if len(index) else start,
        search.k,
    )


def _left(right: Tensor) -> Tensor | None:
    inverse, info = torch.linalg.inv_ex(right)
    if int(info) or not inverse.isfinite().all():
        return None
    left: Tensor = inverse.mH
    return left.div(torch.linalg.vector_norm(left, dim=0))


def _start(vectors: Tensor) -> Tensor:
    """A vector whose Krylov space holds these, `(n, k)`; of pairs the real parts are enough."""
    return vectors.real.sum(1)


def _outermost(values: Tensor, k: int | None, which: str) -> Tensor:
    """The indices of the k outermost, pairs side by side and never cut."""
    # Of a pair all but the last key are the same, to the bit.
    keys = (-values.imag, -values.real, -values.imag.abs(), -KEYS[which](values))
    order = torch.from_numpy(np.lexsort([key.numpy() for key in keys]))
    if k is None or k >= len(order):
        return order
    return order[: k + bool(values[order[k - 1]].imag > 0)]
