"""What a run generates: its real batches, and how generated samples are judged and drawn."""

from __future__ import annotations

import abc
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor

from nashgrad.data import (
    Images,
    Mixture,
    Stream,
    digits,
    grid,
    image_loader,
    load_images,
    named_generator,
    random_flip,
    ring,
    sample_stream,
    stream,
)
from nashgrad.data.stream import Further
from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.common.waiting import Waiting
from nashgrad.lab.config import Config, Digits, Grid, Ring
from nashgrad.lab.config import Images as ImagesGame
from nashgrad.lab.scoring.extractors import FeatureScores, Wanted
from nashgrad.lab.training.ranks import local_device
from nashgrad.metrics import ClassScorer, FrechetDistance, Identity, Pixels, mixture_scores
from nashgrad.plots import density, new_figure, to_pil

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL.Image import Image

    Picture: TypeAlias = Figure | Image

REAL_IMAGES = 4_096
"""Real images that a distance is taken to."""

POOLED = 8
"""The side to which images are averaged down for their distance; smaller ones stay as they are."""

PICTURED = 2_560
"""Points in a picture of a density, as in the paper's figure 2."""


class Task(abc.ABC):
    """What a run generates."""

    shape: tuple[int, ...]
    labels: int = 0
    images: Images | None = None
    _features: FeatureScores | None = None

    @abc.abstractmethod
    def stream(self, latent: int, device: torch.device, draws: Further | None = None) -> Stream:
        """Training's batches; `draws` are further entries that a game needs."""

    @abc.abstractmethod
    def real(self, seed: int, count: int) -> Tensor:
        """Real samples to hold generated ones against."""

    @abc.abstractmethod
    def own_scores(self, samples: Tensor) -> dict[str, float]:
        """How good generated samples are, by name, whatever extractor is asked for."""

    @abc.abstractmethod
    def own_facts(self, samples: int) -> dict[str, Any]:
        """By which extractor that is, and against how many real samples."""

    def scores(self, samples: Tensor) -> dict[str, float]:
        """The task's own scores, and those by features where an extractor is asked for."""
        values = self.own_scores(samples)
        if self._features is not None:
            try:
                values |= self._features.named(samples)
            except ValueError as error:
                raise UsageError(f"evaluate.extractor: {error}") from error
        return values

    def facts(self, samples: int, *, ema: bool) -> dict[str, Any]:
        """What to state beside the scores: by which extractor, of how many samples ...

        Where an extractor is asked for it comes first, and the task's own scores have theirs.
        """
        own = self.own_facts(samples)
        if self._features is None:
            return {"extractor": own.pop("extractor"), "samples": samples, **own, "ema": ema}
        mine = {f"own_{key}": value for key, value in own.items()}
        return {**self._features.facts(samples, ema=ema), **mine}

    @abc.abstractmethod
    def picture(self, samples: Tensor) -> Picture:
        """Generated samples as a picture of their own."""

    def _judged_by_features(self, config: Config) -> None:
        """Takes the extractor that a configuration asks for, if it asks for one."""
        asked = config.evaluate
        if asked.extractor is None:
            return
        wanted = Wanted(asked.extractor, asked.weights, local_device(config.device))
        real = self.real(asked.seed, asked.samples)
        try:
            self._features = FeatureScores(wanted.build(self.images), real, asked.splits)
        except ValueError as error:
            raise UsageError(f"evaluate.samples: {error}") from error


class MixtureTask(Task):
    """Points of a mixture of Gaussians in the plane."""

    def __init__(self, mixture: Mixture, stratified: bool, config: Config) -> None:
        self.mixture, self.shape = mixture, (2,)
        self._stratified, self._batch, self._seed = stratified, config.data.batch, config.seed
        self._limit = float(mixture.means.abs().max()) * 1.6
        self._target = mixture.sample(PICTURED, named_generator(config.evaluate.seed, "target"))
        self._judged_by_features(config)

    def real(self, seed: int, count: int) -> Tensor:
        """Points drawn one by one, not equally many of each mode."""
        return self.mixture.sample(count, named_generator(seed, "real"))

    def stream(self, latent: int, device: torch.device, draws: Further | None = None) -> Stream:
        def draw(generator: torch.Generator) -> Tensor:
            return self.mixture.sample(self._batch, generator, stratified=self._stratified)

        return sample_stream(draw, latent, device, self._seed, draws=draws)

    def own_scores(self, samples: Tensor) -> dict[str, float]:
        return mixture_scores(samples, self.mixture)

    def own_facts(self, samples: int) -> dict[str, Any]:
        return {"extractor": Identity.name, "real": samples}  # the distance is to as many points

    def picture(self, samples: Tensor) -> Picture:
        figure, [[ax]] = new_figure(width=3, height=3)
        self.draw(ax, samples)
        return figure

    def draw(self, ax: Axes, samples: Tensor) -> None:
        """The density of generated samples over that of the target, on an axis."""
        density(ax, samples[:PICTURED], self._target, limit=self._limit)


