"""Scores of runs, a dot for each seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from nashgrad.plots.curves import COLOURS, DASHES
from nashgrad.plots.layout import legend_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["seed_dots", "seed_lines"]

Scores = Sequence[float]

TICKED = 10
"""The most values tried that each get a tick of their own."""


def seed_dots(
    ax: Axes, scores: Mapping[str, Scores], *, xlabel: str, scale: str = "linear"
) -> None:
    """A row for each name: a dot for each seed, a bar at their median.

    Runs that have no finite score are crosses at the right edge.

    Args:
        ax: where to draw.
        scores: one number a seed, by name; the first on top.
        xlabel: what the numbers are.
        scale: of the numbers, "linear" or "log".
    """
    ax.set_xscale(scale)
    right = max((x for row in scores.values() for x in row if math.isfinite(x)), default=1.0)
    for place, row in enumerate(scores.values()):
        known = [x for x in row if math.isfinite(x)]
        ax.plot(known, [place] * len(known), "o", color=COLOURS[0], markersize=4, alpha=0.7)
        lost = len(row) - len(known)
        ax.plot([right] * lost, [place] * lost, "x", color=COLOURS[1], markersize=6)
        if known:
            ax.plot([float(np.median(known))] * 2, [place - 0.3, place + 0.3], color="black", lw=1)
    ax.set_yticks(range(len(scores)), list(scores), fontsize=7)
    ax.invert_yaxis()
    ax.grid(axis="x", color="0.9")
    ax.set_axisbelow(True)
    ax.set_xlabel(xlabel)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)


def seed_lines(
    ax: Axes,
    curves: Mapping[str, tuple[Sequence[float], Sequence[Scores]]],
    *,
    xlabel: str,
    ylabel: str,
    scales: tuple[str, str] = ("log", "linear"),
) -> None:
    """Scores against a number that was varied: a dot for each seed, a line through the medians.

    Args:
        ax: where to draw.
        curves: name to (the values tried, the scores of the seeds at each of them).
        xlabel, ylabel: what was varied, and what the scores are.
        scales: of the two axes, "linear" or "log".
    """
    for index, (name, (values, scores)) in enumerate(curves.items()):
        colour = COLOURS[index % len(COLOURS)]
        known = [[s for s in row if math.isfinite(s)] for row in scores]
        for value, row in zip(values, known, strict=True):
            ax.plot([value] * len(row), row, "o", color=colour, markersize=3.5, alpha=0.5)
        middle = [float(np.median(row)) if row else math.nan for row in known]
        dashes = DASHES[index % len(DASHES)]
        ax.plot(values, middle, color=colour, linestyle=dashes, linewidth=1.5, label=name)
    ax.set_xscale(scales[0])
    ax.set_yscale(scales[1])
    tried = sorted({value for values, _ in curves.values() for value in values})
    if len(tried) <= TICKED:  # what was tried is what one looks for
        ax.set_xticks(tried, [f"{value:g}" for value in tried])
        ax.set_xticks([], minor=True)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.spines[["top", "right"]].set_visible(False)
    if len(curves) > 1:
        legend_above(ax)
