"""All that a page of runs shows, as plain values: what its scripts draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from importlib.metadata import version
from typing import Any, TypeAlias

from nashgrad.lab.report.charts import Member, chart
from nashgrad.lab.report.curves import (
    Logged,
    curve,
    logged,
    newest,
    number,
    numbers,
    rounded,
    scored,
)
from nashgrad.lab.report.groups import Flat, differing, flat, labels, unusual
from nashgrad.lab.report.seen import Seen
from nashgrad.lab.report.spectra import LOOKS, spectra
from nashgrad.lab.report.thin import POINTS, SIDE, picture, spread
from nashgrad.lab.report.verdicts import verdict

PICTURES = 30
"""Of a run, on the slider."""
PICTURE_BYTES = 7_000_000
"""Of all pictures of a page, as text in it."""
LETTERS = 80
"""Of a text that scores rest on."""
READ: Mapping[str, Callable[[Sequence[Mapping[str, Any]]], dict[str, Logged]]] = {
    "curves": logged,
    "scores": scored,
}
"""The two kinds of charts."""
Points: TypeAlias = Mapping[str, Mapping[str, Logged]]
"""All that a run logged, by kind and title."""


def page_data(runs: Sequence[Seen], *, pictures: bool = True) -> dict[str, Any]:
    """What a page is made of: `made`, `runs`, `charts`, `config`, `environment`, `notes`.

    Args:
        runs: what was read; their names may repeat.
        pictures: whether samples come along; else their steps only, for a page that asks for them.
    """
    configs = [flat(run.config) for run in runs]
    read = [{key: reader(run.metrics) for key, reader in READ.items()} for run in runs]
    groups, share = labels(configs), PICTURE_BYTES // max(len(runs), 1) if pictures else 0
    shown = [
        {"name": name, "group": group, **_whole(run, points, share)}
        for run, points, name, group in zip(runs, read, _distinct(runs), groups, strict=True)
    ]
    return {
        "made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "version": version("nashgrad"),
        "runs": shown,
        "charts": {key: _charts(runs, [its[key] for its in read], groups) for key in READ},
        "config": _table(configs),
        "environment": _table([flat(run.environment) for run in runs]),
        "notes": _notes(runs, read, shown),
    }


def _charts(
    runs: Sequence[Seen], read: Sequence[Mapping[str, Logged]], groups: Sequence[str]
) -> dict[str, Any]:
    """What each chart shows beside the runs' own curves, by title."""
    members: dict[str, list[Member]] = {}
    for run, its, group in zip(runs, read, groups, strict=True):
        for title, points in its.items():
            members.setdefault(title, []).append(Member(group, points, run.status == "not_finite"))
    return {title: chart(title, its) for title, its in members.items()}


def _whole(run: Seen, points: Points, share: int) -> dict[str, Any]:
    """What is shown of a run; of one whose files make no sense, what can be told at all."""
    try:
        return _run(run, points, share)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        rest = Seen(run.path, missing=(*run.missing, f"its files make no sense: {error}"))
        return _run(replace(rest, held=run.held), {key: {} for key in READ}, share)


def _distinct(runs: Sequence[Seen]) -> list[str]:
    """Names with as much of the path as tells them apart."""
    paths = [run.path.absolute().parts for run in runs]
    depth = 1
    while len({p[-depth:] for p in paths}) < len(paths) and depth < max(map(len, paths)):
        depth += 1
    return ["/".join(p[-depth:]) for p in paths]


def _run(run: Seen, points: Points, share: int) -> dict[str, Any]:
    steps = sorted(run.pictures)
    seconds, _ = _pace(run)
    return {
        "id": run.id,
        "path": str(run.path),
        "seed": run.config.get("seed"),
        "status": run.status,
        "reason": str(run.summary.get("reason", "")),
        "held": run.held,
        "step": run.step,
        "steps": number(run.config.get("steps")),
        "budget": number(run.config.get("budget")),
        "spent": newest(reversed(run.metrics), "spent"),
        "seconds": seconds,
        "costs": _costs(run),
        **{key: {t: curve(c) for t, c in its.items()} for key, its in points.items()},
        "scored": _scored(run),
        "scorings": [_scoring(found) for found in run.scorings],
        "samples": _samples(run, share) if share else [{"step": step} for step in steps],
        "spectra": spectra(run),
        "verdict": verdict(run),
        "command": run.environment.get("command"),
        "missing": list(run.missing),
    }


