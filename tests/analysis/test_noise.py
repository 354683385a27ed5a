"""Noise: unbiased squares, p values that are honest, intervals of eigenvalues."""

import numpy as np
import pytest
import torch
from scipy import stats

from nashgrad.analysis.noise import (
    Interval,
    debiased_square,
    mean_interval,
    per_batch,
    zero_mean_probability,
)
from nashgrad.core.operators import DenseOperator

F64 = torch.float64


def draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def test_the_square_is_the_mean_over_all_pairs() -> None:
    v = draw(0, 4, 3)
    pairs = [v[b] @ v[c] for b in range(4) for c in range(4) if b != c]
    assert debiased_square(v) == pytest.approx(torch.stack(pairs).mean().item(), rel=1e-12)


def test_the_square_has_no_bias() -> None:
    mean = torch.tensor([0.3, -0.2, 0.0], dtype=F64)
    found = [debiased_square(mean + draw(seed, 5, 3)) for seed in range(4000)]
    error = np.std(found) / len(found) ** 0.5
    assert np.mean(found) == pytest.approx(mean.square().sum().item(), abs=4 * error)
    plain = np.mean([(mean + draw(s, 5, 3)).mean(0).square().sum().item() for s in range(4000)])
    assert plain > mean.square().sum().item() + 0.3  # what the noise adds: 3 / 5


@pytest.mark.parametrize("m", [8, 20])
def test_where_the_mean_is_zero_the_p_value_is_uniform(m: int) -> None:
    """Up to the steps of a finite number of patterns."""
    found = np.array([zero_mean_probability(draw(seed, m, 50)) for seed in range(1000)])
    for level in (0.05, 0.25, 0.5):
        assert np.mean(found <= level) == pytest.approx(level, abs=0.05)


def test_the_p_value_sees_a_mean_below_the_noise_of_one_batch() -> None:
    shift = 0.4 * torch.ones(50, dtype=F64)
    found = [zero_mean_probability(shift + draw(seed, 8, 50)) for seed in range(50)]
    assert np.mean(np.array(found) < 0.05) > 0.95


def test_a_plain_pattern_is_the_least_p_value() -> None:
    assert zero_mean_probability(torch.ones(8, 2)) == 2.0**-7


@pytest.mark.parametrize("shape", [(1, 3), (3,)])
def test_one_batch_has_no_noise_to_see(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^values must be \(m, n\) with m at least 2, got"):
        debiased_square(torch.ones(shape))


def test_intervals_are_students() -> None:
    samples = draw(1, 9)
    low, high = stats.t.interval(
        0.95, 8, loc=samples.mean().item(), scale=stats.sem(samples.numpy())
    )
    found = mean_interval(samples)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    wider = mean_interval(samples, of=10)
    assert wider.low < found.low < found.high < wider.high


@pytest.mark.parametrize(("low", "high", "sign"), [(1, 2, 1), (-2, -1, -1), (-1, 1, 0), (0, 1, 0)])
def test_signs(low: float, high: float, sign: int) -> None:
    assert Interval((low + high) / 2, low, high).sign == sign


@pytest.mark.parametrize("seed", range(5))
def test_the_share_of_each_batch_is_the_derivative_of_the_eigenvalue(seed: int) -> None:
    J, D = draw(seed, 6, 6), [1e-6 * draw(10 * seed + b + 100, 6, 6) for b in range(3)]
    D[2] = -(D[0] + D[1])
    values, right = torch.linalg.eig(J)
    left = torch.linalg.inv(right).conj().T
    for i in range(6):
        found = per_batch([DenseOperator(J + d) for d in D], right[:, i], left[:, i])
        assert abs(found.mean() - values[i]) < 1e-12
        for b, d in enumerate(D):
            moved = torch.linalg.eigvals(J + d)
            nearest = moved[(moved - found[b]).abs().argmin()]
            assert abs(nearest - found[b]) < 1e-9 * right.norm() * left.norm()


def test_without_the_left_vector_the_mean_is_the_eigenvalue_still() -> None:
    J, D = draw(3, 5, 5), draw(4, 5, 5)
    values, right = torch.linalg.eig(J)
    found = per_batch([DenseOperator(J + D), DenseOperator(J - D)], right[:, 0], None)
    assert abs(found.mean() - values[0]) < 1e-12
