"""MNIST and its likes: images and labels in idx files, plain or gzipped."""

import gzip
import math
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from nashgrad.data.arrays import Split

PREFIXES: dict[Split, str] = {"train": "train", "test": "t10k"}
IMAGES, LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"
BYTES = 8  # the code of unsigned bytes, the only kind that these files hold
FASHION = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip


def holds_idx(folder: Path) -> bool:
    """Whether a folder holds images as idx files."""
    return any(_find(folder, f"{prefix}-{IMAGES}") for prefix in PREFIXES.values())


def load_idx(folder: Path, split: Split) -> tuple[Tensor, Tensor | None, Sequence[str]]:
    """Bytes (n, 1, height, width), labels (n,) if they lie beside them, and names of classes.

    The files are named as the official ones are, `train-images-idx3-ubyte`, with or without `.gz`.
    The names of Fashion-MNIST's classes are known by the folder's name.

    Raises:
        ValueError: A file is missing, damaged, or of another form.

    Source: Y. LeCun, C. Cortes, C. Burges: The MNIST database; H. Xiao, K. Rasul, R. Vollgraf:
    Fashion-MNIST, 2017.
    """
    images = _find(folder, f"{PREFIXES[split]}-{IMAGES}")
    if images is None:
        raise ValueError(f"{folder}: holds no {PREFIXES[split]}-{IMAGES} or .gz")
    labels = _find(folder, f"{PREFIXES[split]}-{LABELS}")
    classes = FASHION if "fashion" in folder.resolve().name.lower() else ()
    pixels = _read(images, axes=3)[:, None]
    return pixels, None if labels is None else _read(labels, axes=1).long(), classes


def _find(folder: Path, name: str) -> Path | None:
    return next((p for end in ("", ".gz") if (p := folder / f"{name}{end}").is_file()), None)


def _read(path: Path, axes: int) -> Tensor:
    """The array of a file: two zero bytes, its type, its axes, their lengths, its elements."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return _parse(file, axes)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise ValueError(f"{path}: can't be read as an idx file ({error})") from error


def _parse(file: BinaryIO | gzip.GzipFile, axes: int) -> Tensor:
    start = file.read(4)
    if start != bytes([0, 0, BYTES, axes]):
        raise ValueError(f"it begins with {start.hex(' ') or 'nothing'}, not 00 00 08 0{axes}")
    shape = np.frombuffer(file.read(4 * axes), ">u4").tolist()
    data = file.read(math.prod(shape) + 1)  # one more: also the end of a .gz is looked at
    if len(shape) != axes or len(data) != math.prod(shape):
        raise ValueError(f"it promises {shape}, and holds {len(data)} elements")
    return torch.from_numpy(np.frombuffer(data, np.uint8).reshape(shape).copy())
