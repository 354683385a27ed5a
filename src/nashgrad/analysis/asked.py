"""What a diagnosis is asked with: checked, and brought into one form."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from nashgrad.core.batches import batch_size, split_batch
from nashgrad.core.checks import random_message
from nashgrad.core.field import GameField
from nashgrad.core.game import Batch

PARTS = 8
"""Parts that a single batch is cut into, to see its noise."""


def check_kinds(field: object, optimizer: object, adjustment: object, schedule: object) -> None:
    """Raises `TypeError` for an argument of another kind."""
    expected = {
        "field": (field, "evaluate", "a GameField: GameField(game)"),
        "optimizer": (optimizer, "step_sizes", "a GameOptimizer"),
        "adjustment": (adjustment, "update", "an adjustment such as Consensus(1.0)"),
        "schedule": (schedule, "linear", "a schedule such as Alternating()"),
    }
    for name, (value, has, what) in expected.items():
        if value is not None and (isinstance(value, type) or not hasattr(value, has)):
            raise TypeError(f"{name}: expected {what}, got {value!r:.80}")


def check_latent(batch: Batch, latent: str | None) -> None:
    """Raises `ValueError` for an entry that the batch has not."""
    if latent is not None and (not isinstance(batch, Mapping) or latent not in batch):
        there = ", ".join(map(repr, batch)) if isinstance(batch, Mapping) else "no names"
        raise ValueError(f"latent: the batch has no entry {latent!r}; it has {there}")


def several(batches: Batch | list[Batch], exact: bool | None, confidence: float) -> list[Batch]:
    """The batches that are looked at: those of a list, or the parts of a single one."""
    if isinstance(batches, Iterator) or hasattr(batches, "batch_sampler"):
        kind = type(batches).__name__
        raise TypeError(f"batches: expected a list of batches, got a {kind}: list(islice(it, 8))")
    found = list(batches) if isinstance(batches, list) else [batches]
    if not found:
        raise ValueError("batches: there are none")
    if len(found) > 1 and exact:
        raise ValueError("exact: several batches are not all there is; pass one")
    if len(found) == 1 and found[0] is not None and not exact:
        samples = batch_size(found[0])
        if samples < 2 * PARTS:
            raise ValueError(
                f"batches: {samples} samples are too few to see noise: pass several batches, or "
                "exact=True where they are all there is"
            )
        found = split_batch(found[0], PARTS)
    # Of m batches no p value is below 2^(1-m).
    fewest = 2 + math.floor(-math.log2(1 - confidence))
    if 1 < len(found) < fewest:
        raise ValueError(
            f"batches: {len(found)} are too few to tell v from zero at a confidence of "
            f"{confidence:g}; pass at least {fewest}"
        )
    return found


def refuse_random(field: GameField, batch: Batch) -> None:
    """Raises `ValueError` for a game whose losses draw random numbers."""
    if random := field.random_players(batch):
        raise ValueError(f"{random_message(random[0])}: its Jacobian has no meaning")


def step_sizes(field: GameField, steps: Tensor | float | None) -> Tensor | None:
    """A step for each coordinate, `(n,)`, float64 on the host; `None` without steps."""
    if steps is None:
        return None
    n = field.space.size
    tensor = torch.as_tensor(steps, dtype=torch.float64).detach().cpu()
    if bool(tensor.isnan().any()) or bool((tensor < 0).any()):
        raise ValueError("steps: must be positive numbers; some are negative or NaN")
    if tensor.dim() == 0:
        tensor = tensor.expand(n)
    if tensor.shape != (n,):
        raise ValueError(f"steps: expected shape ({n},), got {tuple(tensor.shape)}")
    # A coordinate that has had no gradient may have an infinite step; it does not move.
    return torch.where(tensor.isfinite(), tensor, 0.0)
