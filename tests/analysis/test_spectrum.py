"""Searches against dense matrices and SciPy, and batched products against autograd."""

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import nashgrad as ng
from nashgrad.analysis.spectrum import DENSE, Spectrum, eigenvalues, spectrum
from nashgrad.core import jacobian as jacobians
from nashgrad.core.operators import DenseOperator, LinearOperator, MappedOperator
from nashgrad.models import MLP
from references import Case, conv_gan, error, jitter, mlp_gan, points, quadratic, trio

WHICH = ("LM", "LR", "SR", "LI")
KEYS: dict[str, Callable[[Any], Any]] = {
    "LM": abs,
    "LR": lambda z: z.real,
    "SR": lambda z: -z.real,
    "LI": lambda z: abs(z.imag),
}


class Hidden(LinearOperator):
    """A matrix that shows nothing but products, and counts them."""

    def __init__(self, matrix: Tensor) -> None:
        self.size, self.dtype, self.device = len(matrix), matrix.dtype, matrix.device
        self.matrix, self.forth, self.back = matrix, 0, 0

    def matvec(self, u: Tensor) -> Tensor:
        self.forth += 1
        return self.matrix @ u

    def rmatvec(self, u: Tensor) -> Tensor:
        self.back += 1
        return self.matrix.T @ u


