"""Images from a folder or a zip of image files."""

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from torch import Tensor

from nashgrad.data.decode import Decoder, Form, Pixels
from nashgrad.data.images import Images
from nashgrad.data.sources import Source

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".tif", ".tiff"})
Progress = Callable[[int, int], None]


def load_pictures(
    source: Source,
    form: Form,
    *,
    skip_broken: bool = False,
    workers: int = 0,
    progress: Progress | None = None,
) -> Images:
    """Decode pictures in the order of their names; one's class is its folder, if all lie in some.

    Args:
        source: The files; those that aren't images by their names are left out.
        form: What they become.
        skip_broken: Leave out what can't be decoded, and count it in `Images.skipped`.
        workers: Processes that decode; with 0 this one does.
        progress: Called with how many are decoded and how many there are.

    Raises:
        ValueError: There is nothing to decode, a picture is broken, or their sizes differ.
        OSError: A worker died.
    """
    path = source.path
    with source.reading() as (found, _):
        names = sorted(filter(_is_image, found))
    if not names:
        raise ValueError(f"{path}: holds no images ({', '.join(sorted(SUFFIXES))})")
    decoded: dict[PurePosixPath, Pixels | None] = {}
    for part in Decoder(source, form, skip_broken).parts(names, workers):
        decoded.update(part)
        if progress is not None:
            progress(len(decoded), len(names))
    good = {name: pixels for name, pixels in decoded.items() if pixels is not None}
    if not good:
        raise ValueError(f"{path}: none of its {len(names)} images can be decoded")
    labels, classes = _classes(list(good))
    return Images(_stack(path, good), labels, classes=classes, skipped=len(names) - len(good))


def _is_image(name: PurePosixPath) -> bool:
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in name.parts)
    return name.suffix.lower() in SUFFIXES and not hidden


def _stack(path: Path, good: dict[PurePosixPath, Pixels]) -> Tensor:
    first, *rest = good
    for name in rest:
        if good[name].shape != good[first].shape:
            sizes = [f"{n} is {good[n].shape[-2]}x{good[n].shape[-1]}" for n in (first, name)]
            raise ValueError(f"{path}: images differ in size ({', '.join(sizes)}), pass size=")
    return torch.from_numpy(np.concatenate(list(good.values())))


def _classes(names: Sequence[PurePosixPath]) -> tuple[Tensor | None, tuple[str, ...]]:
    folders = [name.parent.name for name in names]
    classes = tuple(sorted(set(folders)))
    if len(classes) < 2 or "" in classes:
        return None, ()
    return torch.tensor([classes.index(folder) for folder in folders]), classes
