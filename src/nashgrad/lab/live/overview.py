"""The list of runs below a folder, as it stands now; read anew only where files changed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from nashgrad.lab.records import is_held
from nashgrad.lab.report.curves import rounded
from nashgrad.lab.report.data import page_data
from nashgrad.lab.report.seen import Seen, find_runs, look, pictures_of, run_id

MOST_RUNS = 1_000
"""Shown of a folder; more are counted."""
Stamp: TypeAlias = "tuple[tuple[str, int, int], ...]"


@dataclass
class Overview:
    """The runs below a folder.

    A client names a run by its `id`, which is looked up here: no path ever comes from outside.
    """

    root: Path
    _seen: dict[Path, tuple[Stamp, Seen]] = field(default_factory=dict)

    def folders(self) -> dict[str, Path]:
        """The runs that are there, by id."""
        return {run_id(folder): folder for folder in find_runs(self.root)[:MOST_RUNS]}

    def runs(self) -> list[dict[str, Any]]:
        """A line for each: how far it is, and its newest numbers and samples."""
        folders = self.folders()
        self._seen = {f: kept for f, kept in self._seen.items() if f in set(folders.values())}
        lines = [self._line(name, folder) for name, folder in folders.items()]
        return sorted(lines, key=lambda line: -line["changed"])

    def data(self, ids: Sequence[str]) -> dict[str, Any]:
        """What the report shows of these runs, pictures apart; runs that are gone are left out."""
        folders = self.folders()
        chosen = [self._look(folders[name]) for name in ids if name in folders]
        return page_data(chosen, pictures=False)

    def picture(self, name: str, step: int) -> Path | None:
        """The file of a run's samples at a step."""
        folder = self.folders().get(name)
        return None if folder is None else pictures_of(folder).get(step)

    def _look(self, folder: Path) -> Seen:
        stamp, held = _stamp(folder), is_held(folder)
        kept = self._seen.get(folder)
        if kept is None or kept[0] != stamp or kept[1].held != held:
            self._seen[folder] = kept = stamp, look(folder)
        return kept[1]

    def _line(self, name: str, folder: Path) -> dict[str, Any]:
        run, stamp = self._look(folder), _stamp(folder)
        steps = run.config.get("steps")
        return {
            "id": name,
            "name": str(folder.relative_to(self.root)) if folder != self.root else folder.name,
            "status": run.status,
            "held": run.held,
            "step": run.step,
            "steps": steps if isinstance(steps, int) else None,
            "norm": _last_norm(run),
            "sample": max(run.pictures, default=None),
            "changed": max((changed for _, changed, _ in stamp), default=0) / 1e9,
        }


def _last_norm(run: Seen) -> float | None:
    for line in reversed(run.metrics):
        norm = line.get("field_norm")
        if isinstance(norm, int | float):
            return rounded(float(norm))
    return None


def _stamp(folder: Path) -> Stamp:
    """When the files of a run changed, and how large they are; those that are missing, left out."""
    found = []
    for name in ("config.yaml", "metrics.jsonl", "summary.json", "samples", "diagnosis"):
        with suppress(OSError):
            stat = (folder / name).stat()
            found.append((name, stat.st_mtime_ns, stat.st_size))
    return tuple(found)
