"""All that a page of runs shows, as plain values: what `report.js` draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from importlib.metadata import version
from typing import Any

from nashgrad.lab.report.curves import curves, scores, shortened
from nashgrad.lab.report.groups import Flat, differing, flat, labels, unusual
from nashgrad.lab.report.seen import Seen
from nashgrad.lab.report.spectra import spectra
from nashgrad.lab.report.thin import POINTS, SIDE, picture, spread

PICTURES = 30
"""Of a run, on the slider."""
PICTURE_BYTES = 7_000_000
"""Of all pictures of a page, as text in it."""
COSTS = ("steps_per_second", "peak_memory_mb", "evaluations", "products", "solves", "unconverged")


def page_data(runs: Sequence[Seen], *, pictures: bool = True) -> dict[str, Any]:
    """What a page is made of: `made`, `runs`, `config`, `environment`, `notes`.

    Args:
        runs: what was read; their names may repeat.
        pictures: whether samples come along; else their steps only, for a page that asks for them.
    """
    configs = [flat(run.config) for run in runs]
    names = _distinct(runs)
    share = PICTURE_BYTES // max(len(runs), 1)
    shown = [
        _run(run, name, label, share if pictures else 0)
        for run, name, label in zip(runs, names, labels(configs), strict=True)
    ]
    return {
        "made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "version": version("nashgrad"),
        "runs": shown,
        "config": _table(configs),
        "environment": _table([flat(run.environment) for run in runs]),
        "notes": _notes(runs, shown),
    }


def _distinct(runs: Sequence[Seen]) -> list[str]:
    """Names with as much of the path as tells them apart."""
    paths = [run.path.absolute().parts for run in runs]
    depth = 1
    while len({p[-depth:] for p in paths}) < len(paths) and depth < max(map(len, paths)):
        depth += 1
    return ["/".join(p[-depth:]) for p in paths]


def _run(run: Seen, name: str, label: str, share: int) -> dict[str, Any]:
    steps = sorted(run.pictures)
    return {
        "id": run.id,
        "name": name,
        "group": label,
        "path": str(run.path),
        "seed": run.config.get("seed"),
        "status": run.status,
        "reason": str(run.summary.get("reason", "")),
        "held": run.held,
        "step": run.step,
        "steps": run.config.get("steps"),
        "summary": {k: v for k, v in run.summary.items() if isinstance(v, str | int | float)},
        "costs": _costs(run),
        "curves": curves(run.metrics),
        "scores": scores(run.metrics),
        "scored": _scored(run),
        "samples": _samples(run, share) if share else [{"step": step} for step in steps],
        "spectra": spectra(run),
        "verdict": _verdict(run),
        "command": run.environment.get("command"),
        "missing": list(run.missing),
    }


def _costs(run: Seen) -> dict[str, Any]:
    """Per step: milliseconds, evaluations of the field, products with J, solves; memory in MB."""
    told = {key: run.summary[key] for key in COSTS if _is_number(run.summary.get(key))}
    steps = run.step or 1
    costs: dict[str, Any] = {}
    if _is_number(run.summary.get("seconds")):
        costs["ms a step"] = 1000 * run.summary["seconds"] / steps
    for key in ("evaluations", "products", "solves"):
        if key in told:
            costs[f"{key} a step"] = told[key] / steps
    if "unconverged" in told:
        costs["solves that did not converge"] = told["unconverged"]
    if "peak_memory_mb" in told:
        costs["peak memory (MB)"] = told["peak_memory_mb"]
    return costs


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _scored(run: Seen) -> str:
    """What the scores rest on."""
    facts = [line["scored"] for line in run.metrics if isinstance(line.get("scored"), Mapping)]
    return ", ".join(f"{key} {value}" for key, value in facts[-1].items()) if facts else ""


def _samples(run: Seen, share: int) -> list[dict[str, Any]]:
    """Pictures by step, first and last among them, as many as fit; damaged ones without image."""
    for most, side in ((PICTURES, SIDE), (16, SIDE), (8, 360), (4, 240), (2, 160)):
        steps = spread(sorted(run.pictures), most)
        images = [picture(run.pictures[step], side) for step in steps]
        if sum(len(image or "") for image in images) <= share:
            break
    return [{"step": step, "image": image} for step, image in zip(steps, images, strict=True)]


def _verdict(run: Seen) -> dict[str, Any] | None:
    if not run.diagnoses:
        return None
    step = max(run.diagnoses)
    found = run.diagnoses[step]
    return {
        "step": step,
        "name": str(found.get("verdict", "unknown")),
        "evidence": _texts(found.get("evidence")),
        "advice": _texts(found.get("advice")),
        "numbers": _numbers(found),
    }


def _texts(values: Any) -> list[str]:
    return [str(value) for value in values] if isinstance(values, list) else []


def _numbers(found: Mapping[str, Any]) -> dict[str, Any]:
    v, w, gamma = (_mapping(found.get(key)) for key in ("v", "w", "gamma"))
    numbers = {
        "batches": found.get("batches"),
        "p value of v = 0": found.get("p_value"),
        "max |Im/Re| of v'": v.get("q"),
        "max |Im/Re| of w'": w.get("q"),
        "largest stable step of v'": v.get("max_step_size"),
        "largest stable step of w'": w.get("max_step_size"),
        "rate of a step": found.get("rate"),
        "share of rotation": found.get("rotation_share"),
        "smallest gamma": gamma.get("smallest"),
        "gamma that hides unstable eigenvalues": gamma.get("limit"),
    }
    return {key: value for key, value in numbers.items() if value is not None}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


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


def _notes(runs: Sequence[Seen], shown: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the page leaves out."""
    notes = []
    if any(shortened(run.metrics, its["curves"]) for run, its in zip(runs, shown, strict=True)):
        notes.append(f"curves are thinned to {POINTS} points, with all extremes of their pieces")
    if any(len(its["samples"]) < len(run.pictures) for run, its in zip(runs, shown, strict=True)):
        notes.append("not all pictures of samples are here: an even choice of steps is")
    if any(sample.get("image") for its in shown for sample in its["samples"]):
        notes.append(f"pictures are reduced to {SIDE} pixels or less")
    return notes
