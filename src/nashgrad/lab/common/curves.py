"""Curves between the places where somebody looked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def between(places: Sequence[float], scores: Sequence[float], at: ArrayLike) -> np.ndarray:
    """Scores where nobody looked: linear between two evaluations, the last one after the end.

    NaN next to a score that is not finite, and before the first evaluation.

    Args:
        places: of the evaluations, `(n,)`, ascending.
        scores: what was found there, `(n,)`.
        at: where they are asked for, of any shape.
    """
    x, wanted = np.asarray(places, float), np.asarray(at, float)
    y = np.where(np.isfinite(scores), scores, np.nan)
    index = np.searchsorted(x, wanted, side="right") - 1
    left = np.clip(index, 0, None)
    right = np.clip(left + 1, None, len(x) - 1)
    width = np.where(right > left, x[right] - x[left], 1.0)
    share = np.where(right > left, (wanted - x[left]) / width, 0.0)
    found = np.where(share > 0, y[left] + share * (y[right] - y[left]), y[left])
    return np.where(index < 0, np.nan, found)
