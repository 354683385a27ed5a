"""The Frechet distance between features of images."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Extractor = Callable[[Tensor], Tensor]

CHUNK = 1024  # images whose features are taken at once


def pixels(images: Tensor) -> Tensor:
    """Every pixel a feature: (n, ...) -> (n, d)."""
    return images.flatten(1)


def pooled_pixels(size: int = 8) -> Extractor:
    """Features of images averaged down to size x size: (n, c, h, w) -> (n, c size^2)."""
    return lambda images: F.adaptive_avg_pool2d(images, size).flatten(1)


class FrechetDistance:
    """The distance of normal distributions fitted to the features of real and of other images.

    |mu - mu'|^2 + tr(S + S' - 2 (S S')^(1/2)), S with 1/(n - 1), by torchmetrics in float64.

    With `pixels` it depends on their scale as its square: the documented figures have pixels in
    [-1, 1], as `Images` gives them (digits: 42 for an untrained generator, 0 for the data).

    Args:
        real: Real images; their statistics are taken once.
        extractor: Gives features (n, d) of images, in their dtype; pixels by default. A network
            such as Inception fits in as well.

    Raises:
        ImportError: torchmetrics isn't installed.
        ValueError: There are fewer than two images.

    Source: M. Heusel et al., GANs trained by a two time-scale update rule converge to a local
    Nash equilibrium, 2017.
    """

    def __init__(self, real: Tensor, extractor: Extractor = pixels) -> None:
        self._extractor = extractor
        width = self._features(real[:1]).shape[1]
        self._metric = _metric(width)
        self._update(real, real=True)

    def __call__(self, images: Tensor) -> float:
        """The distance of these images (n, ...) from the real ones.

        Raises:
            ValueError: There are fewer than two images.
        """
        self._metric.reset()
        self._update(images, real=False)
        return float(self._metric.compute())

    def _update(self, images: Tensor, *, real: bool) -> None:
        if len(images) < 2:
            raise ValueError(f"{len(images)} images: a Frechet distance needs at least two")
        for chunk in torch.split(images, CHUNK):
            self._metric.update(self._features(chunk), real=real)

    @torch.no_grad()
    def _features(self, images: Tensor) -> Tensor:
        return self._extractor(images).cpu().double()


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """The Frechet distance between features, (n, d) and (m, d); see `FrechetDistance`."""
    return FrechetDistance(real)(fake)


def _metric(width: int) -> Any:
    """Build torchmetrics' distance of given features, which it neither scales nor rounds them."""
    try:
        from torchmetrics.image.fid import FrechetInceptionDistance
    except (ImportError, RuntimeError) as error:
        message = "the Frechet distance needs torchmetrics: pip install nashgrad[images]"
        raise ImportError(message) from error
    identity = nn.Identity()
    identity.num_features = width  # type: ignore[assignment]
    return FrechetInceptionDistance(feature=identity, reset_real_features=False)
