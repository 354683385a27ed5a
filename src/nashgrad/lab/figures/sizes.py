"""At what size the image figures are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from typing import Any

from nashgrad.lab.config.files import read


@dataclass(frozen=True)
class Scored:
    """By what runs are compared."""

    score: str
    higher_is_better: bool = False


@dataclass(frozen=True)
class Size:
    """A size: its settings, its seeds, and what it calls the paper's networks.

    Args:
        name: of the folder that all figures of the size share.
        preset: the settings, without network and method.
        scored: by what runs are compared.
        seeds: of every run.
        points: how often a run is judged.
        gammas: of consensus, for the paper's networks of 3 and of 4 convolutions.
        gamma_lr: learning rate at which gamma is varied.
        convolutions: what the paper's 3 and 4 convolutions are here.
        growing: filters of the first layer where widths double; None: as everywhere.
        source: what the images come from: "data", "faces" or "" for those that come along.
    """

    name: str
    preset: str
    scored: Scored
    seeds: tuple[int, ...]
    points: int
    gammas: Mapping[int, float]
    gamma_lr: float
    convolutions: Mapping[int, int]
    source: str
    growing: int | None = None

    def with_seeds(self, count: int) -> Size:
        """The same with seeds 0 to `count` - 1."""
        return replace(self, seeds=tuple(range(count)))

    def base(self, path: str | None) -> dict[str, Any]:
        """The settings, with the images' path."""
        with as_file(files("nashgrad.lab") / "presets" / f"{self.preset}.yaml") as preset:
            values = read(preset)
        if path is not None:
            values["data"] = values["data"] | {"path": path}
        return values


SAME = {3: 3, 4: 4}
PAPER_GAMMAS = {3: 0.1, 4: 10.0}  # the paper lowers it for three convolutions
ONE = {3: 1.0, 4: 1.0}

PIXELS = Scored("frechet_pixels")
INCEPTION = Scored("inception_score_efficientnet_lite0", higher_is_better=True)
FRECHET = Scored("frechet_distance_efficientnet_lite0")  # faces are of no class

FULL = Size("full", "figures_full", INCEPTION, (0,), 150, PAPER_GAMMAS, 2e-4, SAME, "data")
SMALL = Size("small", "figures_small", PIXELS, (0, 1), 10, ONE, 5e-4, SAME, "data")
DIGITS = Size("digits", "figures_digits", PIXELS, (0, 1, 2, 3), 10, ONE, 5e-4, {3: 2, 4: 3}, "", 8)
FACES = Size("faces", "figures_faces", PIXELS, (0,), 10, ONE, 5e-4, SAME, "faces")
FACES_FULL = Size(
    "faces_full", "figures_faces_full", FRECHET, (0,), 150, PAPER_GAMMAS, 1e-4, SAME,
    "faces",
)  # fmt: skip
