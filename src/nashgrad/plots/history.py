"""Spectra over the steps of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nashgrad.analysis.stability import NEUTRAL
from nashgrad.plots.curves import COLOURS, lines
from nashgrad.plots.spectra import Eigenvalues, finite_eigenvalues

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SpectrumHistory", "spectra_over_time"]


class SpectrumHistory(NamedTuple):
    """Spectra along a run."""

    steps: Sequence[float]
    spectra: Sequence[Eigenvalues | None]
    """Complex; None, or one without finite eigenvalues, leaves a gap."""
    complete: bool | Sequence[bool] = True
    """Whether each holds all eigenvalues."""


def spectra_over_time(
    axes: Sequence[Axes],
    histories: SpectrumHistory | Mapping[str, SpectrumHistory],
    *,
    neutral: float = NEUTRAL,
) -> None:
    """Spectra over steps: the extreme real parts, the largest imaginary part, and |Im / Re|.

    A real part above zero, which is marked, makes the game unstable. |Im / Re| is the largest of a
    stable eigenvalue: beyond 1 it rotates faster than it approaches. Neutral eigenvalues have no
    part in any of it. Hollow marks are spectra that are not complete, which may miss what is drawn.

    Args:
        axes: four axes.
        histories: one, or several by the name of the method.
        neutral: size of neutral eigenvalues, relative to the largest.

    Raises:
        ValueError: For no histories, lengths that differ, and a history without an eigenvalue that
            is finite and not neutral.
    """
    named = {"run": histories} if isinstance(histories, SpectrumHistory) else histories
    if not named:
        raise ValueError("there are no spectra to draw")
    rows = {name: _extremes_of(name, history, neutral) for name, history in named.items()}
    for column, (ax, ylabel) in enumerate(zip(axes, _EXTREMES, strict=True)):
        curves = {n: (history.steps, rows[n][:, column]) for n, history in named.items()}
        lines(ax, curves, ylabel=ylabel, smooth=1)
        for index, (name, history) in enumerate(named.items()):
            _marks(ax, history, rows[name][:, column], COLOURS[index % len(COLOURS)])
        ax.locator_params(axis="x", nbins=5)
        ax.tick_params(labelsize=8)
        if (legend := ax.get_legend()) and (column or len(named) == 1):  # names stand once
            legend.remove()
    axes[0].axhline(0, color="0.4", linewidth=0.8, zorder=0)


_EXTREMES = ("greatest real part", "least real part", "largest imaginary part", "largest |Im / Re|")


def _extremes_of(name: str, history: SpectrumHistory, neutral: float) -> NDArray[np.float64]:
    """`(k, 4)`, NaN where there is no spectrum."""
    if len(history.spectra) != len(history.steps):
        raise ValueError(
            f"history {name!r}: {len(history.steps)} steps, but {len(history.spectra)} spectra"
        )
    rows = np.array([_extremes(values, neutral) for values in history.spectra]).reshape(-1, 4)
    if not np.isfinite(rows).any():
        raise ValueError(f"history {name!r} has no finite eigenvalue that is not neutral")
    return rows


def _extremes(eigenvalues: Eigenvalues | None, neutral: float) -> tuple[float, ...]:
    try:
        values = finite_eigenvalues([] if eigenvalues is None else eigenvalues)
    except ValueError:
        return (np.nan,) * 4
    small = neutral * np.abs(values).max()
    values = values[np.abs(values) > small]
    if not len(values):
        return (np.nan,) * 4
    stable = values[values.real < -small]
    q = (np.abs(stable.imag) / -stable.real).max() if len(stable) else np.nan
    return values.real.max(), values.real.min(), np.abs(values.imag).max(), q


def _marks(ax: Axes, history: SpectrumHistory, values: NDArray[np.float64], colour: str) -> None:
    """Full dots for complete spectra, and hollow ones for the others."""
    steps = np.asarray(history.steps, dtype=float)
    complete = np.broadcast_to(np.asarray(history.complete, dtype=bool), steps.shape)
    for chosen, face in ((complete, colour), (~complete, "white")):
        (dots,) = ax.plot(steps[chosen], values[chosen], "o", color=colour, markersize=3.5)
        dots.set_markerfacecolor(face)
