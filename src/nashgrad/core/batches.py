"""Batches as pytrees of tensors whose leading dimension counts samples."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

from nashgrad.core.game import Batch


def _is_sampled(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.dim() > 0


def batch_size(batch: Batch) -> int:
    """The number of samples: the leading dimension that all tensors of the batch share.

    A batch without tensors (a closed-form game's `None`) counts as one sample.

    Raises:
        ValueError: When leading dimensions differ.
    """
    sizes = {leaf.shape[0] for leaf in tree_leaves(batch) if _is_sampled(leaf)}
    if len(sizes) > 1:
        raise ValueError(f"batch: tensors have different numbers of samples {sorted(sizes)}")
    return sizes.pop() if sizes else 1


def split_batch(batch: Batch, parts: int) -> list[Batch]:
    """Cuts a batch into disjoint parts whose sizes differ by one at most.

    Leaves without samples are shared.

    Raises:
        ValueError: When there are fewer samples than parts.
    """
    size = batch_size(batch)
    if parts > size:
        raise ValueError(f"batch: {size} samples cannot be cut into {parts} parts; use fewer parts")
    leaves, tree = tree_flatten(batch)
    cut = [x.tensor_split(parts) if _is_sampled(x) else [x] * parts for x in leaves]
    return [tree_unflatten(list(part), tree) for part in zip(*cut, strict=True)]


def head_twice(batch: Batch, at_most: int) -> tuple[Batch, Batch]:
    """The first samples of a batch, and the same samples taken twice."""
    head = tree_map(lambda x: x[:at_most] if _is_sampled(x) else x, batch)
    return head, tree_map(lambda x: torch.cat([x, x]) if _is_sampled(x) else x, head)
