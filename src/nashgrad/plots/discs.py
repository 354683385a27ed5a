"""Eigenvalues of a step, I + h A, in the unit disc."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nashgrad.analysis.stability import NEUTRAL
from nashgrad.core.limits import check_positive
from nashgrad.plots.spectra import (
    GREY,
    SHADE,
    STABLE,
    UNSTABLE,
    Complex,
    Eigenvalues,
    Group,
    Region,
    draw_groups,
    finite_eigenvalues,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["figure_one", "unit_disc"]


def unit_disc(
    ax: Axes,
    eigenvalues: Eigenvalues,
    h: float | Sequence[float],
    *,
    rays: int = 9,
    before: Eigenvalues | None = None,
    neutral: float = NEUTRAL,
    title: str = "",
) -> None:
    """The eigenvalues 1 + h l of I + h A, and the disc |1 + h l| < 1 where a step contracts.

    With h each moves along a ray from 1, drawn for some. It is in the disc for
    h < -2 Re l / |l|^2, and so never when Re l >= 0. The axis says for which h all are that are not
    neutral.

    Args:
        ax: where to draw.
        eigenvalues: l, of A, complex, `(k,)`; those that are not finite are left out.
        h: the step size, or several: the points are paler for smaller ones.
        rays: number of rays that are drawn, of eigenvalues at directions that differ.
        before: eigenvalues of another A, drawn small and grey at the largest h.
        neutral: size of neutral eigenvalues, relative to the largest; they stay at 1.
        title: above the axis.

    Raises:
        ValueError: For no finite eigenvalue, no h, and an h that is not positive.

    References:
        L. Mescheder, S. Nowozin, A. Geiger: The Numerics of GANs, 2017, figure 1.
    """
    values, steps = finite_eigenvalues(eigenvalues), _steps(h)
    moving = values[np.abs(values) > neutral * np.abs(values).max()]
    _disc(ax)
    _rays(ax, _spread(moving, rays), steps[-1])
    if before is not None:
        _pale(ax, 1 + steps[-1] * finite_eigenvalues(before), "0.72", 1, "before")
    for k, step in enumerate(steps[:-1]):
        for group in _in_disc(1 + step * moving):
            _pale(ax, group.values, group.colour, 0.25 + 0.5 * k / (len(steps) - 1))
    groups = _in_disc(1 + steps[-1] * moving)
    if still := len(values) - len(moving):
        groups.append(Group("neutral", np.ones(still, complex), GREY, False))
    draw_groups(ax, groups, DISC, axis=1.0)
    # Words stand inside, right of 1, where few eigenvalues are: a layout guesses badly how much
    # room is left around axes whose aspect is fixed.
    ax.legend(frameon=False, fontsize=8, loc="upper right", handlelength=1, borderpad=0.1)
    ax.text(0.98, 0.03, _say(moving, steps), transform=ax.transAxes, fontsize=8, ha="right")
    ax.set(aspect="equal", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    ax.set_title(title, fontsize=9.5, loc="left")


DISC = Region(-1.5, 2.3, 1.6)
"""What is shown of the plane around the unit disc."""


def _steps(h: float | Sequence[float]) -> list[float]:
    steps: list[float] = sorted(np.ravel(h).tolist())
    if not steps:
        raise ValueError("h is empty: give one step size or several")
    for step in steps:
        check_positive("h", step)
    return steps


def _disc(ax: Axes) -> None:
    from matplotlib.patches import Circle

    ax.add_patch(Circle((0, 0), 1, facecolor=SHADE, edgecolor="none", zorder=-1))
    ax.add_patch(Circle((0, 0), 1, facecolor="none", edgecolor="0.4", linewidth=0.8, zorder=0))


def _pale(ax: Axes, at: Complex, colour: str, alpha: float, label: str | None = None) -> None:
    at = at[DISC.holds(at)]
    ax.scatter(
        at.real, at.imag, s=9, color=colour, alpha=alpha, linewidths=0, label=label, zorder=2
    )


def _spread(values: Complex, count: int) -> list[complex]:
    """The largest value of each of some equal ranges of directions."""
    if count == 0:
        return []
    angles = np.angle(-values)
    edges = np.linspace(angles.min(initial=0), angles.max(initial=0), count + 1)
    bins = np.digitize(angles, edges[1:-1])
    return [max(values[bins == k].tolist(), key=abs) for k in np.unique(bins)]


def _rays(ax: Axes, values: Sequence[complex], h: float) -> None:
    """From 1 to 1 + h l: dark within the disc, and pale where a step of that size leaves it."""
    for value in values:
        inside = float(np.clip(_limits(np.array(value)), 0, h))
        for first, last, colour, width in ((0, inside, "0.35", 0.8), (inside, h, "0.75", 0.6)):
            ends = 1 + value * np.array([first, last])
            ax.plot(ends.real, ends.imag, color=colour, linewidth=width, zorder=1)


def _limits(values: Complex) -> NDArray[np.float64]:
    """The h below which each 1 + h l is in the disc."""
    limits: NDArray[np.float64] = -2 * values.real / np.abs(values) ** 2
    return limits


def _say(moving: Complex, steps: Sequence[float]) -> str:
    said = "h = " + ", ".join(f"{step:g}" for step in steps)
    if unstable := int((moving.real >= 0).sum()):
        return f"{said}\nno h contracts:\n{unstable:,} not left of 1"
    least = _limits(moving).min(initial=np.inf)
    return f"{said}\ncontracts for\nh < {least:.2g}" if np.isfinite(least) else said


def _in_disc(values: Complex) -> list[Group]:
    inside = np.abs(values) < 1
    groups = [
        Group("inside", values[inside], STABLE, True),
        Group("outside", values[~inside], UNSTABLE, True),
    ]
    return [group for group in groups if len(group.values)]


def figure_one(
    axes: Sequence[Axes],
    before: Eigenvalues,
    after: Eigenvalues,
    h: float | Sequence[float],
    *,
    titles: tuple[str, str] = ("without consensus", "with consensus"),
) -> None:
    """Why rotation asks for tiny steps, and what moving eigenvalues to the left does about it.

    Args:
        axes: two axes.
        before: the eigenvalues of A, complex.
        after: those of A - gamma A^T A; `before` is repeated beside them in grey.
        h: the step size, or several.
        titles: of the axes.

    References:
        L. Mescheder, S. Nowozin, A. Geiger: The Numerics of GANs, 2017, figure 1.
    """
    left, right = axes
    unit_disc(left, before, h, title=titles[0])
    unit_disc(right, after, h, before=before, title=titles[1])
