"""The optimizers of the players and the schedules of their learning rates."""

from typing import Annotated, Literal

from pydantic.dataclasses import dataclass

from nashgrad.lab.config.limits import (
    BY_NAME,
    FORBID_UNKNOWN,
    NAME_ALONE,
    Count,
    Decay,
    Fraction,
    NonNegative,
    Positive,
    PositiveFraction,
    key,
)


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class RmspropTf:
    """TensorFlow's RMSProp: epsilon inside the root, mean square starts at one."""

    name: Literal["rmsprop_tf"] = "rmsprop_tf"
    lr: Positive = key(1e-4, "learning rate")
    decay: Decay = key(0.9, "of the mean square")
    epsilon: Positive = key(1e-10, "inside the root")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Rmsprop:
    """torch's RMSprop."""

    name: Literal["rmsprop"] = "rmsprop"
    lr: Positive = key(1e-4, "learning rate")
    alpha: Decay = key(0.99, "decay of the mean square")
    eps: Positive = key(1e-8, "beside the root")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Adam:
    """torch's Adam."""

    name: Literal["adam"] = "adam"
    lr: Positive = key(1e-4, "learning rate")
    betas: tuple[Decay, Decay] = key((0.5, 0.999), "decay of mean and mean square")
    eps: Positive = key(1e-8, "beside the root")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Sgd:
    """torch's SGD."""

    name: Literal["sgd"] = "sgd"
    lr: Positive = key(1e-4, "learning rate")
    momentum: Decay = key(0.0, "decay of the buffer; 0: none")


Optimizer = Annotated[RmspropTf | Rmsprop | Adam | Sgd, BY_NAME, NAME_ALONE]


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Optimizers:
    """One optimizer per player."""

    generator: Optimizer = key(RmspropTf(), "the generator's")
    discriminator: Optimizer = key(RmspropTf(), "the discriminator's")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Constant:
    """The learning rates stay."""

    name: Literal["constant"] = "constant"


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Cosine:
    """Half a cosine over the whole run (`CosineAnnealingLR`)."""

    name: Literal["cosine"] = "cosine"
    minimum: NonNegative = key(0.0, "learning rate at the end")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Exponential:
    """A constant factor at every step (`ExponentialLR`)."""

    name: Literal["exponential"] = "exponential"
    per_step: PositiveFraction = key(0.9999, "factor at every step")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Linear:
    """A straight line over the whole run (`LinearLR`)."""

    name: Literal["linear"] = "linear"
    start: PositiveFraction = key(1.0, "factor at the start")
    end: Fraction = key(0.0, "factor at the end")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class StepDecay:
    """A factor every so many steps (`StepLR`)."""

    name: Literal["step"] = "step"
    every: Count = key(10_000, "steps between two changes")
    factor: PositiveFraction = key(0.1, "factor at each change")


LrSchedule = Annotated[Constant | Cosine | Exponential | Linear | StepDecay, BY_NAME, NAME_ALONE]
