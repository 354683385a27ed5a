"""Krylov solvers against scipy's and dense solves, and what they say of themselves."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse.linalg as sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import nashgrad as ng
from nashgrad.core.krylov import Krylov, Solution
from nashgrad.core.operators import DenseOperator, IdentityOperator
from references import error

F64 = torch.float64
KINDS: dict[str, Callable[[Tensor], Tensor]] = {  # a random square matrix -> A
    "well conditioned": lambda R: torch.eye(len(R), dtype=F64) + 0.3 * R / len(R) ** 0.5,
    "ill conditioned": lambda R: with_spectrum(R, 1e4),
    "definite": lambda R: R @ R.T + 0.5 * torch.eye(len(R), dtype=F64),
    "shifted skew": lambda R: torch.eye(len(R), dtype=F64) + 2 * (R - R.T),
    "identity": lambda R: torch.eye(len(R), dtype=F64),
    "diagonal": lambda R: torch.diag(torch.linspace(-1, 2, len(R), dtype=F64) + 0.01),
}
DEFINITE = ("definite", "identity")


def with_spectrum(R: Tensor, condition: float) -> Tensor:
    U, _, V = torch.linalg.svd(R)
    return U @ torch.diag(torch.logspace(0, -math.log10(condition), len(R), dtype=F64)) @ V


class Recording(DenseOperator):
    """Remembers what it was applied to."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__(matrix)
        self.seen: list[Tensor] = []

    def matvec(self, u: Tensor) -> Tensor:
        self.seen.append(u)
        return super().matvec(u)


def system(kind: str, n: int, seed: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    R = torch.randn(n, n, generator=draw, dtype=F64)
    return KINDS[kind](R), torch.randn(n, generator=draw, dtype=F64)


def true_residual(A: Tensor, b: Tensor, found: Solution) -> float:
    return ((b.double() - A.double() @ found.x.double()).norm() / b.double().norm()).item()


SYSTEMS = st.tuples(st.sampled_from(list(KINDS)), st.integers(1, 12), st.integers(0, 10_000))
METHODS = st.sampled_from(["gmres", "cg"])


@settings(max_examples=60, deadline=None)
@given(SYSTEMS)
def test_gmres_solves(drawn: tuple[str, int, int]) -> None:
    A, b = system(*drawn)
    operator = Recording(A)
    found = Krylov("gmres", 1e-9, 100).solve(operator, b)
    assert found.converged
    assert found.residual <= 1e-9
    assert true_residual(A, b, found) <= 1.01e-9
    assert len(operator.seen) == found.iterations <= len(b)
    x = torch.linalg.solve(A, b)
    assert error(found.x, x) < 1e-8 * torch.linalg.cond(A)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(DEFINITE), st.integers(1, 12), st.integers(0, 10_000))
def test_conjugate_gradients_solve(kind: str, n: int, seed: int) -> None:
    A, b = system(kind, n, seed)
    operator = Recording(A)
    found = Krylov("cg", 1e-9, 200).solve(operator, b)
    assert found.converged
    assert true_residual(A, b, found) <= 1.01e-9
    assert len(operator.seen) == found.iterations
    assert error(found.x, torch.linalg.solve(A, b)) < 1e-8 * torch.linalg.cond(A)


@settings(max_examples=40, deadline=None)
@given(SYSTEMS, st.integers(1, 5))
def test_iterates_are_those_of_scipy(drawn: tuple[str, int, int], k: int) -> None:
    """Short of the end there is one best x in the space, whoever looks for it."""
    kind, n, seed = drawn
    A, b = system(kind, n + 6, seed)
    ours = Krylov("gmres", 1e-14, k).solve(DenseOperator(A), b)
    theirs, _ = sparse.gmres(A.numpy(), b.numpy(), rtol=1e-14, restart=k, maxiter=1)
    assert error(ours.x, torch.as_tensor(theirs)) < 1e-9
    if kind in DEFINITE:
        ours, seen = Krylov("cg", 1e-14, k).solve(DenseOperator(A), b), [torch.zeros_like(b)]
        sparse.cg(
            A.numpy(),
            b.numpy(),
            rtol=1e-14,
            maxiter=k,
            callback=lambda x: seen.append(torch.tensor(x)),
        )
        best = min(seen, key=lambda x: (b - A @ x).norm())
        assert (ours.x - best).norm() < 1e-9 * (1 + best.norm())


