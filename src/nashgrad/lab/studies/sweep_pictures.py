"""What a study's points look like: scores over training, and at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nashgrad.lab.studies.results import on_one_grid
from nashgrad.plots import bands_apart, new_figure, seed_dots, seed_lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SPREAD = 10.0
"""Positive numbers that differ by more than this factor are drawn on a logarithmic axis."""


def pictures(values: Mapping[str, Any], score: str) -> dict[str, Figure]:
    """By file name: the score over steps, a panel for each point, and all last scores.

    Args:
        values: by point, as `points.found` gives them.
        score: its name.
    """
    made = {"scores.png": last_scores(values, score)}
    if curves := over_steps(values):
        made["curves.png"] = bands_apart(
            curves, xlabel="step", ylabel=score, scale=scale_of([y for _, y in curves.values()])
        )
    if (drawn := against_the_number(values, score)) is not None:
        made["sweep.png"] = drawn
    return made


def over_steps(values: Mapping[str, Any]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """For each point the steps and the scores of its runs there; without those never judged."""
    curves = {}
    for name, value in values.items():
        runs = {seed: curve for seed, curve in value["curves"].items() if curve["step"]}
        if runs:
            lost = [value["status"][seed] != "finished" for seed in runs]
            curves[name] = on_one_grid(list(runs.values()), "step", lost)
    return curves


def last_scores(values: Mapping[str, Any], score: str) -> Figure:
    """A row for each point, a dot for each seed."""
    figure, [[ax]] = new_figure(width=6, height=0.7 + 0.22 * len(values))
    rows = {name: list(value["scores"].values()) for name, value in values.items()}
    seed_dots(ax, rows, xlabel=score, scale=scale_of(list(rows.values())))
    return figure


def against_the_number(values: Mapping[str, Any], score: str) -> Figure | None:
    """The last scores against the one number that varies, a line for each variant.

    None where no number varies, or more than one.
    """
    keys = list(next(iter(values.values()))["at"])
    varied = {key: {str(v["at"][key]) for v in values.values()} for key in keys}
    numbers = [
        key
        for key in keys
        if len(varied[key]) > 1 and all(_is_number(v["at"][key]) for v in values.values())
    ]
    if len(numbers) != 1:
        return None
    lines: dict[str, tuple[list[float], list[list[float]]]] = {}
    for value in values.values():
        rest = [str(x) for key, x in value["at"].items() if key != numbers[0] and x != ""]
        xs, ys = lines.setdefault(", ".join(rest), ([], []))
        xs.append(float(value["at"][numbers[0]]))
        ys.append(list(value["scores"].values()))
    figure, [[ax]] = new_figure()
    scales = (scale_of([xs for xs, _ in lines.values()]), scale_of([y for _, y in lines.values()]))
    seed_lines(ax, lines, xlabel=numbers[0], ylabel=score, scales=scales)
    return figure


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def scale_of(rows: Sequence[Any]) -> str:
    """Whether numbers want a logarithmic axis."""
    flat = np.concatenate([np.ravel(np.asarray(row, float)) for row in rows] or [np.ones(1)])
    known = flat[np.isfinite(flat)]
    positive = len(known) > 0 and bool((known > 0).all())
    return "log" if positive and known.max() > SPREAD * known.min() else "linear"
