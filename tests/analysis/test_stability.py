"""What eigenvalues say of a fixed point, against dense iterations and closed forms."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nashgrad.analysis.stability import Stability

seeds = st.integers(0, 10_000)


def draw(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def stable(seed: int, n: int = 5) -> Tensor:
    M = draw(seed, n, n)
    return M - (torch.linalg.eigvals(M).real.max() + 0.2) * torch.eye(n, dtype=torch.float64)


def radius(A: Tensor, h: float) -> float:
    """The spectral radius of I + h A."""
    return torch.linalg.eigvals(torch.eye(len(A)).double() + h * A).abs().max().item()


@given(seeds)
def test_the_largest_step_is_sharp(seed: int) -> None:
    A = stable(seed)
    found = Stability.of(A)
    assert found.is_stable is True
    assert found.neutral == 0
    assert radius(A, 0.999 * found.max_step_size) < 1
    assert radius(A, found.max_step_size) == pytest.approx(1)
    assert radius(A, 1.001 * found.max_step_size) > 1


@given(seeds, st.floats(0, 2))
def test_the_rate_is_the_radius(seed: int, h: float) -> None:
    assert Stability.of(draw(seed, 4, 4)).rate(h) == pytest.approx(radius(draw(seed, 4, 4), h))


def test_the_rate_is_observed() -> None:
    A, x = stable(3), draw(1, 5)
    found = Stability.of(A)
    h = found.max_step_size / 2
    start = x.norm()
    for _ in range(2000):
        x = x + h * A @ x
    assert math.log(x.norm() / start) / 2000 == pytest.approx(math.log(found.rate(h)), rel=0.02)


def test_a_circle() -> None:
    found = Stability(torch.tensor([-1 + 3j, -1 - 3j]))
    assert found.max_step_size == pytest.approx(0.2)
    assert found.q_ratio == pytest.approx(3)
    assert found.rate(0.1) == pytest.approx(math.hypot(0.9, 0.3))
    assert found.largest == pytest.approx(math.sqrt(10))


CASES = {  # eigenvalues, complete: is_stable, max_step_size, q_ratio, neutral
    "stable": ([-1.0, -2.0], True, True, 1.0, 0.0, 0),
    "stable, as far as seen": ([-1.0, -2.0], False, None, 1.0, 0.0, 0),
    "unstable": ([-1.0, 0.5], True, False, 0.0, 0.0, 0),
    "unstable, one was seen": ([0.5], False, False, 0.0, 0.0, 0),
    "unstable spiral": ([0.5 + 1j, 0.5 - 1j], True, False, 0.0, 2.0, 0),
    "bilinear": ([1j, -1j], True, None, 0.0, math.inf, 0),
    "neutral directions": ([-1.0, 1e-9], True, None, 2.0, 0.0, 1),
    "neutral and unstable": ([1.0, 1e-9], True, False, 0.0, 0.0, 1),
    "neutral of either sign": ([-1.0, -1e-9, 1e-9j, 0.0], True, None, 2.0, 0.0, 3),
    "all zero": ([0.0, 0.0], True, None, math.inf, 0.0, 2),
    "none": ([], True, None, math.inf, 0.0, 0),
    "none found": ([], False, None, math.inf, 0.0, 0),
}


@pytest.mark.parametrize("case", CASES)
def test_verdicts(case: str) -> None:
    values, complete, verdict, step, ratio, neutral = CASES[case]
    found = Stability(torch.tensor(values), complete)
    assert found.is_stable is verdict
    assert found.max_step_size == pytest.approx(step)
    assert found.q_ratio == pytest.approx(ratio)
    assert found.neutral == neutral


def test_neutral_ones_do_not_count() -> None:
    with_zero = Stability(torch.tensor([-1 + 1j, -1 - 1j, 1e-8, -1e-8 + 1e-7j]))
    without = Stability(torch.tensor([-1 + 1j, -1 - 1j]))
    assert with_zero.neutral == 2
    assert with_zero.unstable == 0
    for h in (0.1, 1.5):
        assert with_zero.rate(h) == without.rate(h)
    assert with_zero.max_step_size == without.max_step_size
    assert with_zero.q_ratio == without.q_ratio


def test_the_tolerance_decides_what_is_neutral() -> None:
    values = torch.tensor([-1.0, 1e-4], dtype=torch.float64)
    assert Stability(values).is_stable is False
    assert Stability(values, tolerance=1e-4).is_stable is None
    assert Stability(values, tolerance=1e-4).neutral == 1
    assert Stability(torch.zeros(2), tolerance=0.0).neutral == 2


def test_nothing_moves() -> None:
    assert Stability(torch.zeros(3)).rate(0.5) == 1


@pytest.mark.parametrize(
    "values",
    [
        torch.tensor([-1.0, -3.0]),
        np.array([-1.0, -3.0]),
        torch.tensor([-1, -3]),
        np.array([-1 + 0j, -3], dtype=np.complex64),
        torch.tensor([-1.0, -3.0], requires_grad=True),
    ],
)
def test_what_it_takes(values: Tensor) -> None:
    found = Stability(values)
    assert found.eigenvalues.dtype == torch.complex128
    assert found.max_step_size == pytest.approx(2 / 3)


def test_what_a_matrix_may_be() -> None:
    for A in (torch.diag(torch.tensor([-1.0, -3.0])), np.diag([-1, -3]), [[-1, 0], [0, -3]]):
        assert Stability.of(A).max_step_size == pytest.approx(2 / 3)
    assert Stability.of(torch.tensor([[1j]])).q_ratio == math.inf


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite(bad: float) -> None:
    with pytest.raises(ValueError, match=r"^eigenvalues must be finite"):
        Stability(torch.tensor([-1.0, bad]))
    with pytest.raises(ValueError, match=r"^matrix must be finite"):
        Stability.of(torch.tensor([[bad]]))
    with pytest.raises(ValueError, match=r"^h must be finite"):
        Stability(torch.tensor([-1.0])).rate(bad)


def test_wrong_shapes() -> None:
    with pytest.raises(ValueError, match=r"^eigenvalues must be a vector, got shape \(2, 2\)"):
        Stability(torch.eye(2))
    with pytest.raises(ValueError, match=r"^matrix must be square, got shape \(2, 3\)$"):
        Stability.of(torch.zeros(2, 3))
    with pytest.raises(ValueError, match=r"^tolerance must be finite and not negative, got -1"):
        Stability(torch.zeros(2), tolerance=-1)


def test_the_text_says_what_is_not_known() -> None:
    whole, part = (str(Stability(torch.tensor([-1.0, -2.0]), c)) for c in (True, False))
    assert whole.splitlines() == [
        "stable (2 eigenvalues, 0 neutral)",
        "largest stable step size: 1",
        "largest |Im l| / |Re l|: 0",
    ]
    assert part.splitlines()[0] == "undecided (2 eigenvalues, incomplete, 0 neutral)"
    assert "step size: at most 1" in part
    assert "at least 0" in part
    fled = Stability(torch.tensor([-1.0, 2.0]), complete=False)
    assert str(fled).startswith("unstable: 1 with positive real part (2 eigenvalues, incomplete")
