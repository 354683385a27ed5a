"""`nashgrad doctor`: what will break a game, before it is trained."""

from __future__ import annotations

from dataclasses import replace

import torch

from nashgrad.analysis.doctor import doctor
from nashgrad.lab.config import Config
from nashgrad.lab.training.build import build_game
from nashgrad.lab.training.tasks import build_task


def examine(config: Config) -> int:
    """Prints the doctor's findings on the game of a configuration.

    Returns:
        0, or 10 where there is an error among them.
    """
    config = replace(config, out=None)
    task = build_task(config)
    game = build_game(config, task, torch.device("cpu"))
    stream = task.stream(config.model.latent, torch.device("cpu"), game.draws)
    found = doctor(game, next(stream))
    print(found)  # noqa: T201
    return 0 if found.ok else 10
