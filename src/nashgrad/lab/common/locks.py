"""Folders that one process at a time may work in."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nashgrad.lab.common.errors import UsageError, file_errors


@contextmanager
def locked(folder: Path, taken: str) -> Iterator[None]:
    """Keeps other processes out of a folder; a dead process holds no lock.

    Raises:
        UsageError: Somebody else holds it; `taken` says what that means.
    """
    with file_errors(folder):
        descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"{folder}: {taken}") from None
        yield
    finally:
        os.close(descriptor)
