"""The Dirac-GAN with every loss of the paper."""

import math

import pytest
import torch

import nashgrad as ng
from nashgrad.objectives import DIVERGENCES
from nashgrad.objectives.divergences import standard

SLOPES = {"standard": 0.5, "js": 0.5, "kl": 1.0, "tv": 1.0, "indicator": 1.0}  # -g'(0)
FAKE = {"standard": 0.5, "js": 0.5, "kl": 0.5, "tv": 1.0, "indicator": 1.0}  # f'(0)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_the_equilibrium_is_a_centre(name: str) -> None:
    game = ng.DiracGAN(DIVERGENCES[name], start=(0.0, 0.0))
    at = ng.GameField(game).linearize(None)
    assert torch.equal(game.equilibrium(), at.space.get())
    assert not at.value.any()
    frequency = math.sqrt(SLOPES[name] * FAKE[name])
    eigenvalues = torch.linalg.eigvals(game.jacobian())
    assert eigenvalues.real.abs().max() < 1e-14
    assert sorted(eigenvalues.imag.tolist()) == pytest.approx([-frequency, frequency])


def test_losses_by_hand() -> None:
    losses = ng.DiracGAN(standard, start=(0.7, -1.1))(None, ("generator", "discriminator"))
    s = 0.7 * -1.1
    assert losses["generator"].item() == pytest.approx(math.log1p(math.exp(-s)))
    both = math.log(2) + math.log1p(math.exp(s))
    assert losses["discriminator"].item() == pytest.approx(both)


def test_one_player_and_single_precision() -> None:
    game = ng.DiracGAN(dtype=torch.float32)
    assert game.players == ("generator", "discriminator")
    assert set(game(None, ("discriminator",))) == {"discriminator"}
    assert ng.GameField(game).linearize(None).value.dtype == torch.float32
    assert game.jacobian().dtype == torch.float32


def test_the_jacobian_follows_the_parameters() -> None:
    game = ng.DiracGAN(standard, start=(1.0, 1.0))
    before = game.jacobian()
    ng.GameField(game).space.set_(torch.tensor([0.2, 0.1], dtype=torch.float64))
    assert (game.jacobian() - before).abs().max() > 0.05
