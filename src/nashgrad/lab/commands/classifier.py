"""`nashgrad classifier`: a small classifier of a configuration's images."""

from __future__ import annotations

from dataclasses import replace

from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.config import Config
from nashgrad.lab.runs.checkpoint import steps_in
from nashgrad.lab.scoring.classifier import train_if_missing
from nashgrad.lab.training.ranks import local_device
from nashgrad.lab.training.tasks import ImageTask, build_task


def train_classifier(config: Config, epochs: int) -> int:
    """Trains a classifier of a configuration's images, unless there is one, and says how good.

    Raises:
        UsageError: The configuration has no images with labels.
    """
    # It may ask for scores by the very classifier that is trained here.
    task = build_task(replace(config, evaluate=replace(config.evaluate, extractor=None)))
    if not isinstance(task, ImageTask):
        raise UsageError("game.name: a classifier needs a game of images")
    folder, network = train_if_missing(task.images, local_device(config.device), epochs)
    print(  # noqa: T201
        f"{folder}: trained for {steps_in(folder)[-1]} epochs, right on {network.accuracy:.1%} of "
        "held-out images"
    )
    return 0