class ImageTask(Task):
    """Images, judged by the Frechet distance of their pixels (averaged down to 8x8)."""

    images: Images

    def __init__(self, images: Images, config: Config, *, flips: bool, conditional: bool) -> None:
        self.images, self.shape = images, images.shape
        self._data, self._seed = config.data, config.seed
        self._flips, self._conditional = flips, conditional
        if conditional:
            if images.labels is None:
                raise UsageError(
                    "game.conditional: these images have no labels; use subfolders as classes"
                )
            self.labels = images.class_count
        small = max(images.shape[-2:]) <= POOLED
        self._pixels = Pixels(None if small else POOLED)
        real = self.real(config.evaluate.seed, REAL_IMAGES)
        self._real, self._distance = len(real), FrechetDistance(real, self._pixels)
        self._judged_by_features(config)

    def real(self, seed: int, count: int) -> Tensor:
        """Real images drawn without replacement, as many as there are at most."""
        chosen = torch.randperm(len(self.images), generator=named_generator(seed, "real"))
        return self.images.scaled(chosen[:count])

    def stream(self, latent: int, device: torch.device, draws: Further | None = None) -> Stream:
        if len(self.images) < self._data.batch:
            raise UsageError(
                f"data.batch: {self._data.batch} is more than the {len(self.images)} images; "
                "take more images or a smaller batch"
            )
        loader = image_loader(self.images, self._data.batch)
        flips = random_flip if self._flips else None
        return stream(loader, latent, device, self._seed, augment=flips, draws=draws)

    def own_scores(self, samples: Tensor) -> dict[str, float]:
        return {"frechet_pixels": self._distance(samples)}

    def own_facts(self, samples: int) -> dict[str, Any]:
        return {"extractor": self._pixels.name, "real": self._real}

    def picture(self, samples: Tensor) -> Picture:
        return to_pil(samples[:64])


class DigitsTask(ImageTask):
    """scikit-learn's digits, whose classes a logistic regression knows."""

    def __init__(self, config: Config) -> None:
        images = digits()
        super().__init__(images, config, flips=False, conditional=False)
        self._classes = _digit_classes()

    def own_scores(self, samples: Tensor) -> dict[str, float]:
        shares = self._classes.shares(samples)
        return {
            **super().own_scores(samples),
            "class_entropy": self._classes.entropy(samples),
            "smallest_class": min(shares),
            "largest_class": max(shares),
        }

    def own_facts(self, samples: int) -> dict[str, Any]:
        by = f"logistic regression (right on {self._classes.train_accuracy:.1%} of the data)"
        return {**super().own_facts(samples), "classes_by": by}


@cache
def _digit_classes() -> ClassScorer:
    """Fitted once in a process: it takes a second, and a sweep tries many games."""
    images = digits()
    assert images.labels is not None
    return ClassScorer(images.scaled(), images.labels)


def build_task(config: Config) -> Task:
    """The task that a configuration names.

    Raises:
        UsageError: For data that is missing or does not fit.
    """
    try:
        return _build_task(config)
    except ImportError as error:
        raise UsageError(f"game.name: {error}") from error


def _build_task(config: Config) -> Task:
    game = config.game
    if isinstance(game, Ring):
        return MixtureTask(ring(game.modes, game.radius, game.sigma), game.stratified, config)
    if isinstance(game, Grid):
        return MixtureTask(grid(game.side, game.spacing, game.sigma), game.stratified, config)
    if isinstance(game, Digits):
        return DigitsTask(config)
    return ImageTask(_load(game, config), config, flips=game.flips, conditional=game.conditional)


def _load(game: ImagesGame, config: Config) -> Images:
    assert config.data.path is not None
    try:
        with Waiting("images") as waiting:
            images = load_images(
                config.data.path,
                size=game.size,
                crop=game.crop,
                channels=game.channels,
                skip_broken=config.data.skip_unreadable,
                workers=config.data.workers,
                progress=partial(waiting.update, "decoding"),
            )
    except (OSError, ValueError) as error:
        text = str(error).replace("skip_broken=True", "--data.skip_unreadable true")
        raise UsageError(f"data.path: {text}") from error
    if images.skipped:
        print(f"data.path: skipped {images.skipped} images that cannot be decoded")  # noqa: T201
    return images
