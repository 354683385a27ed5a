"""Files that are there whole or not at all."""

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from nashgrad.lab.common.errors import file_errors

TEMPORARY = ".writing"


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of `path` when the block ends without an error.

    A reader sees the old file or the new one, also after a crash. What a killed process leaves
    behind is named `*.writing`; see `remove_leftovers`.

    Raises:
        UsageError: The file system refuses (permissions, disk full ...); `path` is as it was.
    """
    temporary = path.with_name(f"{path.name}{TEMPORARY}")
    with file_errors(path):
        try:
            with temporary.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            _sync_folder(path.parent)
        finally:
            with suppress(OSError):
                temporary.unlink()


def _sync_folder(folder: Path) -> None:
    """Makes the new name survive a power cut, not only the new content."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(folder: Path) -> None:
    """Removes what a killed process was writing into a folder."""
    for leftover in folder.glob(f"*{TEMPORARY}"):
        with file_errors(leftover):
            leftover.unlink()


def write_text(path: Path, text: str) -> None:
    """Replaces a text file."""
    with replacing(path) as file:
        file.write(text.encode())


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Replaces a JSON file."""
    write_text(path, f"{json.dumps(strict(values), indent=2, allow_nan=False)}\n")


def strict(value: Any) -> Any:
    """The value with `"nan"`, `"inf"` and `"-inf"` for the numbers that JSON has not.

    `float` turns each of them back.

    >>> strict({"loss": float("nan"), "norms": (1.0, float("-inf"))})
    {'loss': 'nan', 'norms': [1.0, '-inf']}
    """
    if isinstance(value, Mapping):
        return {str(key): strict(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [strict(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
