"""Makes of a configuration what it names, by tables of methods, optimisers and the like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import nn
from torch.amp import GradScaler
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import SGD, Adam, Optimizer, RMSprop
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    ExponentialLR,
    LinearLR,
    LRScheduler,
    StepLR,
)
from torch.optim.swa_utils import AveragedModel

from nashgrad import adjustments as a
from nashgrad import schedules as s
from nashgrad.averaging import average
from nashgrad.core.adjustment import Adjustment
from nashgrad.core.averages import Reduce
from nashgrad.core.engine import Eager, Engine
from nashgrad.core.field import GameField
from nashgrad.core.game import Game
from nashgrad.core.krylov import Krylov
from nashgrad.data import named_generator
from nashgrad.engines import Compiled, FiniteDifference, Score, ZeroSum, ZeroSumDifference
from nashgrad.games import GAN, Unrolled
from nashgrad.lab import config as c
from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.training.tasks import Task
from nashgrad.models import MLP, PRESETS, dcgan, resnet, spectrally_normalized
from nashgrad.objectives import (
    DRAGAN,
    OBJECTIVES,
    R1,
    R2,
    WGANGP,
    Divergence,
    InstanceNoise,
    Objective,
    ZeroCentredGP,
    label_smoothing,
)
from nashgrad.objectives.penalties import Penalty
from nashgrad.optim import RMSPropTF, clip_weights
from nashgrad.optimizer import GameOptimizer

AUTOCAST = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}

PENALTIES: dict[type, Callable[[Any], Penalty]] = {
    c.R1: lambda p: R1(p.gamma),
    c.R2: lambda p: R2(p.gamma),
    c.WganGp: lambda p: WGANGP(p.gamma, p.one_sided),
    c.ZeroGp: lambda p: ZeroCentredGP(p.gamma),
    c.Dragan: lambda p: DRAGAN(p.gamma),
}

METHODS: dict[type, Callable[[Any], Adjustment]] = {
    c.NoMethod: lambda m: a.Identity(),
    c.Consensus: lambda m: a.Consensus(m.gamma, source=m.source, target=m.target, align=m.align),
    c.Smoothing: lambda m: a.Consensus(m.gamma, target="discriminator"),
    c.SmoothingCode: lambda m: a.Consensus(m.gamma, source="generator", target="discriminator"),
    c.NagarajanKolter: lambda m: a.Consensus(m.gamma, source="discriminator", target="generator"),
    c.Jare: lambda m: a.Chain(
        a.Consensus(m.gamma, source="generator", target="discriminator"),
        a.Consensus(m.gamma, source="discriminator", target="generator"),
    ),
    c.ConsensusEveryK: lambda m: a.EveryK(a.Consensus(m.gamma), m.k),
    c.ConsensusSubsampled: lambda m: a.Subsampled(a.Consensus(m.gamma), m.parts),
    c.ConsensusNormRatio: lambda m: a.NormRatio(a.Consensus(1.0), m.ratio),
    c.ConsensusDualAscent: lambda m: a.DualAscent(
        a.Consensus(1.0), m.rate, target=m.target, initial=m.initial, maximum=m.maximum
    ),
    c.ConsensusSpectral: lambda m: a.SpectralConsensus(m.q, m.every, m.rank, maximum=m.maximum),
    c.ConsensusDebiased: lambda m: a.DebiasedConsensus(m.gamma),
    c.Hamiltonian: lambda m: a.HamiltonianDescent(),
    c.Sga: lambda m: a.Symplectic(m.lam, align=m.align),
    c.Cgd: lambda m: a.Competitive(m.rate, solver=_solver(m)),
    c.Acgd: lambda m: a.AdaptiveCompetitive(m.beta, solver=_solver(m)),
    c.LookaheadOpponent: lambda m: a.LookAhead(m.rate),
    c.Lola: lambda m: a.LOLA(m.rate),
    c.Sos: lambda m: a.StableOpponentShaping(rate=m.rate),
    c.Lss: lambda m: a.LocalSymplecticSurgery(m.damping, m.bound, _solver(m, "cg")),
    c.LinearlyImplicit: lambda m: a.LinearlyImplicit(m.rate, solver=_solver(m)),
    c.Newton: lambda m: a.Newton(m.damping, solver=_solver(m, "cg")),
    c.KrylovDescent: lambda m: a.KrylovDescent(m.dimension),
    c.Momentum: lambda m: a.Momentum(m.beta),
    c.ComplexMomentum: lambda m: a.ComplexMomentum(m.modulus, m.angle),
    c.Optimistic: lambda m: a.Optimistic(),
    c.ClipNorm: lambda m: a.ClipNorm(m.max_norm),
    c.ClipValue: lambda m: a.ClipValue(m.max_abs),
}

SCHEDULES: dict[type, Callable[[Any], s.Schedule]] = {
    c.Simultaneous: lambda t: s.Simultaneous(),
    c.Alternating: lambda t: s.Alternating(t.turns),
    c.Extragradient: lambda t: s.Extragradient(t.resample),
    c.FromPast: lambda t: s.ExtrapolationFromPast(),
    c.OptimisticStep: lambda t: s.OptimisticStep(),
    c.Lookahead: lambda t: _lookahead(t),
    c.Svre: lambda t: s.VarianceReduced(t.period, t.batches),
    c.RungeKutta: lambda t: s.RungeKutta(t.order),
    c.ImplicitEuler: lambda t: s.ImplicitEuler(t.tolerance, t.iterations),
}

OPTIMIZERS: dict[type, Callable[[Any, Any], Optimizer]] = {
    c.RmspropTf: lambda o, params: RMSPropTF(params, o.lr, o.decay, o.epsilon),
    c.Rmsprop: lambda o, params: RMSprop(params, o.lr, o.alpha, o.eps),
    c.Adam: lambda o, params: Adam(params, o.lr, o.betas, o.eps),
    c.Sgd: lambda o, params: SGD(params, o.lr, o.momentum),
}

LR_SCHEDULES: dict[type, Callable[[Any, Optimizer, int], LRScheduler]] = {
    c.Cosine: lambda s, optimizer, steps: CosineAnnealingLR(optimizer, steps, s.minimum),
    c.Exponential: lambda s, optimizer, steps: ExponentialLR(optimizer, s.per_step),
    c.Linear: lambda s, optimizer, steps: LinearLR(optimizer, s.start, s.end, steps),
    c.StepDecay: lambda s, optimizer, steps: StepLR(optimizer, s.every, s.factor),
}


def build_game(config: c.Config, task: Task, device: torch.device) -> GAN:
    """The networks with their initial weights, which depend on `seed` alone, and their losses."""
    weights = named_generator(config.seed, "initialization")
    generator, discriminator = NETWORKS[type(config.model)](config.model, task, weights)
    if config.spectral_norm:
        discriminator = spectrally_normalized(discriminator)
    noise = config.instance_noise
    game = GAN(
        generator,
        discriminator,
        _objective(config),
        penalties=[PENALTIES[type(p)](p) for p in config.penalties],
        instance_noise=None if noise is None else InstanceNoise(noise.sigma, noise.until),
        conditional=task.labels > 0,
    )
    return game.to(device)


def _objective(config: c.Config) -> Objective:
    objective = OBJECTIVES[config.loss]
    if config.label_smoothing and isinstance(objective, Divergence):
        return label_smoothing(objective, config.label_smoothing)
    return objective


def _solver(method: Any, kind: Literal["gmres", "cg"] = "gmres") -> Krylov:
    return Krylov(kind, method.tolerance, method.iterations)


def _lookahead(section: c.Lookahead) -> s.Schedule:
    inner = {
        "simultaneous": s.Simultaneous(),
        "alternating": s.Alternating(("discriminator", "generator")),
        "extragradient": s.Extragradient(),
    }[section.inner]
    once = s.Lookahead(inner, section.period, section.alpha)
    return once if section.outer is None else s.Lookahead(once, section.outer, section.alpha)


def _mlp(model: c.Mlp, task: Task, weights: torch.Generator) -> tuple[nn.Module, nn.Module]:
    features = torch.Size(task.shape).numel()
    common: dict[str, Any] = {
        "activation": model.activation,
        "initialization": model.initialization,
        "labels": task.labels,
        "generator": weights,
    }
    shape = task.shape if len(task.shape) > 1 else None
    up = [model.latent, *model.generator, features]
    return (
        MLP(up, output=model.output, shape=shape, **common),
        MLP([features, *model.discriminator, 1], **common),
    )


def _convolutional(
    model: c.Conv | c.Resnet, task: Task, weights: torch.Generator
) -> tuple[nn.Module, nn.Module]:
    channels, size, _ = task.shape
    if isinstance(model, c.Resnet):
        family: Callable[..., tuple[nn.Module, nn.Module]] = resnet
        changes: dict[str, Any] = {"factor": model.factor, "discriminator_hidden": model.extra_fc}
    else:
        own, family = PRESETS[model.name], dcgan
        changes = {
            "norm": model.norm or own.norm,
            "normalized": model.normalized,
            "convolutions": model.convolutions or own.convolutions,
            "discriminator_hidden": (*own.discriminator_hidden, *model.extra_fc),
        }
    try:
        return family(
            model.name,
            initialization=model.initialization,
            generator=weights,
            filters=model.filters,
            size=size,
            channels=channels,
            latent=model.latent,
            labels=task.labels,
            **changes,
        )
    except ValueError as error:
        raise UsageError(f"model: {error}") from error


NETWORKS: dict[type, Callable[[Any, Task, torch.Generator], tuple[nn.Module, nn.Module]]] = {
    c.Mlp: _mlp,
    c.Conv: _convolutional,
    c.Resnet: _convolutional,
}


def build_field(config: c.Config, game: GAN, reduce: Reduce | None) -> GameField:
    """The game's field, in the precision and the parts that are asked for."""
    device = next(game.parameters()).device.type
    played: Game = game
    if config.unrolled is not None:
        played = Unrolled(game, "discriminator", config.unrolled.steps, config.unrolled.rate)
    return GameField(
        played,
        engine=_engine(config, game),
        microbatches=config.microbatches,
        reduce=reduce,
        autocast=AUTOCAST[config.precision],
        scaler=GradScaler(device) if config.precision == "fp16" else None,
    )


