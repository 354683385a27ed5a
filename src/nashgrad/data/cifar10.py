"""The official CIFAR-10 archives, read without running anything that they hold."""

import io
import pickle
import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nashgrad.data.arrays import Split

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
PIXELS = 3 * 32 * 32
LARGEST_MEMBER = 2**26  # bytes; an official batch has 31 million

BATCHES: dict[Split, list[str]] = {
    "train": [f"data_batch_{i}" for i in range(1, 6)],
    "test": ["test_batch"],
}


def load_cifar10(path: Path, split: Split) -> tuple[Tensor, Tensor]:
    """Bytes (n, 3, 32, 32) and labels (n,) of either official archive.

    `cifar-10-binary.tar.gz` holds records of a label and 3,072 pixels, `cifar-10-python.tar.gz`
    holds pickles, which a restricted unpickler reads.

    Raises:
        ValueError: The archive can't be read, or lacks a batch of the split.
    """
    try:
        with tarfile.open(path, "r:gz") as archive:
            parts = dict(_batches(archive, BATCHES[split]))
        pixels, labels = zip(*(parts[name] for name in BATCHES[split]), strict=True)
    except Exception as error:  # on damaged bytes an unpickler raises almost anything
        message = f"{path}: can't be read as a CIFAR-10 archive ({type(error).__name__}: {error})"
        raise ValueError(message) from error
    return torch.cat(pixels), torch.cat(labels)


def _batches(
    archive: tarfile.TarFile, wanted: Collection[str]
) -> Iterator[tuple[str, tuple[Tensor, Tensor]]]:
    """The wanted batches as they come: going back in a compressed archive is slow."""
    for member in archive:
        path = PurePosixPath(member.name)
        file = archive.extractfile(member) if path.stem in wanted else None
        if file is None:
            continue
        if member.size > LARGEST_MEMBER:
            raise tarfile.TarError(f"{path.name} has {member.size} bytes")
        yield path.stem, (_binary if path.suffix == ".bin" else _pickled)(file.read())


def _binary(data: bytes) -> tuple[Tensor, Tensor]:
    records = torch.from_numpy(np.frombuffer(data, np.uint8).reshape(-1, 1 + PIXELS).copy())
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].long()


def _pickled(data: bytes) -> tuple[Tensor, Tensor]:
    batch = _ArrayUnpickler(io.BytesIO(data), encoding="bytes").load()
    pixels = np.frombuffer(batch[b"data"].data, np.uint8).reshape(-1, 3, 32, 32)
    return torch.from_numpy(pixels.copy()), torch.tensor(batch[b"labels"])


class _Inert:
    """Stands in for every class that a pickled array names: keeps its state, does nothing."""

    data: bytes = b""

    def __init__(self, *args: Any) -> None:
        pass

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        # An array's state is (version, shape, dtype, is_fortran, bytes).
        if isinstance(state[-1], bytes):
            self.data = state[-1]


class _ArrayUnpickler(pickle.Unpickler):
    """Reads plain containers and the bytes of arrays; any other name is refused."""

    ALLOWED = frozenset(
        {
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
        }
    )

    def find_class(self, module_name: str, global_name: str) -> type[_Inert]:
        if (module_name, global_name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"it names {module_name}.{global_name}")
        return _Inert
