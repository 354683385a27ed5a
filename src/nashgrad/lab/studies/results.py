"""What came out of a tournament: numbers, tables, a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import numpy as np

from nashgrad.lab.common.curves import between
from nashgrad.lab.common.wording import counted, seconds
from nashgrad.lab.config.tournament import Tournament
from nashgrad.lab.scoring.basis import basis
from nashgrad.lab.studies.runner import Job, Outcome
from nashgrad.metrics.coverage import COVERED_RADIUS, COVERED_SHARE, RADII
from nashgrad.plots import bands_apart, save_png

PICTURES = {"spent": "quality.png", "seconds": "seconds.png"}
COSTS = ("steps", "evaluations", "products", "solves", "unconverged", "seconds", "peak_memory_mb")


class Scoring(Protocol):
    """By what runs are compared."""

    @property
    def score(self) -> str:
        """The name of a score."""

    @property
    def higher_is_better(self) -> bool:
        """Whether a large score is good."""


@dataclass(frozen=True)
class Played:
    """One run: how it ended, and each time that it was judged."""

    status: str
    reason: str
    summary: Mapping[str, Any]
    judged: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, job: Job, outcomes: Sequence[Outcome]) -> Played:
        """Read off a run's folder."""
        summary = job.run.summary()
        told = next((o for o in outcomes if o.job == job), None)
        status = told.status if told else str(summary.get("status", "failed"))
        reason = told.reason if told else str(summary.get("reason", ""))
        judged = [line for line in job.run.metrics() if "scores" in line]
        return cls(status, reason, summary, judged)

    def score(self, plan: Scoring) -> float:
        """The last score: as bad as can be when the run was lost, NaN when it failed.

        A run that failed, for want of memory say, tells nothing of its method.
        """
        if self.status == "failed":
            return math.nan
        if self.status != "finished" or not self.judged:
            return _worst(plan)
        value = self.judged[-1]["scores"].get(plan.score)
        known = isinstance(value, float | int) and math.isfinite(value)
        return float(value) if known else _worst(plan)

    def curve(self, plan: Scoring) -> dict[str, list[float]]:
        """The score against steps, what was spent, and seconds of training.

        It is NaN where samples were not finite.
        """
        return {
            "step": [float(line["step"]) for line in self.judged],
            "spent": [float(line["spent"]) for line in self.judged],
            "seconds": [float(line["seconds"]) for line in self.judged],
            "score": [float(line["scores"].get(plan.score, math.nan)) for line in self.judged],
        }

    @property
    def last(self) -> dict[str, Any]:
        """The last scores."""
        return dict(self.judged[-1]["scores"]) if self.judged else {}

    @property
    def scored(self) -> dict[str, Any]:
        """What they rest on."""
        return dict(self.judged[-1].get("scored", {})) if self.judged else {}


@dataclass(frozen=True)
class Entrant:
    """A method with the learning rate that it chose, and its runs by seed."""

    name: str
    factor: float
    tuning: Mapping[float, Sequence[float]]
    runs: Mapping[int, Played]

    @property
    def at_the_edge(self) -> bool:
        """Whether the best factor is the least or the greatest of those tried."""
        return len(self.tuning) > 1 and self.factor in (min(self.tuning), max(self.tuning))


def results(plan: Tournament, entrants: Sequence[Entrant], jobs: int = 1) -> dict[str, Any]:
    """Everything that was found, as plain values; `jobs` runs trained at once."""
    by_name = {entrant.name: entrant for entrant in entrants}
    base = {seed: run.score(plan) for seed, run in by_name[plan.baseline].runs.items()}
    ended = [r for r in by_name[plan.baseline].runs.values() if r.status == "finished"]
    limit = median(float(r.summary["seconds"]) for r in ended) if ended else math.nan
    return {
        "score": plan.score,
        "higher_is_better": plan.higher_is_better,
        "budget": plan.budget,
        "steps": plan.steps,
        "seeds": list(plan.seeds),
        "baseline": plan.baseline,
        "jobs": jobs,
        "equal_seconds": limit,
        "entrants": {e.name: _of_entrant(plan, e, base, limit) for e in entrants},
    }


def _of_entrant(
    plan: Tournament, entrant: Entrant, base: Mapping[int, float], limit: float
) -> dict[str, Any]:
    runs = entrant.runs
    scores = {seed: run.score(plan) for seed, run in runs.items()}
    differences = [scores[seed] - base[seed] for seed in scores]
    return {
        "lr_factor": entrant.factor,
        "at_the_edge_of_the_grid": entrant.at_the_edge,
        "tuning": {f"{factor:g}": list(values) for factor, values in entrant.tuning.items()},
        "scores": {str(seed): score for seed, score in scores.items()},
        "median": _median(list(scores.values())),
        "differences": [d for d in differences if math.isfinite(d)],
        "all_scores": {str(seed): run.last for seed, run in runs.items()},
        "scored": {str(seed): run.scored for seed, run in runs.items() if run.judged},
        "at_equal_seconds": [_at(plan, run, limit) for run in runs.values()],
        "ended_before": [float(r.summary.get("seconds", 0)) < 0.98 * limit for r in runs.values()],
        "costs": {cost: _median_of(runs, cost) for cost in COSTS},
        "status": {str(seed): run.status for seed, run in runs.items()},
        "reasons": {str(seed): run.reason for seed, run in runs.items() if run.reason},
        "curves": {str(seed): run.curve(plan) for seed, run in runs.items()},
    }


