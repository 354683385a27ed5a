"""Extractors: shapes, ranges, and errors of those that do not fit."""

import pytest
import torch
from torch import Tensor

from nashgrad.metrics.extractors import EfficientNetLite0, Extractor, Features, Pixels


def test_pixels() -> None:
    images = torch.randn(70, 1, 4, 4)
    found = Pixels()(images)
    assert found.logits is None
    torch.testing.assert_close(found.features, images.flatten(1).double())
    pooled = Pixels(2)(images).features
    torch.testing.assert_close(pooled[0, 0], images[0, 0, :2, :2].mean().double())
    assert Pixels(2).name == "pixels2"


class Wrong(Extractor):
    name = "wrong"

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape

    def extract(self, images: Tensor) -> Features:
        return Features(torch.zeros(self._shape), None)


@pytest.mark.parametrize("shape", [(3, 2), (2,), (2, 3, 4)])
def test_an_output_of_the_wrong_size(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"extractor wrong: features of shape .* for 2 images"):
        Wrong(shape)(torch.zeros(2, 3, 8, 8))


def test_efficientnet_lite0() -> None:
    pytest.importorskip("efficientnet_lite_pytorch", reason="its packages are not installed")
    extractor = EfficientNetLite0()
    draw = torch.Generator().manual_seed(0)
    images = torch.rand(3, 3, 32, 32, generator=draw) * 2 - 1
    features, logits = extractor(images)
    assert features.shape == (3, 1280)
    assert logits is not None
    assert logits.shape == (3, 1000)
    assert features.isfinite().all()
    torch.testing.assert_close(extractor(images[1:2]).features, features[1:2], atol=1e-4, rtol=1e-4)
    grey = images[:1, :1]
    torch.testing.assert_close(
        extractor(grey).features, extractor(grey.expand(-1, 3, -1, -1)).features
    )
