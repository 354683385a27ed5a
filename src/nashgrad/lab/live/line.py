"""What the list of runs tells of one: few numbers, read off the ends of its files."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.config.files import read
from nashgrad.lab.live.files import summary, tail
from nashgrad.lab.report.curves import is_count, newest, number, rounded
from nashgrad.lab.report.files import regular
from nashgrad.lab.report.seen import pictures_of

FILES = ("config.yaml", "metrics.jsonl", "summary.json", "samples", "diagnosis", "scores")
Stamp: TypeAlias = "tuple[tuple[str, int, int], ...]"
"""When the files of a run changed, and how large they are."""


@dataclass(frozen=True)
class Line:
    """A run in the list; a run that has a budget ends with it, and its steps do not count."""

    status: str = "unknown"
    step: int = 0
    steps: int | None = None
    budget: float | None = None
    spent: float | None = None
    norm: float | None = None
    sample: int | None = None
    picture: Path | None = None


def read_line(folder: Path) -> Line:
    """A run's line; what cannot be read is left out."""
    told, lines, config = summary(folder), tail(folder), _config(folder)
    logged = [line["step"] for line in lines if is_count(line.get("step"))]
    step = max([*logged[:1], *filter(is_count, [told.get("steps")])], default=0)
    pictures, steps = pictures_of(folder), config.get("steps")
    return Line(
        status=str(told.get("status", "unknown")),
        step=step,
        steps=steps if is_count(steps) else None,
        budget=number(config.get("budget")),
        spent=newest([*lines, told], "spent"),
        norm=rounded(newest(lines, "field_norm")),
        sample=max(pictures, default=None),
        picture=pictures[max(pictures)] if pictures else None,
    )


def stamp_of(folder: Path) -> Stamp:
    """When the files of a run changed; those that are missing are left out."""
    return tuple(mark for name in FILES if (mark := mark_of(folder / name)) is not None)


def mark_of(path: Path) -> tuple[str, int, int] | None:
    """A file's name, time and size; None where there is none."""
    with suppress(OSError):
        told = path.lstat()
        return path.name, told.st_mtime_ns, told.st_size
    return None


def version_of(path: Path | None) -> str | None:
    """Letters that change with a picture, for its address: browsers keep what they have."""
    mark = path and mark_of(path)
    return f"{zlib.crc32(repr(mark).encode(errors='replace')):08x}" if mark else None


def _config(folder: Path) -> Mapping[str, Any]:
    with suppress(UsageError, OSError, ValueError, RecursionError):
        return read(regular(folder / "config.yaml"))
    return {}
