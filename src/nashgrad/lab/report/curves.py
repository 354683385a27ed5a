"""A run's curves: values over steps and over seconds of training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from nashgrad.lab.report.thin import thinned

Curve: TypeAlias = dict[str, list[Any]]
"""`step`, `seconds` and `value`, each `(n,)`; `None` stands for what is not finite."""

TITLES = {"losses": "loss of {} (nats)", "norms": "norm of v, {}"}
NORM = "norm of v"


def curves(metrics: Sequence[Mapping[str, Any]]) -> dict[str, Curve]:
    """Losses and norms of v by title; what a line does not hold is passed over."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for line in metrics:
        for key, title in TITLES.items():
            for player, value in _numbers(line.get(key)):
                found.setdefault(title.format(player), []).append(_point(line, value))
        for _, value in _numbers({"": line.get("field_norm")}):
            found.setdefault(NORM, []).append(_point(line, value))
    ordered = sorted(found, key=lambda title: (not title.startswith("loss"), title))
    return {title: _curve(found[title]) for title in ordered}


def scores(metrics: Sequence[Mapping[str, Any]]) -> dict[str, Curve]:
    """The scores by name."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for line in metrics:
        for name, value in _numbers(line.get("scores")):
            found.setdefault(name, []).append(_point(line, value))
    return {name: _curve(points) for name, points in found.items()}


def shortened(metrics: Sequence[Mapping[str, Any]], kept: Mapping[str, Curve]) -> bool:
    """Whether a curve has fewer points than the log."""
    logged = sum("losses" in line for line in metrics)
    return any(len(curve["step"]) < logged for curve in kept.values())


def _numbers(values: Any) -> Iterable[tuple[str, float]]:
    if isinstance(values, Mapping):
        for name, value in values.items():
            if isinstance(value, float | int) and not isinstance(value, bool):
                yield str(name), float(value)


def _point(line: Mapping[str, Any], value: float) -> tuple[Any, ...]:
    seconds = line.get("seconds")
    return line["step"], seconds if isinstance(seconds, float | int) else None, value


def _curve(points: Sequence[tuple[Any, ...]]) -> Curve:
    kept = [points[i] for i in thinned([value for *_, value in points])]
    steps, seconds, values = zip(*kept, strict=True)
    return {
        "step": list(steps),
        "seconds": [rounded(second) for second in seconds],
        "value": [rounded(value) for value in values],
    }


def rounded(value: float | None) -> float | None:
    """Seven digits, more than a chart can show; `None` for what is not finite."""
    return float(f"{value:.7g}") if value is not None and math.isfinite(value) else None
