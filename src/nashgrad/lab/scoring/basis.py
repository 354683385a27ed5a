"""What the scores of a table rest on, in one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

UNKNOWN = "not stated"


def basis(facts: Iterable[Mapping[str, Any]]) -> str:
    """What all runs state beside their scores; where they disagree, all that they say.

    Args:
        facts: of each run that was judged, as `scored` of its metrics has them.

    >>> pixels = {"extractor": "pixels8", "samples": 512, "real": 4096, "ema": False}
    >>> basis([pixels, pixels])
    'Scores rest on: extractor pixels8, samples 512, real 4096, ema False.'
    >>> basis([pixels, pixels | {"samples": 64}, {"samples": 64, "ema": False}])
    'Runs disagree on what scores rest on: extractor pixels8 or not stated, samples 512 or 64, \
real 4096 or not stated, ema False.'
    >>> basis([])
    ''
    """
    known = list(facts)
    keys = list(dict.fromkeys(key for run in known for key in run))
    said = {key: list(dict.fromkeys(_text(run.get(key, UNKNOWN)) for run in known)) for key in keys}
    if not said:
        return ""
    agree = all(len(values) == 1 for values in said.values())
    start = "Scores rest on" if agree else "Runs disagree on what scores rest on"
    parts = [f"{key} {' or '.join(values)}" for key, values in said.items()]
    return f"{start}: {', '.join(parts)}."


def _text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
