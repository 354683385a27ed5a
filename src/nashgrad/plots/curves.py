"""Losses and norms over steps, from the records of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nashgrad.plots._arrays import to_numpy
from nashgrad.plots.layout import legend_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLOURS", "lines", "loss_curves", "norm_curves", "series"]

# Okabe and Ito (2008), told apart by colour-blind readers; the dashes do it in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)), (0, (8, 3)), (0, (3, 1, 1, 1, 1, 1)))

Records = Iterable[Mapping[str, Any]]
Series = Mapping[str, tuple[ArrayLike, ArrayLike]]


def series(records: Records, key: str, *, run: str = "") -> Series:
    """The steps and values under `key`, one series per player where the value is a mapping.

    Records without `key` are passed over. With a `run`, the names are "run" or "run, player".

    Example:
        >>> series([{"step": 5, "losses": {"generator": 0.7}}], "losses")
        {'generator': ([5], [0.7])}
    """
    found: dict[str, tuple[list[float], list[float]]] = {}
    for record in records:
        value = record.get(key)
        named = value if isinstance(value, Mapping) else {"": value}
        for player, number in named.items():
            if number is not None:
                name = ", ".join(part for part in (run, player) if part) or key
                steps, values = found.setdefault(name, ([], []))
                steps.append(record["step"])
                values.append(number)
    return found


def lines(
    ax: Axes,
    curves: Series,
    *,
    ylabel: str,
    xlabel: str = "step",
    scale: str | None = None,
    smooth: int | None = None,
    references: Mapping[str, float] | None = None,
) -> None:
    """Draw named curves, each with its own colour and dashes.

    Args:
        ax: where to draw.
        curves: name to (steps, values). Values that are not finite leave a gap.
        ylabel, xlabel: what the axes show, with the unit.
        scale: "linear", "log" or "symlog"; chosen by the values' range when None.
        smooth: points in the running median that is drawn over the pale values; None takes a
            fiftieth of the points, 1 draws the values alone.
        references: name to a value that is marked by a thin horizontal line.
    """
    arrays = {name: (to_numpy(x), to_numpy(y)) for name, (x, y) in curves.items()}
    for index, (name, (steps, values)) in enumerate(arrays.items()):
        _curve(ax, name, steps, values, index, smooth or max(1, len(values) // 50))
    for name, value in (references or {}).items():
        _reference(ax, name, value)
    ax.set_yscale(scale or choose_scale([values for _, values in arrays.values()]))
    ax.set(xlabel=xlabel, ylabel=ylabel)
    _finish(ax, legend=bool(arrays))


def _curve(
    ax: Axes,
    name: str,
    steps: NDArray[np.float64],
    values: NDArray[np.float64],
    index: int,
    window: int,
) -> None:
    colour = COLOURS[index % len(COLOURS)]
    if window > 1:
        ax.plot(steps, values, color=colour, alpha=0.2, linewidth=0.6)
    dashes = DASHES[index % len(DASHES)]
    smooth = running_median(values, window)
    ax.plot(steps, smooth, color=colour, linestyle=dashes, linewidth=1.4, label=name)


def _reference(ax: Axes, name: str, value: float) -> None:
    ax.axhline(value, color="0.5", linewidth=0.7, zorder=0)
    right = ax.get_yaxis_transform()
    ax.text(1.01, value, name, transform=right, fontsize=7, color="0.3", va="center")


def _finish(ax: Axes, *, legend: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.spines[["top", "right"]].set_visible(False)
    # Steps are whole, also of a run of five; seconds of a short run are not.
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:,.10g}")
    if ax.get_xlabel() == "step":
        ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    if legend:
        legend_above(ax)


def running_median(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """The median over a centred window; spikes, common in games, do not drag it along."""
    from scipy.ndimage import median_filter

    finite = np.isfinite(values)
    smooth = np.full_like(values, np.nan)
    smooth[finite] = median_filter(values[finite], size=window, mode="reflect")
    return smooth


def choose_scale(curves: Sequence[NDArray[np.float64]]) -> str:
    """Logarithmic when the values span more than two decades, symmetric with signs mixed."""
    values = np.concatenate([*curves, np.empty(0)])
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    if not len(sizes):
        return "linear"
    low, high = np.quantile(sizes, [0.01, 0.99], method="nearest")
    if high < 100 * low:
        return "linear"
    return "log" if (values[np.isfinite(values)] > 0).all() else "symlog"


def loss_curves(
    ax: Axes,
    records: Records | Mapping[str, Records],
    *,
    references: Mapping[str, float] | None = None,
) -> None:
    """The players' losses over steps, of one run or of several runs by name."""
    lines(ax, _by_run(records, "losses"), ylabel="loss (nats)", references=references)


def norm_curves(ax: Axes, records: Records | Mapping[str, Records]) -> None:
    """The norm of the field v over steps, of one run or of several runs by name."""
    lines(ax, _by_run(records, "field_norm"), ylabel="norm of v", scale="log")


def _by_run(records: Records | Mapping[str, Records], key: str) -> Series:
    if not isinstance(records, Mapping):
        return _sorted(series(records, key))
    merged: dict[str, tuple[ArrayLike, ArrayLike]] = {}
    for run, its_records in records.items():
        merged |= _sorted(series(its_records, key, run=run))
    return merged


def _sorted(players: Series) -> Series:
    """By name: a schedule logs its players in its own order, and a style is a position's."""
    return dict(sorted(players.items()))
