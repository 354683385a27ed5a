"""Writes the page."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nashgrad.lab.common.atomic import write_text
from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.pages import file_to_write, page, plotly
from nashgrad.lab.report.data import page_data
from nashgrad.lab.report.seen import Seen, find_runs, look


def report(folders: Sequence[str], out: str) -> int:
    """Writes one page of one or several runs; prints its path.

    Args:
        folders: runs, or folders that hold runs.
        out: the file.

    Returns:
        The exit code, 0.

    Raises:
        UsageError: For folders without any run, and a file that cannot be written.
    """
    target = file_to_write(out)
    for run in write_report(_asked(folders), target):
        for text in run.missing:
            sys.stderr.write(f"{run.path}: {printable(text)}\n")
    sys.stdout.write(f"{target}\n")
    return 0


def printable(text: str) -> str:
    r"""A file's own words without what a terminal would obey.

    >>> printable("loss\x1b[2J")
    'loss?[2J'
    """
    return "".join(c if c.isprintable() else "?" for c in text)


def write_report(folders: Sequence[Path], target: Path) -> list[Seen]:
    """Writes the page of these runs, and returns what was read of them."""
    runs = [look(folder) for folder in folders]
    write_text(target, render(page_data(runs)))
    return runs


def render(values: Mapping[str, Any]) -> str:
    """The page of `page_data`'s values."""
    return page("report/report.html", data=values, plotly=plotly())


def _asked(folders: Sequence[str]) -> list[Path]:
    """The runs, each once; a folder without any is told of, and the others go on."""
    found: dict[Path, Path] = {}
    for folder in map(Path, folders):
        runs = find_runs(folder) if os.path.isdir(folder) else []
        if not runs:
            sys.stderr.write(f"{folder}: {_why_none(folder)}\n")
        found |= {run.resolve(): run for run in runs if run.resolve() not in found}
    if not found:
        raise UsageError("nashgrad report: no runs to show; name a run's folder, or one of runs")
    return list(found.values())


def _why_none(folder: Path) -> str:
    if not folder.exists():
        return "no such folder"
    return "holds no run" if folder.is_dir() else "is a file, not a run's folder"
