"""Images from a folder or a zip of image files."""

import io
import os
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nashgrad.data.images import Images, fit

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".tif", ".tiff"})
MODES = {1: "L", 3: "RGB"}
LARGEST_FILE = 2**28  # bytes; a zip may promise much more than it holds


class Picture(NamedTuple):
    """An image file: its name under the folder or in the zip, and how to read its bytes."""

    name: PurePosixPath
    read: Callable[[], bytes]


class Form(NamedTuple):
    """What the pictures become: 1 or 3 channels, cropped and resized as `fit` has it."""

    channels: int = 3
    crop: int | None = None
    size: int | None = None


def load_folder(path: Path, form: Form, *, skip_broken: bool = False) -> Images:
    """Every image file under a folder, in the order of their names.

    Raises:
        ValueError: The folder can't be read or holds no images, or see `load_pictures`.
    """
    if not os.access(path, os.R_OK | os.X_OK):
        raise ValueError(f"{path}: can't be read, check the folder's permissions")
    files = (file for file in path.rglob("*") if file.is_file())
    pictures = [Picture(PurePosixPath(file.relative_to(path)), file.read_bytes) for file in files]
    return load_pictures(path, pictures, form, skip_broken=skip_broken)


def load_zip(path: Path, form: Form, *, skip_broken: bool = False) -> Images:
    """Every image file in a zip, in the order of their names; nothing is written to disk.

    Raises:
        ValueError: The file isn't a zip or holds no images, or see `load_pictures`.
    """
    try:
        with zipfile.ZipFile(path) as file:
            pictures = [
                Picture(PurePosixPath(info.filename), partial(_member, file, info))
                for info in file.infolist()
                if not info.is_dir()
            ]
            return load_pictures(path, pictures, form, skip_broken=skip_broken)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path}: can't be read as a zip ({error})") from error


def load_pictures(
    path: Path, pictures: Sequence[Picture], form: Form, *, skip_broken: bool = False
) -> Images:
    """Decode pictures; each one's class is the folder it lies in, if all lie in folders.

    Args:
        path: Where they come from, for the errors.
        pictures: The files; those that aren't images by their names are left out.
        form: What they become.
        skip_broken: Leave out what can't be decoded, and count it in `Images.skipped`.

    Raises:
        ValueError: There is nothing to decode, a picture is broken, or their sizes differ.
    """
    chosen = sorted(filter(_is_image, pictures), key=lambda picture: picture.name)
    if not chosen:
        raise ValueError(f"{path}: holds no images ({', '.join(sorted(SUFFIXES))})")
    decoded = {p.name: _decode(path, p, form, skip_broken=skip_broken) for p in chosen}
    good = {name: pixels for name, pixels in decoded.items() if pixels is not None}
    if not good:
        raise ValueError(f"{path}: none of its {len(chosen)} images can be decoded")
    labels, classes = _classes(list(good))
    return Images(_stack(path, good), labels, classes=classes, skipped=len(decoded) - len(good))


def _is_image(picture: Picture) -> bool:
    name = picture.name
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in name.parts)
    return name.suffix.lower() in SUFFIXES and not hidden


def _member(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.file_size > LARGEST_FILE:
        raise ValueError(f"{info.file_size} bytes, more than {LARGEST_FILE}")
    return file.read(info)


def _decode(path: Path, picture: Picture, form: Form, *, skip_broken: bool) -> Tensor | None:
    name, pillow = path / picture.name, _pillow()
    try:
        with pillow.open(io.BytesIO(picture.read())) as image:
            pixels = np.array(image.convert(MODES[form.channels]))
    except Exception as error:  # on damaged bytes decoders raise almost anything
        if skip_broken:
            return None
        reason = "not an image" if isinstance(error, pillow.UnidentifiedImageError) else error
        message = f"{name}: can't be decoded ({reason}); skip_broken=True skips it"
        raise ValueError(message) from error
    return _fitted(name, pixels, form)


def _fitted(name: Path, pixels: npt.NDArray[np.uint8], form: Form) -> Tensor:
    # Greyscale arrays have no axis of channels.
    image = torch.from_numpy(pixels.reshape(*pixels.shape[:2], -1)).permute(2, 0, 1)
    try:
        return fit(image[None], crop=form.crop, size=form.size)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _stack(path: Path, good: dict[PurePosixPath, Tensor]) -> Tensor:
    first, *rest = good
    for name in rest:
        if good[name].shape != good[first].shape:
            sizes = [f"{n} is {good[n].shape[-2]}x{good[n].shape[-1]}" for n in (first, name)]
            raise ValueError(f"{path}: images differ in size ({', '.join(sizes)}), pass size=")
    return torch.cat(list(good.values()))


def _classes(names: Sequence[PurePosixPath]) -> tuple[Tensor | None, tuple[str, ...]]:
    folders = [name.parent.name for name in names]
    classes = tuple(sorted(set(folders)))
    if len(classes) < 2 or "" in classes:
        return None, ()
    return torch.tensor([classes.index(folder) for folder in folders]), classes


def _pillow() -> ModuleType:
    try:
        from PIL import Image
    except (ImportError, RuntimeError) as error:
        raise ImportError("image files need Pillow: pip install nashgrad[lab]") from error
    return Image
