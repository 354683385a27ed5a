"""The Frechet distance between features of images."""

from typing import Any

import torch
from torch import Tensor, nn

from nashgrad.metrics.extractors import Extractor, Pixels
from nashgrad.metrics.torch_fidelity import spare_torchvision

CHUNK = 1024  # images whose features are held at once


class FrechetDistance:
    """The distance of normal distributions fitted to the features of real and of other images.

    |mu - mu'|^2 + tr(S + S' - 2 (S S')^(1/2)), S with 1/(n - 1), by torchmetrics in float64.

    With `Pixels` it depends on their scale as its square: the documented figures have pixels in
    [-1, 1], as `Images` gives them (digits: 42 for an untrained generator, 0 for the data).

    Args:
        real: Real images; their statistics are taken once.
        extractor: Of features; every pixel by default.

    Raises:
        ImportError: torchmetrics isn't installed.
        ValueError: There are fewer than two images.

    Source: M. Heusel et al., GANs trained by a two time-scale update rule converge to a local
    Nash equilibrium, 2017.
    """

    def __init__(self, real: Tensor, extractor: Extractor | None = None) -> None:
        self._extractor = Pixels() if extractor is None else extractor
        width = self._extractor(real[:1]).features.shape[1]
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
            self._metric.update(self._extractor(chunk).features, real=real)


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """The Frechet distance between features, (n, d) and (m, d); see `FrechetDistance`."""
    return FrechetDistance(real)(fake)


def _metric(width: int) -> Any:
    """Build torchmetrics' distance of given features, which it neither scales nor rounds them."""
    spare_torchvision()
    try:
        from torchmetrics.image.fid import FrechetInceptionDistance
    except (ImportError, RuntimeError) as error:
        message = "the Frechet distance needs torchmetrics: pip install nashgrad[images]"
        raise ImportError(message) from error
    identity = nn.Identity()
    identity.num_features = width  # type: ignore[assignment]
    return FrechetInceptionDistance(feature=identity, reset_real_features=False)