ENGINES: dict[str, Callable[[], Engine]] = {
    "eager": Eager,
    "zero_sum": ZeroSum,
    "score": Score,
    "compiled": Compiled,
    "compiled_score": lambda: Compiled(Score()),
    "finite_difference": FiniteDifference,
    "zero_sum_difference": ZeroSumDifference,
}


def _engine(config: c.Config, game: GAN) -> Engine:
    """The engine by name; what would fail in the first step is told of before."""
    if config.engine.startswith("zero_sum") and not game.divergence.zero_sum:
        raise UsageError(
            f"engine: {config.engine} needs a zero-sum loss such as js, got {config.loss}"
        )
    joined = any(isinstance(m, _BatchNorm) for m in game.discriminator.modules())
    if config.engine.endswith("score") and joined:
        raise UsageError(
            f"engine: {config.engine} needs a discriminator without batch norm, which joins samples"
        )
    return ENGINES[config.engine]()


def build_optimizer(config: c.Config, field: GameField) -> GameOptimizer:
    """The method over the players' optimisers."""
    sections = {
        "generator": config.optimizer.generator,
        "discriminator": config.optimizer.discriminator,
    }
    optimizers = {
        player: OPTIMIZERS[type(section)](section, field.space.parameters_of(player))
        for player, section in sections.items()
    }
    if config.weight_clip is not None:
        clip_weights(optimizers["discriminator"], config.weight_clip)
    method = METHODS[type(config.method)](config.method)
    try:
        method.init(field.space)
    except ValueError as error:
        raise UsageError(f"method: {error}") from error
    return GameOptimizer(
        field,
        optimizers,
        adjustment=method,
        schedule=SCHEDULES[type(config.schedule)](config.schedule),
    )


def build_lr_schedules(config: c.Config, opt: GameOptimizer) -> list[LRScheduler]:
    """Torch's schedulers of the learning rates, one per optimiser; none for constant rates."""
    build = LR_SCHEDULES.get(type(config.lr_schedule))
    if build is None:
        return []
    return [build(config.lr_schedule, o, config.steps) for o in opt.optimizers.values()]


def build_ema(config: c.Config, game: GAN) -> AveragedModel | None:
    """The running average of the generator, when it is asked for."""
    if config.ema is None:
        return None
    return average(game.generator, None if config.ema == "uniform" else config.ema)
