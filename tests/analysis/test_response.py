"""What a field feels of its batch."""

import pytest
import torch
from torch import nn

import nashgrad as ng
from nashgrad.analysis.response import response

F64 = torch.float64


def batches(count: int = 4, size: int = 32) -> list[dict[str, torch.Tensor]]:
    draw = torch.Generator().manual_seed(0)
    return [
        {
            "real": torch.randn(size, 2, generator=draw, dtype=F64),
            "latent": torch.randn(size, 3, generator=draw, dtype=F64),
        }
        for _ in range(count)
    ]


def gan() -> ng.GAN:
    torch.manual_seed(0)
    g = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
    d = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    return ng.GAN(g, d).double()


def test_a_generator_does_not_see_the_data_and_a_discriminator_sees_both() -> None:
    felt = response(ng.GameField(gan()), batches())
    assert felt["generator"].keys() == {"latent"}
    assert felt["discriminator"].keys() == {"real", "latent"}
    assert min(min(f.values()) for f in felt.values()) > 0


def test_it_is_the_variance_over_batches_that_differ_in_one_entry() -> None:
    game, seen = gan(), batches()
    field = ng.GameField(game)
    found = response(field, seen)["discriminator"]["latent"]
    values = [
        field.linearize({"real": seen[0]["real"], "latent": b["latent"]}, order=1).value
        for b in seen
    ]
    block = torch.stack(values)[:, field.space.block("discriminator")]
    assert found == pytest.approx(block.var(0).sum().item(), rel=1e-12)


def test_a_generator_that_makes_one_point_silences_the_latents() -> None:
    game = gan()
    with torch.no_grad():
        game.generator[-1].weight.zero_()
    felt = response(ng.GameField(game), batches())
    assert felt["discriminator"]["latent"] < 1e-20 < felt["discriminator"]["real"]


@pytest.mark.parametrize("seen", [[None], batches()[:2], [{"real": torch.ones(4, 2)}] * 3])
def test_where_nothing_can_be_exchanged(seen: list) -> None:
    assert response(ng.GameField(gan()), seen) == {}
