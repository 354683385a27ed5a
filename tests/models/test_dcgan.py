from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.autograd import gradgradcheck
from torch.func import functional_call, grad

from nashgrad.models import PRESETS, DCGANConfig, DCGANDiscriminator, dcgan
from nashgrad.models.normalization import find_norm

# The table of the paper's networks: size 32, 256 latents, 64 filters.
COUNTS = {
    "dcgan3": (2_081_667, 1_033_345),
    "dcgan4": (4_832_899, 4_308_609),
    "dcgan4_nobn": (4_832_387, 4_308_609),
    "dcgan3_nobn": (2_081_667, 1_033_345),  # the shifts of dcgan3 are its biases
    "dcgan3_nobn_cf": (472_899, 210_817),
    "dcgan4_nobn_cf": (377_987, 312_513),
    "conv3": (472_899, 735_105),
    "conv4": (575_107, 444_353),
}
SMALL = {"size": 16, "filters": 2, "latent": 3, "channels": 1}


def small(preset, **changes):
    generator = torch.Generator().manual_seed(0)
    return [net.double() for net in dcgan(preset, generator=generator, **{**SMALL, **changes})]


@pytest.mark.parametrize("preset", PRESETS)
def test_parameter_counts_are_the_papers(preset):
    counts = [sum(p.numel() for p in net.parameters() if p.requires_grad) for net in dcgan(preset)]
    assert tuple(counts) == COUNTS[preset]


@pytest.mark.parametrize("preset", PRESETS)
def test_shapes_in_float64(preset):
    generator, discriminator = small(preset, channels=2)
    images = generator(torch.randn(4, 3, dtype=torch.float64))
    assert images.shape == (4, 2, 16, 16)
    assert images.dtype == torch.float64
    assert images.abs().max() <= 1
    assert discriminator(images).shape == (4, 1)


@pytest.mark.parametrize("size", [8, 64])
def test_other_sizes(size):
    generator, discriminator = small("dcgan3", size=size)
    images = generator(torch.randn(2, 3, dtype=torch.float64))
    assert images.shape == (2, 1, size, size)
    assert discriminator(images).shape == (2, 1)


SIDES = ("generator", "discriminator")


def norms(net):
    return [
        type(m).__name__[-2:]
        for m in net.modules()
        if isinstance(m, nn.modules.batchnorm._NormBase)
    ]


def test_batch_norm_lies_where_the_paper_has_it():
    assert [norms(net) for net in dcgan("dcgan3")] == [["1d", "2d", "2d"], ["2d", "2d"]]
    assert [norms(net) for net in dcgan("dcgan4")] == [["2d"] * 4, ["2d"] * 3]


def test_batch_norm_in_one_network():
    only = {side: [norms(net) for net in dcgan("dcgan4", normalized=side)] for side in SIDES}
    assert only == {"generator": [["2d"] * 4, []], "discriminator": [[], ["2d"] * 3]}
    with pytest.raises(ValueError, match=r"^normalized 'none': unknown, choose from both, "):
        dcgan("dcgan4", normalized="none")


def test_paper_batch_norm_shifts_and_does_not_scale():
    norm = find_norm("paper")(nn.BatchNorm2d, 3).double()
    x = torch.randn(4, 3, 2, 2, dtype=torch.float64)
    norm.bias.data = torch.randn(3, dtype=torch.float64)
    mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
    expected = (x.movedim(1, -1) - mean) / (var + 1e-3).sqrt() + norm.bias
    torch.testing.assert_close(norm(x), expected.movedim(-1, 1))
    torch.testing.assert_close(norm.running_mean, 0.001 * mean)
    assert [name for name, _ in norm.named_parameters()] == ["bias"]


def test_torch_batch_norm_is_torchs():
    norm = find_norm("torch")(nn.BatchNorm2d, 3)
    assert (norm.eps, norm.momentum, len(list(norm.parameters()))) == (1e-5, 0.1, 2)


@pytest.mark.parametrize(
    ("preset", "norm"), [("dcgan3", "paper"), ("conv4", "none"), ("dcgan4", "torch")]
)
def test_parameters_are_twice_differentiable(preset, norm):
    generator, discriminator = small(preset, norm=norm)
    latent = torch.randn(3, 3, dtype=torch.float64)
    for net, x in ((generator, latent), (discriminator, generator(latent).detach())):
        names, values = zip(*net.named_parameters(), strict=True)
        # The first weight sees every other layer; its few entries keep the check short.
        first = values[0][:2].detach().requires_grad_()

        def score(rows, net=net, x=x, names=names, values=values):
            weight = torch.cat([rows, values[0][2:].detach()])
            return functional_call(net, {names[0]: weight}, (x,)).square().mean()

        assert gradgradcheck(score, first)


@pytest.mark.parametrize("preset", ["dcgan3", "dcgan4_nobn_cf"])
def test_torch_func_agrees_with_autograd(preset):
    _, net = small(preset)
    x = torch.randn(4, 1, 16, 16, dtype=torch.float64)
    expected = torch.autograd.grad(net(x).sum(), list(net.parameters()))

    def loss(parameters, buffers):
        return functional_call(net, (parameters, buffers), (x,)).sum()

    buffers = {name: b.clone() for name, b in net.named_buffers()}
    found = grad(loss)(dict(net.named_parameters()), buffers)
    torch.testing.assert_close(list(found.values()), list(expected))


def test_conditional_networks():
    generator, discriminator = small("dcgan4_nobn_cf", labels=5)
    latent, label = torch.randn(2, 3, dtype=torch.float64), torch.tensor([0, 4])
    images = generator(latent, label)
    assert not torch.equal(images, generator(latent, label.flip(0)))
    assert not torch.equal(discriminator(images, label), discriminator(images, label.flip(0)))
    with pytest.raises(ValueError, match="conditional on 5 classes"):
        discriminator(images)


def test_one_more_layer_in_the_discriminator():
    config = replace(PRESETS["dcgan4"], **SMALL, discriminator_hidden=(512,))
    linear = [m for m in DCGANDiscriminator(config).modules() if isinstance(m, nn.Linear)]
    assert [layer.out_features for layer in linear] == [512, 1]


def test_bad_descriptions():
    with pytest.raises(
        ValueError, match=r"^size=24: 4 convolutions of stride 2 need a multiple of 16$"
    ):
        DCGANConfig(size=24)
    with pytest.raises(ValueError, match=r"^filters=0: must be at least 1$"):
        DCGANConfig(filters=0)
    with pytest.raises(ValueError, match=r"^model 'vgg': unknown, choose from dcgan3, "):
        dcgan("vgg")
    with pytest.raises(
        ValueError, match=r"^norm 'layer': unknown, choose from none, paper, torch$"
    ):
        dcgan("dcgan3", norm="layer")
