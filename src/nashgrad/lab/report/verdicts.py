"""The newest diagnosis of a run: its verdict, with what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nashgrad.lab.report.seen import Seen


def verdict(run: Seen) -> dict[str, Any] | None:
    """`step`, `name`, `evidence`, `advice` and `numbers` by name; `None` without a diagnosis."""
    if not run.diagnoses:
        return None
    step = max(run.diagnoses)
    found = run.diagnoses[step]
    return {
        "step": step,
        "name": str(found.get("verdict", "unknown")),
        "evidence": _texts(found.get("evidence")),
        "advice": _texts(found.get("advice")),
        "numbers": {key: value for key, value in _numbers(found).items() if value is not None},
    }


def _texts(values: Any) -> list[str]:
    return [str(value) for value in values] if isinstance(values, list) else []


def _numbers(found: Mapping[str, Any]) -> dict[str, Any]:
    """Of a partial spectrum bounds only are known, and they are told as such."""
    gamma, stepping = _mapping(found.get("gamma")), found.get("stepping") is True
    return {
        "batches": found.get("batches"),
        "p value of v = 0": found.get("p_value"),
        **_of_map("v'", _mapping(found.get("v")), ""),
        **_of_map("w'", _mapping(found.get("w")), " (in present steps)" if stepping else ""),
        "rate of a step": found.get("rate"),
        "share of rotation": found.get("rotation_share"),
        "smallest gamma": gamma.get("smallest"),
        "gamma that hides unstable eigenvalues": gamma.get("limit"),
    }


def _of_map(name: str, portrait: Mapping[str, Any], unit: str) -> dict[str, Any]:
    least, most = ("", "") if portrait.get("complete") is True else (", at least", ", at most")
    return {
        f"max |Im/Re| of {name}{least}": portrait.get("q"),
        f"largest stable step of {name}{most}{unit}": portrait.get("max_step_size"),
    }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
