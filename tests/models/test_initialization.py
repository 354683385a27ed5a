import math

import pytest
import torch
from torch import nn

from nashgrad.models import MLP, dcgan, initialize

LAYERS = [nn.Linear(30, 50), nn.Conv2d(8, 16, 5), nn.ConvTranspose2d(8, 16, 5)]


def fans(layer):
    weight = layer.weight
    return weight[0].numel(), weight[:, 0].numel()


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_paper_is_glorot_uniform_with_zero_bias(layer):
    initialize(layer, "paper")
    bound = math.sqrt(6 / sum(fans(layer)))
    assert 0.95 * bound < layer.weight.abs().max() <= bound
    assert not layer.bias.any()


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_torch_is_what_the_layer_does_by_itself(layer):
    initialize(layer, "torch", torch.Generator().manual_seed(3))
    drawn = [p.detach().clone() for p in layer.parameters()]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        layer.reset_parameters()
    torch.testing.assert_close(drawn, [p.detach() for p in layer.parameters()])


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_he_has_the_variance(layer):
    initialize(layer, "he")
    assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / fans(layer)[0]), rel=0.1)
    assert not layer.bias.any()


@pytest.mark.parametrize("name", ["paper", "torch", "he"])
def test_a_generator_makes_the_global_one_irrelevant(name):
    def build(seed):
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(7)
        nets = [
            MLP([3, 4, 1], initialization=name, generator=generator),
            *dcgan("dcgan4", size=16, filters=2, initialization=name, generator=generator),
        ]
        return [p.detach() for net in nets for p in net.parameters()]

    with torch.random.fork_rng(devices=[]):
        first, second = build(0), build(1)
    assert all(map(torch.equal, first, second))


def test_unknown_name():
    message = r"^initialization 'xavier': unknown, choose from paper, torch, he$"
    with pytest.raises(ValueError, match=message):
        initialize(nn.Linear(1, 1), "xavier")
