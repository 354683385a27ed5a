"""Linear operators on the flat vector, combined by `+ - * @` and `.T`."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import overload

import torch
from scipy.sparse.linalg import LinearOperator as ScipyOperator
from torch import Tensor


class LinearOperator(abc.ABC):
    """A square linear map A on `(n,)` tensors that is known by its products alone."""

    size: int
    dtype: torch.dtype
    device: torch.device

    @abc.abstractmethod
    def matvec(self, u: Tensor) -> Tensor:
        """A u, `(n,)`."""

    @abc.abstractmethod
    def rmatvec(self, u: Tensor) -> Tensor:
        """A^T u, `(n,)`."""

    def matmat(self, U: Tensor) -> Tensor:
        """A U, `(n, k)`: k products, which an operator may know how to do at once."""
        return _by_columns(self.matvec, U)

    def rmatmat(self, U: Tensor) -> Tensor:
        """A^T U, `(n, k)`."""
        return _by_columns(self.rmatvec, U)

    @property
    def T(self) -> LinearOperator:  # noqa: N802 (the name that mathematics and torch give it)
        """The transpose A^T."""
        return _Transpose(self)

    @overload
    def __matmul__(self, other: Tensor) -> Tensor: ...
    @overload
    def __matmul__(self, other: LinearOperator) -> LinearOperator: ...
    def __matmul__(self, other: Tensor | LinearOperator) -> Tensor | LinearOperator:
        """A u for a vector `(n,)`, A U for a matrix `(n, k)`, or the product A B."""
        if isinstance(other, LinearOperator):
            return _Product(self, other)
        if other.shape[:1] != (self.size,) or other.dim() > 2:
            raise ValueError(
                f"operator of size {self.size} cannot be applied to shape {tuple(other.shape)}"
            )
        return self.matvec(other) if other.dim() == 1 else self.matmat(other)

    def __add__(self, other: LinearOperator) -> LinearOperator:
        """A + B."""
        return _Sum(self, other)

    def __neg__(self) -> LinearOperator:
        """-A."""
        return _Scaled(-1.0, self)

    def __sub__(self, other: LinearOperator) -> LinearOperator:
        """A - B."""
        return self + (-other)

    def __mul__(self, scale: float) -> LinearOperator:
        """The multiple c A."""
        return _Scaled(scale, self)

    __rmul__ = __mul__

    def to_dense(self) -> Tensor:
        """The matrix, `(n, n)`, by n products."""
        return self.matmat(torch.eye(self.size, dtype=self.dtype, device=self.device))

    def to_scipy(self) -> ScipyOperator:
        """The same operator for `scipy.sparse.linalg`; vectors cross to the host and back."""

        def lift(product: Callable[[Tensor], Tensor]) -> Callable[[object], object]:
            return lambda u: (
                product(torch.as_tensor(u).to(self.device, self.dtype).ravel())
                .detach()
                .cpu()
                .numpy()
            )

        dtype = torch.empty(0, dtype=self.dtype).numpy().dtype
        return ScipyOperator(
            (self.size, self.size),
            matvec=lift(self.matvec),
            rmatvec=lift(self.rmatvec),
            dtype=dtype,
        )


def _by_columns(product: Callable[[Tensor], Tensor], U: Tensor) -> Tensor:
    if U.shape[1] == 0:
        return torch.zeros_like(U)
    return torch.stack([product(column) for column in U.unbind(1)], 1)


class DenseOperator(LinearOperator):
    """A matrix, `(n, n)`."""

    def __init__(self, matrix: Tensor) -> None:
        self.matrix = matrix
        self.size, self.dtype, self.device = matrix.shape[0], matrix.dtype, matrix.device

    def matvec(self, u: Tensor) -> Tensor:
        return self.matrix @ u

    def rmatvec(self, u: Tensor) -> Tensor:
        return self.matrix.T @ u

    def matmat(self, U: Tensor) -> Tensor:
        return self.matrix @ U

    def rmatmat(self, U: Tensor) -> Tensor:
        return self.matrix.T @ U


class IdentityOperator(LinearOperator):
    """The identity I, of the size and type of another operator."""

    def __init__(self, like: LinearOperator) -> None:
        self.size, self.dtype, self.device = like.size, like.dtype, like.device

    def matvec(self, u: Tensor) -> Tensor:
        return u

    def rmatvec(self, u: Tensor) -> Tensor:
        return u

    def matmat(self, U: Tensor) -> Tensor:
        return U

    def rmatmat(self, U: Tensor) -> Tensor:
        return U


class DiagonalOperator(LinearOperator):
    """diag(d), `(n, n)`, of a vector d `(n,)`: step sizes, for one."""

    def __init__(self, diagonal: Tensor) -> None:
        self.size, self.dtype, self.device = len(diagonal), diagonal.dtype, diagonal.device
        self._diagonal = diagonal

    def matvec(self, u: Tensor) -> Tensor:
        return self._diagonal * u

    def rmatvec(self, u: Tensor) -> Tensor:
        return self._diagonal * u

    def matmat(self, U: Tensor) -> Tensor:
        return self._diagonal[:, None] * U

    def rmatmat(self, U: Tensor) -> Tensor:
        return self._diagonal[:, None] * U


class SymmetricOperator(LinearOperator):
    """An operator that is its own transpose, by the products A^T u of another one."""

    def __init__(self, operator: LinearOperator) -> None:
        self.size, self.dtype, self.device = operator.size, operator.dtype, operator.device
        self._operator = operator

    def matvec(self, u: Tensor) -> Tensor:
        return self._operator.rmatvec(u)

    def rmatvec(self, u: Tensor) -> Tensor:
        return self._operator.rmatvec(u)

    def matmat(self, U: Tensor) -> Tensor:
        return self._operator.rmatmat(U)

    def rmatmat(self, U: Tensor) -> Tensor:
        return self._operator.rmatmat(U)


class MappedOperator(LinearOperator):
    """Another operator, each product of which passes through a function.

    An average over ranks is such a function, a count of the products another.
    """

    def __init__(self, operator: LinearOperator, through: Callable[[Tensor], Tensor]) -> None:
        self.size, self.dtype, self.device = operator.size, operator.dtype, operator.device
        self._operator, self._through = operator, through

    def matvec(self, u: Tensor) -> Tensor:
        return self._through(self._operator.matvec(u))

    def rmatvec(self, u: Tensor) -> Tensor:
        return self._through(self._operator.rmatvec(u))

    # What goes through is always a vector: the function counts them, or knows no matrices.
    def matmat(self, U: Tensor) -> Tensor:
        return _by_columns(self._through, self._operator.matmat(U))

    def rmatmat(self, U: Tensor) -> Tensor:
        return _by_columns(self._through, self._operator.rmatmat(U))

    def to_dense(self) -> Tensor:
        return _by_columns(self._through, self._operator.to_dense())


class _Combined(LinearOperator):
    """What operators made of others have in common: they take their size from the first."""

    def __init__(self, first: LinearOperator, *others: LinearOperator) -> None:
        for other in others:
            if other.size != first.size:
                raise ValueError(
                    f"operators of sizes {first.size} and {other.size} cannot be combined"
                )
        self.size, self.dtype, self.device = first.size, first.dtype, first.device


class _Transpose(_Combined):
    def __init__(self, a: LinearOperator) -> None:
        super().__init__(a)
        self._a = a

    def matvec(self, u: Tensor) -> Tensor:
        return self._a.rmatvec(u)

    def rmatvec(self, u: Tensor) -> Tensor:
        return self._a.matvec(u)

    def matmat(self, U: Tensor) -> Tensor:
        return self._a.rmatmat(U)

    def rmatmat(self, U: Tensor) -> Tensor:
        return self._a.matmat(U)

    def to_dense(self) -> Tensor:
        return self._a.to_dense().T


class _Scaled(_Combined):
    def __init__(self, scale: float, a: LinearOperator) -> None:
        super().__init__(a)
        self._scale, self._a = scale, a

    def matvec(self, u: Tensor) -> Tensor:
        return self._scale * self._a.matvec(u)

    def rmatvec(self, u: Tensor) -> Tensor:
        return self._scale * self._a.rmatvec(u)

    def matmat(self, U: Tensor) -> Tensor:
        return self._scale * self._a.matmat(U)

    def rmatmat(self, U: Tensor) -> Tensor:
        return self._scale * self._a.rmatmat(U)

    def to_dense(self) -> Tensor:
        return self._scale * self._a.to_dense()


class _Sum(_Combined):
    def __init__(self, a: LinearOperator, b: LinearOperator) -> None:
        super().__init__(a, b)
        self._a, self._b = a, b

    def matvec(self, u: Tensor) -> Tensor:
        return self._a.matvec(u) + self._b.matvec(u)

    def rmatvec(self, u: Tensor) -> Tensor:
        return self._a.rmatvec(u) + self._b.rmatvec(u)

    def matmat(self, U: Tensor) -> Tensor:
        return self._a.matmat(U) + self._b.matmat(U)

    def rmatmat(self, U: Tensor) -> Tensor:
        return self._a.rmatmat(U) + self._b.rmatmat(U)

    def to_dense(self) -> Tensor:
        return self._a.to_dense() + self._b.to_dense()


class _Product(_Combined):
    def __init__(self, a: LinearOperator, b: LinearOperator) -> None:
        super().__init__(a, b)
        self._a, self._b = a, b

    def matvec(self, u: Tensor) -> Tensor:
        return self._a.matvec(self._b.matvec(u))

    def rmatvec(self, u: Tensor) -> Tensor:
        return self._b.rmatvec(self._a.rmatvec(u))

    def matmat(self, U: Tensor) -> Tensor:
        return self._a.matmat(self._b.matmat(U))

    def rmatmat(self, U: Tensor) -> Tensor:
        return self._b.rmatmat(self._a.rmatmat(U))

    def to_dense(self) -> Tensor:
        return self._a.to_dense() @ self._b.to_dense()
