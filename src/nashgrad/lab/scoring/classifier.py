"""A small classifier of a data set, trained once and kept."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from functools import partial
from pathlib import Path

import torch

from nashgrad.data import Images
from nashgrad.lab.common.errors import UsageError, file_errors
from nashgrad.lab.common.waiting import Waiting
from nashgrad.lab.runs.checkpoint import load_latest, save
from nashgrad.metrics import Classifier


def train_if_missing(
    images: Images, device: torch.device | str, epochs: int
) -> tuple[Path, Classifier]:
    """Where the classifier of a data set is kept, and itself; trained unless it is there.

    Raises:
        UsageError: The images have no labels, or are too few.
    """
    folder = _folder(images)
    with suppress(UsageError):  # none yet, or a damaged one
        return folder, _kept(folder, images, device)
    network = _untrained(images, device)
    with Waiting("steps") as waiting:
        try:
            network.fit(
                images.scaled,
                _labels(images),
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
    return folder, network


def kept_classifier(images: Images, device: torch.device | str = "cpu") -> Classifier:
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
