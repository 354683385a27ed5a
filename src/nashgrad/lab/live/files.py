"""The ends of a run's files, as much of them as its line in the list needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nashgrad.lab.report.files import content, parsed

MOST_SUMMARY = 4_000_000
MOST_PICTURE = 30_000_000
TAIL = 256_000
"""Bytes at the end of a log; tens of its lines."""


def summary(folder: Path) -> dict[str, Any]:
    """A run's `summary.json`; empty when it is missing or damaged."""
    try:
        return parsed(content(folder / "summary.json", MOST_SUMMARY)) or {}
    except OSError:
        return {}


def tail(folder: Path) -> list[dict[str, Any]]:
    """The last lines of a run's log that can be read, newest first."""
    try:
        lines = content(folder / "metrics.jsonl", TAIL, end=True).splitlines()
    except OSError:
        return []
    return [line for text in reversed(lines) if (line := parsed(text)) is not None]
