"""The field on the line between two points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nashgrad.analysis.paths import PathAngle
from nashgrad.plots._arrays import to_numpy
from nashgrad.plots.curves import lines
from nashgrad.plots.layout import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "path_cosines",
    "path_norms",
    "path_picture",
]

Paths: TypeAlias = PathAngle | Mapping[str, PathAngle]

XLABEL = "place on the line: start 0, end 1"


def path_cosines(ax: Axes, paths: Paths, *, say: bool = True) -> None:
    """The cosine between the field and the path: a sign switch attracts, a bump rotates.

    Args:
        ax: where to draw.
        paths: one path, or several by name.
        say: whether the legend says what is seen at the end.

    Raises:
        ValueError: For no paths.
    """
    named = _named(paths)
    labels = {name: _label(name, path) if say else name for name, path in named.items()}
    curves = {labels[name]: (to_numpy(p.alphas), to_numpy(p.cosines)) for name, p in named.items()}
    lines(ax, curves, xlabel=XLABEL, ylabel="cosine of v and path", scale="linear", smooth=1)
    ax.axhline(0, color="0.5", linewidth=0.7, zorder=0)
    ax.set(ylim=(-1.08, 1.08), yticks=[-1, -0.5, 0, 0.5, 1])
    _mark_ends(ax, named)


def path_norms(ax: Axes, paths: Paths) -> None:
    """The norm of the field along the path, logarithmic where it spans more than two decades.

    Raises:
        ValueError: For no paths.
    """
    named = _named(paths)
    curves = {name: (to_numpy(p.alphas), _positive(p)) for name, p in named.items()}
    lines(ax, curves, xlabel=XLABEL, ylabel="norm of v", smooth=1)
    if len(named) == 1 and (legend := ax.get_legend()):
        legend.remove()
    if ax.get_yscale() == "linear":
        ax.set_ylim(bottom=0)
    _mark_ends(ax, named)


def path_picture(paths: Paths, *, title: str | None = None) -> Figure:
    """Angle above norm, over the same places."""
    figure, [[above], [below]] = new_figure(2, 1, width=4.8, height=2.3)
    path_cosines(above, paths)
    path_norms(below, paths)
    above.set_xlabel("")
    above.tick_params(labelbottom=False)
    if legend := below.get_legend():  # the names stand above
        legend.remove()
    figure.suptitle(title or "", fontsize=10)
    return figure


def _named(paths: Paths) -> Mapping[str, PathAngle]:
    named = {"path": paths} if isinstance(paths, PathAngle) else paths
    if not named:
        raise ValueError("there are no paths to draw")
    return named


def _label(name: str, path: PathAngle) -> str:
    return f"{name}: {path.near()}"


def _positive(path: PathAngle) -> NDArray[np.float64]:
    """The norms, with gaps where they vanish: a logarithm has no place for zero."""
    norms = to_numpy(path.norms)
    return np.where(norms > 0, norms, np.nan)


def _mark_ends(ax: Axes, paths: Mapping[str, PathAngle]) -> None:
    for at in (0, 1):
        ax.axvline(at, color="0.75", linewidth=0.7, zorder=0)
    ends = [to_numpy(path.alphas)[[0, -1]] for path in paths.values()]
    ax.set_xlim(min(low for low, _ in ends), max(high for _, high in ends))
