"""Which entries of a batch a player's field feels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from nashgrad.core.batches import batch_size
from nashgrad.core.field import GameField
from nashgrad.core.game import Batch


def response(field: GameField, batches: Sequence[Batch]) -> dict[str, dict[str, float]]:
    """The variance of each player's field when one entry of the batch is exchanged for another's.

    For every entry k of a batch that is a mapping: the mean squared deviation of v_i over batches
    that differ in k alone. A generator that has collapsed makes the same of every latent: the
    discriminator's field then hardly changes with the latents while it does with the data.

    Args:
        field: the game's field.
        batches: mappings of the same entries, at least three. Others have no entries to exchange.

    Returns:
        By player, by entry; empty where there is nothing to exchange. An entry on which a player's
        loss does not depend is left out.
    """
    least = min(batch_size(b) for b in batches)
    batches = [b for b in batches if batch_size(b) == least]  # of parts some are larger by one
    if len(batches) < 3 or not all(isinstance(b, Mapping) and len(b) > 1 for b in batches):
        return {}
    first = batches[0]
    felt: dict[str, dict[str, float]] = {player: {} for player in field.space.players}
    for key in first:
        used = _used_by(field, first, key)
        values = torch.stack([_value(field, {**first, key: b[key]}) for b in batches])
        for player in used:
            block = values[:, field.space.block(player)].double()
            felt[player][key] = float((block - block.mean(0)).square().sum() / (len(block) - 1))
    return felt


def _value(field: GameField, batch: Batch) -> Tensor:
    return field.linearize(batch, order=1).value


def _used_by(field: GameField, batch: Mapping[str, object], key: str) -> list[str]:
    """The players whose loss has a graph that reaches an entry; all, where that cannot be told."""
    entry = batch[key]
    if not isinstance(entry, Tensor) or not entry.is_floating_point():
        return list(field.space.players)
    leaf = entry.detach().clone().requires_grad_()
    losses = field.query({**batch, key: leaf}, None, order=1).losses()
    return [
        player
        for player, loss in losses.items()
        if loss.requires_grad
        and torch.autograd.grad(loss, leaf, retain_graph=True, allow_unused=True)[0] is not None
    ]
