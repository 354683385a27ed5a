"""Promises a game makes that can be checked on its first batch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.nn.modules.batchnorm import _NormBase

from nashgrad.core.batches import head_twice
from nashgrad.core.game import Losses
from nashgrad.core.linearization import Query

HEAD = 16
"""Samples on which losses are checked to be means."""


def check_game(query: Query, *, means: bool, repeats: bool) -> None:
    """What can be told from one batch; global random numbers are put back as they were.

    Args:
        query: the batch.
        means: whether the losses have to be means, since they are averaged over parts.
        repeats: whether they are evaluated several times on one batch.

    Raises:
        ValueError: The losses use a trainable parameter of no player, are no means, or draw random
            numbers although they are repeated.
    """
    devices = [query.space.device] if query.space.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        _check_owned(query)
        random = random_players(query)
        if random and repeats:
            raise ValueError(f"{random_message(random[0])}: the batch is evaluated several times")
        if random:
            warnings.warn(random_message(random[0]), stacklevel=5)
        if means:
            _check_means(query)


def random_players(query: Query) -> list[str]:
    """The players whose loss changes when it is evaluated once more on the same batch."""
    first, second = _losses(query), _losses(query)
    return [p for p in first if _differs(first[p], second[p])]


def random_message(player: str) -> str:
    """What to say of a loss that is random beyond the batch."""
    return (
        f"player {player!r}: its loss draws random numbers outside of the batch; "
        "put them into the batch (latents, noise), or switch dropout off"
    )


def _losses(query: Query) -> Losses:
    # Gradients stay on: a penalty takes them inside of its loss.
    losses = replace(query, order=2, update_buffers=()).losses()
    return {player: loss.detach() for player, loss in losses.items()}


def _differs(a: Tensor, b: Tensor) -> bool:
    rtol = torch.finfo(a.dtype).eps ** 0.5
    return not torch.allclose(a, b, rtol=rtol, atol=rtol, equal_nan=True)


def _check_owned(query: Query) -> None:
    """A module that the losses use and the game does not hold would never move, without a word."""
    owned = set(query.space.parameters)
    for player, loss in replace(query, order=2, update_buffers=()).losses().items():
        for leaf in _leaves(loss):
            if isinstance(leaf, nn.Parameter) and leaf not in owned:
                raise ValueError(
                    f"player {player!r}: its loss uses a trainable parameter of shape "
                    f"{tuple(leaf.shape)} that no player owns; give its module to a player, or to "
                    "the context and freeze it"
                )


def _leaves(loss: Tensor) -> Iterator[Tensor]:
    """The tensors at the ends of a graph."""
    seen: set[Node] = set()
    waiting = [loss.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            yield node.variable
        waiting.extend(following for following, _ in node.next_functions)


def _check_means(query: Query) -> None:
    """Takes the first samples twice: means stay, sums double."""
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


def check_third_derivatives(game: nn.Module) -> None:
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
