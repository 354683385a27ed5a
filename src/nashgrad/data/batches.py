"""A batch of real samples, its parts known by name."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

Batch = dict[str, Tensor]


def named(batch: Any) -> Batch:
    """Name the parts of a loader's batch: a tensor, a pair (tensor, label) or a dict.

    Raises:
        ValueError: The batch is something else.
    """
    match batch:
        case Tensor():
            return {"real": batch}
        case [Tensor() as real]:
            return {"real": real}
        case [Tensor() as real, Tensor() as label]:
            return {"real": real, "label": label}
        case Mapping() if "real" in batch and all(isinstance(x, Tensor) for x in batch.values()):
            return dict(batch)
    held = f" with keys {', '.join(map(str, batch))}" if isinstance(batch, Mapping) else ""
    raise ValueError(
        f"a batch is a {type(batch).__name__}{held}: expected a tensor, (tensor, label) or a "
        "dict of tensors with the key 'real'"
    )
