"""Images from an `.npz` file of arrays."""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Split = Literal["train", "test"]
Arrays = Mapping[str, npt.NDArray[Any]]

UNREADABLE = (OSError, EOFError, ValueError, AttributeError, zipfile.BadZipFile, zlib.error)


def load_arrays(path: Path, split: Split) -> tuple[Tensor, Tensor | None]:
    """Bytes (n, channels, height, width) and labels (n,), if any, of an `.npz` file.

    The file holds `train_images` and `test_images`, or `images` alone, as uint8
    (n, height, width, channels), and `train_labels`, `test_labels` or `labels` (n,) if known.
    Nothing in it is executed: arrays of Python objects are refused.

    Raises:
        ValueError: The file can't be read, lacks the arrays, or they have another form.
    """
    # Without splits of its own the file is all training data.
    prefixes = [f"{split}_", ""] if split == "train" else [f"{split}_"]
    names = _names(path)
    for prefix in prefixes:
        if f"{prefix}images" in names:
            arrays = _read(path, names & {f"{prefix}images", f"{prefix}labels"})
            return _images(path, arrays[f"{prefix}images"]), _labels(path, arrays, prefix)
    raise ValueError(
        f"{path}: expected the array {' or '.join(f'{prefix}images' for prefix in prefixes)}, "
        f"found {', '.join(sorted(names)) or 'none'}"
    )


def _names(path: Path) -> set[str]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return set(file.files)
    except UNREADABLE as error:
        raise ValueError(f"{path}: can't be read as an .npz file of arrays ({error})") from error


def _read(path: Path, names: set[str]) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in names}
    except UNREADABLE as error:
        raise ValueError(f"{path}: an array can't be read ({error})") from error


def _images(path: Path, images: npt.NDArray[Any]) -> Tensor:
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(
            f"{path}: images of shape {images.shape}, {images.dtype}: "
            "expected uint8 (n, height, width, channels) with 1 or 3 channels"
        )
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()


def _labels(path: Path, arrays: Arrays, prefix: str) -> Tensor | None:
    labels = arrays.get(f"{prefix}labels")
    if labels is None:
        return None
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"{path}: {prefix}labels of {labels.dtype}: expected integers")
    return torch.from_numpy(labels.astype(np.int64))
