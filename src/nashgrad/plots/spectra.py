"""Eigenvalues of a game's Jacobian in the complex plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from nashgrad.analysis.stability import NEUTRAL
from nashgrad.core.limits import check_not_negative
from nashgrad.plots.curves import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Region", "eigenvalue_plane", "region_of", "spectra_side_by_side"]

Eigenvalues: TypeAlias = "Tensor | ArrayLike"
Complex: TypeAlias = "NDArray[np.complex128]"

STABLE, UNSTABLE, GREY = COLOURS[0], COLOURS[1], "0.55"
SHADE = "#E9F3EF"
"""The ground on which eigenvalues are stable: the half plane, the disc."""


@dataclass(frozen=True)
class Region:
    """A part of the complex plane: real parts from left to right, |imaginary parts| to height."""

    left: float
    right: float
    height: float
    threshold: float | None = None
    """Below it the axes are linear, beyond it logarithmic; linear everywhere when None."""

    def holds(self, values: Complex) -> NDArray[np.bool_]:
        """Which values it shows."""
        real, imag = values.real, np.abs(values.imag)
        return (self.left <= real) & (real <= self.right) & (imag <= self.height)

    def nearest(self, values: Complex) -> Complex:
        """The values, moved to its border where they lie outside."""
        imag = np.clip(values.imag, -self.height, self.height)
        near: Complex = np.clip(values.real, self.left, self.right) + 1j * imag
        return near


def region_of(*spectra: Eigenvalues, neutral: float = NEUTRAL) -> Region:
    """A region in which all these spectra can be read, symmetric about the real axis.

    It holds all eigenvalues but the few (a twentieth at most) that lie three times as far out as
    the others. Where the others span so many decades that half of them would be one dot at zero, or
    the few lie so far out that the others would, it has logarithmic axes and holds all.

    Raises:
        ValueError: For a spectrum without finite eigenvalues.
    """
    finite = [finite_eigenvalues(spectrum) for spectrum in spectra]
    tiny = np.finfo(np.float64).tiny  # below it nothing can be scaled
    values = [v[np.abs(v) > max(neutral * np.abs(v).max(), tiny)] for v in finite]
    sizes = np.abs(np.concatenate([*values, np.empty(0)]))
    if not len(sizes):
        return Region(-1.0, 1.0, 1.0)
    middle, body = np.quantile(sizes, [0.5, 0.95], method="higher")
    if body > 50 * middle or sizes.max() > 50 * body:
        return _logarithmic(np.concatenate(values), middle)
    reaches = np.array([_reaches(v) for v in values if len(v)]).max(0)
    # Room on both sides of both axes, which are what is looked at.
    left, right, height = np.maximum(1.08 * reaches, 0.15 * reaches.max())
    return Region(-left, right, height)


def _reaches(values: Complex) -> list[float]:
    """How far a spectrum reaches to the left, to the right and up, outliers left out."""
    real, imag = values.real, np.abs(values.imag)
    sides = (-real, np.abs(real)), (real, np.abs(real)), (imag, imag[imag > 0])
    return [_reach(*side) for side in sides]


def _reach(values: NDArray[np.float64], sizes: NDArray[np.float64]) -> float:
    if not len(sizes):
        return 0.0
    end = 3 * np.quantile(sizes, 0.95, method="higher")
    return float(values[values <= end].max(initial=0.0))


def _logarithmic(values: Complex, middle: float) -> Region:
    largest = np.abs(values).max()
    top = 10.0 ** np.ceil(np.log10(largest))
    threshold = max(10.0 ** np.floor(np.log10(middle) - 1), 1e-6 * top)
    right = max(2 * values.real.max(), 10 * threshold)
    left = max(2 * -values.real.min(), 10 * threshold)
    return Region(-left, right, max(2 * np.abs(values.imag).max(), 10 * threshold), threshold)


def to_complex(eigenvalues: Eigenvalues) -> Complex:
    """A flat complex128 array on the host, without the graph."""
    if isinstance(eigenvalues, Tensor):
        eigenvalues = eigenvalues.detach().cpu().numpy()
    return np.asarray(eigenvalues, dtype=np.complex128).ravel()


def finite_eigenvalues(eigenvalues: Eigenvalues) -> Complex:
    """Those that are finite; raises `ValueError` when there are none."""
    values = to_complex(eigenvalues)
    finite = values[np.isfinite(values)]
    if not len(finite):
        raise ValueError(f"there are no finite eigenvalues to draw, among {len(values)}")
    return finite


class Group(NamedTuple):
    """Eigenvalues that are drawn alike."""

    name: str
    values: Complex
    colour: str
    filled: bool


def grouped(values: Complex, neutral: float = NEUTRAL) -> list[Group]:
    """Finite eigenvalues by what they say of a fixed point; groups that have none are left out."""
    check_not_negative("neutral", neutral)
    small = neutral * np.abs(values).max()
    is_neutral = np.abs(values) <= small
    real = np.where(is_neutral, np.nan, values.real)
    groups = [
        Group("neutral", values[is_neutral], GREY, False),
        Group("on the axis", values[np.abs(real) <= small], "black", False),
        Group("stable", values[real < -small], STABLE, True),
        Group("unstable", values[real > small], UNSTABLE, True),
    ]
    return [group for group in groups if len(group.values)]


def eigenvalue_plane(
    ax: Axes,
    eigenvalues: Eigenvalues,
    *,
    complete: bool = True,
    total: int | None = None,
    neutral: float = NEUTRAL,
    title: str = "",
    region: Region | None = None,
) -> None:
    """Eigenvalues in the complex plane, the stable half of which is shaded.

    Those outside of the region stand at its border as triangles, with their number and how far out
    the farthest is.

    Args:
        ax: where to draw.
        eigenvalues: complex, `(k,)`. Those that are not finite are left out, and counted.
        complete: whether they are all there are; the axis says so when not.
        total: how many there are in all, when not complete.
        neutral: size of neutral eigenvalues, relative to the largest; they are hollow and grey.
        title: above the axis.
        region: what is shown; [`region_of`][nashgrad.plots.region_of] the eigenvalues by default.

    Raises:
        ValueError: When no eigenvalue is finite, and for a negative `neutral`.
    """
    values = finite_eigenvalues(eigenvalues)
    notes = [] if complete else [_how_many(len(values), total)]
    if missing := len(to_complex(eigenvalues)) - len(values):
        notes.append(f"{missing:,} not finite")
    region = region or region_of(values, neutral=neutral)
    ax.axvspan(region.left, 0, color=SHADE, linewidth=0, zorder=-1)
    draw_groups(ax, grouped(values, neutral), region, axis=0.0)
    ax.set(xlabel="\n".join(["real part", *notes]), ylabel="imaginary part")
    _head(ax, title)


def _how_many(found: int, total: int | None) -> str:
    if total is None:
        return f"{found:,} eigenvalues, not all"
    return f"{found:,} of {_short(total)} eigenvalues"


def _short(count: int) -> str:
    """A count with two or three digits: "2,003", "340 k", "1.2 M"."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= max(size, 1e5):
            return f"{count / size:.{1 if count < 10 * size else 0}f} {unit}"
    return f"{count:,}"


