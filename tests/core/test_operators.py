"""Combinations of operators against the same combinations of matrices."""

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import eigs, gmres

from nashgrad.core.operators import DenseOperator, IdentityOperator, MappedOperator

N = 5
A, B = torch.randn(2, N, N, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
a, b = DenseOperator(A), DenseOperator(B)
eye = IdentityOperator(a)

CASES = {
    "dense": (a, A),
    "transpose": (a.T, A.T),
    "twice transposed": (a.T.T, A),
    "identity": (eye, torch.eye(N, dtype=torch.float64)),
    "negative": (-a, -A),
    "sum": (a + b, A + B),
    "difference": (a - b, A - B),
    "left multiple": (2.5 * a, 2.5 * A),
    "right multiple": (a * -0.5, -0.5 * A),
    "product": (a @ b, A @ B),
    "transposed product": ((a @ b).T, B.T @ A.T),
    "consensus": (eye - 0.1 * a.T, torch.eye(N, dtype=torch.float64) - 0.1 * A.T),
    "all at once": ((2 * (a - b.T) @ a.T + eye).T, (2 * (A - B.T) @ A.T + torch.eye(N)).T),
    "mapped": (MappedOperator(a, lambda u: 3 * u), 3 * A),
}


@pytest.mark.parametrize(("operator", "matrix"), CASES.values(), ids=CASES)
def test_products(operator, matrix) -> None:
    u = torch.randn(N, dtype=torch.float64)
    torch.testing.assert_close(operator @ u, matrix @ u)
    torch.testing.assert_close(operator.T @ u, matrix.T @ u)
    torch.testing.assert_close(operator.to_dense(), matrix)
    torch.testing.assert_close(operator.T.to_dense(), matrix.T)


@pytest.mark.parametrize(("operator", "matrix"), CASES.values(), ids=CASES)
def test_scipy(operator, matrix) -> None:
    lifted, u = operator.to_scipy(), np.random.default_rng(0).normal(size=N)
    assert lifted.dtype == np.float64
    np.testing.assert_allclose(lifted @ u, matrix.numpy() @ u)
    np.testing.assert_allclose(lifted.rmatvec(u), matrix.numpy().T @ u)
    np.testing.assert_allclose(lifted @ np.eye(N), matrix.numpy())


def test_scipy_keeps_single_precision() -> None:
    lifted = DenseOperator(A.float()).to_scipy()
    assert lifted.dtype == np.float32
    assert (lifted @ np.ones(N)).dtype == np.float32


def test_scipy_solves_and_finds_eigenvalues() -> None:
    matrix = torch.diag(torch.tensor([-9.0, 1, 2, 3, 4], dtype=torch.float64))
    operator = DenseOperator(matrix).to_scipy()
    x, failed = gmres(operator, np.ones(N), rtol=1e-12)
    assert failed == 0
    np.testing.assert_allclose(x, 1 / matrix.diagonal().numpy())
    largest = eigs(operator, k=1, which="LM", v0=np.ones(N), return_eigenvectors=False)
    np.testing.assert_allclose(largest, [-9.0])


def test_scipy_of_an_operator_with_a_graph() -> None:
    lifted = DenseOperator(A.clone().requires_grad_()).to_scipy()
    np.testing.assert_allclose(lifted @ np.ones(N), A.numpy() @ np.ones(N))


def test_matrices_column_by_column() -> None:
    U = torch.randn(N, 3, dtype=torch.float64)
    torch.testing.assert_close(a.T @ U, A.T @ U)


@pytest.mark.parametrize("shape", [(N + 1,), (), (N, 2, 2), (1, N)])
def test_wrong_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^operator of size 5 cannot be applied to shape "):
        a @ torch.zeros(shape)


def test_wrong_sizes() -> None:
    other = DenseOperator(torch.eye(3))
    for combine in (lambda: a + other, lambda: a - other, lambda: a @ other):
        with pytest.raises(ValueError, match=r"^operators of sizes 5 and 3 cannot be combined$"):
            combine()
