"""`metrics.jsonl`: one line of JSON for each log interval."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from nashgrad.lab.common.atomic import strict, write_text
from nashgrad.lab.common.errors import file_errors

NOT_FINITE = {"nan", "inf", "-inf"}


def append_metrics(path: Path, metrics: Mapping[str, Any]) -> None:
    """Adds a line; it holds `step` and is on its way to the disk when this returns."""
    line = json.dumps(strict(metrics), allow_nan=False)
    with file_errors(path), path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


class Scanned(NamedTuple):
    """The lines that can be read, and how many cannot."""

    lines: list[dict[str, Any]]
    damaged: int


def read_metrics(path: str | Path) -> list[dict[str, Any]]:
    """All lines, without the last one where a killed process wrote only half of it."""
    return scan_metrics(path).lines


def scan_metrics(path: str | Path) -> Scanned:
    """All lines that can be read; one that is still being written, at the end, is not damaged."""
    path = Path(path)
    if not path.exists():
        return Scanned([], 0)
    with file_errors(path):
        text = path.read_text(encoding="utf-8", errors="replace")
    lines = [_parsed(line) for line in text.splitlines()]
    unfinished = bool(lines) and lines[-1] is None and not text.endswith("\n")
    read = [line for line in lines if line is not None]
    return Scanned(read, len(lines) - len(read) - unfinished)


def rewind_metrics(path: Path, step: int) -> None:
    """Drops the lines after a step, from which the run goes on."""
    kept = [line for line in read_metrics(path) if line["step"] <= step]
    text = "".join(f"{json.dumps(strict(line), allow_nan=False)}\n" for line in kept)
    write_text(path, text)


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):  # no JSON, or a number of thousands of digits
        return None
    if not isinstance(values, dict) or not isinstance(values.get("step"), int):
        return None
    return {key: _loose(value) for key, value in values.items()}


def _loose(value: Any) -> Any:
    """The inverse of `strict`."""
    if isinstance(value, dict):
        return {key: _loose(inner) for key, inner in value.items()}
    return float(value) if isinstance(value, str) and value in NOT_FINITE else value
