"""Densities against the definition of a Gaussian kernel estimate."""

import time

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from scipy.stats import multivariate_normal

from nashgrad.plots import density, gaussian_kde, new_figure


def ring(count: int, std: float = 0.01) -> torch.Tensor:
    angle = torch.arange(count) % 8 * (torch.pi / 4)
    return torch.stack([angle.cos(), angle.sin()], dim=1) + std * torch.randn(count, 2)


def test_kde_is_the_mean_of_gaussians() -> None:
    samples = torch.randn(7, 2, dtype=torch.float64)
    height = gaussian_kde(samples, limit=1.0, bandwidth=0.3, resolution=5)
    grid = np.linspace(-1, 1, 5)
    points = np.stack(np.meshgrid(grid, grid), axis=-1)
    expected = sum(multivariate_normal(s, 0.3**2).pdf(points) for s in samples.numpy()) / 7
    np.testing.assert_allclose(height, expected, rtol=1e-12)


def test_kde_in_chunks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = torch.randn(50, 2)
    whole = gaussian_kde(samples)
    monkeypatch.setattr("nashgrad.plots.densities.CHUNK", 7)
    np.testing.assert_allclose(gaussian_kde(samples), whole, rtol=1e-9, atol=1e-300)


def test_rows_are_y_and_columns_x() -> None:
    height = gaussian_kde([[1.0, -0.5]], limit=1.0, resolution=5)
    assert np.unravel_index(height.argmax(), height.shape) == (1, 4)


def test_narrow_modes_stay_apart() -> None:
    height = gaussian_kde(ring(2560))
    peaks = gaussian_kde(ring(2560)) > 0.3 * height.max()
    at_modes = gaussian_kde(ring(8, std=0.0)) > 0
    assert peaks.sum() >= 8
    assert not (peaks & ~at_modes).any()


def test_samples_that_are_not_finite_lower_the_density() -> None:
    good = gaussian_kde([[0.0, 0.0]])
    half = gaussian_kde([[0.0, 0.0], [np.nan, 0.0]])
    np.testing.assert_allclose(half, good / 2)


def test_kde_is_fast() -> None:
    samples = ring(2560)
    gaussian_kde(samples, resolution=100)
    start = time.perf_counter()
    gaussian_kde(samples, resolution=100)
    assert time.perf_counter() - start < 0.5


def test_bfloat16_on_a_graph_can_be_drawn() -> None:
    _, ((ax,),) = new_figure()
    density(ax, ring(64).to(torch.bfloat16).requires_grad_(), ring(64))
    assert ax.get_xlim() == (-1.6, 1.6)


def test_model_is_filled_and_target_outlined() -> None:
    _, ((ax,),) = new_figure()
    density(ax, ring(64), ring(64))
    assert [image.get_cmap().name for image in ax.images] == ["Blues"]
    assert len(ax.collections) == 1
    assert tuple(ax.collections[0].get_edgecolor()[0][:3]) == to_rgb("#D55E00")


def test_target_alone_is_filled() -> None:
    _, ((ax,),) = new_figure()
    density(ax, None, ring(64))
    assert [image.get_cmap().name for image in ax.images] == ["Reds"]


@pytest.mark.parametrize(
    ("samples", "note"),
    [
        ([[0.0, 0.0]] * 3, []),
        ([[0.0, 0.0], [5.0, 0.0]], ["50% outside"]),
        ([[np.nan, np.nan]], ["100% outside"]),
        (np.zeros((0, 2)), []),
    ],
)
def test_what_is_outside_is_said(samples: list[list[float]], note: list[str]) -> None:
    _, ((ax,),) = new_figure()
    density(ax, samples)
    assert [text.get_text() for text in ax.texts] == note


def test_tails_of_samples_outside_are_not_blown_up() -> None:
    _, ((ax,),) = new_figure()
    density(ax, [[1.8, 0.0]])
    assert ax.images[0].get_array().max() < 0.1  # type: ignore[union-attr]
