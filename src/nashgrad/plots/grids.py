"""Many small images as one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from nashgrad.plots._arrays import to_numpy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from PIL.Image import Image

__all__ = ["image_grid", "show_grid", "show_png", "to_pil"]


def image_grid(
    images: Tensor | ArrayLike,
    *,
    rows: int = 8,
    columns: int = 8,
    gap: int = 2,
    smallest: int = 32,
) -> NDArray[np.uint8]:
    """Arrange images in [-1, 1] in rows, left to right.

    Args:
        images: (N, 1 or 3, height, width). Those beyond `rows * columns` are left out, missing
            ones stay white. Values beyond [-1, 1] are clipped, values that are not a number black.
        rows, columns: images in each direction.
        gap: white pixels between images.
        smallest: pixels are repeated, by a whole number, until an image is at least this large.

    Returns:
        (height, width) for one channel, (height, width, 3) for three.

    Example:
        >>> image_grid(np.zeros((64, 1, 8, 8))).shape
        (270, 270)
    """
    tiles = _enlarge(_to_bytes(_checked(to_numpy(images))[: rows * columns]), smallest)
    height, width, channels = tiles.shape[1:]
    sheet = np.full(
        (rows, height + gap, columns, width + gap, channels), fill_value=255, dtype=np.uint8
    )
    for index, tile in enumerate(tiles):
        sheet[index // columns, :height, index % columns, :width] = tile
    flat = sheet.reshape(rows * (height + gap), columns * (width + gap), channels)
    cropped = flat[: flat.shape[0] - gap, : flat.shape[1] - gap]
    return cropped[..., 0] if channels == 1 else cropped


def _checked(images: NDArray[np.float64]) -> NDArray[np.float64]:
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(
            f"images must have the shape (N, 1 or 3, height, width), not {images.shape}"
        )
    return images


def _to_bytes(images: NDArray[np.float64]) -> NDArray[np.uint8]:
    """NCHW in [-1, 1] to NHWC in 0..255."""
    levels = np.rint((np.nan_to_num(images, nan=-1.0).clip(-1, 1) + 1) * 127.5)
    return levels.astype(np.uint8).transpose(0, 2, 3, 1)


def _enlarge(images: NDArray[np.uint8], smallest: int) -> NDArray[np.uint8]:
    factor = max(1, -(-smallest // min(images.shape[1:3])))
    return images.repeat(factor, axis=1).repeat(factor, axis=2)


def to_pil(images: Tensor | ArrayLike, *, rows: int = 8, columns: int = 8) -> Image:
    """The grid as a Pillow image; `save_png` writes it."""
    from PIL import Image

    return Image.fromarray(image_grid(images, rows=rows, columns=columns))


def show_grid(ax: Axes, images: Tensor | ArrayLike, *, rows: int = 8, columns: int = 8) -> None:
    """Draw the grid on an axis."""
    sheet = image_grid(images, rows=rows, columns=columns)
    ax.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    ax.set_axis_off()


def show_png(ax: Axes, path: Path) -> None:
    """Draw a picture from a file on an axis."""
    from PIL import Image

    with Image.open(path) as picture:
        ax.imshow(picture.convert("RGB"), interpolation="antialiased")
    ax.set_axis_off()
