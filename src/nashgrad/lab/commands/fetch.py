"""`nashgrad fetch`: a data set from where its authors keep it."""

from __future__ import annotations

from pathlib import Path

from nashgrad.data import DATASETS, download
from nashgrad.lab.common.errors import UsageError, closest_or_all, file_errors
from nashgrad.lab.common.locks import locked
from nashgrad.lab.common.waiting import Waiting


def fetch(name: str, *, out: str = "data") -> int:
    """Downloads what is missing of a data set, checks it, and says what to type next.

    Args:
        name: a key of `nashgrad.data.DATASETS`.
        out: the folder that it goes into.

    Raises:
        UsageError: There is no such data set, the network or the disk fails, a checksum is wrong.
    """
    if name not in DATASETS:
        hint = closest_or_all(name, DATASETS)
        raise UsageError(f"nashgrad fetch: unknown data set {name!r}{hint}")
    folder = Path(out)
    if folder.is_file():
        raise UsageError(f"{folder}: is a file; --out names a folder")
    with file_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, "another process is fetching into it"), Waiting("bytes") as waiting:
        try:
            path = download(name, folder, waiting.update)
        except (OSError, ValueError) as error:
            raise UsageError(f"nashgrad fetch: {error}") from error
    print(f"{path}: complete; use it as data.path")  # noqa: T201
    return 0
