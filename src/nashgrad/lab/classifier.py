"""`nashgrad classifier`: a small classifier of a data set, trained once and kept."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from nashgrad.data import Images
from nashgrad.lab.checkpoint import load_latest, save, steps_in
from nashgrad.lab.config import Config
from nashgrad.lab.errors import UsageError, file_errors
from nashgrad.lab.ranks import local_device
from nashgrad.lab.waiting import Waiting
from nashgrad.metrics import Classifier


def train_classifier(config: Config, epochs: int) -> int:
    """Trains a classifier of a configuration's images, unless there is one, and says how good.

    Raises:
        UsageError: The configuration has no images with labels.
    """
    from nashgrad.lab.tasks import ImageTask, build_task

    # A configuration may ask for scores by the very classifier that is trained here.
    task = build_task(replace(config, evaluate=replace(config.evaluate, extractor=None)))
    if not isinstance(task, ImageTask):
        raise UsageError("game.name: a classifier needs a game of images")
    folder, device = _folder(task.images), local_device(config.device)
    try:
        network = _kept(folder, task.images, device)
    except UsageError:  # none yet, or a damaged one
        network = _untrained(task.images, device)
        with Waiting("steps") as waiting:
            try:
                network.fit(
                    task.images.scaled,
                    _labels(task.images),
                    epochs=epochs,
                    progress=partial(waiting.update, "classifier"),
                )
            except ValueError as error:
                raise UsageError(f"data.path: {error}") from error
        state = {"network": network.network.state_dict(), "accuracy": network.accuracy}
        with file_errors(folder):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        save(folder, epochs, state, folder.name)
    print(  # noqa: T201
        f"{folder}: trained for {steps_in(folder)[-1]} epochs, right on {network.accuracy:.1%} of "
        "held-out images"
    )
    return 0


def trained_classifier(images: Images, device: torch.device | str = "cpu") -> Classifier:
    """The classifier of a data set.

    Raises:
        UsageError: There is none yet, or it is damaged.
    """
    folder = _folder(images)
    if not folder.exists():
        raise UsageError("no classifier of these images yet; train it: nashgrad classifier CONFIG")
    try:
        return _kept(folder, images, device)
    except UsageError as error:
        raise UsageError(f"{error}; train it again: nashgrad classifier CONFIG") from error


def _kept(folder: Path, images: Images, device: torch.device | str) -> Classifier:
    state = load_latest(folder, folder.name).state
    network = _untrained(images, device)
    try:
        network.network.load_state_dict(state["network"])
    except RuntimeError as error:
        raise UsageError(f"{folder}: holds another network") from error
    network.accuracy = state["accuracy"]
    return network


def _untrained(images: Images, device: torch.device | str) -> Classifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Classifier(images.shape[0], images.class_count, device)


def _labels(images: Images) -> torch.Tensor:
    if images.labels is None:
        raise UsageError("a classifier needs labels; use subfolders as classes")
    return images.labels


def _folder(images: Images) -> Path:
    """Where the classifier of just these images is kept."""
    digest = hashlib.sha256(repr((tuple(images.pixels.shape), images.maximum)).encode())
    for array in (images.pixels, _labels(images)):
        digest.update(array.contiguous().numpy().data)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "nashgrad" / "classifiers" / digest.hexdigest()[:16]
