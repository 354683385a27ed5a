"""What only the user can put right, told in one line."""

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class UsageError(Exception):
    """Bad input: its text is one clear line, which the command prints before it exits with 2."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`", did you mean lr?"` for the closest known word, or nothing when none is close.

    >>> did_you_mean("lrr", ["lr", "betas"])
    ', did you mean lr?'
    >>> did_you_mean("colour", ["lr", "betas"])
    ''
    """
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f", did you mean {close[0]}?" if close else ""


def known_names(word: str, known: Iterable[str]) -> str:
    """What follows a word that is none of the known ones: the closest of them, and all.

    >>> known_names("lrr", ["lr", "betas"])
    ', did you mean lr? known: lr, betas'
    >>> known_names("colour", ["lr", "betas"])
    '; known: lr, betas'
    """
    names = list(known)
    return f"{did_you_mean(word, names) or ';'} known: {', '.join(names)}"


def closest_or_all(word: str, known: Iterable[str]) -> str:
    """What follows a word that is none of the known ones: the closest of them, or else all.

    >>> closest_or_all("lrr", ["lr", "betas"]), closest_or_all("colour", ["lr", "betas"])
    (', did you mean lr?', '; known: lr, betas')
    """
    names = list(known)
    return did_you_mean(word, names) or f"; known: {', '.join(names)}"


@contextmanager
def file_errors(path: str | Path) -> Iterator[None]:
    """Turns what the file system refuses (no permission, disk full ...) into a `UsageError`."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path}: {(error.strerror or str(error)).lower()}") from error