def draw(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


N = 200


def normal() -> Tensor:
    """Complex pairs with orthogonal eigenvectors."""
    Q, _ = torch.linalg.qr(draw(0, N, N))
    blocks = [torch.tensor([[a, b], [-b, a]]) for a, b in draw(1, N // 2, 2).tolist()]
    return Q @ torch.block_diag(*blocks).double() @ Q.T


def triangular() -> Tensor:
    """Real eigenvalues, far from normal."""
    return draw(2, N, N).triu(1) / N**0.5 + torch.diag(draw(3, N) * 2)


def damped_rotation() -> Tensor:
    """Some directions rotate, some are damped, and half are neutral: rightmost ones at zero."""
    H, R = draw(4, N, N // 4), draw(5, N, N // 4)
    return -(H @ H.T + R @ H.T - H @ R.T) / N


def spread() -> Tensor:
    """Complex pairs, and no symmetry at all."""
    return normal() @ (torch.eye(N) + 0.5 * draw(6, N, N) / N**0.5)


MATRICES = {f.__name__: f() for f in (normal, triangular, damped_rotation, spread)}
GAMES: dict[str, Callable[[], Case]] = {
    "mlp": mlp_gan,
    "penalties": lambda: mlp_gan(r1=0.5, r2=0.3),
    "batch norm": lambda: mlp_gan(norm=True),
    "convolutions": conv_gan,
    "convolutions and batch norm": lambda: conv_gan(norm="torch"),
    "three players": trio,
}


def exact(A: Tensor, k: int, which: str) -> list[complex]:
    """From SciPy's dense solver, with the pair at the border whole."""
    values = sorted(
        scipy.linalg.eigvals(A.double().numpy()).tolist(),
        key=lambda z: (round(KEYS[which](z), 9), round(abs(z.imag), 9), z.real, z.imag),
        reverse=True,
    )
    return values[: k + (abs(values[k - 1].imag) > 0 and values[k - 1].imag > 0)]


def assert_outermost(A: Tensor, found: Spectrum, k: int, which: str, tolerance: float) -> None:
    """All found are eigenvalues, and none that is left out lies further out."""
    theirs = torch.tensor(scipy.linalg.eigvals(A.double().numpy()))
    scale = theirs.abs().max()
    distance = (found.eigenvalues[:, None] - theirs).abs()
    assert distance.amin(1).max() < tolerance * scale
    distinct = found.eigenvalues.abs() > tolerance * scale  # zero may occur many times
    assert len(distance[distinct].argmin(1).unique()) == distinct.sum()
    keys = [KEYS[which](z) for z in found.eigenvalues.tolist()]
    kth = KEYS[which](exact(A, k, which)[k - 1])
    assert min(keys) > kth - tolerance * scale
    assert keys == sorted(keys, reverse=True)


def as_tensor(values: Iterable[complex]) -> Tensor:
    return torch.tensor(list(values), dtype=torch.complex128)


def same_set(a: Tensor, b: Tensor, tolerance: float) -> bool:
    distance = (a[:, None] - b).abs()
    largest = torch.maximum(distance.amin(0).max(), distance.amin(1).max())
    return len(a) == len(b) and bool(largest < tolerance)


@pytest.mark.parametrize("which", WHICH)
@pytest.mark.parametrize("name", MATRICES)
def test_a_search_finds_the_outermost(name: str, which: str) -> None:
    A = MATRICES[name]
    if (name, which) in {("triangular", "LI"), ("damped_rotation", "LR")}:
        pytest.skip("a tie of many")
    operator = Hidden(A)
    found = spectrum(operator, 5, which, tolerance=1e-6, max_products=N - 1)
    assert found.converged == found.asked == 5
    assert not found.complete
    assert found.products == operator.back < N
    assert operator.forth == 0
    assert_outermost(A, found, 5, which, 1e-4)
    assert found.residuals.max() < 3e-6


@pytest.mark.parametrize("which", WHICH)
@pytest.mark.parametrize("name", ["normal", "spread"])
def test_single_precision(name: str, which: str) -> None:
    A = MATRICES[name]
    found = spectrum(Hidden(A.float()), 4, which, max_products=N - 1)
    assert found.converged == 4
    assert found.eigenvalues.dtype == torch.complex128
    assert_outermost(A, found, 4, which, 1e-2)


def test_single_precision_knows_its_limits() -> None:
    found = spectrum(Hidden(MATRICES["normal"].float()), 4, tolerance=1e-12, max_products=N - 1)
    assert found.converged == 4


@pytest.mark.parametrize(("which", "sign"), [("LR", 1), ("SR", -1)])
def test_a_rightmost_eigenvalue_of_zero_is_found(which: str, sign: int) -> None:
    """A tolerance relative to it would never be met, nor would powers of A hold its vectors."""
    found = spectrum(Hidden(sign * MATRICES["damped_rotation"]), 1, which, max_products=N - 1)
    assert found.converged == 1
    assert found.eigenvalues.abs()[0] < 3e-3 * MATRICES["damped_rotation"].norm(2)


@pytest.mark.parametrize("which", WHICH)
def test_both_ways_agree(which: str) -> None:
    A = MATRICES["normal"]
    search = spectrum(Hidden(A), 6, which, tolerance=1e-7, max_products=N - 1)
    matrix = spectrum(A, 6, which)
    torch.testing.assert_close(search.eigenvalues, matrix.eigenvalues, rtol=0.0, atol=1e-6)
    assert matrix.products == 0
    assert same_set(matrix.eigenvalues, as_tensor(exact(A, 6, which)), 1e-9)


@pytest.mark.parametrize("search", [True, False])
@pytest.mark.parametrize("k", range(1, 6))
def test_pairs_are_never_cut(k: int, search: bool) -> None:
    A = MATRICES["normal"]
    operator = Hidden(A) if search else A
    found = spectrum(operator, k, tolerance=1e-8, max_products=N - 1)
    assert len(found.eigenvalues) == k + k % 2
    assert found.converged == k
    values = found.eigenvalues
    torch.testing.assert_close(values[1::2], values[::2].conj(), rtol=0.0, atol=0.0)
    assert (values[::2].imag > 0).all()
    assert torch.equal(found.residuals[1::2], found.residuals[::2])


@pytest.mark.parametrize("k", [1, 4])
def test_the_order_has_no_ties(k: int) -> None:
    A = torch.block_diag(*(torch.tensor([[0.0, s], [-s, 0.0]]) for s in (1.0, 3.0, 2.0)))
    values = eigenvalues(A, k, "LR")
    assert [round(z.imag) for z in values.tolist()] == [3, -3, 2, -2][: k + k % 2]


def test_all_of_a_matrix() -> None:
    A = MATRICES["spread"]
    found = spectrum(A, vectors=True)
    assert found.complete
    assert found.asked is None
    assert found.converged == len(found.eigenvalues) == N
    assert same_set(found.eigenvalues, torch.tensor(scipy.linalg.eigvals(A.numpy())), 1e-9)
    assert 0 < found.residuals.max() < 1e-12
    wide, right, left = A.to(torch.complex128), found.right, found.left
    assert right is not None
    assert left is not None
    torch.testing.assert_close(wide @ right, found.eigenvalues * right)
    torch.testing.assert_close(left.mH @ wide, found.eigenvalues[:, None] * left.mH)
    torch.testing.assert_close(eigenvalues(A), found.eigenvalues)


def test_vectors_of_a_search_are_right_ones() -> None:
    A = MATRICES["spread"]
    operator = Hidden(A)
    found = spectrum(operator, 4, "LR", tolerance=1e-8, max_products=N - 1, vectors=True)
    assert operator.back == 0
    assert found.products == operator.forth
    assert found.right is not None
    torch.testing.assert_close(
        A.to(torch.complex128) @ found.right, found.eigenvalues * found.right, rtol=0, atol=1e-6
    )
    torch.testing.assert_close(found.right.norm(dim=0), torch.ones(len(found.eigenvalues)).double())


def test_residuals_are_those_of_left_vectors() -> None:
    """A far from normal matrix tells A^T u - l u from A u - l u."""
    A = MATRICES["triangular"]
    loose = spectrum(Hidden(A), 4, tolerance=1e-3, max_products=N - 1)
    assert 0 < loose.residuals.max() <= 3e-3
    tight = spectrum(Hidden(A), 4, tolerance=1e-9, max_products=N - 1)
    assert tight.residuals.max() <= 3e-9


def test_a_defective_matrix_has_no_left_vectors() -> None:
    found = spectrum(torch.tensor([[0.0, 1.0], [0.0, 0.0]]), vectors=True)
    assert found.left is None or not found.left.isfinite().all() or found.residuals.max() < 1e-12
    assert found.eigenvalues.tolist() == [0, 0]


@pytest.mark.parametrize("which", WHICH)
@pytest.mark.parametrize("matrix", [torch.zeros(N, N), torch.diag(torch.ones(1), N - 1)])
def test_zero_and_nearly_so(matrix: Tensor, which: str) -> None:
    found = spectrum(Hidden(matrix), 4, which, max_products=20, vectors=True)
    assert found.eigenvalues.tolist() == [0] * 4
    assert found.residuals.tolist() == [0] * 4
    assert found.products <= 2
    assert found.right is not None
    assert (matrix @ found.right.real).abs().max() < 1e-6


@pytest.mark.parametrize("which", WHICH)
@pytest.mark.parametrize("scale", [1.0, -3.0])
def test_multiples_of_the_identity(scale: float, which: str) -> None:
    found = spectrum(Hidden(scale * torch.eye(N).double()), 3, which, max_products=N - 1)
    torch.testing.assert_close(found.eigenvalues.real, torch.full((3,), scale).double())


@pytest.mark.parametrize("which", WHICH)
def test_low_rank(which: str) -> None:
    """A Krylov space that is soon exhausted."""
    A = torch.outer(draw(0, N), draw(1, N)) / N
    one, two = (spectrum(Hidden(A), 3, which, max_products=N - 1) for _ in range(2))
    assert torch.equal(one.eigenvalues, two.eigenvalues)
    assert_outermost(A, one, len(one.eigenvalues), which, 1e-6)


@pytest.mark.parametrize("cap", [15, 20, 33, 60, 61, 100])
@pytest.mark.parametrize("which", WHICH)
@pytest.mark.parametrize("name", MATRICES)
def test_the_cap_is_hard(name: str, which: str, cap: int) -> None:
    operator = Hidden(MATRICES[name])
    found = spectrum(operator, 4, which, max_products=cap)
    assert found.products == operator.back <= cap
    assert found.converged == min(4, len(found.eigenvalues))
    assert len(found.residuals) == len(found.eigenvalues) <= 5
    assert (found.residuals <= 3e-3).all()
    assert not found.complete


def test_what_converged_is_returned() -> None:
    counts = {
        spectrum(Hidden(MATRICES["normal"]), 6, which, max_products=cap).converged
        for which in WHICH
        for cap in (90, 100, 120)
    }
    assert counts & {1, 2, 3, 4, 5}


def test_nothing_converged() -> None:
    start = draw(0, N)
    found = spectrum(Hidden(MATRICES["spread"]), 4, start=start, max_products=15)
    assert found.converged == 0
    assert found.eigenvalues.shape == found.residuals.shape == (0,)
    assert found.start is start


def test_the_same_again() -> None:
    one, two = (spectrum(Hidden(MATRICES["spread"]), 3, max_products=150) for _ in range(2))
    assert torch.equal(one.eigenvalues, two.eigenvalues)
    state = torch.get_rng_state(), np.random.get_state()[1].tolist()
    spectrum(Hidden(MATRICES["spread"]), 3, max_products=150)
    assert torch.equal(torch.get_rng_state(), state[0])
    assert np.random.get_state()[1].tolist() == state[1]


@pytest.mark.parametrize("which", ["LM", "LR", "SR"])
def test_a_warm_start_is_shorter(which: str) -> None:
    A = MATRICES["triangular"]
    nearby = A + 1e-4 * draw(9, N, N) / N**0.5
    cold = spectrum(Hidden(A), 4, which, max_products=N - 1)
    again = spectrum(Hidden(nearby), 4, which, max_products=N - 1)
    warm = spectrum(Hidden(nearby), 4, which, start=cold.start, max_products=N - 1)
    assert warm.converged == again.converged == 4
    assert warm.products < again.products
    assert_outermost(nearby, warm, 4, which, 3e-3)


@pytest.mark.parametrize("start", [torch.zeros(N), torch.full((N,), math.nan)])
def test_a_start_that_is_none(start: Tensor) -> None:
    found = spectrum(Hidden(MATRICES["normal"]), 4, start=start, max_products=N - 1)
    assert found.converged == 4


def test_a_start_of_another_size() -> None:
    with pytest.raises(ValueError, match=r"^start must have shape \(200,\), got \(3,\)$"):
        spectrum(Hidden(MATRICES["normal"]), 4, start=torch.ones(3), max_products=N - 1)


def test_joined() -> None:
    A = MATRICES["spread"]
    largest, rightmost = (spectrum(A, 4, which, vectors=True) for which in ("LM", "LR"))
    both = largest.joined(rightmost)
    expected = {complex(z) for s in (largest, rightmost) for z in s.eigenvalues}
    assert same_set(both.eigenvalues, as_tensor(expected), 1e-12)
    assert len(both.residuals) == len(both.eigenvalues)
    assert both.right is not None
    torch.testing.assert_close(
        A.to(torch.complex128) @ both.right, both.eigenvalues * both.right, rtol=0, atol=1e-9
    )
    assert not both.complete
    assert both.products == largest.products + rightmost.products


def test_joined_with_nothing() -> None:
    nothing = Spectrum(torch.zeros(0, dtype=torch.complex128), torch.zeros(0).double(), False, 7)
    some = spectrum(MATRICES["spread"], 4)
    for both in (some.joined(nothing), nothing.joined(some)):
        assert torch.equal(both.eigenvalues, some.eigenvalues)
        assert both.products == 7
    whole = spectrum(MATRICES["spread"])
    assert whole.joined(some).complete


# Which way is taken


@pytest.mark.parametrize(("k", "products"), [(None, 9), (8, 9), (9, 9), (3, 9), (50, 9)])
def test_small_ones_from_their_matrix(k: int | None, products: int) -> None:
    A = draw(0, 9, 9)
    operator = Hidden(A)
    found = spectrum(operator, k)
    assert found.products == operator.forth + operator.back == products
    assert found.complete == (k != 3)  # the eighth has a conjugate
    assert found.residuals.max() < 1e-12
    expected = as_tensor(exact(A, min(k or 9, 9), "LM"))
    assert same_set(found.eigenvalues, expected, 1e-9)
    torch.testing.assert_close(eigenvalues(Hidden(A), k), found.eigenvalues)


def test_large_ones_by_a_search() -> None:
    n = DENSE + 1
    operator = Hidden(torch.diag(torch.linspace(1, 2, n).double() ** 20))
    values = eigenvalues(operator, 2)
    assert operator.back < 100
    torch.testing.assert_close(values.real[0], torch.tensor(2.0**20).double(), rtol=1e-3, atol=0.0)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("k", [None, 1, 2])
def test_the_smallest(n: int, k: int | None) -> None:
    values = eigenvalues(Hidden(torch.diag(torch.arange(1.0, n + 1))), k)
    assert values.real.tolist() == pytest.approx(list(range(n, 0, -1))[:k])


# What is refused


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("k", [None, 4])
@pytest.mark.parametrize("find", [spectrum, eigenvalues])
def test_products_that_are_not_finite(find: Callable[..., Any], k: int | None, bad: float) -> None:
    A = draw(0, 60, 60)
    A[3, 5] = bad
    with pytest.raises(ValueError, match=r"^a product with the operator is not finite"):
        find(Hidden(A), k, max_products=None if k is None else 50)


REFUSED = {
    "which must be one of LM, LR, SR, LI, got 'SM'": {"which": "SM"},
    "k must be a whole number of at least 1, got 0": {"k": 0},
    "max_products must be a whole number of at least 1, got 0": {"max_products": 0},
    "tolerance must be positive and finite, got 0": {"tolerance": 0},
    "max_products must be at least 200 for all eigenvalues, got 60; give a smaller k": {
        "max_products": 60
    },
    "max_products must be at least 19 for k=6, got 18": {"k": 6, "max_products": 18},
}


@pytest.mark.parametrize("find", [spectrum, eigenvalues])
@pytest.mark.parametrize("message", REFUSED)
def test_refused(find: Callable[..., Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        find(Hidden(MATRICES["spread"]), **REFUSED[message])


def test_too_many() -> None:
    operator = Hidden(torch.eye(2))
    operator.size = 1_200_000
    with pytest.raises(ValueError, match=r"^1,200,000 eigenvalues are too many .*: give k$"):
        spectrum(operator)


def test_what_is_not_square() -> None:
    with pytest.raises(ValueError, match=r"^operator must be square, got shape \(2, 3\)$"):
        spectrum(torch.zeros(2, 3))


# Games


@pytest.fixture(params=GAMES)
def case(request: pytest.FixtureRequest) -> Case:
    torch.manual_seed(0)
    return GAMES[request.param]()


def batched(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each call of the batched pass came through."""
    came: list[bool] = []
    original = jacobians._batched

    def spy(*arguments: Any) -> Tensor | None:
        found = original(*arguments)
        came.append(found is not None)
        return found

    monkeypatch.setattr(jacobians, "_batched", spy)
    return came


def test_batches_of_products(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    came = batched(monkeypatch)
    at = ng.GameField(case.game).linearize(case.batch)
    J, A = at.jacobian, case.jacobian
    U = draw(0, len(A), 21)
    cases = {
        "J": (J, A),
        "J^T": (J.T, A.T),
        "consensus": (J - 0.3 * J.T @ J, A - 0.3 * A.T @ A),
        "all": ((2 * J @ J + J.T).T, (2 * A @ A + A.T).T),
    }
    for name, (operator, matrix) in cases.items():
        assert error(operator @ U, matrix @ U) < 1e-12
        assert error(operator.T @ U, matrix.T @ U) < 1e-12
        if len(A) < 100 or name == "J":
            assert error(operator.to_dense(), matrix) < 1e-12
            assert error(operator.T.to_dense(), matrix.T) < 1e-12
    assert all(came)
    assert came


def test_products_in_batches_are_counted() -> None:
    torch.manual_seed(0)
    case = mlp_gan()
    n = len(case.x)
    at = ng.GameField(case.game).linearize(case.batch)
    J = at.jacobian
    for do, products in (
        (lambda: J @ draw(0, n, 7), 7),
        (lambda: J.T @ draw(0, n, 7), 7),
        (lambda: J.to_dense(), n),
        (lambda: J.T.to_dense(), n),
        (lambda: (J - J.T @ J) @ draw(0, n, 7), 21),
    ):
        before = at.cost.products
        do()
        assert at.cost.products - before == products


def test_functions_of_products_get_vectors() -> None:
    shapes = []

    def through(u: Tensor) -> Tensor:
        shapes.append(u.shape)
        return 3 * u

    A = draw(0, 5, 5)
    operator = MappedOperator(DenseOperator(A), through)
    torch.testing.assert_close(operator @ draw(1, 5, 2), 3 * A @ draw(1, 5, 2))
    torch.testing.assert_close(operator.T @ draw(1, 5, 2), 3 * A.T @ draw(1, 5, 2))
    torch.testing.assert_close(operator.to_dense(), 3 * A)
    assert shapes == [(5,)] * 9


class Clever(torch.autograd.Function):
    """x^2 / 2, with derivatives that read a value on the way: they cannot be batched."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.square() / 2

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return grad * x if float(grad.detach().abs().sum()) >= 0 else grad


class Custom(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return Clever.apply(x)


class Plain(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.square() / 2


def test_where_batches_fail_it_goes_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    came = batched(monkeypatch)
    matrices = []
    for activation in (Custom, Plain):
        torch.manual_seed(0)
        case = mlp_gan(activation=activation)
        J = ng.GameField(case.game).linearize(case.batch).jacobian
        matrices += [J.to_dense(), J @ torch.eye(J.size).double()]
    assert came == [False, True, True, True]
    for M in matrices[:3]:
        assert error(M, matrices[3]) < 1e-12


@pytest.mark.parametrize("transposed", [False, True])
def test_products_of_matrices_are_differentiable_where_those_of_vectors_are(
    transposed: bool,
) -> None:
    game = quadratic({"a": 2, "b": 3})
    J = ng.GameField(game).linearize(None, create_graph=True).jacobian
    A = J.T if transposed else J
    U = draw(0, 5, 2).requires_grad_()
    (gradient,) = torch.autograd.grad((A @ U).sum(), U)
    torch.testing.assert_close(gradient, A.to_dense().T @ torch.ones(5, 2).double())


def test_a_constant_field() -> None:
    space = ng.GameField(quadratic({"a": 2, "b": 3})).space
    J = jacobians.GraphJacobian(space, torch.ones(5).double())
    for M in (J.to_dense(), J @ torch.eye(5).double(), J.T @ torch.eye(5).double()):
        assert torch.equal(M, torch.zeros(5, 5).double())


def test_a_loss_scale_is_divided_out() -> None:
    case = trio()
    field = ng.GameField(case.game)
    at = field.linearize(case.batch, create_graph=True)
    J = jacobians.GraphJacobian(field.space, 8 * at.value, scale=torch.tensor(8.0))
    eye = torch.eye(J.size).double()
    for M in (J.to_dense(), J @ eye, (J.T @ eye).T):
        assert error(M, case.jacobian) < 1e-12


def test_no_columns() -> None:
    torch.manual_seed(0)
    case = mlp_gan()
    J = ng.GameField(case.game).linearize(case.batch).jacobian
    for operator in (J, J.T, Hidden(draw(0, 4, 4))):
        assert (operator @ torch.zeros(operator.size, 0).double()).shape == (operator.size, 0)


def test_the_spectrum_of_a_game() -> None:
    torch.manual_seed(0)
    case = trio()
    J = ng.GameField(case.game).linearize(case.batch).jacobian
    found = spectrum(J)
    expected = torch.tensor(scipy.linalg.eigvals(case.jacobian.numpy()))
    assert found.products == len(case.x)
    scale = expected.abs().max()
    for power in range(1, 4):  # sums of powers: eigenvalues of defective matrices are ill-defined
        ours, theirs = ((x / scale).pow(power).sum() for x in (found.eigenvalues, expected))
        torch.testing.assert_close(ours, theirs, rtol=0.0, atol=1e-9)


@pytest.fixture(scope="module")
def net() -> tuple[ng.GameField, dict[str, Tensor]]:
    """A GAN of some 300 parameters."""
    torch.manual_seed(0)
    nets = [jitter(MLP(sizes)) for sizes in ([3, 12, 10, 2], [2, 10, 8, 1])]
    return ng.GameField(ng.GAN(*nets).double()), points(16)


@pytest.mark.parametrize("which", WHICH)
def test_the_outermost_of_a_net(net: tuple[ng.GameField, dict[str, Tensor]], which: str) -> None:
    field, batch = net
    at = field.linearize(batch)
    J = at.jacobian
    n = J.size
    A = J.to_dense()
    before = at.cost.products
    found = spectrum(J, 4, which, tolerance=1e-4, max_products=n - 1)
    assert found.converged == 4
    assert found.products == at.cost.products - before
    assert_outermost(A, found, 4, which, 1e-3)


def test_the_outermost_of_consensus(net: tuple[ng.GameField, dict[str, Tensor]]) -> None:
    field, batch = net
    J = field.linearize(batch).jacobian
    A = J.to_dense()
    found = spectrum(J - 0.5 * J.T @ J, 3, tolerance=1e-4, max_products=60)
    assert found.converged == 3
    assert_outermost(A - 0.5 * A.T @ A, found, 3, "LM", 1e-3)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 3), st.sampled_from(WHICH))
def test_random_games(seed: int, k: int, which: str) -> None:
    """A basis of the whole space leaves nothing out."""
    J = ng.GameField(quadratic({"a": 10, "b": 11, "c": 9}, seed)).linearize(None).jacobian
    A = J.to_dense()
    found = spectrum(MappedOperator(J, lambda u: u), k, which, tolerance=1e-9, max_products=29)
    matrix = spectrum(A, k, which)
    scale = float(matrix.eigenvalues.abs().max())
    assert same_set(matrix.eigenvalues, as_tensor(exact(A, k, which)), 1e-9 * scale)
    for value in found.eigenvalues:
        assert (torch.linalg.eigvals(A) - value).abs().min() < 1e-6 * scale
