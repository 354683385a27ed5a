"""Image files to pixels, in this process or in several."""

import io
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import current_process, get_context
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from nashgrad.data.images import fit
from nashgrad.data.sources import Read, Source

MODES = {1: "L", 3: "RGB"}
TOGETHER = 256  # pictures handed to a process, and between two calls of `progress`
Pixels = npt.NDArray[np.uint8]
Decoded = list[tuple[PurePosixPath, Pixels | None]]


class Form(NamedTuple):
    """What the pictures become: 1 or 3 channels, cropped and resized as `fit` has it."""

    channels: int = 3
    crop: int | None = None
    size: int | None = None


@dataclass(frozen=True)
class Decoder:
    """Turns pictures of a source into pixels (1, channels, height, width), or None if skipped."""

    source: Source
    form: Form
    skip_broken: bool = False

    def parts(self, names: Sequence[PurePosixPath], workers: int = 0) -> Iterator[Decoded]:
        """All pictures in their order, a part at a time; `workers` processes decode them.

        A process that belongs to a pool itself may have none of its own, and decodes alone.

        Raises:
            ValueError: A picture can't be decoded.
            OSError: A worker died.
        """
        parts = [names[i : i + TOGETHER] for i in range(0, len(names), TOGETHER)]
        workers = min(workers, len(parts))
        if workers == 0 or current_process().daemon:
            with self.source.reading() as (_, read):
                for part in parts:
                    yield self.decode(part, read)
            return
        pool = ProcessPoolExecutor(workers, get_context("spawn"), _begin, (self,))
        try:
            yield from pool.map(_decode, parts)
        except BrokenProcessPool as error:
            raise OSError(
                f"{self.source.path}: a process that decoded images died; is memory short, or does "
                'a script start it without `if __name__ == "__main__":`?'
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)

    def decode(self, names: Sequence[PurePosixPath], read: Read) -> Decoded:
        """Some pictures, by this process."""
        return [(name, self._picture(name, read)) for name in names]

    def _picture(self, name: PurePosixPath, read: Read) -> Pixels | None:
        path, pillow = self.source.path / name, _pillow()
        try:
            with pillow.open(io.BytesIO(read(name))) as image:
                pixels = _bytes(image, self.form.channels)
        except Exception as error:  # on damaged bytes decoders raise almost anything
            if self.skip_broken:
                return None
            reason = "not an image" if isinstance(error, pillow.UnidentifiedImageError) else error
            message = f"{path}: can't be decoded ({reason}); skip_broken=True skips it"
            raise ValueError(message) from error
        return _fitted(path, pixels, self.form)


# Of a worker, for its whole life: the index of a large zip takes a second to read.
_opened = ExitStack()
_reader: tuple[Decoder, Read]


def _begin(decoder: Decoder) -> None:
    global _reader
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits
    torch.set_num_threads(1)
    _, read = _opened.enter_context(decoder.source.reading())
    _reader = decoder, read


def _decode(names: Sequence[PurePosixPath]) -> Decoded:
    decoder, read = _reader
    return decoder.decode(names, read)


def _bytes(image: Any, channels: int) -> Pixels:
    """8 bits a channel; alpha is dropped.

    Raises:
        ValueError: The pixels have no known range.
    """
    if image.mode == "F":
        raise ValueError("pixels are floating-point numbers of unknown range")
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow's conversion would clip
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65_535:
            raise ValueError("pixels are integers of 32 bits")
        image = _pillow().fromarray(np.rint(values / 257).astype(np.uint8))
    return np.array(image.convert(MODES[channels]))


def _fitted(name: Path, pixels: Pixels, form: Form) -> Pixels:
    # Greyscale arrays have no axis of channels.
    image = torch.from_numpy(pixels.reshape(*pixels.shape[:2], -1)).permute(2, 0, 1)
    try:
        return fit(image[None], crop=form.crop, size=form.size).numpy()
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _pillow() -> ModuleType:
    try:
        from PIL import Image
    except (ImportError, RuntimeError) as error:
        raise ImportError("image files need Pillow: pip install nashgrad[lab]") from error
    return Image