@settings(max_examples=60, deadline=None)
@given(SYSTEMS, METHODS, st.integers(1, 4))
def test_what_is_left_is_told(drawn: tuple[str, int, int], method: str, k: int) -> None:
    """Out of iterations: not converged, and the residual is the true one to rounding."""
    A, b = system(*drawn)
    A = A if method == "gmres" else A @ A.T + 1e-3 * torch.eye(len(b), dtype=F64)
    found = Krylov(method, 1e-13, k).solve(DenseOperator(A), b)
    true = true_residual(A, b, found)
    assert found.residual == pytest.approx(true, rel=1e-6, abs=1e-11)
    assert found.iterations <= k
    assert found.converged == (found.residual <= 1e-13)


def test_iterations_that_do_not_suffice() -> None:
    A, b = system("shifted skew", 12, 1)
    for method, matrix in (("gmres", A), ("cg", A.T @ A)):
        found = Krylov(method, 1e-6, 3).solve(DenseOperator(matrix), b)
        assert not found.converged
        assert found.iterations == 3
        assert found.residual == pytest.approx(true_residual(matrix, b, found), rel=1e-9)
        assert found.residual > 1e-2


@settings(max_examples=60, deadline=None)
@given(SYSTEMS, METHODS)
def test_float32(drawn: tuple[str, int, int], method: str) -> None:
    A, b = system(*drawn)
    A = A if method == "gmres" else A @ A.T + 1e-3 * torch.eye(len(b), dtype=F64)
    A, b = A.float(), b.float()
    found = Krylov(method, 1e-4, 300).solve(DenseOperator(A), b)
    assert found.x.dtype == torch.float32
    if found.converged:
        assert true_residual(A, b, found) <= 3e-4
    else:  # beyond what float32 has
        assert torch.linalg.cond(A.double()) > 100


@pytest.mark.parametrize("kind", ["well conditioned", "shifted skew"])
def test_float32_does_not_claim_what_it_has_not(kind: str) -> None:
    A, b = (t.float() for t in system(kind, 40, 3))
    operator = Recording(A)
    found = Krylov("gmres", 1e-12, 1000).solve(operator, b)
    assert not found.converged
    assert len(operator.seen) <= 45  # it does not go on for nothing
    assert true_residual(A, b, found) / 10 < found.residual < 1e-5
    definite = A @ A.T
    found = Krylov("cg", 1e-12, 1000).solve(DenseOperator(definite), b)
    assert not found.converged
    assert true_residual(definite, b, found) / 10 < found.residual


def test_the_basis_is_orthonormal_in_float32() -> None:
    """One pass of Gram and Schmidt loses it where the spectrum is wide."""
    draw = torch.Generator().manual_seed(0)
    R = torch.randn(60, 60, generator=draw, dtype=F64)
    A, b = with_spectrum(R, 1e6).float(), torch.randn(60, generator=draw)
    operator = Recording(A)
    Krylov("gmres", 1e-7, 40).solve(operator, b)
    V = torch.stack(operator.seen)
    assert len(V) == 40
    assert (V @ V.T - torch.eye(40)).abs().max() < 2e-6

    u, one_pass = V[0], [V[0]]
    for _ in range(39):
        u, seen = A @ u, torch.stack(one_pass)
        u = u - (seen @ u) @ seen
        one_pass.append(u := u / u.norm())
    W = torch.stack(one_pass)
    assert (W @ W.T - torch.eye(40)).abs().max() > 2e-4


