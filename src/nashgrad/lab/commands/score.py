"""`nashgrad score`: runs' samples against real ones, by features of a network or as they are."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nashgrad.lab.common.atomic import write_json
from nashgrad.lab.common.errors import UsageError, did_you_mean
from nashgrad.lab.config import fingerprint, load
from nashgrad.lab.runs.checkpoint import Restored, load_at, load_latest
from nashgrad.lab.runs.records import is_run
from nashgrad.lab.scoring.extractors import EXTRACTORS, FeatureScores, Wanted
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
    """Scores a checkpoint of each run; leaves `scores.json` in its folder.

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
        hint = did_you_mean(extractor, EXTRACTORS) or f"; known: {', '.join(EXTRACTORS)}"
        raise UsageError(f"--extractor: unknown extractor {extractor!r}{hint}")
    judge = None
    for folder in folders:
        session, found = _restored(Path(folder), checkpoint, samples)
        real = session.task.real(session.config.evaluate.seed, samples)
        try:
            if judge is None or not judge.is_against(real):
                network = Wanted(extractor, weights, session.device).build(session.task.images)
                judge = FeatureScores(network, real, splits)
            values = judge(session.samples())
        except (ImportError, ValueError) as error:
            raise UsageError(f"{folder}: {error}") from error
        what = {"step": found.step, **judge.facts(samples, ema=session.ema is not None)}
        _tell(folder, what, values)
        write_json(Path(folder) / "scores.json", {**what, "scores": values})
    if judge is not None and not judge.knows_classes:
        print(f"no inception score: {extractor} knows no classes")  # noqa: T201
    return 0


def _restored(folder: Path, checkpoint: int | None, samples: int) -> tuple[Session, Restored]:
    if not is_run(folder):
        raise UsageError(f"{folder}: holds no run")
    config = replace(load(folder / "config.yaml"), out=str(folder))
    path, mark = folder / "checkpoints", fingerprint(config)
    found = load_latest(path, mark) if checkpoint is None else load_at(path, checkpoint, mark)
    asked = replace(config.evaluate, samples=samples, extractor=None)
    session = prepare(replace(config, evaluate=asked))
    session.load_state_dict(found.step, found.state)
    for warning in found.warnings:
        sys.stderr.write(f"warning: {warning}; scoring step {found.step}\n")
    return session, found


def _tell(folder: str, what: dict[str, Any], values: dict[str, float]) -> None:
    shown = {k: f"{v:.3g}" if isinstance(v, float) else v for k, v in what.items()}
    facts = ", ".join(f"{key} {value}" for key, value in shown.items())
    table = Table(title=escape(f"{folder}\n{facts}"))
    table.add_column("score")
    table.add_column("value", justify="right")
    for name, value in values.items():
        table.add_row(name, f"{value:.4g}")
    Console(highlight=False).print(table)
