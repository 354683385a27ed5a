"""How the game is trained: loss, penalties, method, schedule and optimizers."""

from typing import Annotated, Literal

from pydantic import field_validator
from pydantic.dataclasses import dataclass

from nashgrad.lab.config.limits import (
    BY_NAME,
    FORBID_UNKNOWN,
    LISTED,
    NAME_ALONE,
    NonNegative,
    Player,
    Positive,
    Turns,
    key,
)

Loss = Literal["standard", "js", "kl", "tv", "indicator"]


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


Penalty = Annotated[R1 | R2, BY_NAME, NAME_ALONE]
Penalties = Annotated[tuple[Penalty, ...], LISTED]


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class NoMethod:
    """Each player follows its own gradient."""

    name: Literal["none"] = "none"


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Consensus:
    """Consensus optimization: every player also lowers the squared norm of the field."""

    name: Literal["consensus"] = "consensus"
    gamma: NonNegative = key(10.0, "weight of the regularizer")
    source: Player | None = key(None, "whose squared norm; null: everybody's")
    target: Player | None = key(None, "whose update feels it; null: everybody's")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Smoothing:
    """Consensus felt by the discriminator alone, as the paper's figure 7 has it."""

    name: Literal["smoothing"] = "smoothing"
    gamma: NonNegative = key(10.0, "weight of the regularizer")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class SmoothingCode:
    """The generator's norm felt by the discriminator, as the authors' code has it."""

    name: Literal["smoothing_code"] = "smoothing_code"
    gamma: NonNegative = key(10.0, "weight of the regularizer")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Jare:
    """Jacobian regularization: each player lowers the other's squared gradient norm."""

    name: Literal["jare"] = "jare"
    gamma: NonNegative = key(10.0, "weight of the regularizer")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class NagarajanKolter:
    """The generator lowers the discriminator's squared gradient norm."""

    name: Literal["nagarajan_kolter"] = "nagarajan_kolter"
    gamma: NonNegative = key(10.0, "weight of the regularizer")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class ClipNorm:
    """Each player's gradient is scaled down to a largest norm."""

    name: Literal["clip_norm"] = "clip_norm"
    max_norm: Positive = key(1.0, "largest norm of a player's gradient")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class ClipValue:
    """Each coordinate of the gradient is cut to an interval around zero."""

    name: Literal["clip_value"] = "clip_value"
    max_abs: Positive = key(1.0, "largest absolute value of a coordinate")


# A new method is a dataclass above, its entry here, and one case in `lab/build.py`.
Method = Annotated[
    NoMethod
    | Consensus
    | Smoothing
    | SmoothingCode
    | Jare
    | NagarajanKolter
    | ClipNorm
    | ClipValue,
    BY_NAME,
    NAME_ALONE,
]


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Simultaneous:
    """All players move at once, on one batch."""

    name: Literal["simultaneous"] = "simultaneous"


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Alternating:
    """Players move in turn, each on a fresh batch."""

    name: Literal["alternating"] = "alternating"
    turns: Turns = key(("discriminator", "generator"), "who moves, in order; players may repeat")

    @field_validator("turns")
    @classmethod
    def _everybody_moves(cls, turns: tuple[Player, ...]) -> tuple[Player, ...]:
        for player in ("generator", "discriminator"):
            if player not in turns:
                raise ValueError(f"the {player} never moves")
        return turns


Schedule = Annotated[Simultaneous | Alternating, BY_NAME, NAME_ALONE]
