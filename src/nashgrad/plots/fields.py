"""Games of two parameters: the field in the plane, and the ways that training takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from nashgrad.core.limits import check_count
from nashgrad.plots._arrays import to_numpy
from nashgrad.plots.curves import COLOURS
from nashgrad.plots.layout import legend_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["rest_point", "trajectory", "vector_field"]

TRAJECTORY = "trajectory"
"""Marks the lines that are trajectories: the next one takes the next colour."""


def vector_field(
    ax: Axes,
    v: Callable[[Tensor], Tensor],
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    *,
    density: int = 21,
    normalise: bool = True,
) -> None:
    """Arrows of the field on a grid, darker where it is stronger.

    Args:
        ax: where to draw.
        v: gives the field `(m, 2)` at points `(m, 2)`, float64. Of a game's field:
            `lambda points: field_at(field, points)`. Where it is not finite there is no arrow.
        xlim, ylim: what is shown; trajectories drawn afterwards do not change it.
        density: arrows along the longer side; at least 2.
        normalise: whether all arrows are equally long, or as long as the field is strong.

    Raises:
        ValueError: For limits that do not increase, fewer than 2 arrows a side, and a v of another
            shape than its points.
    """
    points = _grid(xlim, ylim, density)
    arrows = to_numpy(v(torch.from_numpy(points)))
    if arrows.shape != points.shape:
        raise ValueError(f"v must give shape {points.shape} at that many points: {arrows.shape}")
    kept = np.isfinite(arrows).all(1)
    points, arrows = points[kept], arrows[kept]
    sizes = np.hypot(*arrows.T)
    largest = max(sizes.max(initial=0.0), np.finfo(float).tiny)
    divisor = np.where(sizes > 0, sizes, 1.0)[:, None] if normalise else largest
    room = max(np.ptp(xlim), np.ptp(ylim)) / (density - 1)
    ax.quiver(
        *points.T,
        *(0.72 * room * arrows / divisor).T,
        np.sqrt(sizes / largest),  # the root, since most of a field is weaker than its corners
        cmap="Greys",
        clim=(-0.6, 2.2),  # neither white nor as dark as a trajectory
        angles="xy",
        scale_units="xy",
        scale=1,
        pivot="mid",
        width=0.0028,
        headwidth=4.5,
        headlength=5,
        headaxislength=4.5,
        zorder=1,
    )
    ax.set(xlim=xlim, ylim=ylim, aspect="equal")
    ax.spines[:].set(color="0.6", linewidth=0.6)


def _grid(
    xlim: tuple[float, float], ylim: tuple[float, float], density: int
) -> NDArray[np.float64]:
    """Points `(m, 2)`, equally far apart in both directions, as far from the border as that."""
    check_count("density", density)
    sides = np.ptp(xlim), np.ptp(ylim)
    finite = np.isfinite([*xlim, *ylim]).all()
    if not (finite and xlim[0] < xlim[1] and ylim[0] < ylim[1] and density > 1):
        raise ValueError(
            f"the grid needs limits that increase and a density of at least 2, got xlim {xlim}, "
            f"ylim {ylim}, density {density}"
        )
    columns, rows = (max(2, round(density * side / max(sides))) for side in sides)
    x, y = (
        low + (high - low) * (np.arange(count) + 0.5) / count
        for (low, high), count in ((xlim, columns), (ylim, rows))
    )
    return np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)


def trajectory(
    ax: Axes, points: Tensor | ArrayLike, label: str, *, index: int | None = None
) -> None:
    """A way through the plane: an empty circle where it starts, a full one where it ends.

    Args:
        ax: where to draw, after the field.
        points: `(k, 2)`. Those that are not finite leave a gap; the end is the last finite one.
        label: its name in the legend.
        index: of its colour; the next one of this axis by default. The same method should have the
            same one in all pictures.

    Raises:
        ValueError: For no finite point, or points of another shape.
    """
    way = to_numpy(points)
    if way.ndim != 2 or way.shape[1] != 2:
        raise ValueError(f"trajectory {label!r}: points must have shape (k, 2), got {way.shape}")
    finite = way[np.isfinite(way).all(1)]
    if not len(finite):
        raise ValueError(f"trajectory {label!r} has no finite point")
    if index is None:
        index = sum(line.get_gid() == TRAJECTORY for line in ax.lines)
    colour = COLOURS[index % len(COLOURS)]
    ax.plot(*way.T, color=colour, linewidth=1.3, label=label, gid=TRAJECTORY, zorder=2)
    _mark(ax, finite[0], "white", colour)
    _mark(ax, finite[-1], colour, "white")
    legend_above(ax)


def _mark(ax: Axes, at: NDArray[np.float64], face: str, edge: str) -> None:
    ax.plot(*at[:, None], "o", markersize=5.5, markerfacecolor=face, markeredgecolor=edge, zorder=4)


def rest_point(ax: Axes, at: Tensor | ArrayLike) -> None:
    """Marks a point where the field vanishes, `(2,)`, by a cross."""
    ax.plot(*to_numpy(at)[:, None], "+", color="black", markersize=9, markeredgewidth=1.2, zorder=5)
