"""What is read off a run's folder, whatever state it is in.

Folders of runs are somebody's files: killed runs, older versions, half-written lines, rubbish. What
cannot be read is named in `missing`; nothing is raised for it, and nothing in it is executed.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.common.wording import counted
from nashgrad.lab.config.files import read
from nashgrad.lab.report.curves import is_count
from nashgrad.lab.report.files import content, parsed, regular
from nashgrad.lab.runs.metrics import scan_metrics
from nashgrad.lab.runs.records import is_held

SIGNS = ("config.yaml", "metrics.jsonl", "environment.json")
"""A folder with one of these is a run, or what is left of one."""
DEPTH = 4
"""How far below a folder runs are looked for: runs/sweep/method/seed."""
MOST_BYTES = 64_000_000
"""Of one file; no log of a run is larger."""
MOST_DIAGNOSES = 40
"""Read of a run, the newest."""
MOST_SCORES = 40
"""The same of files of scores."""
SCORES_BYTES = 20_000
"""Of such a file; a dozen numbers and what they rest on take a twentieth of it."""
STEP = re.compile(r"[0-9]{1,12}\Z")
SCORING = re.compile(r"[0-9]{1,12}-[a-z0-9_]{1,40}\Z")


@dataclass(frozen=True)
class Seen:
    """A run as its files tell it."""

    path: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    metrics: Sequence[Mapping[str, Any]] = ()
    pictures: Mapping[int, Path] = field(default_factory=dict)
    diagnoses: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    scorings: Sequence[Mapping[str, Any]] = ()
    """What `nashgrad score` left, by step and extractor."""
    missing: Sequence[str] = ()
    held: bool | None = None
    """Whether a process trains it; None where nobody can tell."""

    @property
    def id(self) -> str:
        """A name made of the path, of letters that mean nothing anywhere."""
        return run_id(self.path)

    @property
    def status(self) -> str:
        """How it stands."""
        return str(self.summary.get("status", "unknown"))

    @property
    def step(self) -> int:
        """How far it is known to have come."""
        told = self.summary.get("steps")
        logged = [line["step"] for line in self.metrics]
        return max([*logged, told if isinstance(told, int) else 0], default=0)


def run_id(folder: Path) -> str:
    """Twelve hexadecimal digits of a folder's path."""
    return hashlib.sha256(str(folder.absolute()).encode(errors="surrogateescape")).hexdigest()[:12]


def is_like_run(folder: Path) -> bool:
    """Whether a folder holds a run, or what is left of one."""
    return any(os.path.isfile(folder / name) for name in SIGNS)  # False where we may not look


def find_runs(folder: Path, depth: int = DEPTH) -> list[Path]:
    """The folder if it is a run, else the runs below it, by path; links are not followed."""
    return list(_runs(folder, depth))


def _runs(folder: Path, depth: int) -> Iterator[Path]:
    if is_like_run(folder):
        yield folder
    elif depth > 0:
        for inner in _folders(folder):
            yield from _runs(inner, depth - 1)


def _folders(folder: Path) -> list[Path]:
    try:
        inner = [p for p in folder.iterdir() if p.is_dir() and not p.is_symlink()]
    except OSError:  # gone, or not ours to read
        return []
    return sorted(p for p in inner if not p.name.startswith("."))


def look(folder: Path) -> Seen:
    """Reads a run's folder."""
    missing: list[str] = []
    config = _config(folder, missing)
    environment = _object(folder, "environment.json", missing)
    summary = _object(folder, "summary.json", missing)
    metrics = _metrics(folder, missing)
    pictures = _pictures(folder, missing)
    diagnoses = _diagnoses(folder, missing)
    scorings = _scorings(folder, missing)
    told = (config, environment, summary, metrics, pictures, diagnoses, scorings, tuple(missing))
    return Seen(folder, *told, held=is_held(folder))


def _config(folder: Path, missing: list[str]) -> dict[str, Any]:
    try:
        return read(regular(folder / "config.yaml"))
    except FileNotFoundError:
        missing.append("config.yaml: no such file")
    except (UsageError, OSError, ValueError, RecursionError) as error:
        missing.append(_without(folder, str(error)))
    return {}


