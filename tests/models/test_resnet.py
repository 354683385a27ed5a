"""Residual networks: the table's numbers of parameters, shapes, both initializations, J^T v."""

import pytest
import torch

from nashgrad import GAN, GameField
from nashgrad.models import resnet
from nashgrad.models.resnet import Residual

TINY = {"filters": 2, "size": 16, "channels": 1, "latent": 2}


def test_the_papers_numbers_of_parameters() -> None:
    nets = resnet("resnet_cf", size=64, filters=128)
    counts = [sum(p.numel() for p in net.parameters()) for net in nets]
    assert counts == [2_208_067, 1_979_073]


@pytest.mark.parametrize("name", ["resnet_cf", "resnet"])
@pytest.mark.parametrize("labels", [0, 3])
def test_shapes(name: str, labels: int) -> None:
    generator, discriminator = resnet(name, filters=2, size=32, latent=5, labels=labels)
    label = (torch.tensor([0, 2]),) if labels else ()
    images = generator(torch.randn(2, 5), *label)
    assert images.shape == (2, 3, 32, 32)
    assert images.abs().max() <= 1
    assert discriminator(images, *label).shape == (2, 1)


def test_growing_widths_double() -> None:
    generator, discriminator = resnet("resnet", filters=4, size=16, latent=3)
    ups = [m for m in generator.modules() if isinstance(m, torch.nn.ConvTranspose2d)]
    assert [(u.in_channels, u.out_channels) for u in ups] == [(32, 16), (16, 8), (8, 4), (4, 3)]
    inside = [m.inner[1].out_channels for m in discriminator.modules() if isinstance(m, Residual)]
    assert inside == [2, 4, 8, 16]


def test_a_residual() -> None:
    block = Residual(2, 3, 0.5).double()
    h = torch.randn(1, 2, 4, 4, dtype=torch.float64)
    first, second = block.inner[1], block.inner[3]
    act = torch.nn.functional.leaky_relu
    torch.testing.assert_close(block(h), h + 0.5 * second(act(first(act(h, 0.2)), 0.2)))


def test_the_earlier_generation_starts_from_the_identity() -> None:
    """Its residuals are not scaled: their second convolutions are next to zero at first."""
    draw = torch.Generator().manual_seed(0)
    for net in resnet("resnet_cf", **TINY | {"filters": 32}, factor=1.0, generator=draw):
        lasts = [m.inner[3].weight for m in net.modules() if isinstance(m, Residual)]
        values = torch.cat([w.detach().flatten() for w in lasts])
        assert float(values.std()) == pytest.approx(1e-5, rel=0.05)


def test_the_product_with_the_transposed_jacobian() -> None:
    nets = [net.double() for net in resnet("resnet_cf", **TINY)]
    field = GameField(GAN(*nets))
    draw = torch.Generator().manual_seed(1)
    batch = {
        "real": torch.randn(3, 1, 16, 16, generator=draw, dtype=torch.float64),
        "latent": torch.randn(3, 2, generator=draw, dtype=torch.float64),
    }
    at = field.linearize(batch)
    v = at.value
    # The same as the gradient of |v|^2 / 2. (Differences are no reference: activations that are
    # exactly zero, at borders, sit on a kink.)
    game, losses = field.game, field.game(batch, ("generator", "discriminator"))
    own = {name: list(getattr(game, name).parameters()) for name in losses}
    squares = [
        torch.cat([g.flatten() for g in torch.autograd.grad(losses[n], own[n], create_graph=True)])
        .square()
        .sum()
        for n in losses
    ]
    every = [p for n in field.space.players for p in own[n]]
    gradient = torch.autograd.grad(torch.stack(squares).sum() / 2, every)
    torch.testing.assert_close(at.jacobian.T @ v, torch.cat([g.flatten() for g in gradient]))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"size": 24}, "size=24: needs a multiple of 16"),
        ({"filters": 1}, "filters=1: must be at least 2"),
        ({"factor": 0.0}, "factor=0.0: must be greater than 0"),
    ],
)
def test_refusals(changes: dict[str, float], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        resnet("resnet_cf", **changes)


def test_an_unknown_preset() -> None:
    with pytest.raises(ValueError, match="unknown, choose from resnet_cf, resnet"):
        resnet("resnet50")
