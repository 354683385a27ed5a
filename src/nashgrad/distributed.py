"""Data parallelism without a wrapper: broadcast once, then average flat vectors over ranks."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor, nn

from nashgrad.core.batches import split_batch
from nashgrad.core.game import Batch


def all_reduce_mean(vector: Tensor, samples: int) -> Tensor:
    """The mean over ranks of a flat vector, weighted by each rank's samples; one all-reduce.

    Pass it as `reduce` to a [`GameField`][nashgrad.GameField]. Averaging v first and J^T v
    afterwards gives the field of the whole batch exactly; averaging each rank's regularised
    gradients would give another method.

    Raises:
        RuntimeError: When no process group was set up.
    """
    if not dist.is_initialized():
        raise RuntimeError(
            "no process group: call torch.distributed.init_process_group, or run torchrun"
        )
    packed = torch.cat([vector * samples, vector.new_full((1,), float(samples))])
    dist.all_reduce(packed)
    return packed[:-1] / packed[-1]


def share(batch: Batch) -> Batch:
    """This rank's part of a batch that all ranks draw alike; the batch itself in a single process.

    Raises:
        ValueError: There are fewer samples than ranks.
    """
    if not dist.is_initialized():
        return batch
    return split_batch(batch, dist.get_world_size())[dist.get_rank()]


@torch.no_grad()
def broadcast_(game: nn.Module, source: int = 0) -> None:
    """Overwrites every rank's parameters and buffers with those of one rank."""
    for tensor in [*game.parameters(), *game.buffers()]:
        dist.broadcast(tensor.data, source)
