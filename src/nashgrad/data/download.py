"""Data sets from where their authors keep them, when asked."""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError

PIECE = 2**18  # bytes between two calls of `progress`
PATIENCE = 30.0  # seconds without an answer
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Remote:
    """A file of a data set: where it is, and the checksum that its authors publish."""

    url: str
    md5: str

    @property
    def name(self) -> str:
        """Of the file, without the way to it."""
        return self.url.rsplit("/", 1)[-1]


def _fashion(name: str, md5: str) -> Remote:
    return Remote(f"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/{name}.gz", md5)


DATASETS: dict[str, tuple[Remote, ...]] = {
    "cifar10": (
        Remote(
            "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            "c32a1d4ab5d03f1284b67883e8d87530",
        ),
    ),
    "fashion_mnist": (
        _fashion("train-images-idx3-ubyte", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        _fashion("train-labels-idx1-ubyte", "25c81989df183df01b3e8a0aad5dffbe"),
        _fashion("t10k-images-idx3-ubyte", "bef4ecab320f06d8554ea6380940ec79"),
        _fashion("t10k-labels-idx1-ubyte", "bb300cfdad3c16e7a12a480ee83cd310"),
    ),
}


def download(name: str, folder: str | Path, progress: Progress | None = None) -> Path:
    """Fetch a data set, or what is missing of it.

    A file that is under way is named `*.part`; the next call goes on behind what it holds. A file
    takes its name when its checksum is right. One with a wrong checksum is kept as `*.bad`.

    Args:
        name: A key of `DATASETS`.
        folder: Where to; it is made if it isn't there. A data set of several files gets a folder
            of its own in it.
        progress: Called with a file's name, its bytes so far, and all its bytes if known.

    Returns:
        What `load_images` reads.

    Raises:
        KeyError: There is no such data set.
        OSError: The network or the file system fails; what came is kept, call again to go on.
        ValueError: A checksum is wrong.
    """
    files, folder = DATASETS[name], Path(folder)
    if len(files) > 1:
        folder = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        _fetch(file, folder / file.name, progress)
    return folder if len(files) > 1 else folder / files[0].name


def _fetch(file: Remote, path: Path, progress: Progress | None) -> None:
    if path.exists():
        _check(path, file)
        return
    part = path.with_name(f"{path.name}.part")
    try:
        _receive(file, part, progress)
    except (OSError, HTTPException) as error:
        held = part.stat().st_size if part.exists() else 0
        # An HTTPError says more itself than by its reason.
        bare = not isinstance(error, HTTPError) and isinstance(error, URLError)
        reason = getattr(error, "reason", error) if bare else error
        message = f"{file.url}: {reason}; {held:,} bytes are kept, run it again to go on"
        raise OSError(message) from error
    _check(part, file, path)
    part.replace(path)


def _receive(file: Remote, part: Path, progress: Progress | None) -> None:
    """Appends what is missing; from the start where the server can't begin in the middle."""
    held = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(file.url, headers={"Range": f"bytes={held}-"})
    try:
        answer = urllib.request.urlopen(request, timeout=PATIENCE)
    except HTTPError as error:
        error.close()
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and held:
            return  # all of it is there
        raise
    with answer:
        goes_on = answer.status == HTTPStatus.PARTIAL_CONTENT
        here = held if goes_on else 0
        length = answer.headers.get("Content-Length")
        total = None if length is None else here + int(length)
        with part.open("ab" if goes_on else "wb") as target:
            for piece in iter(lambda: answer.read(PIECE), b""):
                target.write(piece)
                here += len(piece)
                if progress is not None:
                    progress(file.name, here, total)
    if total is not None and here < total:
        raise OSError(f"the connection ended after {here:,} of {total:,} bytes")


def _check(found: Path, file: Remote, path: Path | None = None) -> None:
    """Puts a file with a wrong checksum aside."""
    path = path or found
    digest = hashlib.md5(usedforsecurity=False)  # the only one that the authors publish
    with found.open("rb") as content:
        for piece in iter(lambda: content.read(PIECE), b""):
            digest.update(piece)
    if (md5 := digest.hexdigest()) != file.md5:
        bad = path.with_name(f"{path.name}.bad")
        found.replace(bad)
        raise ValueError(
            f"{path}: wrong checksum {md5}, expected {file.md5}; kept as {bad.name}, run it again "
            f"to fetch it anew from {file.url}"
        )
