import sys

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from nashgrad.data import digits
from nashgrad.metrics import FrechetDistance, Pixels
from nashgrad.models import MLP


def closed_form(x, y):
    """|mu - mu'|^2 + tr(S + S' - 2 (S S')^(1/2))."""
    a, b = (np.cov(z, rowvar=False) for z in (x, y))
    gap = x.mean(axis=0) - y.mean(axis=0)
    return gap @ gap + np.trace(a + b - 2 * sqrtm(a @ b).real)


def images(n, seed, dtype=torch.float64, shape=(2, 4, 4)):
    generator = torch.Generator().manual_seed(seed)
    mix = torch.randn(32, 32, generator=generator, dtype=dtype) / 5
    return (torch.randn(n, 32, generator=generator, dtype=dtype) @ mix + 0.1).reshape(n, *shape)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_distance_is_the_closed_form(dtype):
    real, fake = images(3000, 0, dtype), images(1500, 1, dtype)
    expected = closed_form(*(x.flatten(1).double().numpy() for x in (real, fake)))
    assert FrechetDistance(real)(fake) == pytest.approx(expected, rel=1e-8)


def test_pooled_pixels():
    real, fake = images(300, 0), images(300, 1)
    pooled = [x.reshape(300, 2, 2, 2, 2, 2).mean(dim=(3, 5)).flatten(1) for x in (real, fake)]
    expected = closed_form(*(x.numpy() for x in pooled))
    assert FrechetDistance(real, Pixels(2))(fake) == pytest.approx(expected, rel=1e-8)


def test_distances_do_not_add_up():
    real, fake = images(300, 0), images(300, 1)
    distance = FrechetDistance(real)
    first = distance(fake)
    assert distance(real) == pytest.approx(0, abs=1e-5)
    assert distance(fake) == first


def test_scale_of_the_documented_figures():
    """science.md: 42 for the untrained generator on the digits, so pixels are in [-1, 1]."""
    distance = FrechetDistance(digits().scaled())
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        net = MLP([32, 128, 128, 64], activation="leaky_relu", output="tanh", generator=generator)
        fake = net(torch.randn(4000, 32, generator=generator))
        assert distance(fake.detach()) == pytest.approx(42, abs=4)


def test_too_few_images():
    message = r"^1 images: a Frechet distance needs at least two$"
    with pytest.raises(ValueError, match=message):
        FrechetDistance(images(1, 0))
    with pytest.raises(ValueError, match=message):
        FrechetDistance(images(50, 0))(images(1, 1))


def test_without_torchmetrics(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", None)
    with pytest.raises(ImportError, match=r"needs torchmetrics: pip install nashgrad\[images\]$"):
        FrechetDistance(images(50, 0))
