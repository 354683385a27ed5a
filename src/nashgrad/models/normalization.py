"""Batch normalisation as the paper has it, and as torch has it."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from nashgrad.models.initialization import LAYERS

Norm = Callable[[type[nn.BatchNorm1d] | type[nn.BatchNorm2d], int], nn.Module]

DECAY = 0.999


def _paper(layer: type[nn.BatchNorm1d] | type[nn.BatchNorm2d], features: int) -> nn.Module:
    norm = layer(features, eps=1e-3, momentum=1 - DECAY)
    # TensorFlow's default has a shift and no scale. Ones that are no parameter stand for it:
    # with a shift alone, torch's second backward raises (2.13).
    del norm.weight
    norm.register_buffer("weight", torch.ones(features), persistent=False)
    return norm


def _torch(layer: type[nn.BatchNorm1d] | type[nn.BatchNorm2d], features: int) -> nn.Module:
    return layer(features)


NORMS: dict[str, Norm | None] = {"none": None, "paper": _paper, "torch": _torch}


def find_norm(name: str) -> Norm | None:
    """How to build a batch normalisation from its layer class and its number of features.

    `paper` is TensorFlow's layer: shift only, decay 0.999, epsilon 1e-3. `torch` is torch's
    default: scale and shift, decay 0.9, epsilon 1e-5. `none` gives None.

    Raises:
        ValueError: The name is unknown.
    """
    if name not in NORMS:
        raise ValueError(f"norm {name!r}: unknown, choose from {', '.join(NORMS)}")
    return NORMS[name]


def spectrally_normalized(module: nn.Module) -> nn.Module:
    """Divide the weights of all linear and convolutional layers by their largest singular value.

    torch's own parametrization, with one power iteration for each forward pass in training mode;
    changes and returns the module. Its estimates start from torch's global generator.

    Source: T. Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018.
    """
    for layer in [m for m in module.modules() if isinstance(m, LAYERS)]:
        spectral_norm(layer)
    return module
