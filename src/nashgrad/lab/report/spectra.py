"""A run's eigenvalues by step: those that training watched, and those of diagnoses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nashgrad.analysis.stability import NEUTRAL
from nashgrad.lab.report.curves import rounded
from nashgrad.lab.report.seen import Seen
from nashgrad.lab.report.thin import spread
from nashgrad.plots.spectra import Complex, grouped, region_of

LOOKS = 40
"""Of a run, on its slider."""
WATCHED, DIAGNOSED = "outermost, on one batch", "diagnosis"


def spectra(run: Seen) -> list[dict[str, Any]]:
    """By step: `step`, `source`, `maps` of v' and w'; and the region in which all can be read.

    Groups and regions are those of the library's pictures.
    """
    looks = [*_watched(run), *_diagnosed(run)]
    for source in (WATCHED, DIAGNOSED):
        its = [look for look in looks if look["source"] == source]
        for shown in {name for look in its for name in look["maps"]}:
            _frame([look["maps"][shown] for look in its if shown in look["maps"]])
    return sorted(looks, key=lambda look: (look["source"] == DIAGNOSED, look["step"]))


def _watched(run: Seen) -> list[dict[str, Any]]:
    lines = {line["step"]: line["spectra"] for line in run.metrics if _looked(line)}
    looks = []
    for step in spread(sorted(lines), LOOKS):
        maps = {f"{name}'": _watched_map(lines[step].get(name)) for name in "vw"}
        looks.append(_look(step, WATCHED, maps))
    return [look for look in looks if look["maps"]]


def _looked(line: Mapping[str, Any]) -> bool:
    return isinstance(line.get("spectra"), Mapping)


def _watched_map(kinds: Any) -> dict[str, Any] | None:
    if not isinstance(kinds, Mapping):
        return None
    pairs = [kind.get("eigenvalues") for kind in kinds.values() if isinstance(kind, Mapping)]
    values = _complex([pair for found in pairs if isinstance(found, list) for pair in found])
    return _map(_distinct(values), complete=False)


def _diagnosed(run: Seen) -> list[dict[str, Any]]:
    looks = []
    for step, found in run.diagnoses.items():
        v, w = (found.get(name) for name in "vw")
        same = found.get("w_is") == "v'"
        maps = {"v'": _portrait(v), str(found.get("w_is", "w'")): None if same else _portrait(w)}
        looks.append(_look(step, DIAGNOSED, maps))
    return [look for look in looks if look["maps"]]


def _portrait(portrait: Any) -> dict[str, Any] | None:
    if not isinstance(portrait, Mapping):
        return None
    values = portrait.get("eigenvalues")
    complete = bool(portrait.get("complete"))
    return _map(_complex(values if isinstance(values, list) else []), complete=complete)


def _look(step: int, source: str, maps: Mapping[str, Any]) -> dict[str, Any]:
    return {"step": step, "source": source, "maps": {k: m for k, m in maps.items() if m}}


def _complex(pairs: Sequence[Any]) -> Complex:
    """The finite ones among pairs of a real and an imaginary part."""
    found = []
    for pair in pairs:
        try:
            real, imag = map(float, pair)
        except (TypeError, ValueError):
            continue
        found.append(complex(real, imag))
    values = np.asarray(found, np.complex128)
    return values[np.isfinite(values)]


def _distinct(values: Complex) -> Complex:
    """Each once: the largest may also be the rightmost, found by searches of their own."""
    kept: list[complex] = []
    for value in values.tolist():
        if all(abs(value - other) > 1e-3 * abs(value) for other in kept):
            kept.append(value)
    return np.asarray(kept, np.complex128)


def _map(values: Complex, *, complete: bool) -> dict[str, Any] | None:
    if not len(values):
        return None
    groups = [
        {
            "name": group.name,
            "real": [rounded(x) for x in group.values.real.tolist()],
            "imag": [rounded(x) for x in group.values.imag.tolist()],
        }
        for group in grouped(values, NEUTRAL)
    ]
    return {"groups": groups, "complete": complete, "count": len(values)}


def _frame(maps: Sequence[dict[str, Any]]) -> None:
    """One region for all steps, so that the slider moves eigenvalues and not axes."""
    every = [
        complex(x, y)
        for m in maps
        for g in m["groups"]
        for x, y in zip(g["real"], g["imag"])  # noqa: B905
    ]
    region = region_of(np.asarray(every))
    for shown in maps:
        shown["region"] = [region.left, region.right, region.height, region.threshold]
