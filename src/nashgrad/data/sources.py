"""Where image files lie: a folder or a zip."""

import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

LARGEST_FILE = 2**28  # bytes; a zip may promise much more than it holds
Read = Callable[[PurePosixPath], bytes]


@dataclass(frozen=True)
class Folder:
    """Image files under a folder."""

    path: Path

    @contextmanager
    def reading(self) -> Iterator[tuple[list[PurePosixPath], Read]]:
        """The names of all files under it, and what reads one.

        Raises:
            ValueError: The folder can't be read.
        """
        if not os.access(self.path, os.R_OK | os.X_OK):
            raise ValueError(f"{self.path}: can't be read, check the folder's permissions")
        files = (file for file in self.path.rglob("*") if file.is_file())
        names = [PurePosixPath(file.relative_to(self.path)) for file in files]
        yield names, lambda name: (self.path / name).read_bytes()


@dataclass(frozen=True)
class Zip:
    """Image files in a zip; nothing is written to disk."""

    path: Path

    @contextmanager
    def reading(self) -> Iterator[tuple[list[PurePosixPath], Read]]:
        """The names of all its files, and what reads one.

        Raises:
            ValueError: The file isn't a zip.
        """
        try:
            file = zipfile.ZipFile(self.path)
        except zipfile.BadZipFile as error:
            raise ValueError(f"{self.path}: can't be read as a zip ({error})") from error
        with file:
            infos = {PurePosixPath(i.filename): i for i in file.infolist() if not i.is_dir()}
            yield list(infos), lambda name: _member(file, infos[name])


Source = Folder | Zip


def _member(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.file_size > LARGEST_FILE:
        raise ValueError(f"{info.file_size} bytes, more than {LARGEST_FILE}")
    return file.read(info)
