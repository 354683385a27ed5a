import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nashgrad.data import Mixture, grid, ring


def modes_of(samples, mixture):
    return torch.cdist(samples, mixture.means).argmin(dim=1)


def test_ring_and_grid():
    means = ring(modes=4, radius=2.0).means
    torch.testing.assert_close(means, torch.tensor([[2.0, 0], [0, 2], [-2, 0], [0, -2]]))
    square = grid(side=3, spacing=0.5)
    assert square.modes == 9
    assert square.means.mean(dim=0).tolist() == [0, 0]
    assert square.means.unique().tolist() == [-0.5, 0, 0.5]


@settings(deadline=None)
@given(st.integers(0, 200), st.integers(1, 12), st.integers(0, 2**32))
def test_stratified_samples_are_balanced_in_every_part(n, modes, seed):
    mixture = ring(modes, sigma=1e-3)
    samples = mixture.sample(n, torch.Generator().manual_seed(seed))
    assert samples.shape == (n, 2)
    for part in (samples, samples[: n // 2]):
        counts = torch.bincount(modes_of(part, mixture), minlength=modes)
        assert counts.max() - counts.min() <= 1


def test_points_left_over_go_to_every_mode():
    mixture, generator = ring(sigma=1e-3), torch.Generator().manual_seed(0)
    drawn = torch.cat([mixture.sample(3, generator) for _ in range(800)])
    counts = torch.bincount(modes_of(drawn, mixture), minlength=8)
    assert (counts - 300).abs().max() < 4 * math.sqrt(300)


def test_moments_of_a_mode():
    mixture = ring(1, sigma=0.1)
    noise = mixture.sample(100_000, torch.Generator().manual_seed(0)) - mixture.means
    torch.testing.assert_close(noise.T.cov(), 0.01 * torch.eye(2), atol=2e-4, rtol=0)


def test_independent_samples_are_not_balanced():
    mixture = ring(sigma=1e-3)
    samples = mixture.sample(800, torch.Generator().manual_seed(0), stratified=False)
    counts = torch.bincount(modes_of(samples, mixture), minlength=8)
    assert counts.max() > 100 > counts.min() > 60


def test_the_generator_decides():
    mixture = ring()
    first, second = (mixture.sample(20, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, second)


def test_bad_input():
    with pytest.raises(ValueError, match=r"^modes=0: must be at least 1$"):
        ring(0)
    with pytest.raises(ValueError, match=r"^side=0: must be at least 1$"):
        grid(0)
    with pytest.raises(ValueError, match=r"^sigma=-1: must not be negative$"):
        ring(sigma=-1)
    with pytest.raises(ValueError, match=r"^means of shape \(3,\): expected \(modes, d\)$"):
        Mixture(torch.zeros(3), 1.0)
    with pytest.raises(ValueError, match=r"^n=-1: must not be negative$"):
        ring().sample(-1)
