"""What is trained: the game, its data and its networks."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from nashgrad.lab.config.limits import (
    BY_NAME,
    FORBID_UNKNOWN,
    NAME_ALONE,
    Count,
    Flag,
    Natural,
    Positive,
    Sizes,
    Text,
    key,
)

Initialization = Literal["paper", "torch", "he"]


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Ring:
    """Gaussians on a circle, in two dimensions."""

    name: Literal["ring"] = "ring"
    modes: Count = key(8, "Gaussians")
    radius: Positive = key(1.0, "of the circle")
    sigma: Positive = key(0.01, "standard deviation of each Gaussian")
    stratified: Flag = key(True, "equally many samples of each mode in a batch")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Grid:
    """Gaussians on a square grid around the origin, in two dimensions."""

    name: Literal["grid"] = "grid"
    side: Count = key(5, "Gaussians in a row")
    spacing: Positive = key(0.5, "distance of neighbours")
    sigma: Positive = key(0.01, "standard deviation of each Gaussian")
    stratified: Flag = key(True, "equally many samples of each mode in a batch")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Digits:
    """The 1,797 handwritten digits of 8x8 pixels that come with scikit-learn."""

    name: Literal["digits"] = "digits"


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Images:
    """Images from `data.path`, scaled to [-1, 1]."""

    name: Literal["images"] = "images"
    size: Count = key(32, "pixels a side")
    channels: Literal[1, 3] = key(3, "1 for grey, 3 for colour")
    crop: Count | None = key(None, "pixels a side of a central crop before resizing")
    flips: Flag = key(False, "mirror images at random")
    conditional: Flag = key(False, "networks see the labels")


Game = Annotated[Ring | Grid | Digits | Images, BY_NAME, NAME_ALONE]


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Data:
    """Where batches come from."""

    path: Text | None = key(None, "images: folder, zip, npz, idx files, CIFAR-10 archive")
    batch: Count = key(64, "samples a batch")
    workers: Natural = key(0, "processes that decode image files; 0: this one")
    skip_unreadable: Flag = key(False, "skip and count images that cannot be decoded")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Mlp:
    """Fully connected generator and discriminator."""

    name: Literal["mlp"] = "mlp"
    latent: Count = key(16, "dimensions of the normal latent")
    generator: Sizes = key((16, 16, 16, 16), "hidden widths")
    discriminator: Sizes = key((16, 16, 16, 16), "hidden widths")
    activation: Literal["relu", "leaky_relu", "tanh"] = key("relu", "of hidden layers")
    output: Literal["none", "tanh"] = key("none", "activation of the generator's output")
    initialization: Initialization = key("paper", "paper: Glorot uniform, zero bias")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Conv:
    """The paper's convolutional networks; nobn: without batch norm, cf: of constant width."""

    name: Literal[
        "dcgan3",
        "dcgan4",
        "dcgan3_nobn",
        "dcgan4_nobn",
        "dcgan3_nobn_cf",
        "dcgan4_nobn_cf",
        "conv3",
        "conv4",
    ]
    latent: Count = key(256, "dimensions of the normal latent")
    filters: Count = key(64, "of the widest image layer")
    initialization: Initialization = key("paper", "paper: Glorot uniform, zero bias")
    norm: Literal["none", "paper", "torch"] | None = key(
        None, "batch norm in place of the network's own"
    )
    normalized: Literal["both", "generator", "discriminator"] = key(
        "both", "which network has the batch norm"
    )
    convolutions: Count | None = key(None, "how many, in place of the network's own")
    extra_fc: Sizes = key((), "widths of added layers at the discriminator's end")

    @property
    def halvings(self) -> int:
        """How many times the image is halved, once by each convolution."""
        return self.convolutions or (4 if "4" in self.name else 3)


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Resnet:
    """The paper's residual networks; cf: of constant width."""

    name: Literal["resnet_cf", "resnet"]
    latent: Count = key(256, "dimensions of the normal latent")
    filters: Annotated[Count, Field(ge=2)] = key(64, "of the layers next to the image")
    initialization: Initialization = key("paper", "paper: Glorot uniform, zero bias")
    factor: Positive = key(0.1, "of the residuals; 1: they start next to zero instead")
    extra_fc: Sizes = key((), "widths of added layers at the discriminator's end")

    @property
    def halvings(self) -> int:
        """How many times the image is halved."""
        return 4


Model = Annotated[Mlp | Conv | Resnet, BY_NAME, NAME_ALONE]
