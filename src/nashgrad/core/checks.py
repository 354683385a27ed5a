"""Promises a game makes that can be checked on its first batch."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from nashgrad.core.batches import head_twice
from nashgrad.core.game import Game, Losses
from nashgrad.core.linearization import Query

HEAD = 16
"""Samples on which losses are checked to be means."""


def _losses(query: Query) -> Losses:
    # Gradients stay on: a penalty takes them inside of its loss.
    return {
        p: loss.detach()
        for p, loss in replace(query, order=2, update_buffers=False).losses().items()
    }


def _differs(a: Tensor, b: Tensor) -> bool:
    rtol = torch.finfo(a.dtype).eps ** 0.5
    return not torch.allclose(a, b, rtol=rtol, atol=rtol, equal_nan=True)


def random_players(query: Query) -> list[str]:
    """The players whose loss changes when it is evaluated once more on the same batch."""
    first, second = _losses(query), _losses(query)
    return [p for p in first if _differs(first[p], second[p])]


def check_means(query: Query) -> None:
    """Takes the first samples twice: means stay, sums double.

    Raises:
        ValueError: Naming the player whose loss is not a mean over the batch.
    """
    once, twice = head_twice(query.batch, HEAD)
    one, two = _losses(replace(query, batch=once)), _losses(replace(query, batch=twice))
    changed = {p: loss for p, loss in one.items() if _differs(loss, two[p])}
    # A loss that changes by itself says nothing here.
    random = random_players(replace(query, batch=once)) if changed else []
    for player, loss in changed.items():
        if player not in random:
            raise ValueError(
                f"player {player!r}: its loss is no mean over the batch "
                f"({loss.item():.6g} on some samples, {two[player].item():.6g} on the same samples "
                "twice), which micro-batches and ranks rest on"
            )


def check_third_derivatives(game: Game) -> None:
    """Looks for layers whose third derivative torch gets wrong without a word (its issue 186256).

    Raises:
        ValueError: Names a layer that normalises by the statistics of its own input.
    """
    for name, layer in game.named_modules():
        batch = isinstance(layer, _NormBase) and (layer.training or layer.running_mean is None)
        if batch or isinstance(layer, nn.LayerNorm):
            raise ValueError(
                f"module {name!r}: torch's third derivative of {type(layer).__name__} is wrong, "
                "and this needs it; use another norm, or eval() where that freezes the statistics"
            )
