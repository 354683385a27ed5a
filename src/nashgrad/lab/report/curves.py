"""A run's curves: values over steps and over seconds of training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from nashgrad.lab.report.thin import thinned

Curve: TypeAlias = dict[str, list[Any]]
"""`step`, `seconds` and `value`, each `(n,)`; `None` stands for what is not finite."""

TITLES = {"losses": "loss of {} (nats)", "norms": "norm of v, {}"}
NORM = "norm of v"


class Logged(NamedTuple):
    """All that a run logged of one quantity, as it is: NaN where it was not finite or not known."""

    step: list[float]
    seconds: list[float]
    value: list[float]


def logged(metrics: Sequence[Mapping[str, Any]]) -> dict[str, Logged]:
    """Losses and norms of v by title; what a line does not hold is passed over."""
    found: dict[str, Logged] = {}
    for line in metrics:
        for key, title in TITLES.items():
            for player, value in numbers(line.get(key)):
                _add(found, title.format(player), line, value)
        for _, value in numbers({"": line.get("field_norm")}):
            _add(found, NORM, line, value)
    ordered = sorted(found, key=lambda title: (not title.startswith("loss"), title))
    return {title: found[title] for title in ordered}


def scored(metrics: Sequence[Mapping[str, Any]]) -> dict[str, Logged]:
    """The scores by name."""
    found: dict[str, Logged] = {}
    for line in metrics:
        for name, value in numbers(line.get("scores")):
            _add(found, name, line, value)
    return found


def curve(points: Logged) -> Curve:
    """Few enough points to draw."""
    kept = thinned(points.value)
    return {
        "step": [int(points.step[i]) for i in kept],
        "seconds": [rounded(points.seconds[i]) for i in kept],
        "value": [rounded(points.value[i]) for i in kept],
    }


def number(value: Any) -> float | None:
    """A value as a number, if it is one that has a place in a float; NaN and infinities are."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def is_count(value: Any) -> bool:
    """Whether a value is a number of steps, and one that browsers can show exactly."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15


def numbers(values: Any) -> Iterable[tuple[str, float]]:
    """What is a number in a mapping, by name; of anything else nothing."""
    if isinstance(values, Mapping):
        for name, value in values.items():
            if (known := number(value)) is not None:
                yield str(name), known


def newest(lines: Iterable[Mapping[str, Any]], key: str) -> float | None:
    """The first number under a key that is known, in lines that come newest first."""
    known = (number(line.get(key)) for line in lines)
    return next((value for value in known if value is not None), None)


def rounded(value: float | None) -> float | None:
    """Seven digits, more than a chart can show; `None` for what is not finite."""
    return float(f"{value:.7g}") if value is not None and math.isfinite(value) else None


def _add(found: dict[str, Logged], title: str, line: Mapping[str, Any], value: float) -> None:
    step, seconds = number(line["step"]), number(line.get("seconds"))
    if step is None:
        return
    points = found.setdefault(title, Logged([], [], []))
    points.step.append(step)
    points.seconds.append(math.nan if seconds is None else seconds)
    points.value.append(value)
