"""Scores by features: which extractors there are, and what they say of a run's samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from nashgrad.data import Images
from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.config import fewest
from nashgrad.lab.scoring.classifier import kept_classifier
from nashgrad.metrics import (
    EfficientNetLite0,
    Extractor,
    Features,
    Identity,
    Inception2015,
    Pixels,
    frechet_distance,
    inception_score,
    kernel_distance,
    manifold_scores,
)


@dataclass(frozen=True)
class Wanted:
    """An extractor by name, and what it is built from.

    Args:
        name: a key of `EXTRACTORS`.
        weights: a local file, where the extractor reads one.
        device: where it runs.
    """

    name: str
    weights: str | None = None
    device: torch.device | str = "cpu"

    def build(self, images: Images | None) -> Extractor:
        """The extractor for a data set; None: for points in the plane.

        Raises:
            UsageError: It is not for this kind of data, its weights, packages or classifier are
                missing, or it reads no weights.
        """
        check_fits(self.name, of_images=images is not None)
        if images is None:
            return Identity()
        if self.weights is not None and self.name != READS_WEIGHTS:
            raise UsageError(f"weights: {self.name} reads none; only {READS_WEIGHTS} does")
        try:
            return OF_IMAGES[self.name](self, images)
        except (ImportError, ValueError) as error:
            raise UsageError(f"extractor {self.name}: {error}") from error


def check_fits(name: str, *, of_images: bool) -> None:
    """Raises a UsageError for an extractor of images where there are points, and the reverse."""
    if not of_images and name != OF_POINTS:
        raise UsageError(
            f"extractor {name}: needs images, and this game makes points; use {OF_POINTS}"
        )
    if of_images and name == OF_POINTS:
        raise UsageError(f"extractor {name}: is for points in the plane; use pixels")


READS_WEIGHTS = "inception_2015"
OF_POINTS = Identity.name
OF_IMAGES: Mapping[str, Callable[[Wanted, Images], Extractor]] = {
    "efficientnet_lite0": lambda wanted, _: EfficientNetLite0(wanted.device),
    "inception_2015": lambda wanted, _: Inception2015(wanted.weights, wanted.device),
    "classifier": lambda wanted, images: kept_classifier(images, wanted.device),
    "pixels": lambda *_: Pixels(),
    "pixels8": lambda *_: Pixels(8),
}
EXTRACTORS = (*OF_IMAGES, OF_POINTS)
"""All by name."""


class FeatureScores:
    """Holds samples against real ones, whose features are taken once.

    Args:
        extractor: of features.
        real: images (n, channels, height, width), or points (n, d).
        splits: of the inception score.

    Raises:
        ValueError: There are too few real samples to compare with.
    """

    def __init__(self, extractor: Extractor, real: Tensor, splits: int) -> None:
        if len(real) < fewest(1):
            kind = "images" if real.ndim > 2 else "points"
            raise ValueError(f"{len(real)} real {kind}: these scores need at least {fewest(1)}")
        self._extractor, self._images, self._splits = extractor, real, splits

    @cached_property
    def _real(self) -> Features:
        return self._extractor(self._images)

    @cached_property
    def _of_real(self) -> dict[str, float]:
        """The real images' own inception score, where they are enough for the splits."""
        logits = self._real.logits
        if logits is None or len(logits) < fewest(self._splits):
            return {}
        return self._inception("inception_score_of_real", logits)

    def _inception(self, name: str, logits: Tensor) -> dict[str, float]:
        return _with_deviation(name, *inception_score(logits, splits=self._splits))

    def is_against(self, real: Tensor) -> bool:
        """Whether these are the real ones that samples are held against."""
        return torch.equal(real, self._images)

    @property
    def knows_classes(self) -> bool:
        """Whether there is an inception score."""
        return self._real.logits is not None

    def facts(self, samples: int, *, ema: bool) -> dict[str, Any]:
        """What to state beside these scores; splits where something is split."""
        counts = {"samples": samples, "real": len(self._images)}
        splits = {"splits": self._splits} if self.knows_classes else {}
        return {**self._extractor.facts, **counts, **splits, "ema": ema}

    def __call__(self, samples: Tensor) -> dict[str, float]:
        """All scores that the extractor allows, by name.

        Raises:
            ValueError: There are too few samples.
        """
        real, fake = self._real, self._extractor(samples)
        pair = real.features, fake.features
        values = {"frechet_distance": frechet_distance(*pair)}
        values |= _with_deviation("kernel_distance", *kernel_distance(*pair))
        values |= manifold_scores(*pair)
        if fake.logits is not None:
            values |= self._inception("inception_score", fake.logits) | self._of_real
        return values

    def named(self, samples: Tensor) -> dict[str, float]:
        """The same, with the extractor in each name."""
        return {f"{name}_{self._extractor.name}": value for name, value in self(samples).items()}


def _with_deviation(name: str, value: float, deviation: float) -> dict[str, float]:
    """Both by name; of a single part the value alone."""
    return {name: value} | ({} if math.isnan(deviation) else {f"{name}_deviation": deviation})
