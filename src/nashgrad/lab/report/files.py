"""Reads files that others write: plain ones only, and no more of them than is wanted."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any


def content(path: Path, most: int, *, end: bool = False) -> bytes:
    """A plain file's first bytes, or its last.

    Raises:
        OSError: It is missing, a link, which may lead anywhere, or a pipe, which would never end.
    """
    # A pipe must not be waited for before it is known to be one.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        told = os.fstat(descriptor)
        if not stat.S_ISREG(told.st_mode):
            raise OSError(f"{path}: is no plain file")
        if end and told.st_size > most:
            file.seek(-most, os.SEEK_END)
        return file.read(most)


def regular(path: Path) -> Path:
    """The path of a plain file, for readers that open paths themselves.

    Raises:
        OSError: It is missing, or is something else.
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        raise OSError(f"{path}: is no plain file")
    return path


def parsed(text: bytes) -> dict[str, Any] | None:
    """An object of JSON; None for everything else, such as half a line."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None
