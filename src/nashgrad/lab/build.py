"""Makes of a configuration what it names, by tables of methods, optimisers and the like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.amp import GradScaler
from torch.optim import SGD, Adam, Optimizer, RMSprop
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    ExponentialLR,
    LinearLR,
    LRScheduler,
    StepLR,
)
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from nashgrad.adjustments import Chain, ClipNorm, ClipValue, Consensus, Identity
from nashgrad.core.adjustment import Adjustment
from nashgrad.core.averages import Reduce
from nashgrad.core.field import GameField
from nashgrad.data import named_generator
from nashgrad.games import GAN
from nashgrad.lab import config as c
from nashgrad.lab.errors import UsageError
from nashgrad.lab.tasks import Task
from nashgrad.models import MLP, PRESETS, dcgan
from nashgrad.objectives import DIVERGENCES, R1, R2
from nashgrad.objectives.penalties import Penalty
from nashgrad.optim import RMSPropTF
from nashgrad.optimizer import GameOptimizer
from nashgrad.schedules import Alternating, Schedule, Simultaneous

AUTOCAST = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}

PENALTIES: dict[type, Callable[[Any], Penalty]] = {
    c.R1: lambda p: R1(p.gamma),
    c.R2: lambda p: R2(p.gamma),
}

METHODS: dict[type, Callable[[Any], Adjustment]] = {
    c.NoMethod: lambda m: Identity(),
    c.Consensus: lambda m: Consensus(m.gamma, source=m.source, target=m.target),
    c.Smoothing: lambda m: Consensus(m.gamma, target="discriminator"),
    c.SmoothingCode: lambda m: Consensus(m.gamma, source="generator", target="discriminator"),
    c.NagarajanKolter: lambda m: Consensus(m.gamma, source="discriminator", target="generator"),
    c.Jare: lambda m: Chain(
        Consensus(m.gamma, source="generator", target="discriminator"),
        Consensus(m.gamma, source="discriminator", target="generator"),
    ),
    c.ClipNorm: lambda m: ClipNorm(m.max_norm),
    c.ClipValue: lambda m: ClipValue(m.max_abs),
}

SCHEDULES: dict[type, Callable[[Any], Schedule]] = {
    c.Simultaneous: lambda s: Simultaneous(),
    c.Alternating: lambda s: Alternating(s.turns),
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
    networks = _mlp if isinstance(config.model, c.Mlp) else _convolutional
    generator, discriminator = networks(config.model, task, weights)  # type: ignore[arg-type]
    penalties = [PENALTIES[type(p)](p) for p in config.penalties]
    game = GAN(
        generator,
        discriminator,
        DIVERGENCES[config.loss],
        penalties=penalties,
        conditional=task.labels > 0,
    )
    return game.to(device)


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
    model: c.Conv, task: Task, weights: torch.Generator
) -> tuple[nn.Module, nn.Module]:
    channels, size, _ = task.shape
    changes: dict[str, Any] = {} if model.norm is None else {"norm": model.norm}
    if model.extra_fc:
        own = PRESETS[model.name].discriminator_hidden
        changes["discriminator_hidden"] = (*own, *model.extra_fc)
    try:
        return dcgan(
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


def build_field(config: c.Config, game: GAN, reduce: Reduce | None) -> GameField:
    """The game's field, in the precision and the parts that are asked for."""
    device = next(game.parameters()).device.type
    return GameField(
        game,
        microbatches=config.microbatches,
        reduce=reduce,
        autocast=AUTOCAST[config.precision],
        scaler=GradScaler(device) if config.precision == "fp16" else None,
    )


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
    return GameOptimizer(
        field,
        optimizers,
        adjustment=METHODS[type(config.method)](config.method),
        schedule=SCHEDULES[type(config.schedule)](config.schedule),
    )


def build_lr_schedules(config: c.Config, opt: GameOptimizer) -> list[LRScheduler]:
    """Torch's schedulers of the learning rates, one per optimiser; none for constant rates."""
    build = LR_SCHEDULES.get(type(config.lr_schedule))
    if build is None:
        return []
    return [build(config.lr_schedule, o, config.steps) for o in opt.optimizers.values()]


def build_ema(config: c.Config, game: GAN) -> AveragedModel | None:
    """The moving average of the generator, when it is asked for."""
    if config.ema is None:
        return None
    return AveragedModel(
        game.generator, multi_avg_fn=get_ema_multi_avg_fn(config.ema), use_buffers=True
    )
