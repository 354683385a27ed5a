"""Scores of images against formulas written from their papers."""

import math

import numpy as np
import pytest
import torch

from nashgrad.metrics.image_scores import inception_score, kernel_distance, manifold_scores

DRAW = np.random.default_rng(0)
REAL = torch.tensor(DRAW.normal(size=(60, 4)))
FAKE = torch.tensor(DRAW.normal(size=(50, 4)) * 0.7 + 0.4)


def test_inception_score_of_one_split() -> None:
    logits = torch.tensor(DRAW.normal(size=(40, 5)) * 2)
    p = torch.softmax(logits, 1).numpy()
    expected = math.exp((p * np.log(p / p.mean(0))).sum(1).mean())
    assert inception_score(logits, splits=1)[0] == pytest.approx(expected, rel=1e-6)


def test_inception_score_knows_its_ends() -> None:
    sure = 1e3 * torch.eye(5, dtype=torch.float64).repeat(20, 1)
    assert inception_score(sure, splits=1)[0] == pytest.approx(5, rel=1e-6)
    same = torch.ones(100, 5, dtype=torch.float64)
    assert inception_score(same, splits=4) == pytest.approx((1, 0), abs=1e-6)


def test_splits_are_drawn_from_the_seed_alone() -> None:
    logits = torch.tensor(DRAW.normal(size=(40, 5)))
    before = torch.get_rng_state()
    first = inception_score(logits, splits=4, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert first == inception_score(logits, splits=4, seed=1)
    assert first != inception_score(logits, splits=4, seed=2)


def test_kernel_distance_of_everything() -> None:
    """Unbiased MMD^2 over all samples, where one subset is all there is."""
    x, y = REAL[:50].numpy(), FAKE.numpy()

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / 4 + 1) ** 3

    n = len(x)
    same = [(kernel(a, a).sum() - np.trace(kernel(a, a))) / (n * (n - 1)) for a in (x, y)]
    expected = sum(same) - 2 * kernel(x, y).mean()
    found, deviation = kernel_distance(REAL[:50], FAKE, subsets=3, size=1000)
    assert found == pytest.approx(expected, rel=1e-6)
    assert math.isnan(deviation)  # all subsets are the same
    assert kernel_distance(REAL[:50], FAKE, subsets=3, size=20)[1] > 0
    assert math.isnan(kernel_distance(REAL[:50], FAKE, subsets=1, size=20)[1])


def test_manifold_scores() -> None:
    k, x, y = 3, REAL.numpy(), FAKE.numpy()

    def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))

    r_real = np.sort(distances(x, x), 1)[:, k]
    r_fake = np.sort(distances(y, y), 1)[:, k]
    between = distances(x, y)
    found = manifold_scores(REAL, FAKE, k=k)
    assert found == pytest.approx(
        {
            "precision": (between <= r_real[:, None]).any(0).mean(),
            "recall": (between <= r_fake).any(1).mean(),
            "density": (between <= r_real[:, None]).sum(0).mean() / k,
            "coverage": (between.min(1) <= r_real).mean(),
        }
    )
    assert 0 < found["recall"] < 1
    far = manifold_scores(REAL, FAKE + 100, k=k)
    assert set(far.values()) == {0.0}
    assert manifold_scores(REAL, REAL, k=k)["coverage"] == 1


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: inception_score(torch.zeros(15, 3), splits=10), "15 samples in 10 splits"),
        (lambda: inception_score(torch.full((9, 3), math.nan), splits=1), "logits: some are not"),
        (lambda: inception_score(torch.zeros(9)), r"logits: expected shape \(n, d\), got \(9,\)"),
        (lambda: kernel_distance(REAL[:1], FAKE), "real features: needs at least two samples"),
        (lambda: kernel_distance(REAL, FAKE[:, :2]), "features of 4 and of 2 numbers"),
        (lambda: manifold_scores(REAL[:5], FAKE, k=5), "5 real and 50 fake samples: neighbour 5"),
    ],
)
def test_refusals(call, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()