# Singular systems


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 10), st.integers(0, 10_000), METHODS)
def test_singular_but_consistent(n: int, seed: int, method: str) -> None:
    """A b that a symmetric A reaches has its shortest solution found."""
    A, b = system("definite", n, seed)
    P = torch.eye(n, dtype=F64)
    P[0, 0] = 0  # A without its first coordinate
    A, b = P @ A @ P, P @ b
    found = Krylov(method, 1e-9, 100).solve(DenseOperator(A), b)
    assert found.converged
    assert error(found.x, torch.linalg.pinv(A, hermitian=True) @ b) < 1e-6


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("n", [2, 6, 20])
def test_singular_and_inconsistent(n: int, dtype: torch.dtype) -> None:
    """The best is found, small as it should be, and it is called what it is."""
    A, b = system("definite", n, n)
    P = torch.eye(n, dtype=F64)
    P[0, 0] = 0
    A, b = (P @ A @ P).to(dtype), b.to(dtype)
    found = Krylov("gmres", 1e-3, 100).solve(DenseOperator(A), b)
    least = (b[0] / b.norm()).abs().item()
    assert not found.converged
    assert found.iterations <= n + 1
    assert found.residual == pytest.approx(least, rel=1e-3)
    assert true_residual(A, b, found) == pytest.approx(least, rel=1e-3)
    assert found.x.norm() < 10 * (torch.linalg.pinv(A, hermitian=True) @ b).norm() + 1
    found = Krylov("cg", 1e-3, 100).solve(DenseOperator(A), b)
    assert not found.converged
    assert found.x.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_an_exhausted_space_is_left(dtype: torch.dtype) -> None:
    """Two products tell all there is, and one more at most; CG stops before it runs away."""
    draw = torch.Generator().manual_seed(0)
    Q = torch.linalg.qr(torch.randn(20, 20, generator=draw, dtype=F64)).Q
    once = torch.ones(20, dtype=F64)
    once[0] = 0
    A, b = (Q @ torch.diag(once) @ Q.T).to(dtype), (Q @ torch.ones(20, dtype=F64)).to(dtype)
    found = Krylov("gmres", 1e-3, 100).solve(DenseOperator(A), b)
    assert not found.converged
    assert found.iterations <= 3
    assert found.residual == pytest.approx(20**-0.5, rel=1e-5)
    assert true_residual(A, b, found) == pytest.approx(20**-0.5, rel=1e-5)
    many = torch.linspace(1, 100, 20, dtype=F64)
    many[0] = 0
    A = (Q @ torch.diag(many) @ Q.T).to(dtype)
    found = Krylov("cg", 1e-3, 1000).solve(DenseOperator(A), b)
    assert not found.converged
    assert found.iterations < 100
    assert found.residual < 1
    assert found.residual == pytest.approx(true_residual(A, b, found), rel=1e-4)


@pytest.mark.parametrize("method", ["gmres", "cg"])
def test_a_matrix_of_zeros(method: str) -> None:
    b = torch.ones(3, dtype=F64)
    found = Krylov(method).solve(DenseOperator(torch.zeros(3, 3, dtype=F64)), b)
    assert torch.equal(found.x, torch.zeros_like(b))
    assert (found.residual, found.iterations, found.converged) == (1.0, 1, False)


def test_the_space_may_end_early() -> None:
    """An A with two eigenvalues is solved in two steps; a rotation's first brings nothing."""
    A = torch.diag(torch.tensor([2.0, 2.0, 2.0, -3.0, -3.0], dtype=F64))
    found = Krylov("gmres", 1e-14, 50).solve(DenseOperator(A), torch.ones(5, dtype=F64))
    assert (found.iterations, found.converged) == (2, True)
    R = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=F64)
    b = torch.tensor([1.0, 0.0], dtype=F64)
    short = Krylov("gmres", 1e-14, 1).solve(DenseOperator(R), b)
    assert (short.residual, short.converged, short.x.norm()) == (1.0, False, 0.0)
    found = Krylov("gmres", 1e-14, 2).solve(DenseOperator(R), b)
    torch.testing.assert_close(found.x, torch.tensor([0.0, -1.0], dtype=F64))


def test_not_definite() -> None:
    A = torch.diag(torch.tensor([1.0, -1.0], dtype=F64))
    b = torch.tensor([0.1, 1.0], dtype=F64)
    found = Krylov("cg", 1e-9, 10).solve(DenseOperator(A), b)
    assert not found.converged
    assert torch.equal(found.x, torch.zeros_like(b))
    assert found.residual == pytest.approx(1.0)


# Odd right-hand sides, and guesses


@pytest.mark.parametrize("method", ["gmres", "cg"])
@pytest.mark.parametrize("guess", [None, torch.ones(4, dtype=F64)])
def test_a_zero_right_hand_side(method: str, guess: Tensor | None) -> None:
    operator = Recording(torch.eye(4, dtype=F64))
    found = Krylov(method).solve(operator, torch.zeros(4, dtype=F64), guess)
    assert torch.equal(found.x, torch.zeros(4, dtype=F64))
    assert found[1:] == (0.0, 0, True)
    assert not operator.seen


@pytest.mark.parametrize("method", ["gmres", "cg"])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite(method: str, bad: float) -> None:
    b = torch.ones(3, dtype=F64)
    b[1] = bad
    found = Krylov(method).solve(DenseOperator(torch.eye(3, dtype=F64)), b)
    assert found.x is b
    assert found[1:] == (math.inf, 0, False)
    A = torch.eye(3, dtype=F64)
    A[0, 2] = bad
    found = Krylov(method).solve(DenseOperator(A), torch.ones(3, dtype=F64))
    assert found.x.isnan().all()
    assert found[1:] == (math.inf, 1, False)


