"""What changes the players' field."""

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag
from pydantic.dataclasses import dataclass

from nashgrad.lab.common.errors import known_names
from nashgrad.lab.config.limits import (
    BY_NAME,
    FORBID_UNKNOWN,
    NAME_ALONE,
    NUMBER,
    SECTION,
    Count,
    Decay,
    Flag,
    NonNegative,
    Player,
    Positive,
    key,
)

GAMMA = "weight of the regularizer"
GAMMAS = f"{GAMMA}, or one for each player or block of parameters, by name"
RATE = "step that the others are thought to take; null: the optimizer's own"
TOLERANCE = "relative residual at which a linear solve stops"
ITERATIONS = "most iterations of a linear solve"
Momentous = Annotated[float, Field(strict=True, gt=-1, lt=1, allow_inf_nan=False)]


def _of_players(gammas: dict[str, float]) -> dict[str, float]:
    """Each key begins with a player; what follows only the networks know. Zeros go unsaid."""
    for name in gammas:
        player = name.partition(".")[0]
        if player not in get_args(Player):
            raise ValueError(f"unknown player {player!r}{known_names(player, get_args(Player))}")
    said = {name: gamma for name, gamma in gammas.items() if gamma or "." in name}
    return said or gammas


def _dotted(gammas: Any) -> Any:
    for name, gamma in gammas.items():
        if isinstance(gamma, dict):
            inner = next(iter(gamma), "layers.0")
            raise ValueError(f"names have dots and do not nest: write {name}.{inner}: VALUE")
    return gammas


