import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nashgrad.data import grid, ring
from nashgrad.metrics import mixture_scores, sliced_wasserstein


def samples(n, seed=0, dtype=torch.float64):
    return torch.randn(n, 2, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def test_the_target_itself():
    target = ring().sample(8192, torch.Generator().manual_seed(0), stratified=False)
    scores = mixture_scores(target, ring())
    assert scores["modes_covered"] == 8
    assert scores["hq_005"] > 0.99999
    # P(norm < 3 sigma) in the plane
    assert scores["hq_003"] == pytest.approx(1 - math.exp(-4.5), abs=0.004)


def expected_floor(n):
    """Root mean over the directions of the cost of evening out the modes' weights.

    Between neighbours on a line at distance g, mass |F| goes over one after the other gap, at
    the cost g^2 each where it is small; F is normal with variance p (1 - p) / n.
    """
    cost = 0.0
    for k in range(64):
        direction = torch.tensor([math.cos(k * math.pi / 64), math.sin(k * math.pi / 64)])
        gaps = (ring().means @ direction).sort().values.diff()
        below = torch.arange(1, 8) / 8
        mass = (2 / math.pi * below * (1 - below) / n).sqrt()
        cost += float((mass * gaps.square()).sum()) / 64
    return math.sqrt(cost)


@pytest.mark.parametrize("n", [2048, 8192])
def test_distance_of_independent_samples_is_that_of_their_weights(n):
    drawn = (
        ring().sample(n, torch.Generator().manual_seed(seed), stratified=False)
        for seed in range(20)
    )
    mean_square = sum(mixture_scores(x, ring(), seed=99)["sw2"] ** 2 for x in drawn) / 20
    assert math.sqrt(mean_square) == pytest.approx(expected_floor(n), rel=0.15)


def test_distance_of_stratified_samples_is_that_of_their_noise():
    target = ring().sample(8192, torch.Generator().manual_seed(1))
    assert mixture_scores(target, ring())["sw2"] < 0.002


def test_collapse_to_one_mode():
    scores = mixture_scores(ring().means[:1].repeat(100, 1), ring())
    assert (scores["modes_covered"], scores["hq_003"]) == (1, 1)
    assert scores["sw2"] > 0.5


def test_definitions_at_their_borders():
    mixture = ring(modes=2)
    points = torch.tensor([[1.0, 0.04], [1, 0.02], [1, 0.08], [1, 0.2]], dtype=torch.float64)
    scores = mixture_scores(points.repeat(50, 1), mixture)
    assert [scores[name] for name in ("hq_003", "hq_005", "hq_01")] == [0.25, 0.5, 0.75]
    assert scores["modes_covered"] == 1
    one_percent = torch.cat([points[:1].expand(99, 2), torch.tensor([[-1.0, 0]])])
    assert mixture_scores(one_percent, mixture)["modes_covered"] == 2
    less = torch.cat([points[:1].expand(100, 2), torch.tensor([[-1.0, 0]])])
    assert mixture_scores(less, mixture)["modes_covered"] == 1


def test_scores_are_plain_numbers_that_repeat():
    points = samples(1000, dtype=torch.float32)
    scores = mixture_scores(points, grid(), seed=1)
    assert list(scores) == ["modes_covered", "hq_003", "hq_005", "hq_01", "sw2"]
    assert [type(value) for value in scores.values()] == [int, float, float, float, float]
    assert scores == mixture_scores(points, grid(), seed=1)
    assert scores["sw2"] != mixture_scores(points, grid(), seed=2)["sw2"]


@settings(deadline=None)
@given(st.integers(1, 50), st.floats(-5, 5), st.floats(-5, 5))
def test_distance_of_a_translation(n, x, y):
    """The mean over the directions u of (t u)^2 is |t|^2 / 2."""
    a = samples(n)
    b = a + torch.tensor([x, y], dtype=torch.float64)
    assert sliced_wasserstein(a, b[torch.randperm(n)]) == pytest.approx(
        math.hypot(x, y) / math.sqrt(2), abs=1e-9
    )


def test_distance_of_a_scaling():
    a = samples(1000)
    expected = (a.square().sum(dim=1).mean() / 2).sqrt()
    assert sliced_wasserstein(a, 2 * a) == pytest.approx(expected.item())


def test_bad_samples():
    with pytest.raises(
        ValueError, match=r"^samples of shape \(0, 2\): expected \(n, 2\) with n > 0$"
    ):
        mixture_scores(torch.zeros(0, 2), ring())
    with pytest.raises(ValueError, match=r"^samples of shape \(4, 3\): expected"):
        mixture_scores(torch.zeros(4, 3), ring())
    with pytest.raises(
        ValueError, match=r"^samples of shapes \(3, 2\), \(4, 2\): expected \(n, 2\)$"
    ):
        sliced_wasserstein(torch.zeros(3, 2), torch.zeros(4, 2))
    with pytest.raises(ValueError, match=r"^samples of shapes \(3, 1\)"):
        sliced_wasserstein(torch.zeros(3, 1), torch.zeros(3, 1))