def draw_groups(ax: Axes, groups: Sequence[Group], region: Region, *, axis: float) -> None:
    """Groups of eigenvalues in a region, with a vertical axis."""
    _scales(ax, region)
    ax.axvline(axis, color="0.4", linewidth=0.8, zorder=0)
    ax.axhline(0, color="0.8", linewidth=0.7, zorder=0)
    values = np.concatenate([group.values for group in groups])
    for group in groups:
        _scatter(ax, group, region, len(values))
    _note_outside(ax, region, values)


def _scales(ax: Axes, region: Region) -> None:
    if region.threshold is not None:
        ax.set_xscale("symlog", linthresh=region.threshold, linscale=0.4)
        ax.set_yscale("symlog", linthresh=region.threshold, linscale=0.4)
        ax.set_xticks(_decades(region.threshold, region.left, region.right))
        ax.set_yticks(_decades(region.threshold, -region.height, region.height))
        ax.minorticks_off()
    else:
        ax.locator_params("x", nbins=5)
        ax.locator_params("y", nbins=6)
    ax.set(xlim=(region.left, region.right), ylim=(-region.height, region.height))
    ax.tick_params(labelsize=8)
    ax.spines[:].set(color="0.6", linewidth=0.6)


def _decades(threshold: float, low: float, high: float) -> list[float]:
    """Zero and powers of ten on both sides of it, five in all or one or two more."""
    first, last = np.log10(threshold), np.log10(max(-low, high))
    stride = max(1, round((last - first) / 2))
    powers = 10.0 ** np.arange(np.floor(last), first - 0.5, -stride)
    ticks = np.concatenate([-powers, [0.0], powers[::-1]])
    return [float(tick) for tick in ticks if low <= tick <= high]


