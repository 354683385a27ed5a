"""What a chart shows beside the runs' own curves: its scale, and bands over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from nashgrad.lab.common.curves import between
from nashgrad.lab.report.curves import NORM, Logged, rounded
from nashgrad.lab.report.thin import POINTS
from nashgrad.plots.bands import summary
from nashgrad.plots.curves import choose_scale


class Member(NamedTuple):
    """A run in a chart: its method, what it logged, and whether it ended as not finite."""

    group: str
    points: Logged
    lost: bool


def chart(title: str, members: Sequence[Member]) -> dict[str, Any]:
    """`scale` of the values, and `bands` by method and by what stands on the axis of x."""
    groups = dict.fromkeys(member.group for member in members)
    several = {g: [m for m in members if m.group == g] for g in groups}
    return {
        "scale": scale(title, [member.points for member in members]),
        "bands": {
            group: {key: band(its, key) for key in ("step", "seconds")}
            for group, its in several.items()
            if len(its) > 1
        },
    }


def scale(title: str, curves: Sequence[Logged]) -> str:
    """As the library's pictures choose it; norms are always logarithmic.

    Plotly has no axis that is logarithmic on both sides of zero: values of mixed signs get a linear
    one, and a logarithmic one leaves zeros out.
    """
    values = [np.asarray(points.value) for points in curves]
    chosen = "log" if title.startswith(NORM) else choose_scale(values)
    negative = any((v < 0).any() for v in values)
    return "log" if chosen != "linear" and not negative else "linear"


def band(members: Sequence[Member], key: str) -> Mapping[str, list[float | None]]:
    """Least, median and greatest over seeds, where all are known: `x`, `low`, `mid`, `high`.

    A run that ended as not finite stays in, as worse than all others; one that has not come as far
    yet ends the band, since a median of the remaining ones would be of other runs.
    """
    places = [_places(member, key) for member in members]
    if any(len(x) == 0 for x, _ in places):
        return {"x": [], "low": [], "mid": [], "high": []}
    begin = max(x[0] for x, _ in places)
    ends = [x[-1] for (x, _), m in zip(places, members, strict=True) if not m.lost]
    end = min(ends) if ends else max(x[-1] for x, _ in places)
    at = np.unique(np.concatenate([x for x, _ in places]))
    at = _few(at[(begin <= at) & (at <= end)])
    values = [_values(x, y, at, m.lost) for (x, y), m in zip(places, members, strict=True)]
    x, low, mid, high = summary(at, np.asarray(values)) if len(at) else (at, at, at, at)
    named = {"x": x, "low": low, "mid": mid, "high": high}
    return {name: [rounded(v) for v in found.tolist()] for name, found in named.items()}


def _places(member: Member, key: str) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(getattr(member.points, key)), np.asarray(member.points.value)
    known = np.isfinite(x)
    return x[known], y[known]


def _few(at: np.ndarray) -> np.ndarray:
    if len(at) > POINTS:
        at = at[np.unique(np.linspace(0, len(at) - 1, POINTS).round().astype(int))]
    return at


def _values(x: np.ndarray, y: np.ndarray, at: np.ndarray, lost: bool) -> np.ndarray:
    values = between(x.tolist(), y.tolist(), at)
    values[at > (x[-1] if lost else np.inf)] = np.nan
    return values
