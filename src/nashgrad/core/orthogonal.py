"""One step of Gram and Schmidt, which everything that builds a Krylov space shares."""

from __future__ import annotations

from torch import Tensor


def split(u: Tensor, basis: Tensor) -> tuple[Tensor, Tensor]:
    """The coordinates of u in an orthonormal basis, and what is orthogonal to it.

    Args:
        u: `(n,)`.
        basis: `(m, n)`, orthonormal rows; zero rows are ignored.

    Returns:
        The coordinates, `(m,)`, and the rest, `(n,)`.
    """
    first = basis @ u
    u = u - first @ basis
    again = basis @ u  # once more: one pass loses orthogonality in float32
    return first + again, u - again @ basis