def _pace(run: Seen) -> tuple[float | None, float]:
    """Seconds of training and the step at which they were told: both are of one line."""
    for line in reversed(run.metrics):
        seconds, step = number(line.get("seconds")), number(line["step"])
        if seconds is not None and step:
            return seconds, step
    return number(run.summary.get("seconds")), number(run.summary.get("steps")) or 0


def _costs(run: Seen) -> dict[str, Any]:
    """Per step: milliseconds, evaluations of the field, products with J, solves; memory in MB."""
    costs: dict[str, Any] = {}
    (seconds, paced), steps = _pace(run), number(run.summary.get("steps"))
    if seconds is not None and paced:
        costs["ms a step"] = 1000 * seconds / paced
    for key in ("evaluations", "products", "solves"):
        told = number(run.summary.get(key))
        if told is not None and steps:
            costs[f"{key} a step"] = told / steps
    for key, title in (("unconverged", "solves that did not converge"),
                       ("peak_memory_mb", "peak memory (MB)")):  # fmt: skip
        if (told := number(run.summary.get(key))) is not None:
            costs[title] = told
    return costs


def _scored(run: Seen) -> str:
    """What the scores rest on."""
    facts = [line["scored"] for line in run.metrics if isinstance(line.get("scored"), Mapping)]
    return ", ".join(f"{key} {value}" for key, value in facts[-1].items()) if facts else ""


def _scoring(found: Mapping[str, Any]) -> dict[str, Any]:
    """Scores by features of a network, by name, and what else they rest on."""
    rest = {key: value for key, value in found.items() if key not in ("step", "extractor")}
    told = {
        key: str(value)[:LETTERS] for key, value in rest.items() if isinstance(value, str | bool)
    }
    return {
        "step": found["step"],
        "extractor": found["extractor"][:LETTERS],
        "facts": {**told, **{key: rounded(value) for key, value in numbers(rest)}},
        "scores": {name: rounded(value) for name, value in numbers(found.get("scores"))},
    }


def _samples(run: Seen, share: int) -> list[dict[str, Any]]:
    """Pictures by step, first and last among them, as many as fit; damaged ones without image."""
    for most, side in ((PICTURES, SIDE), (16, SIDE), (8, 360), (4, 240), (2, 160)):
        steps = spread(sorted(run.pictures), most)
        images = [picture(run.pictures[step], side) for step in steps]
        if sum(len(image or "") for image in images) <= share:
            break
    return [{"step": step, "image": image} for step, image in zip(steps, images, strict=True)]


def _table(configs: Sequence[Flat]) -> list[dict[str, Any]]:
    """A row for each key: its values by run, whether they differ, which are unusual."""
    keys, differ = dict.fromkeys(k for c in configs for k in c), set(differing(configs))
    return [
        {
            "key": key,
            "values": [config.get(key) for config in configs],
            "differs": key in differ,
            "unusual": unusual(configs, key) if key in differ else [],
        }
        for key in keys
    ]


def _notes(
    runs: Sequence[Seen], read: Sequence[Points], shown: Sequence[Mapping[str, Any]]
) -> list[str]:
    """What the page leaves out."""
    notes = []
    if any(_is_thinned(points, its) for points, its in zip(read, shown, strict=True)):
        notes.append(f"curves are thinned to {POINTS} points, with all extremes of their pieces")
    if any(len(its["samples"]) < len(run.pictures) for run, its in zip(runs, shown, strict=True)):
        notes.append("not all pictures of samples are here: an even choice of steps is")
    if any(sum("spectra" in line for line in run.metrics) > LOOKS for run in runs):
        notes.append(f"of watched eigenvalues {LOOKS} steps are here")
    images = [sample.get("image") for its in shown for sample in its["samples"]]
    if any(image and image.startswith("data:image/jpeg") for image in images):
        notes.append(f"pictures are reduced to {SIDE} pixels or less")
    return notes


def _is_thinned(points: Points, its: Mapping[str, Any]) -> bool:
    return any(
        len(its[key].get(title, {"step": whole.step})["step"]) < len(whole.step)
        for key, titles in points.items()
        for title, whole in titles.items()
    )
