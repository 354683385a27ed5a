"""Residual GANs: the DCGAN's strided convolutions, each followed by a residual of two 3x3 ones."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from nashgrad.models.initialization import initialize
from nashgrad.models.labels import with_label
from nashgrad.models.mlp import dense
from nashgrad.models.padding import same_convolution, same_transposed

BLOCKS = 4
SLOPE = 0.2
ACTIVATION = "leaky_relu"
TINY = 1e-5
"""Standard deviation of a residual's second convolution where it is not scaled."""


@dataclass(frozen=True)
class ResNetConfig:
    """What varies between the networks of the family.

    Args:
        filters: Of the layers next to the image.
        growth: Double the filters with each halving of the image, or keep them constant.
        factor: Of the residuals, h + factor r(h). 0.1 is the later generation of the paper's
            code. 1 is the earlier one, in which the second convolution of each residual starts
            from N(0, 1e-5), the second number being the standard deviation.
        discriminator_hidden: Sizes of fully connected layers before the score.
        size: Side of the images, a multiple of 16.
        channels: Channels of the images.
        latent: Dimension of the latents.
        labels: Number of classes; with more than 0, both networks need the samples' labels.

    Raises:
        ValueError: A number is out of range, or `size` does not halve four times.
    """

    filters: int = 64
    growth: bool = False
    factor: float = 0.1
    discriminator_hidden: tuple[int, ...] = ()
    size: int = 64
    channels: int = 3
    latent: int = 256
    labels: int = 0

    def __post_init__(self) -> None:
        for name, least in {"filters": 2, "size": 1, "channels": 1, "latent": 1}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name}={getattr(self, name)}: must be at least {least}")
        if self.size % 2**BLOCKS:
            raise ValueError(f"size={self.size}: needs a multiple of {2**BLOCKS}")
        if not self.factor > 0:
            raise ValueError(f"factor={self.factor}: must be greater than 0")

    @property
    def widths(self) -> tuple[int, ...]:
        """Filters of the discriminator's blocks, the generator's in reverse."""
        return tuple(self.filters * (2**i if self.growth else 1) for i in range(BLOCKS))

    @property
    def smallest(self) -> tuple[int, int, int]:
        """Shape of the smallest feature maps, (channels, height, width)."""
        side = self.size // 2**BLOCKS
        return self.widths[-1], side, side

    @property
    def features(self) -> int:
        """How many numbers the smallest feature maps hold."""
        channels, height, width = self.smallest
        return channels * height * width


RESNETS: Mapping[str, ResNetConfig] = MappingProxyType(
    {"resnet_cf": ResNetConfig(), "resnet": ResNetConfig(growth=True)}
)
"""The paper's residual networks: of constant and of growing width."""


class Residual(nn.Module):
    """h + factor conv3x3(leaky(conv3x3(leaky(h)))), with `hidden` filters in between."""

    def __init__(self, width: int, hidden: int, factor: float) -> None:
        super().__init__()
        self.factor = factor
        self.inner = nn.Sequential(
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, hidden, 3, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(hidden, width, 3, padding=1),
        )

    def forward(self, h: Tensor) -> Tensor:
        """(n, width, s, s) -> (n, width, s, s)."""
        added: Tensor = h + self.factor * self.inner(h)
        return added


def _initialize(
    net: nn.Module, config: ResNetConfig, name: str, generator: torch.Generator | None
) -> None:
    initialize(net, name, generator)
    if config.factor == 1:
        for block in net.modules():
            if isinstance(block, Residual):
                last = block.inner[-1].get_parameter("weight")
                nn.init.normal_(last, std=TINY, generator=generator)


class ResNetGenerator(nn.Module):
    """Latents -> projection -> three transposed convolutions with residuals -> image in [-1, 1].

    Args:
        config: The member of the family.
        initialization: `paper`, `torch` or `he`; see `initialize`.
        generator: Where the initial weights come from; torch's global generator when None.

    Raises:
        ValueError: A name is unknown.
    """

    def __init__(
        self,
        config: ResNetConfig,
        *,
        initialization: str = "paper",
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.labels = config.labels
        self.layers = nn.Sequential(
            nn.Linear(config.latent + config.labels, config.features),
            nn.Unflatten(1, config.smallest),
        )
        for inputs, outputs in pairwise(reversed(config.widths)):
            self.layers.extend([nn.LeakyReLU(SLOPE), same_transposed(inputs, outputs)])
            self.layers.append(Residual(outputs, outputs // 2, config.factor))
        image = same_transposed(config.filters, config.channels)
        self.layers.extend([nn.LeakyReLU(SLOPE), image, nn.Tanh()])
        _initialize(self, config, initialization, generator)

    def forward(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        """Latents (n, latent), labels (n,) -> images (n, channels, size, size)."""
        images: Tensor = self.layers(with_label(latent, label, self.labels))
        return images


class ResNetDiscriminator(nn.Module):
    """Image -> four convolutions with residuals -> fully connected layers -> one score.

    Where the width is constant, the first residual has the full width inside, all others half.

    Args:
        config: The member of the family.
        initialization: `paper`, `torch` or `he`; see `initialize`.
        generator: Where the initial weights come from; torch's global generator when None.

    Raises:
        ValueError: A name is unknown.
    """

    def __init__(
        self,
        config: ResNetConfig,
        *,
        initialization: str = "paper",
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.labels = config.labels
        first = config.filters // 2 if config.growth else config.filters
        self.layers = nn.Sequential(
            same_convolution(config.channels + config.labels, config.filters),
            Residual(config.filters, first, config.factor),
        )
        for inputs, outputs in pairwise(config.widths):
            self.layers.extend([nn.LeakyReLU(SLOPE), same_convolution(inputs, outputs)])
            self.layers.append(Residual(outputs, outputs // 2, config.factor))
        sizes = (config.features, *config.discriminator_hidden)
        head = [*dense(sizes, ACTIVATION), nn.Linear(sizes[-1], 1)]
        self.layers.extend([nn.LeakyReLU(SLOPE), nn.Flatten(), *head])
        _initialize(self, config, initialization, generator)

    def forward(self, images: Tensor, label: Tensor | None = None) -> Tensor:
        """Images (n, channels, size, size), labels (n,) -> scores (n, 1)."""
        scores: Tensor = self.layers(with_label(images, label, self.labels))
        return scores


def resnet(
    preset: str,
    *,
    initialization: str = "paper",
    generator: torch.Generator | None = None,
    **changes: Any,
) -> tuple[ResNetGenerator, ResNetDiscriminator]:
    """Both networks of a preset, with some of its fields changed.

    Example:
        >>> net, _ = resnet("resnet_cf", filters=4, size=32, latent=4)
        >>> net(torch.zeros(2, 4)).shape
        torch.Size([2, 3, 32, 32])

    Args:
        preset: A key of `RESNETS`.
        initialization: `paper`, `torch` or `he`; see `initialize`.
        generator: Where the initial weights come from; torch's global generator when None.
        **changes: Fields of `ResNetConfig`.

    Raises:
        ValueError: The preset or another name is unknown, or a number is out of range.
    """
    if preset not in RESNETS:
        raise ValueError(f"model {preset!r}: unknown, choose from {', '.join(RESNETS)}")
    config = replace(RESNETS[preset], **changes)
    return (
        ResNetGenerator(config, initialization=initialization, generator=generator),
        ResNetDiscriminator(config, initialization=initialization, generator=generator),
    )
