"""Densities of two-dimensional samples: the model in blue, the target in red."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from nashgrad.plots._arrays import to_numpy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["density", "gaussian_kde"]

CHUNK = 16_384
MODEL_MAP, TARGET_MAP, TARGET_LINE = "Blues", "Reds", "#D55E00"


def gaussian_kde(
    samples: Tensor | ArrayLike,
    *,
    limit: float = 1.6,
    bandwidth: float = 0.03,
    resolution: int = 128,
) -> NDArray[np.float64]:
    """The density of `samples`, smoothed by a Gaussian, on a square grid.

    The kernel is a product, exp(-(x^2 + y^2) / 2h^2) = k(x) k(y), so the sum over N samples is one
    matrix product K_y K_x^T of two (resolution, N) matrices: exact, and milliseconds.

    Args:
        samples: (N, 2). Rows that are not finite have no place on the grid, but count in N.
        limit: the grid spans [-limit, limit] in both directions.
        bandwidth: standard deviation h of the kernel. A rule of thumb such as Scott's would
            smear the narrow modes of a mixture over the gaps between them.
        resolution: grid points in each direction.

    Returns:
        (resolution, resolution), rows along y and columns along x, both increasing.

    Example:
        >>> height = gaussian_kde([[0.0, 0.0]], limit=1.0, bandwidth=0.1, resolution=101)
        >>> round(float(height.sum()) * 0.02**2, 6)  # all of it lies on the grid
        1.0
    """
    points = to_numpy(samples).reshape(-1, 2)
    finite = points[np.isfinite(points).all(axis=1)]
    grid = np.linspace(-limit, limit, resolution)
    total = np.zeros((resolution, resolution))
    for start in range(0, len(finite), CHUNK):
        x, y = (_kernel(grid, axis, bandwidth) for axis in finite[start : start + CHUNK].T)
        total += y @ x.T
    return total / max(len(points), 1)


def _kernel(
    grid: NDArray[np.float64], centres: NDArray[np.float64], bandwidth: float
) -> NDArray[np.float64]:
    scaled = (grid[:, None] - centres[None, :]) / bandwidth
    kernel: NDArray[np.float64] = np.exp(-0.5 * scaled**2) / (bandwidth * np.sqrt(2 * np.pi))
    return kernel


def density(
    ax: Axes,
    samples: Tensor | ArrayLike | None,
    target: Tensor | ArrayLike | None = None,
    *,
    limit: float = 1.6,
    bandwidth: float = 0.03,
    resolution: int = 128,
) -> None:
    """Draw the density of `samples` in blue, and of `target` in red.

    With both, the target is an outline, so that modes that the model misses stay empty outlines;
    with `samples=None` it is filled. Colours are relative to the panel's maximum, by the square
    root, so that thin bridges between modes show beside the modes.
    """
    smooth = partial(gaussian_kde, limit=limit, bandwidth=bandwidth, resolution=resolution)
    if samples is not None:
        _fill(ax, smooth(samples), limit, MODEL_MAP)
        _note_outside(ax, to_numpy(samples), limit)
    if target is not None:
        height = smooth(target)
        if samples is None:
            _fill(ax, height, limit, TARGET_MAP)
        else:
            _outline(ax, height, limit)
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set(color="0.6", linewidth=0.6)


def _fill(ax: Axes, height: NDArray[np.float64], limit: float, colours: str) -> None:
    empty = 0.2 / (2 * limit) ** 2  # a fifth of a uniform density: kernel tails are no mode
    relative = np.sqrt(height / max(height.max(), empty))
    ax.imshow(
        relative,
        alpha=np.minimum(1, 20 * relative),  # where nothing is, the paper stays white
        extent=(-limit, limit, -limit, limit),
        origin="lower",
        cmap=colours,
        vmin=0,
        vmax=1,
        interpolation="bilinear",
    )


def _outline(ax: Axes, height: NDArray[np.float64], limit: float) -> None:
    if height.max() > 0:
        grid = np.linspace(-limit, limit, len(height))
        level = [0.1 * height.max()]
        ax.contour(grid, grid, height, levels=level, colors=TARGET_LINE, linewidths=0.8)


def _note_outside(ax: Axes, points: NDArray[np.float64], limit: float) -> None:
    """Say which share of the samples the picture does not show."""
    share = 1 - np.mean(np.all(np.abs(points) <= limit, axis=1)) if len(points) else 0.0
    if share >= 0.005:
        ax.text(0.03, 0.03, f"{share:.0%} outside", transform=ax.transAxes, fontsize=7)
