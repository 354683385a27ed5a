"""Spectral normalisation of whole networks."""

import torch
from torch import nn

from nashgrad.models import MLP, spectrally_normalized


def test_every_layer_has_norm_one() -> None:
    torch.manual_seed(0)
    net = spectrally_normalized(MLP([3, 5, 4, 1]).double())
    x = torch.randn(2, 3, dtype=torch.float64)
    for _ in range(200):  # one power iteration each
        net(x)
    layers = [m for m in net.modules() if isinstance(m, nn.Linear)]
    assert len(layers) == 3
    for layer in layers:
        norm = torch.linalg.matrix_norm(layer.weight.detach(), 2)
        torch.testing.assert_close(norm, torch.ones_like(norm))
