"""Many runs of several methods: a line and a band for each method."""

from __future__ import annotations

import math
from collections.abc import Mapping
from textwrap import fill
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from nashgrad.plots._arrays import to_numpy
from nashgrad.plots.curves import COLOURS, DASHES
from nashgrad.plots.layout import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curves: TypeAlias = Mapping[str, tuple[ArrayLike, ArrayLike]]

__all__ = ["bands", "bands_apart"]

TITLE_WIDTH = 28
"""Letters in a line above a panel."""


def bands(
    ax: Axes,
    curves: Curves,
    *,
    xlabel: str,
    ylabel: str,
    scale: str = "log",
    legend: bool = True,
) -> None:
    """For each method the median over its runs as a line, and the range as a band.

    Colours repeat after seven methods, with other dashes and markers, so that no two look alike.
    With more than a few methods, [`bands_apart`][nashgrad.plots.bands_apart] reads better.

    Args:
        ax: where to draw.
        curves: name to (x, `(k,)`; values, `(runs, k)`). Values that are not finite are no part of
            the band; a median that is not finite leaves a gap.
        xlabel, ylabel: what the axes show, with the unit.
        scale: of the values, "linear" or "log".
        legend: whether names are listed, to the right of the axis.
    """
    for index, (name, (x, values)) in enumerate(curves.items()):
        x, low, middle, high = summary(x, values)
        colour, again = COLOURS[index % len(COLOURS)], index // len(COLOURS)
        ax.fill_between(x, low, high, color=colour, alpha=0.1, linewidth=0)
        ax.plot(
            x,
            middle,
            color=colour,
            linestyle=DASHES[(index + again) % len(DASHES)],
            marker=("", "o", "s")[again % 3],
            markersize=3,
            markevery=max(1, len(x) // 6),
            linewidth=1.4,
            label=name,
        )
    ax.set_yscale(scale)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    _plain(ax)
    if legend and curves:
        ax.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.01, 0.5))


def bands_apart(
    curves: Curves,
    *,
    xlabel: str,
    ylabel: str,
    baseline: str | None = None,
    scale: str = "log",
    right: float | None = None,
) -> Figure:
    """A panel for each method, in order: its line and band, before the lines of all others.

    Args:
        curves: as for [`bands`][nashgrad.plots.bands].
        xlabel, ylabel: what the axes show, with the unit.
        baseline: the method that is drawn dashed into each panel.
        scale: of the values, "linear" or "log".
        right: where the axis of x ends.

    Raises:
        ValueError: When there is nothing to draw.
    """
    if not curves:
        raise ValueError("curves: there are none to draw")
    columns = min(len(curves), math.ceil(math.sqrt(1.4 * len(curves))))
    figure, axes = new_figure(math.ceil(len(curves) / columns), columns, width=2.1, height=1.7)
    panels = [ax for row in axes for ax in row]
    known = {name: summary(x, values) for name, (x, values) in curves.items()}
    limits = _limits([s for _, *bands in known.values() for s in bands], scale)
    for index, (ax, name) in enumerate(zip(panels, known, strict=False)):
        for other, (x, _, middle, _) in known.items():
            if other not in (name, baseline):
                ax.plot(x, middle, color="0.85", linewidth=0.7, zorder=1)
        x, low, middle, high = known[name]
        ax.fill_between(x, low, high, color=COLOURS[0], alpha=0.22, linewidth=0, zorder=2)
        if baseline in known and baseline != name:
            x_of, _, middle_of, _ = known[baseline]
            ax.plot(x_of, middle_of, color="black", linestyle=(0, (3, 1.5)), linewidth=1, zorder=3)
        ax.plot(x, middle, color=COLOURS[0], linewidth=1.6, label=name, zorder=4)
        ax.set_title(fill(f"{index + 1}. {name}", TITLE_WIDTH), fontsize=8)
        ax.set_yscale(scale)
        ax.set_ylim(*limits)
        ax.set_xlim(0, right)
        ax.tick_params(labelsize=7)
        ax.locator_params(axis="x", nbins=3)
        ax.label_outer()
        _plain(ax)
    for ax in panels[len(known) :]:
        ax.set_axis_off()
    for ax in panels[max(0, len(known) - columns) : len(known)]:
        ax.tick_params(labelbottom=True)
    figure.supxlabel(xlabel, fontsize=9)
    figure.supylabel(ylabel, fontsize=9)
    if baseline in known:
        text = f"blue: median and range of the runs; dashed: {baseline}; grey: all others"
        figure.suptitle(text, fontsize=8)
    return figure


def summary(x: ArrayLike, values: ArrayLike) -> tuple[np.ndarray, ...]:
    """Places x, and the least, the median and the greatest value at each.

    What is not finite counts as the largest in the median, which is NaN where half of them are: a
    method half of whose runs diverged has none.
    """
    x, found = to_numpy(x), np.atleast_2d(to_numpy(values))
    finite = np.where(np.isfinite(found), found, np.nan)
    known = ~np.isnan(finite).all(0)
    low, high = (np.full(len(x), np.nan) for _ in range(2))
    low[known], high[known] = np.nanmin(finite[:, known], 0), np.nanmax(finite[:, known], 0)
    middle = np.median(np.where(np.isfinite(found), found, np.inf), 0)
    middle[~np.isfinite(middle)] = np.nan
    return x, low, middle, high


def _limits(values: list[np.ndarray], scale: str) -> tuple[float, float]:
    """Room for all but the rarest values, which would press the others together."""
    found = np.concatenate(values)
    found = found[np.isfinite(found)]
    if not len(found):
        return (0.1, 1.0)
    low, high = float(found.min()), float(np.quantile(found, 0.995))
    if scale == "log":
        return low / 1.15, high * 1.15
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def _plain(ax: Axes) -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.xaxis.set_major_formatter(lambda at, _: f"{at:,.10g}")
