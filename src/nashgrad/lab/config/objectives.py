"""What the players' losses are: the divergence and its penalties."""

from typing import Annotated, Literal

from pydantic.dataclasses import dataclass

from nashgrad.lab.config.limits import (
    BY_NAME,
    FORBID_UNKNOWN,
    LISTED,
    NAME_ALONE,
    Count,
    Flag,
    NonNegative,
    Positive,
    key,
)

Loss = Literal[
    "standard",
    "js",
    "kl",
    "tv",
    "indicator",
    "f_kl",
    "f_reverse_kl",
    "f_pearson",
    "f_hellinger",
    "f_js",
    "f_gan",
    "wasserstein",
    "hinge",
    "lsgan",
    "lsgan_pearson",
    "relativistic",
    "relativistic_average",
]
AVERAGES = ("relativistic_average",)
"""Losses that are no means over samples."""


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class R1:
    """Squared gradient norm of the discriminator at real samples."""

    name: Literal["r1"] = "r1"
    gamma: NonNegative = key(10.0, "weight; the loss gets gamma/2 times the mean")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class R2:
    """Squared gradient norm of the discriminator at generated samples."""

    name: Literal["r2"] = "r2"
    gamma: NonNegative = key(10.0, "weight; the loss gets gamma/2 times the mean")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class WganGp:
    """Slopes of the discriminator drawn to 1, on lines between real and generated samples."""

    name: Literal["wgan_gp"] = "wgan_gp"
    gamma: NonNegative = key(10.0, "weight")
    one_sided: Flag = key(False, "only slopes above 1 count")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class ZeroGp:
    """Slopes of the discriminator drawn to 0, on lines between real and generated samples."""

    name: Literal["zero_gp"] = "zero_gp"
    gamma: NonNegative = key(10.0, "weight")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Dragan:
    """Slopes of the discriminator drawn to 1 near real samples."""

    name: Literal["dragan"] = "dragan"
    gamma: NonNegative = key(10.0, "weight")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class InstanceNoise:
    """Normal noise on all that the discriminator sees."""

    sigma: Positive = key(0.1, "standard deviation at first; samples lie in [-1, 1]")
    until: Count | None = key(None, "steps in which it falls to nothing; null: it stays")


Penalty = Annotated[R1 | R2 | WganGp | ZeroGp | Dragan, BY_NAME, NAME_ALONE]
Penalties = Annotated[tuple[Penalty, ...], LISTED]
