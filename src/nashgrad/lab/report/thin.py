"""Fewer points and smaller pictures, so that a page stays small; what is left out is counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from nashgrad.lab.pages import data_url

POINTS = 400
"""Of a curve; a run's log has 200 as a rule."""
SIDE = 480
"""Pixels along the longer side of a picture."""
SMALL_BYTES = 12_000
MOST_BYTES = 30_000_000
MOST_PIXELS = 40_000_000
"""A picture with more is not opened: no run makes one."""


def thinned(values: Sequence[float], most: int = POINTS) -> list[int]:
    """The places of the points to keep, at most `most`, with the first, the last and all extremes.

    The places are cut into equal pieces, and of each the least and the greatest value stay: a spike
    is what one looks for in the curve of a game.

    >>> thinned([0.0, 0, 9, 0, 0, 0, -9, 0, 0, 0, 0, 1], most=6)
    [0, 2, 6, 11]
    """
    count = len(values)
    if count <= most:
        return list(range(count))
    pieces = (most - 2) // 2
    kept = {0, count - 1}
    for piece in range(pieces):
        places = range(piece * count // pieces, (piece + 1) * count // pieces)
        known = [i for i in places if math.isfinite(values[i])] or [places[0]]
        kept |= {min(known, key=values.__getitem__), max(known, key=values.__getitem__)}
    return sorted(kept)


def spread(steps: Sequence[int], most: int) -> list[int]:
    """At most `most` of the steps, evenly, with the first and the last.

    >>> spread([0, 1, 2, 3, 4, 5, 6], 3)
    [0, 3, 6]
    """
    if len(steps) <= most:
        return list(steps)
    if most < 2:
        return list(steps[-most:]) if most else []
    places = {round(i * (len(steps) - 1) / (most - 1)) for i in range(most)}
    return [steps[i] for i in sorted(places)]


def picture(path: Path, side: int = SIDE) -> str | None:
    """A picture as an address that holds it, no longer than `side`; `None` when it is damaged.

    A small picture of few bytes stays as it is; others become JPEG.
    """
    from PIL import Image

    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        content = path.read_bytes()
        with Image.open(BytesIO(content), formats=["PNG"]) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return None
            image = opened.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    if max(image.size) <= side and len(content) <= SMALL_BYTES:
        return data_url("image/png", content)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    image.save(buffer, "jpeg", quality=80)
    return data_url("image/jpeg", buffer.getvalue())
