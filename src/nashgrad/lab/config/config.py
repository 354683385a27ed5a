"""The whole configuration of a run, and what its parts demand of each other."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from nashgrad.lab.config.limits import (
    FORBID_UNKNOWN,
    Averaging,
    Count,
    Flag,
    Natural,
    Positive,
    PositiveFraction,
    Seed,
    Text,
    key,
)
from nashgrad.lab.config.limits import (
    Decay as BelowOne,
)
from nashgrad.lab.config.methods import (
    Acgd,
    ConsensusSubsampled,
    KrylovDescent,
    Method,
    Newton,
    NoMethod,
)
from nashgrad.lab.config.objectives import AVERAGES, InstanceNoise, Loss, Penalties
from nashgrad.lab.config.optimizers import Constant, Cosine, Linear, LrSchedule, Optimizers, Sgd
from nashgrad.lab.config.schedules import ImplicitEuler, Schedule, Simultaneous
from nashgrad.lab.config.tasks import Conv, Data, Digits, Game, Images, Model, Resnet

WHOLE_STEPS = (Acgd, Newton, KrylovDescent, ImplicitEuler)  # over plain SGD alone


Extractor = Literal[
    "efficientnet_lite0", "inception_2015", "classifier", "pixels", "pixels8", "identity"
]


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Log:
    """When a line is added to `metrics.jsonl`, and whether TensorBoard can read it too."""

    every: Count = key(100, "steps")
    tensorboard: bool = key(False, "also write event files into the run's folder tensorboard/")


def fewest(splits: int) -> int:
    """How many images all scores need: each has five neighbours, a split has two of them."""
    return max(6, 2 * splits)


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Evaluate:
    """When and how the generator is judged."""

    every: Natural = key(1_000, "steps; 0: at the end only")
    spent: Natural = key(0, "also whenever so much of the budget is spent; 0: never")
    pictures: Flag = key(True, "a picture each time; false: at the end only")
    samples: Count = key(2_048, "generated samples")
    seed: Seed = key(0, "of latents and samples; training never sees it")
    extractor: Extractor | None = key(
        None, "also scores by its features; identity is that of points; null: pixels alone"
    )
    weights: Text | None = key(None, "file of inception_2015's weights; null: torch-fidelity's")
    splits: Count = key(10, "of the inception score")


Engine = Literal[
    "eager",
    "zero_sum",
    "score",
    "compiled",
    "compiled_score",
    "finite_difference",
    "zero_sum_difference",
]


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Unrolled:
    """The generator answers a discriminator that has learned for some steps more."""

    steps: Count = key(5, "inner steps of the discriminator")
    rate: Positive = key(0.1, "their step size")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Checkpoint:
    """When training is saved."""

    every: Natural = key(1_000, "steps; 0: at the end only")
    keep: Count = key(3, "newest checkpoints that stay")
    spent: Natural = key(0, "also whenever so much of the budget is spent; 0: never")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Spectra:
    """When the outermost eigenvalues are looked for, of v' and of w'."""

    every: Natural = key(0, "steps; 0: never")
    k: Count = key(4, "largest in magnitude, rightmost and fastest turning ones, each")
    share: PositiveFraction = key(0.1, "most of the time; what would exceed it is left out")


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Config:
    """Everything that decides a run. Lengths are in game steps, paths as the shell sees them."""

    game: Game = Field(description="what is generated")
    model: Model = Field(description="the networks")
    steps: Count = Field(description="game steps of the run")
    budget: Count | None = key(
        None,
        "spent to the end of the step that reaches it: an evaluation of the field counts 1, a "
        "product with J 2; null: no end",
    )
    data: Data = key(Data(), "where batches come from")
    loss: Loss = key("standard", "the divergence")
    penalties: Penalties = key((), "added to the discriminator's loss")
    label_smoothing: BelowOne = key(0.0, "share of real samples called fake in D's loss")
    instance_noise: InstanceNoise | None = key(None, "on what D sees; null: none")
    weight_clip: Positive | None = key(None, "largest weight of the discriminator; null: no limit")
    spectral_norm: Flag = key(False, "spectral normalisation of the discriminator")
    method: Method = key(NoMethod(), "what changes the players' field")
    schedule: Schedule = key(Simultaneous(), "who moves when")
    unrolled: Unrolled | None = key(None, "unrolled GAN; null: none")
    optimizer: Optimizers = key(Optimizers(), "one for each player")
    lr_schedule: LrSchedule = key(Constant(), "of both learning rates")
    ema: Averaging | None = key(
        None, "decay of the averaged generator a step; uniform: the mean of all steps"
    )
    precision: Literal["fp32", "bf16", "fp16"] = key("fp32", "of the first pass")
    engine: Engine = key("eager", "how the field is computed")
    microbatches: Count = key(1, "equal parts that a batch is computed in")
    device: Literal["auto", "cpu", "cuda"] = key("auto", "auto: cuda if there is one")
    threads: Count | None = key(None, "of the CPU; null: torch's default")
    seed: Seed = key(0, "of initialization, data order and latents")
    deterministic: Flag = key(False, "only deterministic algorithms; slower on cuda")
    log: Log = key(Log(), "metrics")
    evaluate: Evaluate = key(Evaluate(), "scores and pictures")
    checkpoint: Checkpoint = key(Checkpoint(), "saved states")
    diagnose: Spectra = key(Spectra(), "spectra along training, into metrics.jsonl")
    out: Text | None = key(None, "run folder; null: runs/<file>-<method>-seed<seed>")

    @model_validator(mode="after")
    def _parts_fit(self) -> "Config":
        if found := next(misfits(self), None):
            raise ValueError(found)
        return self


def misfits(config: Config) -> Iterator[str]:
    """What is right in itself and impossible together, as `key: text` lines."""
    if config.engine.endswith("difference") and config.precision != "fp32":
        yield f"engine: {config.engine} needs precision fp32, got {config.precision}"
    if config.unrolled is not None and config.engine in (
        "zero_sum",
        "zero_sum_difference",
        "score",
        "compiled_score",
    ):
        yield f"engine: {config.engine} does not know unrolled games"
    if config.microbatches > config.data.batch:
        yield (
            f"microbatches: must be at most data.batch, which is {config.data.batch}, "
            f"got {config.microbatches}"
        )
    parts = config.method.parts if isinstance(config.method, ConsensusSubsampled) else 1
    if parts * config.microbatches > config.data.batch:
        yield (
            f"method.parts: the {config.microbatches} microbatches of each part need a sample, and "
            f"data.batch is {config.data.batch}, got {parts} parts"
        )
    if config.microbatches > 1 and config.loss in AVERAGES:
        yield f"microbatches: must be 1 with loss {config.loss}, which is no mean over samples"
    if config.label_smoothing and config.loss.startswith("relativistic"):
        yield f"label_smoothing: {config.loss} compares samples and has no labels"
    of_images = isinstance(config.game, Images | Digits)
    if config.evaluate.extractor == "identity" and of_images:
        yield (
            f"evaluate.extractor: identity is for points in the plane, got {config.game.name}; "
            "use pixels"
        )
    elif config.evaluate.extractor not in (None, "identity") and not of_images:
        yield (
            f"evaluate.extractor: needs a game of images, got {config.game.name}; use identity "
            "for points"
        )
    least = fewest(config.evaluate.splits)
    if config.evaluate.extractor and config.evaluate.samples < least:
        yield (
            f"evaluate.samples: {config.evaluate.splits} splits and five neighbours need at least "
            f"{least}, got {config.evaluate.samples}"
        )
    if config.budget is not None and isinstance(config.lr_schedule, Cosine | Linear):
        yield (
            f"lr_schedule: {config.lr_schedule.name} follows the number of steps, which a budget "
            "leaves open; use constant, exponential or step"
        )
    if config.precision == "fp16" and config.device == "cpu":
        yield "precision: fp16 needs device cuda; use bf16 or fp32 on the CPU"
    yield from _misfits_of_optimizers(config)
    if isinstance(config.game, Images) and config.data.path is None:
        yield (
            "data.path: the images game needs a folder, zip, npz or the CIFAR-10 archive: "
            "--data.path PATH"
        )
    if not isinstance(config.game, Images) and config.data.path is not None:
        yield (
            f"data.path: the {config.game.name} game brings its own data, got "
            f"{config.data.path!r}; write null there, or choose game images"
        )
    if isinstance(config.game, Digits | Images) and config.evaluate.samples < 2:
        yield "evaluate.samples: a distance of images needs at least 2"
    if isinstance(config.model, Conv | Resnet):
        yield from _misfits_of_convolutions(config.game, config.model)


def _misfits_of_optimizers(config: Config) -> Iterator[str]:
    sections = {
        "generator": config.optimizer.generator,
        "discriminator": config.optimizer.discriminator,
    }
    for part in (config.method, config.schedule):
        for player, section in sections.items():
            plain = isinstance(section, Sgd) and not section.momentum
            if isinstance(part, WHOLE_STEPS) and not plain:
                yield (
                    f"optimizer.{player}.name: {part.name} makes whole steps by itself, which "
                    f"{section.name} would change again; use sgd without momentum "
                    "(optimizer.generator.name: sgd, and the discriminator's)"
                )


def _misfits_of_convolutions(game: Game, model: Conv | Resnet) -> Iterator[str]:
    if not isinstance(game, Digits | Images):
        yield f"model.name: {model.name} makes images and the {game.name} game has none; use mlp"
        return
    size = game.size if isinstance(game, Images) else 8
    if size % 2**model.halvings:
        yield (
            f"model.name: {model.name} needs images of a multiple of "
            f"{2**model.halvings} pixels a side, got {size}"
        )
