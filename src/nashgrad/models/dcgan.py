"""One family of convolutional GANs: the paper's eight networks are rows of a table.

Every convolution is 5x5 with stride 2. The generator leads from a projection of the latents
upwards to the image, the discriminator from the image downwards to one score.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from nashgrad.models.activation import activation as find_activation
from nashgrad.models.initialization import initialize
from nashgrad.models.labels import with_label
from nashgrad.models.mlp import dense
from nashgrad.models.normalization import find_norm
from nashgrad.models.padding import same_convolution, same_transposed

DISCRIMINATOR_ACTIVATION = "leaky_relu"
NORMALIZED = ("both", "generator", "discriminator")


@dataclass(frozen=True)
class DCGANConfig:
    """What varies between the networks of the family.

    Args:
        convolutions: Number of convolutions in each network.
        filters: Filters of the discriminator's first convolution.
        growth: Double the filters from one convolution to the next, or keep them constant.
        norm: `none`, `paper` (shift only, decay 0.999, epsilon 1e-3) or `torch`. It follows
            every convolution but the generator's last and the discriminator's first.
        norm_features: Normalise each feature of the generator's projection by itself, in place
            of each channel after it was reshaped (which leaves the projection its bias).
        activation: The generator's: `relu` or `leaky_relu`; the discriminator's is leaky.
        generator_hidden: Sizes of fully connected layers before the projection.
        discriminator_hidden: Sizes of fully connected layers before the score.
        size: Side of the images, a multiple of 2**convolutions.
        channels: Channels of the images.
        latent: Dimension of the latents.
        labels: Number of classes; with more than 0, both networks need the samples' labels.

    Raises:
        ValueError: A number is out of range, or `size` does not halve often enough.
    """

    convolutions: int = 4
    filters: int = 64
    growth: bool = True
    norm: str = "none"
    norm_features: bool = False
    activation: str = "leaky_relu"
    generator_hidden: tuple[int, ...] = ()
    discriminator_hidden: tuple[int, ...] = ()
    size: int = 32
    channels: int = 3
    latent: int = 256
    labels: int = 0

    def __post_init__(self) -> None:
        for name in ("convolutions", "filters", "size", "channels", "latent"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: must be at least 1")
        if self.size % 2**self.convolutions:
            raise ValueError(
                f"size={self.size}: {self.convolutions} convolutions of stride 2 need "
                f"a multiple of {2**self.convolutions}"
            )

    @property
    def widths(self) -> tuple[int, ...]:
        """Filters of the discriminator's convolutions, the generator's in reverse."""
        return tuple(self.filters * (2**i if self.growth else 1) for i in range(self.convolutions))

    @property
    def smallest(self) -> tuple[int, int, int]:
        """Shape of the smallest feature maps, (channels, height, width)."""
        side = self.size // 2**self.convolutions
        return self.widths[-1], side, side

    @property
    def features(self) -> int:
        """How many numbers the smallest feature maps hold."""
        channels, height, width = self.smallest
        return channels * height * width


PRESETS: Mapping[str, DCGANConfig] = MappingProxyType(
    {
        "dcgan3": DCGANConfig(convolutions=3, norm="paper", norm_features=True, activation="relu"),
        "dcgan4": DCGANConfig(norm="paper"),
        "dcgan3_nobn": DCGANConfig(convolutions=3, activation="relu"),
        "dcgan4_nobn": DCGANConfig(),
        "dcgan3_nobn_cf": DCGANConfig(convolutions=3, growth=False),
        "dcgan4_nobn_cf": DCGANConfig(growth=False),
        "conv3": DCGANConfig(convolutions=3, growth=False, discriminator_hidden=(512,)),
        "conv4": DCGANConfig(growth=False, generator_hidden=(512,), discriminator_hidden=(512,)),
    }
)
"""The paper's networks, as the authors' code has them."""


def _block(
    convolution: Callable[..., nn.Module], inputs: int, outputs: int, norm: str, activation: str
) -> list[nn.Module]:
    """Convolution, normalisation, activation; the normalisation's shift replaces the bias."""
    normalize = find_norm(norm)
    if normalize is None:
        return [convolution(inputs, outputs), find_activation(activation)]
    return [
        convolution(inputs, outputs, bias=False),
        normalize(nn.BatchNorm2d, outputs),
        find_activation(activation),
    ]


