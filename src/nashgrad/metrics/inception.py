"""The Inception network of 2015, whose scores are the published ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nashgrad.metrics.extractors import Extractor, Features
from nashgrad.metrics.torch_fidelity import spare_torchvision

WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"
SOURCE = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{WEIGHTS}"


class Inception2015(Extractor):
    """Inception of 2015-12-05 at 299 pixels: 2,048 pooled features and 1,008 logits without bias.

    The network and its resizing, which follows TensorFlow 1, are torch-fidelity's: a local file of
    weights replaces its download, not the package. Images are taken to bytes 0 to 255 first; grey
    ones get three equal channels.

    Args:
        weights: a local file, read without running anything that it holds; by default
            torch-fidelity fetches its own.
        device: where the network runs.

    Raises:
        ImportError: torch-fidelity is not installed.
        ValueError: The file is missing or holds no weights of this network, or torch-fidelity could
            not fetch its own.

    Source: C. Szegedy et al.: Rethinking the Inception Architecture for Computer Vision, 2015;
    T. Salimans et al.: Improved Techniques for Training GANs, 2016.
    """

    name = "inception_2015"

    def __init__(
        self, weights: str | Path | None = None, device: torch.device | str = "cpu"
    ) -> None:
        if weights is not None:
            _refuse_strange(Path(weights))
        network = _network()
        try:
            built = network(
                "inception-v3-compat",
                ["2048", "logits_unbiased"],
                feature_extractor_weights_path=None if weights is None else str(weights),
            )
        except (RuntimeError, OSError) as error:  # what load_state_dict or the network says
            said = str(error).splitlines()[0]
            if weights is None:
                raise ValueError(
                    f"{SOURCE}: not fetched ({said}); a local copy does too"
                ) from error
            raise ValueError(f"{weights}: holds no weights of it ({said})") from error
        self._device = torch.device(device)
        self._network = built.to(self._device).eval()

    def extract(self, images: Tensor) -> Features:
        scaled = ((images.to(self._device) + 1) * 127.5).round().clamp(0, 255)
        features, logits = self._network(scaled.to(torch.uint8).expand(-1, 3, -1, -1))
        return Features(features, logits)


def _refuse_strange(path: Path) -> None:
    """torch-fidelity would unpickle whatever the file holds."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file; get the weights from {SOURCE}")
    try:
        values = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # rubbish makes torch's reader fail in any way
        raise ValueError(f"{path}: is no file of plain tensors; {SOURCE} is one") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path}: is no file of weights; {SOURCE} is one")


def _network() -> Any:
    spare_torchvision()
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except (ImportError, RuntimeError) as error:
        message = (
            "the Inception network of 2015 needs torch-fidelity: "
            f"pip install --no-deps torch-fidelity ({error})"
        )
        raise ImportError(message) from error
    return FeatureExtractorInceptionV3
