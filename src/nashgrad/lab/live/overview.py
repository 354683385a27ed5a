"""The runs below a folder, as they stand now; read anew only where files changed."""

from __future__ import annotations

import time
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any

from nashgrad.lab.live.files import MOST_PICTURE
from nashgrad.lab.live.line import Line, Stamp, read_line, stamp_of, version_of
from nashgrad.lab.report.data import page_data
from nashgrad.lab.report.files import content
from nashgrad.lab.report.seen import Seen, find_runs, look, pictures_of, run_id
from nashgrad.lab.runs.records import held_places, is_held

MOST_RUNS = 1_000
"""In the list, the newest; it is told how many more there are."""
MOST_CHOSEN = 40
"""Compared at once; as many are kept in memory."""
REST = 1.5
"""Seconds for which the folders that were found last are taken for those that are there."""


@dataclass
class Overview:
    """The runs below a folder.

    A client names a run by its `id`, which is looked up here: no path ever comes from outside. The
    server asks from several threads.
    """

    root: Path
    _folders: dict[str, Path] = field(default_factory=dict)
    _until: float = 0.0
    _lines: dict[Path, tuple[Stamp, Line]] = field(default_factory=dict)
    _seen: OrderedDict[Path, tuple[Stamp, Seen]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.root = self.root.resolve()

    def runs(self) -> dict[str, Any]:
        """`runs`, a line for each of the newest; `more`, how many are left out; `most` to tick."""
        with self._lock:
            held = held_places()  # before the summaries: who ends meanwhile has written "finished"
            stamps = self._stamps()
            shown = sorted(stamps, key=lambda name: (-_changed(stamps[name]), name))[:MOST_RUNS]
            folders = self._folders
            self._lines = {folders[name]: self._read(folders[name], stamps[name]) for name in shown}
            lines = [self._line(name, folders[name], held) for name in shown]
        return {"runs": lines, "more": len(stamps) - len(lines), "most": MOST_CHOSEN}

    def data(self, ids: Sequence[str]) -> dict[str, Any]:
        """What the report shows of these runs, pictures apart; runs that are gone are left out."""
        with self._lock:
            folders = self._find()
            chosen = [folders[name] for name in ids if name in folders][:MOST_CHOSEN]
            seen = [self._look(folder) for folder in chosen if stamp_of(folder)]
        shown = page_data(seen, pictures=False)
        for run, its in zip(seen, shown["runs"], strict=True):
            for sample in its["samples"]:
                sample["version"] = version_of(run.pictures.get(sample["step"]))
        return shown

    def picture(self, name: str, step: int) -> bytes | None:
        """A run's samples at a step; None where there are none."""
        # No walk for each picture; a browser that asks before any list was made gets one.
        folder = (self._folders or self._found()).get(name)
        path = pictures_of(folder).get(step) if folder else None
        try:
            # A folder on the way that became a link meanwhile leads out.
            inside = path is not None and path.resolve() == path
            return content(path, MOST_PICTURE) if inside and path else None
        except (OSError, RuntimeError):  # gone, too large a loop of links
            return None

    def _found(self) -> dict[str, Path]:
        with self._lock:
            return self._find()

    def _find(self) -> dict[str, Path]:
        if time.monotonic() >= self._until:
            begun = time.monotonic()
            self._folders = {run_id(folder): folder for folder in find_runs(self.root)}
            # A tree that takes long is walked less often.
            self._until = time.monotonic() + max(REST, 5 * (time.monotonic() - begun))
        return self._folders

    def _stamps(self) -> dict[str, Stamp]:
        stamps = {name: stamp_of(folder) for name, folder in self._find().items()}
        return {name: stamp for name, stamp in stamps.items() if stamp}  # others are gone

    def _read(self, folder: Path, stamp: Stamp) -> tuple[Stamp, Line]:
        kept = self._lines.get(folder)
        return kept if kept is not None and kept[0] == stamp else (stamp, read_line(folder))

    def _look(self, folder: Path) -> Seen:
        stamp = stamp_of(folder)
        kept = self._seen.pop(folder, None)
        if kept is None or kept[0] != stamp:
            kept = stamp, look(folder)
        self._seen[folder] = kept
        while len(self._seen) > MOST_CHOSEN:
            self._seen.popitem(last=False)
        return replace(kept[1], held=is_held(folder))

    def _line(self, name: str, folder: Path, held: frozenset[str] | None) -> dict[str, Any]:
        stamp, line = self._lines[folder]
        shown = {
            "id": name,
            "name": str(folder.relative_to(self.root)) if folder != self.root else folder.name,
            "status": line.status,
            "held": is_held(folder, held),
            "step": line.step,
            "steps": line.steps,
            "budget": line.budget,
            "spent": line.spent,
            "norm": line.norm,
            "sample": line.sample,
            "version": version_of(line.picture),
            "changed": _changed(stamp) / 1e9,
        }
        # Changes whenever something of the run does.
        return shown | {"mark": f"{zlib.crc32(repr((stamp, shown)).encode(errors='replace')):08x}"}


def _changed(stamp: Stamp) -> int:
    return max((changed for _, changed, _ in stamp), default=0)
