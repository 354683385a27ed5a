"""Parts and products of operators against the same of matrices."""

import math
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import nashgrad as ng
from nashgrad.analysis.parts import (
    Share,
    antisymmetric,
    averaged,
    consensus_jacobian,
    preconditioned,
    rotation_share,
    symmetric,
)
from nashgrad.core.blocks import Block
from nashgrad.core.operators import DenseOperator, LinearOperator, MappedOperator
from references import mlp_gan

N = 6
seeds = st.integers(0, 10_000)


def draw(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


A, B, C = draw(0, 3, N, N)
a, b, c = map(DenseOperator, (A, B, C))
STEPS = draw(1, N).abs()
ROOT = STEPS.sqrt().diag()
EYE = torch.eye(N, dtype=torch.float64)

CASES = {
    "symmetric": (symmetric(a), (A + A.T) / 2),
    "antisymmetric": (antisymmetric(a), (A - A.T) / 2),
    "both": (symmetric(a) + antisymmetric(a), A),
    "consensus": (consensus_jacobian(a, 0.3), A - 0.3 * A.T @ A),
    "no consensus": (consensus_jacobian(a, 0.0), A),
    "transposed consensus": (consensus_jacobian(a, 0.3).T, A.T - 0.3 * A.T @ A),
    "preconditioned": (preconditioned(a, STEPS), ROOT @ A @ ROOT),
    "preconditioned, in one step": (preconditioned(a, STEPS * 0 + 0.25), A / 4),
    "mean": (averaged([a, b, c]), (A + B + C) / 3),
    "mean of one": (averaged([a]), A),
    "weighted mean": (averaged([a, b], [1, 3]), A / 4 + 3 * B / 4),
    "a weight of zero": (averaged([a, b], [0, 2]), B),
    "all at once": (
        preconditioned(consensus_jacobian(averaged([a, b]), 0.1), STEPS),
        ROOT @ ((A + B) / 2 - 0.025 * (A + B).T @ (A + B)) @ ROOT,
    ),
}


@pytest.mark.parametrize(("operator", "matrix"), CASES.values(), ids=CASES)
def test_products(operator: LinearOperator, matrix: Tensor) -> None:
    u, U = draw(2, N), draw(3, N, 4)
    for theirs in (u, U):
        torch.testing.assert_close(operator @ theirs, matrix @ theirs)
        torch.testing.assert_close(operator.T @ theirs, matrix.T @ theirs)
    torch.testing.assert_close(operator.to_dense(), matrix)
    torch.testing.assert_close(operator.T.to_dense(), matrix.T)


@given(seeds, st.integers(0, N))
def test_the_preconditioned_map_has_the_eigenvalues_of_s_j(seed: int, zeros: int) -> None:
    J, steps = draw(seed, N, N), draw(seed + 1, N).abs()
    steps[:zeros] = 0
    ours = torch.linalg.eigvals(preconditioned(DenseOperator(J), steps).to_dense())
    theirs = torch.linalg.eigvals(steps.diag() @ J)
    for power in range(1, N + 1):
        torch.testing.assert_close(ours.pow(power).sum(), theirs.pow(power).sum())
    assert (ours.abs() < 1e-12).sum() >= zeros


@given(seeds)
def test_the_preconditioned_map_stays_negative_definite(seed: int) -> None:
    H, R = draw(seed, N, N), draw(seed + 1, N, N)
    J = -H @ H.T - 0.1 * EYE + 5 * (R - R.T)
    W = preconditioned(DenseOperator(J), STEPS).to_dense()
    assert torch.linalg.eigvalsh(W + W.T).max() < 0


def test_consensus_of_a_game() -> None:
    """Two passes a product, one of each, and the parts of a game's Jacobian."""
    case = mlp_gan()
    at = ng.GameField(case.game).linearize(case.batch)
    J, u = at.jacobian, draw(0, len(case.x))
    W = case.jacobian - 2.0 * case.jacobian.T @ case.jacobian
    operator = consensus_jacobian(J, 2.0)
    torch.testing.assert_close(operator @ u, W @ u)
    assert at.cost.products == 2
    torch.testing.assert_close(operator.T @ u, W.T @ u)
    assert at.cost.products == 4
    torch.testing.assert_close(operator.to_dense(), W)
    assert at.cost.products == 4 + len(u)


def test_consensus_acts_on_blocks() -> None:
    case = mlp_gan()
    field = ng.GameField(case.game)
    J = field.linearize(case.batch).jacobian
    block = Block(J, field.space, "generator", None)
    rows = field.space.block("generator")
    P = torch.zeros_like(case.jacobian)
    P[rows] = case.jacobian[rows]
    torch.testing.assert_close(consensus_jacobian(block, 0.2).to_dense(), P - 0.2 * P.T @ P)
    exact = rotation_share(P).estimate
    assert abs(rotation_share(block, 100).estimate - exact) < 0.3 * exact


# The share of rotation


@given(seeds)
def test_the_share_is_that_of_the_parts(seed: int) -> None:
    J = draw(seed, N, N)
    operator = DenseOperator(J)
    rotating = antisymmetric(operator).to_dense().square().sum()
    rest = symmetric(operator).to_dense().square().sum()
    share = rotation_share(J)
    assert share == rotation_share(operator)
    assert share.error == 0
    assert share.estimate == pytest.approx(float(rotating / (rotating + rest)))
    assert share.estimate == pytest.approx(float(rotating / J.square().sum()))


SHARES = {"symmetric": (A + A.T, 0), "antisymmetric": (A - A.T, 1), "zero": (0 * A, 0)}


@pytest.mark.parametrize("samples", [None, 1, 5])
@pytest.mark.parametrize(("J", "share"), SHARES.values(), ids=SHARES)
def test_the_extremes(J: Tensor, share: float, samples: int | None) -> None:
    found = rotation_share(J, samples)
    assert found.estimate == pytest.approx(share, abs=1e-15)
    assert found.error == pytest.approx(math.inf if samples == 1 and J.any() else 0, abs=1e-15)


class Hidden(MappedOperator):
    def __init__(self, J: Tensor) -> None:
        super().__init__(DenseOperator(J), lambda u: u)


def test_estimates_are_as_good_as_they_say() -> None:
    """Most lie within two standard errors, and the errors are no larger than needed."""
    draws = torch.Generator().manual_seed(0)
    J = draw(5, 30, 30) + 3 * torch.eye(30).double()
    exact = rotation_share(J).estimate
    found = [rotation_share(Hidden(J), 40, generator=draws) for _ in range(120)]
    off = torch.tensor([(f.estimate - exact) / f.error for f in found])
    assert 0.9 < (off.abs() < 2).float().mean() < 1
    assert 0.7 < off.std() < 1.3
    assert abs(off.mean()) < 0.4


def test_estimates_are_the_same_again() -> None:
    one, two = (rotation_share(Hidden(A)) for _ in range(2))
    assert one == two
    assert one.error > 0
    other = rotation_share(Hidden(A), generator=torch.Generator().manual_seed(1))
    assert other != one
    assert isinstance(one, Share)


def test_single_precision() -> None:
    J = 1e20 * A.float()  # squares overflow
    assert rotation_share(J).estimate == pytest.approx(rotation_share(A).estimate, rel=1e-5)
    assert 0 < rotation_share(Hidden(J)).estimate < 1


# What is refused

ONE = DenseOperator(torch.eye(2))
REFUSED = {
    "operators: there are none to average": lambda: averaged([]),
    "weights must be 1 numbers, got 2": lambda: averaged([ONE], [1, 2]),
    "weights must be finite and not negative, got -1": lambda: averaged([ONE, ONE], [2, -1]),
    "weights must not all be zero": lambda: averaged([ONE], [0]),
    "operators of sizes 2 and 6 cannot be combined": lambda: averaged([ONE, a]),
    "steps must have shape (2,), got (3,)": lambda: preconditioned(ONE, torch.ones(3)),
    "steps must be finite and not negative": lambda: preconditioned(ONE, torch.tensor([1.0, -1.0])),
    "gamma must be finite, got nan": lambda: consensus_jacobian(ONE, math.nan),
    "samples must be a whole number of at least 1, got 0": lambda: rotation_share(ONE, 0),
    "products with J must be finite: some are infinite or NaN": lambda: rotation_share(
        A * math.nan
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused(message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        REFUSED[message]()


def test_infinite_steps_and_products() -> None:
    with pytest.raises(ValueError, match=r"^steps must be finite and not negative$"):
        preconditioned(ONE, torch.tensor([1.0, math.inf]))
    for J in (math.nan * A, Hidden(math.inf * A)):
        with pytest.raises(ValueError, match=r"^products with J must be finite"):
            rotation_share(J)
