"""`nashgrad score`: runs' samples against real ones, by features of a network or as they are."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from nashgrad.lab.common.atomic import write_json
from nashgrad.lab.common.errors import UsageError, closest_or_all, file_errors
from nashgrad.lab.config import Digits, Images, fewest, load
from nashgrad.lab.runs.checkpoint import find, steps_in
from nashgrad.lab.runs.records import Run, is_run
from nashgrad.lab.scoring.basis import basis
from nashgrad.lab.scoring.extractors import EXTRACTORS, FeatureScores, Wanted, check_fits
from nashgrad.lab.studies.results import table
from nashgrad.lab.training.restore import restore
from nashgrad.lab.training.session import Session
from nashgrad.lab.training.train import prepare


def score(
    folders: Sequence[str],
    *,
    checkpoint: int | None = None,
    extractor: str = "efficientnet_lite0",
    weights: str | None = None,
    samples: int = 2_048,
    splits: int = 10,
) -> int:
    """Scores a checkpoint of each run; leaves `scores/STEP-EXTRACTOR.json` in its folder.

    Features of real images are taken once for runs in a row that are held against the same.

    Args:
        folders: the runs'.
        checkpoint: its step; the last one by default.
        extractor: a key of `EXTRACTORS`.
        weights: a local file for it.
        samples: how many are generated, and how many real ones they are held against.
        splits: of the inception score.

    Raises:
        UsageError: There is no such run, checkpoint or extractor, or it does not fit what the run
            makes.
    """
    if extractor not in EXTRACTORS:
        hint = closest_or_all(extractor, EXTRACTORS)
        raise UsageError(f"--extractor: unknown extractor {extractor!r}{hint}")
    if samples < fewest(1):
        raise UsageError(f"--samples: these scores need at least {fewest(1)}, got {samples}")
    for folder in folders:  # before the first one takes its minutes
        _check(Run(Path(folder)), checkpoint, extractor)
    judge = None
    found: dict[str, dict[str, Any]] = {}
    for folder in folders:
        run = Run(Path(folder))
        session = _restored(run, checkpoint, samples)
        real = session.task.real(session.config.evaluate.seed, samples)
        try:
            if judge is None or not judge.is_against(real):
                network = Wanted(extractor, weights, session.device).build(session.task.images)
                judge = FeatureScores(network, real, splits)
            values = judge(session.samples())
        except (ImportError, ValueError) as error:
            raise UsageError(f"{folder}: {error}") from error
        what = {"step": session.step, **judge.facts(samples, ema=session.ema is not None)}
        found[folder] = {**what, "scores": values}
        with file_errors(run.scores):
            run.scores.mkdir(exist_ok=True)
        write_json(run.scoring(session.step, extractor), found[folder])
        _tell(folder, what, values)
    if len(found) > 1:
        print(f"{_side_by_side(found)}\n\n{basis(map(_facts, found.values()))}")  # noqa: T201
    if judge is not None and not judge.knows_classes:
        print(f"no inception score: {extractor} knows no classes")  # noqa: T201
    return 0


def _check(run: Run, checkpoint: int | None, extractor: str) -> None:
    if not is_run(run.path):
        raise UsageError(f"{run.path}: holds no run; name the folder that has its config.yaml")
    if run.scores.is_symlink() or (run.scores.exists() and not run.scores.is_dir()):
        raise UsageError(f"{run.scores}: is no folder, and scores go there; move it away")
    if checkpoint is not None:
        find(run.checkpoints, checkpoint)
    elif not steps_in(run.checkpoints):
        raise UsageError(f"{run.path}: no checkpoint yet")
    game = load(run.config).game
    try:
        check_fits(extractor, of_images=isinstance(game, Images | Digits))
    except UsageError as error:
        raise UsageError(f"{run.path}: {error}") from error


def _restored(run: Run, checkpoint: int | None, samples: int) -> Session:
    config = replace(load(run.config), out=str(run.path))
    session = prepare(
        replace(config, evaluate=replace(config.evaluate, samples=samples, extractor=None))
    )
    for warning in restore(session, run, checkpoint):
        sys.stderr.write(f"warning: {warning}; scoring step {session.step}\n")
    return session


def _side_by_side(found: Mapping[str, Mapping[str, Any]]) -> str:
    """A row for each run, of its step and scores."""
    names = list(dict.fromkeys(name for its in found.values() for name in its["scores"]))
    rows = [
        [folder, f"{its['step']:,}", *(_shown(its["scores"].get(name, "")) for name in names)]
        for folder, its in found.items()
    ]
    return table(["run", "step", *names], rows)


def _facts(its: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in its.items() if key not in ("step", "scores")}


def _shown(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else value


def _tell(folder: str, what: dict[str, Any], values: dict[str, float]) -> None:
    shown = {k: f"{v:.3g}" if isinstance(v, float) else v for k, v in what.items()}
    card = Table(title=", ".join(f"{key} {value}" for key, value in shown.items()))
    card.add_column("score")
    card.add_column("value", justify="right")
    for name, value in values.items():
        card.add_row(name, _shown(value))
    console = Console(highlight=False)
    console.print(folder, soft_wrap=True, markup=False)
    console.print(card)