Gammas = Annotated[
    dict[str, NonNegative],
    Field(min_length=1),
    BeforeValidator(_dotted),
    AfterValidator(_of_players),
]
Gamma = Annotated[
    Annotated[NonNegative, Tag(NUMBER)] | Annotated[Gammas, Tag(SECTION)],
    Discriminator(lambda value: SECTION if isinstance(value, dict) else NUMBER),
]


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class NoMethod:
    """Each player follows its own gradient."""

    name: Literal["none"] = "none"


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Consensus:
    """Consensus optimization: every player also lowers the squared norm of the field."""

    name: Literal["consensus"] = "consensus"
    gamma: Gamma = key(10.0, GAMMAS)
    source: Player | None = key(None, "whose squared norm; null: everybody's")
    target: Player | None = key(None, "whose update feels it; null: everybody's")
    align: Flag = key(False, "climb where the field flees, instead of descending")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Smoothing:
    """Consensus felt by the discriminator alone, as the paper's figure 7 has it."""

    name: Literal["smoothing"] = "smoothing"
    gamma: NonNegative = key(10.0, GAMMA)


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class SmoothingCode:
    """The generator's norm felt by the discriminator, as the authors' code has it."""

    name: Literal["smoothing_code"] = "smoothing_code"
    gamma: NonNegative = key(10.0, GAMMA)


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Jare:
    """Jacobian regularization: each player lowers the other's squared gradient norm."""

    name: Literal["jare"] = "jare"
    gamma: Gamma = key(10.0, GAMMAS)


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class NagarajanKolter:
    """The generator lowers the discriminator's squared gradient norm."""

    name: Literal["nagarajan_kolter"] = "nagarajan_kolter"
    gamma: NonNegative = key(10.0, GAMMA)


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


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class ConsensusEveryK:
    """The consensus term at every k-th step, k times as strong."""

    name: Literal["consensus_every_k"] = "consensus_every_k"
    gamma: Gamma = key(10.0, GAMMAS)
    k: Count = key(4, "steps from one term to the next")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class ConsensusSubsampled:
    """Consensus with the Jacobian of a part of the batch."""

    name: Literal["consensus_subsampled"] = "consensus_subsampled"
    gamma: Gamma = key(10.0, GAMMAS)
    parts: Count = key(8, "of the batch, of which one gives the Jacobian")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class ConsensusNormRatio:
    """Consensus whose gamma is the ratio of the norms of v and J^T v, anew in each step."""

    name: Literal["consensus_norm_ratio"] = "consensus_norm_ratio"
    ratio: Positive = key(1.0, "of the term's norm to the field's")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class ConsensusDualAscent:
    """Consensus whose gamma is a multiplier that grows while the field is too large."""

    name: Literal["consensus_dual_ascent"] = "consensus_dual_ascent"
    rate: Positive = key(0.01, "growth of gamma per unit of |v|^2 / 2 above the target, a step")
    target: NonNegative = key(0.0, "the |v|^2 / 2 at which gamma rests")
    initial: NonNegative = key(1.0, "gamma at the start")
    maximum: Positive = key(100.0, "largest gamma")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class ConsensusSpectral:
    """Consensus with the smallest gamma that calms the spectrum of a projected Jacobian."""

    name: Literal["consensus_spectral"] = "consensus_spectral"
    q: Positive = key(1.0, "largest |Im| / |Re| of an eigenvalue")
    every: Count = key(100, "steps between two searches")
    rank: Count = key(32, "dimensions of the projection")
    maximum: Positive = key(100.0, "largest gamma")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class ConsensusDebiased:
    """Consensus from crossed half batches, without the bias of a minibatch."""

    name: Literal["consensus_debiased"] = "consensus_debiased"
    gamma: NonNegative = key(10.0, GAMMA)


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Hamiltonian:
    """Descent on the squared norm of the field alone; goes to any stationary point."""

    name: Literal["hamiltonian"] = "hamiltonian"


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Sga:
    """Symplectic gradient adjustment: consensus with the antisymmetric part of the Jacobian."""

    name: Literal["sga"] = "sga"
    lam: NonNegative = key(1.0, "weight of the adjustment")
    align: Flag = key(False, "take the sign that leads away from unstable points")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Cgd:
    """Competitive gradient descent: the Nash equilibrium of the bilinear approximation."""

    name: Literal["cgd"] = "cgd"
    rate: Positive | None = key(None, RATE)
    tolerance: Positive = key(1e-2, TOLERANCE)
    iterations: Count = key(10, ITERATIONS)


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Acgd:
    """Adaptive competitive gradient descent; over SGD, whose lr is its own."""

    name: Literal["acgd"] = "acgd"
    beta: Decay = key(0.99, "decay of the second moment")
    tolerance: Positive = key(1e-2, TOLERANCE)
    iterations: Count = key(10, ITERATIONS)


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class LookaheadOpponent:
    """Each player answers the step that the others are about to take."""

    name: Literal["lookahead_opponent"] = "lookahead_opponent"
    rate: NonNegative | None = key(None, RATE)


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Lola:
    """Learning with opponent-learning awareness: each player shapes the others' steps."""

    name: Literal["lola"] = "lola"
    rate: NonNegative | None = key(None, RATE)


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Sos:
    """Stable opponent shaping: shaping as far as it does not undo the look ahead."""

    name: Literal["sos"] = "sos"
    rate: NonNegative | None = key(None, RATE)


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Lss:
    """Local symplectic surgery: the rotation is cut out near fixed points."""

    name: Literal["lss"] = "lss"
    damping: NonNegative = key(1e-4, "of the linear system far from fixed points")
    bound: NonNegative = key(0.0, "how fast a large correction is faded out")
    tolerance: Positive = key(1e-2, TOLERANCE)
    iterations: Count = key(10, ITERATIONS)


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class LinearlyImplicit:
    """Linearly implicit Euler: one Newton step of the implicit Euler method."""

    name: Literal["linearly_implicit"] = "linearly_implicit"
    rate: Positive | None = key(None, RATE)
    tolerance: Positive = key(1e-2, TOLERANCE)
    iterations: Count = key(10, ITERATIONS)


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Newton:
    """The damped Newton step, over SGD; goes to any stationary point."""

    name: Literal["newton"] = "newton"
    damping: NonNegative = key(1e-2, "added to J^T J")
    tolerance: Positive = key(1e-2, TOLERANCE)
    iterations: Count = key(10, ITERATIONS)


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class KrylovDescent:
    """The best step in span{v, J^T v, (J^T)^2 v}, over SGD; goes to any stationary point."""

    name: Literal["krylov_descent"] = "krylov_descent"
    dimension: Count = key(3, "of the span")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Momentum:
    """Heavy-ball momentum; a negative one calms alternating players."""

    name: Literal["momentum"] = "momentum"
    beta: Momentous = key(-0.3, "decay of the momentum; may be negative")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class ComplexMomentum:
    """Momentum that turns as it decays."""

    name: Literal["complex_momentum"] = "complex_momentum"
    modulus: Decay = key(0.9, "of the complex decay")
    angle: Positive = key(0.39, "of the complex decay, in radians")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Optimistic:
    """Optimism: twice this field, less the last one."""

    name: Literal["optimistic"] = "optimistic"


# A new method is a dataclass above, its entry here, one case in `training/build.py`, and its row in
# `commands/methods.py`.
Method = Annotated[
    NoMethod
    | Consensus
    | Smoothing
    | SmoothingCode
    | Jare
    | NagarajanKolter
    | ConsensusEveryK
    | ConsensusSubsampled
    | ConsensusNormRatio
    | ConsensusDualAscent
    | ConsensusSpectral
    | ConsensusDebiased
    | Hamiltonian
    | Sga
    | Cgd
    | Acgd
    | LookaheadOpponent
    | Lola
    | Sos
    | Lss
    | LinearlyImplicit
    | Newton
    | KrylovDescent
    | Momentum
    | ComplexMomentum
    | Optimistic
    | ClipNorm
    | ClipValue,
    BY_NAME,
    NAME_ALONE,
]
