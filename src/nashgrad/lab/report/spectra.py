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
SAME = 1e-3
"""Relative distance below which two searches found one eigenvalue; they stop at it."""
W = "w'"
WATCHED, DIAGNOSED = "outermost, on one batch", "diagnosis"


def spectra(run: Seen) -> list[dict[str, Any]]:
    """By step: `step`, `source`, `maps` of v' and w'; and the region in which all can be read.

    Groups and regions are those of the library's pictures.
    """
    looks = [*_watched(run), *_diagnosed(run)]
    for source in (WATCHED, DIAGNOSED):
        _frame(
            [shown for look in looks if look["source"] == source for shown in look["maps"].values()]
        )
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
    """The eigenvalues that several searches found, each once; all there are if one says so."""
    if not isinstance(kinds, Mapping):
        return None
    searches = [kind for kind in kinds.values() if isinstance(kind, Mapping)]
    found = [_complex(_pairs(search)) for search in searches]
    complete = [i for i, search in enumerate(searches) if search.get("complete") is True]
    if complete:
        return _map(found[complete[0]], complete=True)
    return _map(_union(found), complete=False)


def _pairs(portrait: Mapping[str, Any]) -> Sequence[Any]:
    pairs = portrait.get("eigenvalues")
    return pairs if isinstance(pairs, list) else []


def _diagnosed(run: Seen) -> list[dict[str, Any]]:
    looks = []
    for step, found in run.diagnoses.items():
        maps = {"v'": _portrait(found.get("v"))}
        if found.get("w_is") != "v'":
            steps = ", times the steps" if found.get("stepping") is True else ""
            maps[f"{found.get('w_is', W)}{steps}"] = _portrait(found.get("w"))
        looks.append(_look(step, DIAGNOSED, maps))
    return [look for look in looks if look["maps"]]


def _portrait(portrait: Any) -> dict[str, Any] | None:
    if not isinstance(portrait, Mapping):
        return None
    return _map(_complex(_pairs(portrait)), complete=portrait.get("complete") is True)


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


def _union(searches: Sequence[Complex]) -> Complex:
    """All that were found: the largest may also be the rightmost, found by a search of its own."""
    kept: list[complex] = []
    for values in searches:
        before = list(kept)  # two that one search finds are two
        new = (v for v in values.tolist() if all(abs(v - x) > SAME * abs(v) for x in before))
        kept.extend(new)
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
    """One region for all steps and both maps, so that the slider moves eigenvalues and not axes."""
    if not maps:
        return
    spectra = [
        np.concatenate([np.array(g["real"]) + 1j * np.array(g["imag"]) for g in shown["groups"]])
        for shown in maps
    ]
    region = region_of(*spectra)
    for shown in maps:
        shown["region"] = [region.left, region.right, region.height, region.threshold]