def _at(plan: Tournament, run: Played, limit: float) -> float:
    """The score after so many seconds of training; see `between`."""
    curve = run.curve(plan)
    known = [s for s, t in zip(curve["score"], curve["seconds"], strict=True) if t <= limit]
    if run.status == "failed" or not known:
        return math.nan
    lost = run.status == "not_finite" and float(run.summary.get("seconds", 0)) <= limit
    if lost or not math.isfinite(known[-1]):
        return _worst(plan)
    value = float(between(curve["seconds"], curve["score"], limit))
    return value if math.isfinite(value) else known[-1]


def _worst(plan: Scoring) -> float:
    """The score of a run that was lost."""
    return -math.inf if plan.higher_is_better else math.inf


def _median_of(runs: Mapping[int, Played], cost: str) -> float:
    values = [float(run.summary[cost]) for run in runs.values() if cost in run.summary]
    return median(values) if values else math.nan


def tables(plan: Tournament, values: Mapping[str, Any]) -> str:
    """The two rankings in Markdown, with what they rest on."""
    what = f"a budget of {plan.budget:,}" if plan.budget else counted(plan.steps or 0, "step")
    cost = "A field evaluation counts 1, a product with the Jacobian 2"
    if plan.budget:
        cost += "; a budget is spent to the end of the step that reaches it"
    seeds = f"{counted(len(plan.seeds), 'seed')} ({', '.join(map(str, plan.seeds))})"
    parts = [
        f"## {plan.score} after {what}",
        f"Medians over {seeds}, with the least and the greatest. Difference: to {plan.baseline}, "
        f"seed by seed. {cost}.",
        table(*_by_budget(plan, values)),
        basis(run for e in values["entrants"].values() for run in e["scored"].values()),
        _meaning({plan.score, *_scores(values)}),
        _edge_note(values),
        *_seconds_part(plan, values),
        _failures(values),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _scores(values: Mapping[str, Any]) -> list[str]:
    """All that the runs were judged by."""
    return sorted(
        {k for e in values["entrants"].values() for s in e["all_scores"].values() for k in s}
    )


def _meaning(scores: set[str]) -> str:
    """What the scores of a mixture are, where there are any."""
    shares = [name for name in RADII if name in scores]
    radii = ", ".join(f"{RADII[name]:g}" for name in shares)
    told = {
        ", ".join(shares): f"share of the samples within {radii} of a mode",
        "modes_covered": f"modes with at least {COVERED_SHARE:.0%} of the samples within "
        f"{COVERED_RADIUS:g}",
        "sw2": "sliced 2-Wasserstein distance to the target",
    }
    lines = [f"{name}: {text}" for name, text in told.items() if scores & {*name.split(", ")}]
    return f"{'; '.join(lines)}." if lines else ""


def _seconds_part(plan: Tournament, values: Mapping[str, Any]) -> list[str]:
    limit, jobs = values["equal_seconds"], values["jobs"]
    if math.isnan(limit):
        return [f"No ranking by seconds: no run of {plan.baseline} came to its end."]
    return [
        f"## {plan.score} after {seconds(limit)} seconds of training",
        f"As long as {plan.baseline} took (median), linear between two evaluations. +: had spent "
        f"its budget before. {counted(jobs, 'run')} trained at {'a time' if jobs == 1 else 'once'},"
        " one thread each.",
        table(*_by_seconds(plan, values)),
    ]


def _ranked(plan: Tournament, values: Mapping[str, Any], key: Any) -> list[tuple[str, Any]]:
    """Best first; what is not known comes last."""

    def rank(entry: tuple[str, Any]) -> tuple[bool, float]:
        value = key(entry[1])
        return math.isnan(value), -value if plan.higher_is_better else value

    return sorted(values["entrants"].items(), key=rank)


def _by_budget(plan: Tournament, values: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    others = [name for name in _scores(values) if name not in (plan.score, "samples")]
    head = ["", "lr x", plan.score, "range", "difference", "finite", *others]
    head += ["steps", "evaluations", "products", "not converged", "seconds", "peak MB"]
    rows = []
    for name, e in _ranked(plan, values, lambda e: e["median"]):
        scores, costs = list(e["scores"].values()), e["costs"]
        finite = sum(status == "finished" for status in e["status"].values())
        middle = [
            number(_middle([s.get(k, math.nan) for s in e["all_scores"].values()])) for k in others
        ]
        rows.append(
            [
                name,
                f"{e['lr_factor']:g}{'*' if e['at_the_edge_of_the_grid'] else ''}",
                number(e["median"]),
                _range(scores),
                _spread(e["differences"], len(scores)),
                f"{finite}/{len(scores)}",
                *middle,
                *(f"{costs[c]:,.0f}" for c in ("steps", "evaluations", "products", "unconverged")),
                f"{costs['seconds']:,.1f}",
                f"{costs['peak_memory_mb']:,.0f}",
            ]
        )
    return head, rows


def _by_seconds(plan: Tournament, values: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    rows = []
    for name, e in _ranked(plan, values, lambda e: _median(e["at_equal_seconds"])):
        scores = e["at_equal_seconds"]
        early = "+" if all(e["ended_before"]) else ""
        rows.append([f"{name}{early}", number(_median(scores)), _range(scores)])
    return ["", plan.score, "range"], rows


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells as a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _edge_note(values: Mapping[str, Any]) -> str:
    if any(e["at_the_edge_of_the_grid"] for e in values["entrants"].values()):
        return (
            "\\*: the best learning rate is at the edge of the grid; a better one may lie beyond."
        )
    return ""


def _failures(values: Mapping[str, Any]) -> str:
    lines = [
        f"- {name}, seed {seed}: {e['status'][seed].replace('_', ' ')}; {reason}"
        for name, e in values["entrants"].items()
        for seed, reason in e["reasons"].items()
    ]
    return "\n".join(["Runs that did not end well:", "", *lines]) if lines else ""


def _middle(values: Sequence[Any]) -> float:
    numbers = [float(v) for v in values if isinstance(v, float | int) and math.isfinite(v)]
    return median(numbers) if numbers else math.nan


def _median(values: Sequence[float]) -> float:
    """Over the runs that did not fail."""
    known = [value for value in values if not math.isnan(value)]
    return median(known) if known else math.nan


def number(value: float) -> str:
    """A score with three digits; NaN is that of a run that failed."""
    if math.isnan(value):
        return "failed"
    return f"{value:.3g}" if math.isfinite(value) else "not finite"


def _range(values: Sequence[float]) -> str:
    known = [value for value in values if not math.isnan(value)]
    return f"{number(min(known))} to {number(max(known))}" if known else "failed"


def _spread(values: Sequence[float], runs: int) -> str:
    """The differences of the pairs of runs that both have a score."""
    if not values:
        return "none"
    pairs = "" if len(values) == runs else f", {len(values)} of {runs} pairs"
    return f"{median(values):+.3g} ({min(values):+.3g} to {max(values):+.3g}{pairs})"


def draw(plan: Tournament, values: Mapping[str, Any], folder: Path) -> None:
    """The score against what was spent, and against seconds: a line and a band per entrant."""
    labels = {"spent": "spent (field evaluations + 2 products)", "seconds": "training time (s)"}
    for key, label in labels.items():
        curves = {}
        for name, e in _ranked(plan, values, lambda e: e["median"]):
            runs = {seed: curve for seed, curve in e["curves"].items() if curve[key]}
            if runs:
                lost = [e["status"][seed] != "finished" for seed in runs]
                curves[name] = on_one_grid(list(runs.values()), key, lost)
        if not curves:
            continue
        positive = not any((y <= 0).any() for _, y in curves.values())
        figure = bands_apart(
            curves,
            xlabel=label,
            ylabel=plan.score,
            baseline=plan.baseline,
            scale="log" if positive else "linear",
            right=_most_seconds(values) if key == "seconds" else None,
        )
        save_png(figure, folder / PICTURES[key], max_bytes=400_000)


def _most_seconds(values: Mapping[str, Any]) -> float | None:
    """Twice what the baseline took: one slow run would press all others together."""
    seconds = float(values["equal_seconds"])
    return 2 * seconds if seconds > 0 else None


def on_one_grid(
    runs: Sequence[Mapping[str, Sequence[float]]], key: str, lost: Sequence[bool]
) -> tuple[np.ndarray, np.ndarray]:
    """All runs' scores at common places, as far as the longest of them went; see `between`.

    A run that was lost has no score after its end: it would look as if it had come to rest.
    """
    grid = np.linspace(0, max(run[key][-1] for run in runs), max(len(run[key]) for run in runs))
    at = []
    for run, has_no_more in zip(runs, lost, strict=True):
        over = has_no_more & (grid > run[key][-1] * (1 + 1e-9))
        at.append(np.where(over, np.nan, between(run[key], run["score"], grid)))
    return grid, np.stack(at)
