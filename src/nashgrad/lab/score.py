"""`nashgrad score`: a run's samples against the real images, by features of a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from nashgrad.lab.atomic import write_json
from nashgrad.lab.checkpoint import Restored, load_at, load_latest
from nashgrad.lab.config import fingerprint, load
from nashgrad.lab.errors import UsageError, did_you_mean
from nashgrad.lab.records import is_run
from nashgrad.lab.session import Session
from nashgrad.lab.tasks import ImageTask
from nashgrad.lab.train import prepare
from nashgrad.metrics import (
    EfficientNetLite0,
    Extractor,
    Pixels,
    frechet_distance,
    inception_score,
    kernel_distance,
    manifold_scores,
)

EXTRACTORS: dict[str, Callable[[], Extractor]] = {
    "efficientnet_lite0": EfficientNetLite0,
    "pixels": Pixels,
    "pixels8": lambda: Pixels(8),
}


def score(
    folder: str,
    *,
    checkpoint: int | None = None,
    extractor: str = "efficientnet_lite0",
    samples: int = 2_048,
    splits: int = 10,
) -> int:
    """Scores a checkpoint of a run of images; leaves `scores.json` in its folder.

    Args:
        folder: the run's.
        checkpoint: its step; the last one by default.
        extractor: a key of `EXTRACTORS`.
        samples: how many are generated, and how many real images they are held against.
        splits: of the inception score.

    Raises:
        UsageError: There is no such run, checkpoint or extractor, or the run makes no images.
    """
    if extractor not in EXTRACTORS:
        hint = did_you_mean(extractor, EXTRACTORS) or f"; known: {', '.join(EXTRACTORS)}"
        raise UsageError(f"--extractor: unknown extractor {extractor!r}{hint}")
    session, found = _restored(Path(folder), checkpoint, samples)
    task = session.task
    if not isinstance(task, ImageTask):
        raise UsageError(f"{folder}: makes no images; its own scores are in metrics.jsonl")
    try:
        network = EXTRACTORS[extractor]()
        real = task.real(session.config.evaluate.seed, samples)
        values = scores_of(network, real, session.samples(), splits)
    except ImportError as error:
        raise UsageError(f"--extractor: {error}") from error
    except ValueError as error:
        raise UsageError(f"{folder}: {error}") from error
    what = {
        "step": found.step,
        "extractor": network.name,
        "samples": samples,
        "real": len(real),
        "splits": splits,
        "ema": session.ema is not None,
    }
    _tell(what, values)
    write_json(Path(folder) / "scores.json", {**what, "scores": values})
    return 0


def scores_of(extractor: Extractor, real: Any, fake: Any, splits: int) -> dict[str, float]:
    """All scores that an extractor allows, by name."""
    of_real, of_fake = extractor(real), extractor(fake)
    pair = of_real.features, of_fake.features
    values = {"frechet_distance": frechet_distance(*pair)}
    values["kernel_distance"], values["kernel_distance_deviation"] = kernel_distance(*pair)
    values |= manifold_scores(*pair)
    if of_fake.logits is not None and of_real.logits is not None:
        for name, logits in (("", of_fake.logits), ("_of_real", of_real.logits)):
            key = f"inception_score{name}"
            values[key], values[f"{key}_deviation"] = inception_score(logits, splits=splits)
    return values


def _restored(folder: Path, checkpoint: int | None, samples: int) -> tuple[Session, Restored]:
    if not is_run(folder):
        raise UsageError(f"{folder}: holds no run")
    config = replace(load(folder / "config.yaml"), out=str(folder))
    path, mark = folder / "checkpoints", fingerprint(config)
    found = load_latest(path, mark) if checkpoint is None else load_at(path, checkpoint, mark)
    session = prepare(replace(config, evaluate=replace(config.evaluate, samples=samples)))
    session.load_state_dict(found.step, found.state)
    return session, found


def _tell(what: dict[str, Any], values: dict[str, float]) -> None:
    table = Table(title=", ".join(f"{key} {value}" for key, value in what.items()))
    table.add_column("score")
    table.add_column("value", justify="right")
    for name, value in values.items():
        table.add_row(name, f"{value:.4g}")
    Console(highlight=False).print(table)
