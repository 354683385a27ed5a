"""Initial weights by name, drawn from a generator of the caller's."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

Initializer = Callable[[nn.Module, torch.Generator | None], None]

LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


def _paper(layer: nn.Module, generator: torch.Generator | None) -> None:
    nn.init.xavier_uniform_(layer.get_parameter("weight"), generator=generator)
    _zero_bias(layer)


def _he(layer: nn.Module, generator: torch.Generator | None) -> None:
    nn.init.kaiming_normal_(layer.get_parameter("weight"), nonlinearity="relu", generator=generator)
    _zero_bias(layer)


def _torch(layer: nn.Module, generator: torch.Generator | None) -> None:
    weight = layer.get_parameter("weight")
    bound = 1 / math.sqrt(weight[0].numel())
    nn.init.uniform_(weight, -bound, bound, generator=generator)
    bias = _bias(layer)
    if bias is not None:
        nn.init.uniform_(bias, -bound, bound, generator=generator)


def _bias(layer: nn.Module) -> Tensor | None:
    return dict(layer.named_parameters(recurse=False)).get("bias")


def _zero_bias(layer: nn.Module) -> None:
    bias = _bias(layer)
    if bias is not None:
        nn.init.zeros_(bias)


INITIALIZERS: dict[str, Initializer] = {"paper": _paper, "torch": _torch, "he": _he}


def initialize(module: nn.Module, name: str, generator: torch.Generator | None = None) -> None:
    """Draw the weights of every linear and convolutional layer of `module` anew.

    With fan_in and fan_out as `torch.nn.init` counts them:

    - `paper`: Glorot uniform, U(-b, b) with b = sqrt(6 / (fan_in + fan_out)), zero bias;
    - `torch`: torch's own default, weight and bias U(-b, b) with b = 1 / sqrt(fan_in);
    - `he`: N(0, 2 / fan_in), zero bias.

    On the mixture of Gaussians this choice decides between success and failure.

    Args:
        name: One of `paper`, `torch` and `he`.
        generator: Where the numbers come from; torch's global generator when None. The layers
            are visited in the order of `module.modules()`.

    Raises:
        ValueError: The name is unknown.

    Source: X. Glorot, Y. Bengio, Understanding the difficulty of training deep feedforward
    neural networks, 2010; K. He et al., Delving deep into rectifiers, 2015.
    """
    if name not in INITIALIZERS:
        raise ValueError(f"initialization {name!r}: unknown, choose from {', '.join(INITIALIZERS)}")
    for layer in module.modules():
        if isinstance(layer, LAYERS):
            INITIALIZERS[name](layer, generator)