def _object(folder: Path, name: str, missing: list[str], most: int = MOST_BYTES) -> dict[str, Any]:
    try:
        data = content(folder / name, most + 1)
    except FileNotFoundError:
        missing.append(f"{name}: no such file")
        return {}
    except OSError:
        data = b""
    values = parsed(data) if len(data) <= most else None
    if values is None:
        missing.append(f"{name}: damaged")
    return values or {}


def _metrics(folder: Path, missing: list[str]) -> list[dict[str, Any]]:
    path = folder / "metrics.jsonl"
    try:
        if regular(path).stat().st_size > MOST_BYTES:
            raise UsageError(f"{path}: larger than {MOST_BYTES // 1_000_000} MB, not read")
        lines, damaged = scan_metrics(path)
    except FileNotFoundError:
        lines, damaged = [], 0
    except (UsageError, OSError, ValueError) as error:
        missing.append(_without(folder, str(error)))
        return []
    if damaged:
        missing.append(f"metrics.jsonl: {counted(damaged, 'damaged line')} skipped")
    if not lines:
        missing.append("metrics.jsonl: no step is logged yet")
    return lines


def pictures_of(folder: Path) -> dict[int, Path]:
    """A run's pictures of samples by step; links, which may lead anywhere, are none."""
    return _by_step(folder / "samples", ".png")


def _by_step(folder: Path, ending: str) -> dict[int, Path]:
    """The plain files of a folder that are named by a step."""
    return {int(stem): path for stem, path in _named(folder, ending, STEP).items()}


def _named(folder: Path, ending: str, pattern: re.Pattern[str]) -> dict[str, Path]:
    """The plain files of a folder whose names before their ending fit, in order."""
    try:
        if folder.is_symlink():
            return {}
        entries = [e for e in os.scandir(folder) if e.is_file(follow_symlinks=False)]
    except OSError:  # not there, gone meanwhile, or not ours
        return {}
    named = {e.name.removesuffix(ending): Path(e.path) for e in entries if e.name.endswith(ending)}
    return {stem: named[stem] for stem in sorted(named) if pattern.match(stem)}


def _pictures(folder: Path, missing: list[str]) -> dict[int, Path]:
    found = pictures_of(folder)
    if not found:
        missing.append("samples/: no pictures")
    return found


def _diagnoses(folder: Path, missing: list[str]) -> dict[int, Mapping[str, Any]]:
    """The newest ones."""
    files = _by_step(folder / "diagnosis", ".json")
    found = {step: _object(folder, f"diagnosis/{files[step].name}", missing)
             for step in sorted(files)[-MOST_DIAGNOSES:]}  # fmt: skip
    return {step: values for step, values in found.items() if values}


def _scorings(folder: Path, missing: list[str]) -> list[Mapping[str, Any]]:
    """Those of the newest checkpoints."""
    files = _named(folder / "scores", ".json", SCORING)
    ordered = sorted(files, key=lambda stem: (int(stem.partition("-")[0]), stem))
    if left := ordered[:-MOST_SCORES]:
        missing.append(f"scores/: {counted(len(left), 'older file')} not read")
    kept = [f"scores/{files[stem].name}" for stem in ordered[-MOST_SCORES:]]
    found = {name: _object(folder, name, missing, SCORES_BYTES) for name in kept}
    strange = [name for name, values in found.items() if values and not _is_scoring(values)]
    missing += [f"{name}: holds no scores; score that checkpoint again" for name in strange]
    return [values for values in found.values() if _is_scoring(values)]


def _is_scoring(values: Mapping[str, Any]) -> bool:
    named = isinstance(values.get("extractor"), str) and isinstance(values.get("scores"), dict)
    return named and is_count(values.get("step"))


def _without(folder: Path, complaint: str) -> str:
    """A complaint that names the file and not where the folder lies."""
    return complaint.replace(f"{folder}/", "")