@pytest.mark.parametrize("method", ["gmres", "cg"])
@pytest.mark.parametrize("scale", [1e-17, 1e17])
def test_the_scale_of_b_is_none_of_a_solvers_business(method: str, scale: float) -> None:
    A, b = (t.float() for t in system("definite", 5, 0))
    one = Krylov(method, 1e-4, 50).solve(DenseOperator(A), b)
    other = Krylov(method, 1e-4, 50).solve(DenseOperator(A), b * scale)
    torch.testing.assert_close(other.x / scale, one.x, rtol=1e-4, atol=1e-4)
    assert other[2:] == one[2:]
    assert one.converged


@pytest.mark.parametrize("method", ["gmres", "cg"])
def test_guesses(method: str) -> None:
    A, b = system("definite", 10, 5)
    x, solver = torch.linalg.solve(A, b), Krylov(method, 1e-6, 100)
    cold = solver.solve(DenseOperator(A), b)

    def warm(guess: Tensor) -> tuple[Solution, int]:
        operator = Recording(A)
        return solver.solve(operator, b, guess), len(operator.seen)

    exact, products = warm(x)
    assert (exact.iterations, products, exact.converged) == (0, 1, True)
    assert torch.equal(exact.x, x)
    good, products = warm(x + 1e-4 * torch.ones_like(x))
    assert good.converged
    assert products == good.iterations + 1 <= cold.iterations
    assert true_residual(A, b, good) <= 1e-6
    for worse in (-x, torch.full_like(x, 1e6), torch.full_like(x, math.nan)):
        dropped, products = warm(worse)
        assert torch.equal(dropped.x, cold.x)
        assert products == cold.iterations + 1


def test_residuals_are_relative_to_b_with_a_guess_too() -> None:
    A, b = system("shifted skew", 12, 5)
    guess = torch.linalg.solve(A, b) + 1e-3 * b
    found = Krylov("gmres", 1e-9, 2).solve(DenseOperator(A), b, guess)
    assert not found.converged
    assert found.residual == pytest.approx(true_residual(A, b, found), rel=1e-6)


def test_iterations_that_are_not_used_take_no_memory() -> None:
    A, b = system("well conditioned", 12, 0)
    assert Krylov("gmres", 1e-6, 10**12).solve(DenseOperator(A), b).converged


def test_many_iterations() -> None:
    """No restart: a system that takes as many as it has unknowns."""
    n = 150
    A = torch.diag(torch.linspace(-1, 1, n, dtype=F64)) + 0.05 * torch.eye(n, dtype=F64).roll(1, 0)
    found = Krylov("gmres", 1e-8, n).solve(DenseOperator(A), torch.ones(n, dtype=F64))
    assert found.converged
    assert found.iterations > 60
    assert true_residual(A, torch.ones(n, dtype=F64), found) <= 1.01e-8


def test_one_product_of_the_identity() -> None:
    b = torch.arange(1.0, 5.0)
    for method in ("gmres", "cg"):
        found = Krylov(method).solve(IdentityOperator(DenseOperator(torch.eye(4))), b)
        torch.testing.assert_close(found.x, b)
        assert (found.iterations, found.converged) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "lu"}, r"^method must be one of gmres, cg, got 'lu'$"),
        ({"tolerance": 0.0}, r"^tolerance must be positive and finite, got 0\.0$"),
        ({"iterations": 0}, r"^iterations must be a whole number of at least 1, got 0$"),
        ({"iterations": 2.5}, r"^iterations must be a whole number of at least 1, got 2\.5$"),
    ],
)
def test_bad_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Krylov(**arguments)


def test_numbers_come_back_as_numbers() -> None:
    A, b = system("definite", 4, 0)
    found = Krylov().solve(DenseOperator(A), b)
    assert type(found.residual) is float
    assert type(found.iterations) is int
    assert type(found.converged) is bool
    assert not isinstance(found.residual, np.floating)


@pytest.mark.parametrize(
    "make",
    [
        ng.Competitive,
        ng.AdaptiveCompetitive,
        ng.LinearlyImplicit,
        ng.Newton,
        ng.LocalSymplecticSurgery,
    ],
)
def test_methods_ask_for_a_solver(make: Any) -> None:
    with pytest.raises(TypeError, match=r"^solver must be a Krylov, such as Krylov\('cg'\), got"):
        make(solver="cg")


@pytest.mark.parametrize("value", [True, 2.0, "3", 0])
def test_counts_are_whole_numbers(value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^iterations must be .* at least 1, got {value!r}$"):
        Krylov(iterations=value)


def test_numbers_of_numpy_are_numbers() -> None:
    assert Krylov(tolerance=np.float32(0.5)).tolerance == 0.5
    with pytest.raises(ValueError, match=r"^tolerance must be positive and finite, got True$"):
        Krylov(tolerance=True)
