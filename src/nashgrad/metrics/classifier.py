"""A small classifier, trained on the data set itself, as an extractor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nashgrad.metrics.extractors import Extractor, Features

BATCH = 128
PEAK_LR = 3e-3
WIDTHS = (32, 64, 128)


class Classifier(Extractor):
    """Convolutions with batch norm to 128 pooled features, and a logit for each class.

    What a score by it means rests on how well it knows the classes: state `accuracy` beside it.

    Args:
        channels, classes: of the images.
        device: where the network runs.

    Attributes:
        accuracy: share of images it classifies right that it was not trained on; `nan` before
            `fit`.
    """

    name = "classifier"

    def __init__(self, channels: int, classes: int, device: torch.device | str = "cpu") -> None:
        self._device = torch.device(device)
        first, second, third = WIDTHS
        self.network = nn.Sequential(
            *_block(channels, first, stride=1),
            *_block(first, second, stride=2),
            *_block(second, third, stride=2),
            *_block(third, third, stride=1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(third, classes),
        ).to(self._device)
        self.accuracy = float("nan")

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"extractor": self.name, "accuracy": self.accuracy}

    def extract(self, images: Tensor) -> Features:
        self.network.eval()
        features = self.network[:-1](images.to(self._device))
        return Features(features, self.network[-1](features))

    def fit(
        self,
        images: Callable[[Tensor], Tensor],
        labels: Tensor,
        *,
        epochs: int = 6,
        seed: int = 0,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Trains on nine images of ten, and measures on the tenth.

        Adam under one cycle of learning rates up to 3e-3, batches of 128, no augmentation.

        Args:
            images: the images at given indices, (n, channels, height, width) in [-1, 1].
            labels: classes of all images, (n,).
            epochs: passes over the images.
            seed: of the order and of which images are held out.
            progress: called with steps done and all steps.

        Raises:
            ValueError: There are fewer than ten images, or fewer than two classes.
        """
        if len(labels) < 10 or len(labels.unique()) < 2:
            raise ValueError("a classifier needs at least ten images of two classes")
        draw = torch.Generator().manual_seed(seed)
        held, chosen = torch.randperm(len(labels), generator=draw).tensor_split([len(labels) // 10])
        steps = epochs * -(-len(chosen) // BATCH)
        optimizer = torch.optim.Adam(self.network.parameters())
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LR, total_steps=steps)
        self.network.train()
        for epoch in range(epochs):
            order = chosen[torch.randperm(len(chosen), generator=draw)]
            for i, index in enumerate(order.split(BATCH)):
                logits = self.network(images(index).to(self._device))
                optimizer.zero_grad()
                cross_entropy(logits, labels[index].to(self._device)).backward()
                optimizer.step()
                cycle.step()
                if progress is not None:
                    progress(epoch * (steps // epochs) + i + 1, steps)
        self.accuracy = self._share_right(images, labels, held)

    @torch.no_grad()
    def _share_right(
        self, images: Callable[[Tensor], Tensor], labels: Tensor, held: Tensor
    ) -> float:
        right = 0
        for index in held.split(10 * BATCH):
            logits = self(images(index)).logits
            assert logits is not None
            right += int((logits.argmax(1) == labels[index]).sum())
        return right / len(held)


def _block(inputs: int, outputs: int, *, stride: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]
