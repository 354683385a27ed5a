"""Activations by name."""

from collections.abc import Callable
from functools import partial

from torch import nn

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "none": nn.Identity,
    "relu": nn.ReLU,
    "leaky_relu": partial(nn.LeakyReLU, 0.2),
    "tanh": nn.Tanh,
}


def activation(name: str) -> nn.Module:
    """A new activation module: `none`, `relu`, `leaky_relu` (slope 0.2) or `tanh`.

    Raises:
        ValueError: The name is unknown.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"activation {name!r}: unknown, choose from {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]()
