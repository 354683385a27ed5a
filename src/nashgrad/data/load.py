"""Images from wherever they are."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nashgrad.data.arrays import Split, load_arrays
from nashgrad.data.cifar10 import CLASSES, load_cifar10
from nashgrad.data.decode import MODES, Form
from nashgrad.data.idx import holds_idx, load_idx
from nashgrad.data.images import Images, fit
from nashgrad.data.pictures import Progress, load_pictures
from nashgrad.data.sources import Folder, Zip


def load_images(
    path: str | Path,
    *,
    size: int | None = None,
    crop: int | None = None,
    channels: int | None = None,
    split: Split = "train",
    skip_broken: bool = False,
    workers: int = 0,
    progress: Progress | None = None,
) -> Images:
    """Load images into memory.

    The path is an `.npz` file of arrays (see `load_arrays`), a folder or a `.zip` of image files,
    a folder of idx files (MNIST, Fashion-MNIST), or one of the official archives
    `cifar-10-binary.tar.gz` and `cifar-10-python.tar.gz`.
    Nothing that a file holds is executed, and nothing is written to disk.

    Args:
        path: Where the images are.
        size: Side to which they are resized, after a crop to the largest centre square.
        crop: Side of the centre square to keep first.
        channels: 1 or 3. Image files are converted (3 by default), arrays must have as many.
        split: Which part of an archive or `.npz` file that holds both; a folder holds one.
        skip_broken: Leave out image files that can't be decoded, counted in `Images.skipped`.
        workers: Processes that decode image files; with 0 this one does.
        progress: Called now and then with the image files decoded so far and all there are.

    Raises:
        FileNotFoundError: The path doesn't exist.
        OSError: A process that decoded images died.
        ValueError: It holds no images, one can't be decoded, or they have another form.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    if channels not in (None, *MODES):
        raise ValueError(f"channels={channels}: choose 1 or 3")
    packed = path.suffix.lower() == ".zip"
    if packed or (path.is_dir() and not holds_idx(path)):
        source, form = (Zip if packed else Folder)(path), Form(channels or 3, crop, size)
        return load_pictures(
            source, form, skip_broken=skip_broken, workers=workers, progress=progress
        )
    pixels, labels, classes = _load_file(path, split)
    if channels not in (None, pixels.shape[1]):
        raise ValueError(f"{path}: images of {pixels.shape[1]} channels, but channels={channels}")
    try:
        return Images(fit(pixels, crop=crop, size=size), labels, classes=classes)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _load_file(path: Path, split: Split) -> tuple[Tensor, Tensor | None, Sequence[str]]:
    if path.is_dir():
        return load_idx(path, split)
    if path.suffix.lower() == ".npz":
        return *load_arrays(path, split), ()
    if path.name.lower().endswith((".tar.gz", ".tgz")):
        return *load_cifar10(path, split), CLASSES
    raise ValueError(
        f"{path}: expected an .npz file, a folder or .zip of images, or a CIFAR-10 .tar.gz"
    )


def digits() -> Images:
    """scikit-learn's 1,797 handwritten digits, 8x8 with one channel; nothing is downloaded.

    Their pixels are 0 to 16, which become -1 to 1.

    Raises:
        ImportError: scikit-learn isn't installed.

    Source: E. Alpaydin, C. Kaynak, Optical recognition of handwritten digits, UCI, 1998.
    """
    try:
        from sklearn.datasets import load_digits
    except (ImportError, RuntimeError) as error:
        message = "the digits need scikit-learn: pip install nashgrad[images]"
        raise ImportError(message) from error
    bunch = load_digits()
    pixels = torch.from_numpy(bunch.images.astype(np.uint8))[:, None]
    labels = torch.from_numpy(bunch.target.astype(np.int64))
    return Images(pixels, labels, classes=[str(i) for i in range(10)], maximum=16)
