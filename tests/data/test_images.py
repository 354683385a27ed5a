import pytest
import torch
from torch.utils.data import DataLoader

from nashgrad.data import Images, digits, image_loader, random_flip, stream
from nashgrad.data.images import fit


def some(n=6, channels=3, height=4, width=4):
    return torch.randint(0, 256, (n, channels, height, width), dtype=torch.uint8)


def test_bytes_become_minus_one_to_one():
    pixels = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(1, 1, 1, 3)
    assert Images(pixels)[0].flatten().tolist() == pytest.approx([-1, -0.6, 1])
    assert Images(pixels).scaled().max() == 1


def test_batches_are_the_samples():
    images = Images(some(), torch.arange(6))
    batch, label = next(iter(DataLoader(images, batch_size=6)))
    assert batch.dtype == torch.float32
    assert torch.equal(batch, torch.stack([images[i][0] for i in range(6)]))
    assert torch.equal(label, torch.arange(6))
    assert torch.equal(next(iter(DataLoader(Images(images.pixels), batch_size=6))), batch)


@pytest.mark.parametrize("labels", [torch.arange(6), None])
def test_the_fast_loader_gives_the_same_batches(labels):
    images = Images(some(), labels)
    fast, plain = (
        stream(loader, 2, seed=3)
        for loader in (image_loader(images, 4), DataLoader(images, 4, True, drop_last=True))
    )
    for _ in range(3):
        assert all(map(torch.equal, next(fast).values(), next(plain).values()))


def test_digits():
    images = digits()
    assert (len(images), images.shape, len(images.classes)) == (1797, (1, 8, 8), 10)
    assert (images.scaled().min(), images.scaled().max()) == (-1, 1)
    assert images.labels.unique().tolist() == list(range(10))


def test_centre_crop():
    pixels = torch.arange(24, dtype=torch.uint8).reshape(1, 1, 4, 6)
    assert fit(pixels, crop=2)[0, 0].tolist() == [[8, 9], [14, 15]]
    assert torch.equal(fit(pixels, size=4), pixels[..., 1:5])


def test_resizing_averages():
    pixels = some(height=4, width=4)
    small = fit(pixels, size=1).double()
    # Antialiased bilinear weights are a triangle of radius 4 around the centre.
    tent = 1 - torch.tensor([1.5, 0.5, 0.5, 1.5], dtype=torch.float64) / 4
    weights = torch.outer(tent, tent) / tent.sum() ** 2
    expected = (pixels * weights).sum(dim=(2, 3), keepdim=True)
    torch.testing.assert_close(small, expected, atol=0.51, rtol=0)


def test_resizing_keeps_a_constant():
    assert (fit(torch.full((2, 3, 5, 7), 200, dtype=torch.uint8), size=8) == 200).all()


def test_flips_are_half_of_the_images():
    images = torch.arange(2.0).expand(1000, 1, 1, 2)
    flipped = random_flip(images, torch.Generator().manual_seed(0))[:, 0, 0, 0]
    assert 450 < flipped.sum() < 550


def test_bad_input():
    with pytest.raises(ValueError, match=r"^images of shape \(0, 3, 4, 4\), torch.uint8: expected"):
        Images(some(0))
    with pytest.raises(ValueError, match=r"torch.float32: expected at least one, uint8"):
        Images(torch.zeros(1, 3, 4, 4))
    with pytest.raises(ValueError, match=r"^6 images, but labels of shape \(5,\)$"):
        Images(some(), torch.arange(5))
    with pytest.raises(ValueError, match=r"^label -1: labels count from 0$"):
        Images(some(), torch.arange(6) - 1)
    with pytest.raises(ValueError, match=r"^4x4 pixels, less than crop=5$"):
        fit(some(), crop=5)
    for name in ("crop", "size"):
        with pytest.raises(ValueError, match=rf"^{name}=0: must be at least 1$"):
            fit(some(), **{name: 0})
