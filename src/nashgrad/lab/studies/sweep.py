"""A grid over any keys of a configuration, with several seeds, on all cores."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from nashgrad.lab.common.atomic import write_json, write_text
from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.config import Config
from nashgrad.lab.config.files import merged, read, validate
from nashgrad.lab.config.lists import text
from nashgrad.lab.config.overrides import spelled_out
from nashgrad.lab.config.sweep import Sweep
from nashgrad.lab.studies.points import Point, check, exit_code, found, jobs_of, looking, tabulated
from nashgrad.lab.studies.runner import Outcome
from nashgrad.lab.studies.stage import Stage, study, typed
from nashgrad.lab.studies.sweep_pictures import pictures
from nashgrad.plots import save_png

ONLY = ""
"""The variant of a sweep that has none."""


@dataclass(frozen=True)
class Swept:
    """A sweep, its points, and the folder that it is made in."""

    plan: Sweep
    points: list[Point]
    folder: Path


def sweep(
    path: str,
    *,
    data: str | None = None,
    out: str | None = None,
    jobs: int | None = None,
    console: Console | None = None,
) -> int:
    """Runs every point of a sweep with every seed; leaves a table, pictures and JSON.

    Runs that are there are gone on with; one that fails is told of, and the others go on.

    Args:
        path: the sweep.
        data: images, in the place of the base's `data.path`.
        out: folder of all; by default one that is named after the file.
        jobs: runs at once; one for each core by default.
        console: where progress goes.

    Returns:
        The exit code: 0, 4 when a run failed, or 128 + signal when interrupted.

    Raises:
        UsageError: The file says something impossible, or a point cannot be trained.
    """
    folder = Path(out or f"runs/sweep-{Path(path).stem}")
    ended: list[Outcome] = []
    code = study(
        folder,
        partial(_prepare, path, data, folder),
        partial(_play, ended),
        command=typed("sweep", path, data=data, out=out, jobs=jobs),
        jobs=jobs,
        console=console,
    )
    return code or exit_code(ended)


def points_of(plan: Sweep, values: Mapping[str, Any], source: str) -> list[Point]:
    """Every variant at every point of the grid.

    Args:
        plan: what varies.
        values: of the base, unchecked.
        source: the file's name, for errors.
    """
    points = []
    for variant, changes in (plan.variants or {ONLY: {}}).items():
        own = merged(values, _spread(changes), Config)
        for chosen in itertools.product(*plan.grid.values()):
            at = dict(zip(plan.grid, chosen, strict=True))
            name = ", ".join(filter(None, [variant, *(f"{k} {text(v)}" for k, v in at.items())]))
            whole = merged(own, _spread(at), Config)
            config = looking(validate(Config, whole, f"{source}: {name}"), plan.points)
            points.append(Point(name.replace("/", "-"), config, {"variant": variant, **at}))
    return points


def _spread(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Shorthands as the keys that they stand for."""
    return {k: value for key, value in changes.items() for k in spelled_out(key)}


def _prepare(path: str, data: str | None, folder: Path) -> Swept:
    plan = validate(Sweep, read(path), path)
    base = read(Path(path).parent / plan.base)
    if data is not None:
        _refuse_unless_images(plan.base, base)
        base = merged(base, {"data.path": data}, Config)
    points = points_of(plan, base, path)
    check(points, folder, plan.seeds[0], plan, path)
    return Swept(plan, points, folder)


def _refuse_unless_images(name: str, base: Mapping[str, Any]) -> None:
    game = base.get("game")
    game = game.get("name") if isinstance(game, dict) else game
    if game != "images":
        raise UsageError(f"--data: the {game} game of {name} brings its own data; leave it out")


def _play(ended: list[Outcome], swept: Swept, stage: Stage) -> bool:
    """Whether it came to its end; how its runs ended is added to `ended`."""
    plan, points, folder = swept.plan, swept.points, swept.folder
    outcomes = stage.play(jobs_of(points, folder, plan.seeds))
    if outcomes is None:
        return False
    ended += outcomes
    values = found(points, folder, plan.seeds, plan, outcomes)
    shown = tabulated(values, plan)
    write_json(folder / "results.json", {"score": plan.score, "points": values})
    write_text(folder / "results.md", shown)
    for name, picture in pictures(values, plan.score).items():
        save_png(picture, folder / name, max_bytes=400_000)
    stage.console.print(f"\n{shown}\n{folder}", soft_wrap=True, markup=False)
    return True
