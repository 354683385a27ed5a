"""Figures of many panels, and their files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL.Image import Image

__all__ = ["Panel", "new_figure", "over_time", "save_png"]

Panel: TypeAlias = "Callable[[Axes], None]"


def new_figure(
    rows: int = 1, columns: int = 1, *, width: float = 4.5, height: float = 3.0
) -> tuple[Figure, list[list[Axes]]]:
    """A figure of equal panels of `width` by `height` inches, and its axes by row and column.

    The figure belongs to nobody else: no display, no global list of figures, safe in threads.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, [list(row) for row in axes]


def legend_above(ax: Axes) -> None:
    """Names above the axis: curves of games fill any corner sooner or later."""
    ax.legend(frameon=False, fontsize=8, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))


def over_time(
    rows: Mapping[str, Mapping[int | str, Panel]], *, size: float = 1.7, title: str | None = None
) -> Figure:
    """Panels side by side: a row per method, a column per step.

    Args:
        rows: for each method, its panels by step. A column may also be named, such as "target".
            Steps come first, in order; a method without a panel for a column has an empty place.
        size: inches along the side of a panel.
        title: above everything.

    Example:
        >>> figure = over_time({"consensus": {0: lambda ax: None, 1000: lambda ax: None}})
        >>> [ax.get_title() for ax in figure.axes]
        ['step 0', 'step 1,000']
    """
    columns = _columns(rows)
    figure, axes = new_figure(len(rows), len(columns), width=size, height=size)
    for line, (method, panels) in zip(axes, rows.items(), strict=True):
        for ax, column in zip(line, columns, strict=True):
            panels.get(column, _nothing)(ax)
        _name_row(line[0], method)
    for ax, column in zip(axes[0], columns, strict=True):
        ax.set_title(column if isinstance(column, str) else f"step {column:,}", fontsize=9)
    figure.suptitle(title or "", fontsize=10)
    return figure


def _columns(rows: Mapping[str, Mapping[int | str, Panel]]) -> list[int | str]:
    names = dict.fromkeys(name for panels in rows.values() for name in panels)
    steps = sorted(name for name in names if not isinstance(name, str))
    return [*steps, *(name for name in names if isinstance(name, str))]


def _nothing(ax: Axes) -> None:
    ax.set_axis_off()


def _name_row(ax: Axes, method: str) -> None:
    # Not the axis label: it is hidden together with the axis of an image.
    ax.text(-0.06, 0.5, method, transform=ax.transAxes, rotation=90, ha="right", va="center",
            fontsize=9)  # fmt: skip


def save_png(
    picture: Figure | Image, path: str | Path, *, dpi: int = 120, max_bytes: int = 150_000
) -> Path:
    """Write a figure or an image as PNG, with fewer colours where it would be too large.

    Grids of noisy images do not compress: 256 colours, chosen for the image, take a third of the
    room and look the same. Fewer colours follow until the file fits, down to 16.
    """
    from PIL import Image

    image = picture if isinstance(picture, Image.Image) else _render(picture, dpi)
    data = _png(image)
    for colours in (256, 64, 16):
        if len(data) <= max_bytes:
            break
        data = _png(image.quantize(colours, dither=Image.Dither.NONE))
    path = Path(path)
    part = path.with_name(f"{path.name}.writing")  # so that a picture is there whole or not at all
    part.write_bytes(data)
    return part.replace(path)


def _png(image: Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _render(figure: Figure, dpi: int) -> Image:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
