"""Tensors and array-likes as NumPy arrays."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor


def to_numpy(values: Tensor | ArrayLike) -> NDArray[np.float64]:
    """A float64 copy on the CPU, without the graph; bfloat16, which NumPy lacks, included."""
    if isinstance(values, Tensor):
        return values.detach().to("cpu", torch.float64).numpy()
    return np.asarray(values, dtype=np.float64)