def _scatter(ax: Axes, group: Group, region: Region, count: int) -> None:
    """The group's eigenvalues, those outside of the region as triangles that point outwards."""
    size = float(np.clip(40 - 11 * np.log10(count), 6, 26))
    label = f"{len(group.values):,} {group.name}"
    _dots(ax, group.values[region.holds(group.values)], group, size, label=label)
    for marker, away in _sides(region, group.values).items():
        if away.any():
            _dots(ax, region.nearest(group.values[away]), group, 34, marker=marker, clip_on=False)


def _dots(ax: Axes, at: Complex, group: Group, size: float, **options: Any) -> None:
    looks = (group.colour, "white", 0.3) if group.filled else ("none", group.colour, 0.9)
    options |= dict(zip(("facecolors", "edgecolors", "linewidths"), looks, strict=True))
    ax.scatter(at.real, at.imag, s=size, zorder=3, **options)


def _sides(region: Region, values: Complex) -> dict[str, NDArray[np.bool_]]:
    """Which values lie beyond which side of a region; sides are named by matplotlib's markers."""
    left, right = values.real < region.left, values.real > region.right
    across = ~left & ~right
    up, down = values.imag > region.height, values.imag < -region.height
    return {"<": left, ">": right, "^": across & up, "v": across & down}


def _note_outside(ax: Axes, region: Region, values: Complex) -> None:
    """Beside the triangles of each side, how many they are and how far out the farthest is."""
    for side, away in _sides(region, values).items():
        if not away.any():
            continue
        parts = values[away].imag if side in "^v" else values[away].real
        farthest = f"{parts[np.abs(parts).argmax()]:.3g}".replace("-", "\N{MINUS SIGN}")
        text = f"{away.sum():,}, farthest {farthest}" if away.sum() > 1 else f"1 at {farthest}"
        near = region.nearest(values[away])
        at = near[(near.real if side in "^v" else near.imag).argmax()]
        _note(ax, at, text, side, (region.left + region.right) / 2, 0.8 * region.height)


def _note(ax: Axes, at: complex, text: str, side: str, middle: float, high: float) -> None:
    """A text beside a triangle on the border, where there is room; on the right, outside."""
    from matplotlib.patheffects import withStroke

    leftwards = side in "^v" and at.real > middle
    downwards = side == "^" or (side == "<" and at.imag > high)
    across, along = {"<": (2, 6), ">": (6, 0)}.get(side, (8, 5))
    ax.annotate(
        text,
        (at.real, at.imag),
        (-across if leftwards else across, -along if downwards else along),
        textcoords="offset points",
        ha="right" if leftwards else "left",
        va="center" if side == ">" else "top" if downwards else "bottom",
        fontsize=7,
        zorder=5,
        path_effects=[withStroke(linewidth=2, foreground="white")],
    )


LEGEND: dict[str, Any] = {
    "loc": "lower left",
    "bbox_to_anchor": (-0.02, 0.99),
    "frameon": False,
    "fontsize": 8,
    "handlelength": 1,  # this and the next ones in letters
    "handletextpad": 0.2,
    "columnspacing": 1,
    "borderpad": 0.2,
}


def _head(ax: Axes, title: str) -> None:
    """The legend above the axis, where no eigenvalue is, and the title above that."""
    one_row = len(ax.get_legend_handles_labels()[0]) < 4
    ax.legend(ncols=3 if one_row else 2, **LEGEND)
    ax.set_title(title, fontsize=9.5, loc="left", pad=20 if one_row else 32)


def spectra_side_by_side(
    axes: Sequence[Axes],
    of_v: Eigenvalues,
    of_w: Eigenvalues,
    *,
    complete: bool = True,
    total: int | None = None,
    neutral: float = NEUTRAL,
    titles: tuple[str, str] = ("v'", "w'"),
) -> None:
    """The spectra of two Jacobians in the same region: what an adjustment does to a game's.

    Args:
        axes: two axes.
        of_v, of_w: the eigenvalues, complex.
        complete, total, neutral: as for `eigenvalue_plane`.
        titles: of the axes.

    References:
        L. Mescheder, S. Nowozin, A. Geiger: The Numerics of GANs, 2017, figure 3.
    """
    region = region_of(of_v, of_w, neutral=neutral)
    for ax, values, title in zip(axes, (of_v, of_w), titles, strict=True):
        eigenvalue_plane(
            ax, values, complete=complete, total=total, neutral=neutral, title=title, region=region
        )
    axes[1].set_ylabel("")
