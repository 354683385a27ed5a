"""Points of a study: one configuration each, run with several seeds, and what came out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.config import Config, fewest
from nashgrad.lab.scoring.basis import basis
from nashgrad.lab.studies.results import Played, Scoring, number, table
from nashgrad.lab.studies.runner import Job, Outcome
from nashgrad.lab.training.train import prepare

FAILED = 4
"""The exit code of a study where a run failed: the same command tries it again."""


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """4 where a run failed; 0 otherwise: that a run is not finite is a result, not a failure."""
    return FAILED if any(outcome.status == "failed" for outcome in outcomes) else 0


@dataclass(frozen=True)
class Point:
    """A configuration and its runs.

    Args:
        name: in tables, and of its folder.
        config: without a seed and a folder of its own.
        at: what tells it from the others, by key.
    """

    name: str
    config: Config
    at: Mapping[str, Any]

    def job(self, folder: Path, seed: int) -> Job:
        """Its run with a seed, in a folder of the study."""
        out = str(folder / "runs" / self.name / f"seed{seed}")
        config = replace(self.config, seed=seed, threads=1, out=out)
        return Job(f"{self.name}, seed {seed}", config)


def looking(config: Config, points: int) -> Config:
    """A configuration that is judged so often, without pictures, and saved every second time."""
    every = max(1, config.steps // points)
    return replace(
        config,
        log=replace(config.log, every=max(1, min(config.log.every, every))),
        evaluate=replace(config.evaluate, every=every, pictures=False),
        checkpoint=replace(config.checkpoint, every=2 * every, keep=1),
    )


def check(points: Sequence[Point], folder: Path, seed: int, scoring: Scoring, source: str) -> None:
    """Tries every point before anything runs.

    Raises:
        UsageError: One cannot be trained, or is not judged by the score that is asked for.
    """
    for point in points:
        try:
            session = prepare(_quickly_judged(point.job(folder, seed).config))
        except UsageError as error:
            raise UsageError(f"{source}: {point.name}: {error}") from error
        if point is points[0]:
            known = session.task.scores(session.samples())
            if scoring.score not in known:
                raise UsageError(
                    f"{source}: score: {scoring.score!r} is none of {', '.join(known)}"
                )


def _quickly_judged(config: Config) -> Config:
    """By the same scores, of as few samples as they allow."""
    samples = min(config.evaluate.samples, fewest(config.evaluate.splits))
    return replace(config, evaluate=replace(config.evaluate, samples=samples))


def jobs_of(points: Sequence[Point], folder: Path, seeds: Sequence[int]) -> list[Job]:
    """All runs, seed by seed: a machine that changes its speed changes it for all points."""
    return [point.job(folder, seed) for seed in seeds for point in points]


def found(
    points: Sequence[Point],
    folder: Path,
    seeds: Sequence[int],
    scoring: Scoring,
    outcomes: Sequence[Outcome] = (),
) -> dict[str, Any]:
    """What came out, by point, as plain values."""
    return {p.name: _found(p, folder, seeds, scoring, outcomes) for p in points}


def _found(
    point: Point,
    folder: Path,
    seeds: Sequence[int],
    scoring: Scoring,
    outcomes: Sequence[Outcome],
) -> dict[str, Any]:
    runs = {seed: Played.of(point.job(folder, seed), outcomes) for seed in seeds}
    scores = {str(seed): run.score(scoring) for seed, run in runs.items()}
    known = [score for score in scores.values() if not math.isnan(score)]
    return {
        "at": dict(point.at),
        "scores": scores,
        "median": median(known) if known else math.nan,
        "last": {str(seed): run.last for seed, run in runs.items()},
        "scored": {str(seed): run.scored for seed, run in runs.items() if run.judged},
        "seconds": {str(seed): run.summary.get("seconds") for seed, run in runs.items()},
        "status": {str(seed): run.status for seed, run in runs.items()},
        "reasons": {str(seed): run.reason for seed, run in runs.items() if run.reason},
        "curves": {str(seed): run.curve(scoring) for seed, run in runs.items()},
    }


def tabulated(values: Mapping[str, Any], scoring: Scoring) -> str:
    """All points in Markdown: the score of every seed, other scores as medians, seconds.

    Below, one line says what the scores rest on.
    """
    others = sorted({k for v in values.values() for s in v["last"].values() for k in s})
    others = [name for name in others if name != scoring.score]
    seeds = list(next(iter(values.values()))["scores"])
    head = ["", f"{scoring.score}, seeds {' '.join(seeds)}", "median", *others, "seconds"]
    rows = [[name, *_row(v, others)] for name, v in values.items()]
    rest = basis(run for v in values.values() for run in v["scored"].values())
    return "\n\n".join(filter(None, [table(head, rows), rest, _lost(values)])) + "\n"


def _row(value: Mapping[str, Any], others: Sequence[str]) -> list[str]:
    scores = " ".join(number(score) for score in value["scores"].values())
    medians = [_median([s.get(name) for s in value["last"].values()]) for name in others]
    return [scores, number(value["median"]), *medians, _median(list(value["seconds"].values()))]


def _median(values: Sequence[Any]) -> str:
    known = [float(v) for v in values if isinstance(v, int | float) and math.isfinite(v)]
    return f"{median(known):.3g}" if known else ""


def _lost(values: Mapping[str, Any]) -> str:
    lines = [
        f"- {name}, seed {seed}: {v['status'][seed].replace('_', ' ')}; {reason}"
        for name, v in values.items()
        for seed, reason in v["reasons"].items()
    ]
    return "\n".join(["Runs that did not end well:", "", *lines]) if lines else ""
