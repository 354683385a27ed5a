"""Images in memory, and what is done to their pixels."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    RandomSampler,
    SequentialSampler,
)

Sample = Tensor | tuple[Tensor, Tensor]

CHUNK = 1024  # images resized at once: bounds the memory of their copies in float


class Images(Dataset[Sample]):
    """Images as bytes in memory; a sample is (channels, height, width) in [-1, 1], float32.

    With labels a sample is a pair (image, label). Any `DataLoader` takes them; `image_loader`
    makes the fastest.

    Args:
        pixels: Bytes (n, channels, height, width).
        labels: Class numbers (n,), if known.
        classes: Names of the classes, if known.
        maximum: The byte that becomes 1; 0 becomes -1.
        skipped: How many broken files were left out.

    Raises:
        ValueError: There are no images, they aren't bytes, or the labels don't fit.
    """

    def __init__(
        self,
        pixels: Tensor,
        labels: Tensor | None = None,
        *,
        classes: Sequence[str] = (),
        maximum: int = 255,
        skipped: int = 0,
    ) -> None:
        if pixels.dtype != torch.uint8 or pixels.ndim != 4 or not len(pixels):
            raise ValueError(
                f"images of shape {tuple(pixels.shape)}, {pixels.dtype}: "
                "expected at least one, uint8 (n, channels, height, width)"
            )
        if labels is not None and labels.shape != (len(pixels),):
            raise ValueError(f"{len(pixels)} images, but labels of shape {tuple(labels.shape)}")
        if labels is not None and labels.min() < 0:
            raise ValueError(f"label {int(labels.min())}: labels count from 0")
        self.pixels, self.labels = pixels, labels
        self.classes, self.maximum, self.skipped = tuple(classes), maximum, skipped

    @property
    def class_count(self) -> int:
        """How many classes the labels count, 0 without labels."""
        return 0 if self.labels is None else int(self.labels.max()) + 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        channels, height, width = self.pixels.shape[1:]
        return channels, height, width

    def scaled(self, index: Any = slice(None)) -> Tensor:
        """The images chosen by any tensor index, in [-1, 1]; all of them by default."""
        return self.pixels[index].to(torch.float32).div_(self.maximum / 2).sub_(1)

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int | Sequence[int]) -> Sample:
        """One sample, or a batch of samples for a list of indices."""
        images = self.scaled(index)
        return images if self.labels is None else (images, self.labels[index])

    def __getitems__(self, indices: Sequence[int]) -> Sequence[Sample]:
        """The samples of a batch, for `DataLoader`, which finds this method by its name."""
        images = self.scaled(indices).unbind()
        return (
            images if self.labels is None else list(zip(images, self.labels[indices], strict=True))
        )


def image_loader(
    images: Images, batch: int, *, shuffle: bool = True, drop_last: bool = True, workers: int = 0
) -> DataLoader[Sample]:
    """A loader that takes each batch out of memory in one piece.

    The same batches as `DataLoader(images, batch, ...)`, which takes them apart and stacks them
    anew, at a few times the cost.

    Raises:
        ValueError: `batch` isn't positive.
    """
    order = RandomSampler(images) if shuffle else SequentialSampler(images)
    sampler = BatchSampler(order, batch, drop_last)
    return DataLoader(images, batch_size=None, sampler=sampler, num_workers=workers)


def random_flip(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Mirror each image (n, channels, height, width) left to right with probability 1/2.

    For a stream's `augment`: the numbers come from the generator, so that all randomness lives
    in the batch.
    """
    mirrored = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(mirrored.to(images.device)[:, None, None, None], images.flip(-1), images)


def fit(pixels: Tensor, *, crop: int | None = None, size: int | None = None) -> Tensor:
    """Crop bytes (n, channels, height, width) around the centre and resize them to a square.

    Args:
        pixels: The images.
        crop: Side of the centre square to keep; by default the largest, if they are resized.
        size: Side of the result; None leaves the resolution alone.

    Raises:
        ValueError: The images are smaller than `crop`, or a side is not positive.
    """
    for name, asked in (("crop", crop), ("size", size)):
        if asked is not None and asked < 1:
            raise ValueError(f"{name}={asked}: must be at least 1")
    height, width = pixels.shape[-2:]
    side = crop or (min(height, width) if size else None)
    if side is not None:
        if side > min(height, width):
            raise ValueError(f"{height}x{width} pixels, less than crop={side}")
        top, left = (height - side) // 2, (width - side) // 2
        pixels = pixels[..., top : top + side, left : left + side]
    return pixels if size is None or size == side else _resize(pixels, size)


def _resize(pixels: Tensor, size: int) -> Tensor:
    """Bilinear with antialiasing, as image libraries resize."""
    return torch.cat(
        [
            F.interpolate(chunk.float(), size=size, mode="bilinear", antialias=True)
            .round_()
            .clamp_(0, 255)
            .to(torch.uint8)
            for chunk in torch.split(pixels, CHUNK)
        ]
    )