def _projection(config: DCGANConfig, inputs: int) -> list[nn.Module]:
    """(n, inputs) -> the generator's smallest feature maps, normalised and activated."""
    normalize, reshape = find_norm(config.norm), nn.Unflatten(1, config.smallest)
    act = find_activation(config.activation)
    if normalize is None:
        return [nn.Linear(inputs, config.features), reshape, act]
    if config.norm_features:
        linear = nn.Linear(inputs, config.features, bias=False)
        return [linear, normalize(nn.BatchNorm1d, config.features), act, reshape]
    linear = nn.Linear(inputs, config.features)
    return [linear, reshape, normalize(nn.BatchNorm2d, config.smallest[0]), act]


class DCGANGenerator(nn.Module):
    """Latents -> fully connected layers -> transposed convolutions -> image in [-1, 1].

    Args:
        config: The member of the family.
        initialization: `paper`, `torch` or `he`; see `initialize`.
        generator: Where the initial weights come from; torch's global generator when None.

    Raises:
        ValueError: A name is unknown.
    """

    def __init__(
        self,
        config: DCGANConfig,
        *,
        initialization: str = "paper",
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.labels = config.labels
        sizes = (config.latent + config.labels, *config.generator_hidden)
        self.layers = nn.Sequential(
            *dense(sizes, config.activation), *_projection(config, sizes[-1])
        )
        for pair in pairwise(reversed(config.widths)):
            self.layers.extend(_block(same_transposed, *pair, config.norm, config.activation))
        self.layers.extend(_block(same_transposed, config.filters, config.channels, "none", "tanh"))
        initialize(self, initialization, generator)

    def forward(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        """Latents (n, latent), labels (n,) -> images (n, channels, size, size)."""
        images: Tensor = self.layers(with_label(latent, label, self.labels))
        return images


class DCGANDiscriminator(nn.Module):
    """Image -> convolutions -> fully connected layers -> one score, no activation on it.

    Args:
        config: The member of the family.
        initialization: `paper`, `torch` or `he`; see `initialize`.
        generator: Where the initial weights come from; torch's global generator when None.

    Raises:
        ValueError: A name is unknown.
    """

    def __init__(
        self,
        config: DCGANConfig,
        *,
        initialization: str = "paper",
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.labels, act = config.labels, DISCRIMINATOR_ACTIVATION
        inputs = config.channels + config.labels
        sizes = (config.features, *config.discriminator_hidden)
        self.layers = nn.Sequential(*_block(same_convolution, inputs, config.filters, "none", act))
        for pair in pairwise(config.widths):
            self.layers.extend(_block(same_convolution, *pair, config.norm, act))
        self.layers.extend([nn.Flatten(), *dense(sizes, act), nn.Linear(sizes[-1], 1)])
        initialize(self, initialization, generator)

    def forward(self, images: Tensor, label: Tensor | None = None) -> Tensor:
        """Images (n, channels, size, size), labels (n,) -> scores (n, 1)."""
        scores: Tensor = self.layers(with_label(images, label, self.labels))
        return scores


def dcgan(
    preset: str,
    *,
    normalized: str = "both",
    initialization: str = "paper",
    generator: torch.Generator | None = None,
    **changes: Any,
) -> tuple[DCGANGenerator, DCGANDiscriminator]:
    """Both networks of a preset, with some of its fields changed.

    Example:
        >>> net, _ = dcgan("dcgan4_nobn_cf", filters=8, size=16, latent=4)
        >>> net(torch.zeros(2, 4)).shape
        torch.Size([2, 3, 16, 16])

    Args:
        preset: A key of `PRESETS`.
        normalized: Which network has the batch norm: `both`, `generator` or `discriminator`.
        initialization: `paper`, `torch` or `he`; see `initialize`.
        generator: Where the initial weights come from; torch's global generator when None.
        **changes: Fields of `DCGANConfig`.

    Raises:
        ValueError: The preset or another name is unknown, or a number is out of range.
    """
    if preset not in PRESETS:
        raise ValueError(f"model {preset!r}: unknown, choose from {', '.join(PRESETS)}")
    config = replace(PRESETS[preset], **changes)
    bare = replace(config, norm="none")
    if normalized not in NORMALIZED:
        raise ValueError(f"normalized {normalized!r}: unknown, choose from {', '.join(NORMALIZED)}")
    up, down = (config if normalized in ("both", side) else bare for side in NORMALIZED[1:])
    return (
        DCGANGenerator(up, initialization=initialization, generator=generator),
        DCGANDiscriminator(down, initialization=initialization, generator=generator),
    )
