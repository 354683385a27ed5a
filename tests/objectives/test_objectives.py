"""All losses: gradients against their definitions, and whether they are zero-sum."""

import pytest
import torch
from torch import Tensor, nn

import nashgrad as ng
from nashgrad.models import MLP
from nashgrad.objectives import OBJECTIVES, Divergence, label_smoothing, least_squares

log, exp, sp = torch.log, torch.exp, nn.functional.softplus
LN2 = 0.6931471805599453


def mean(x: Tensor) -> Tensor:
    return x.mean()


def definitions(r: Tensor, f: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """(discriminator, generator) from scores of real and fake samples, as papers print them."""
    d, g = torch.sigmoid(r), torch.sigmoid(f)
    gan = -mean(log(d)) - mean(log(1 - g))
    ra, fa = torch.sigmoid(r - mean(f)), torch.sigmoid(f - mean(r))
    return {
        "standard": (gan, -mean(log(g))),
        "js": (gan, mean(log(1 - g))),
        "kl": (gan, -mean(log(g / (1 - g)))),
        "tv": (mean(torch.tanh(f)) - mean(torch.tanh(r)), -mean(torch.tanh(f))),
        "indicator": (mean(f) - mean(r), -mean(f)),
        "f_kl": (-mean(r) + mean(exp(f - 1)), -mean(exp(f - 1))),
        "f_reverse_kl": (mean(exp(-r)) + mean(f - 1), -mean(f - 1)),
        "f_pearson": (-mean(r) + mean(f**2 / 4 + f), -mean(f**2 / 4 + f)),
        "f_hellinger": (-mean(1 - exp(-r)) + mean(exp(f) - 1), -mean(exp(f) - 1)),
        "f_js": (-mean(LN2 + log(d)) + mean(-log(2 - 2 * g)), mean(log(2 - 2 * g))),
        "f_gan": (gan, mean(log(1 - g))),
        "wasserstein": (mean(f) - mean(r), -mean(f)),
        "hinge": (
            mean(torch.clamp(1 - r, min=0)) + mean(torch.clamp(1 + f, min=0)),
            -mean(f),
        ),
        "lsgan": (mean((r - 1) ** 2) / 2 + mean(f**2) / 2, mean((f - 1) ** 2) / 2),
        "lsgan_pearson": (mean((r - 1) ** 2) / 2 + mean((f + 1) ** 2) / 2, mean(f**2) / 2),
        "relativistic": (-mean(log(torch.sigmoid(r - f))), -mean(log(torch.sigmoid(f - r)))),
        "relativistic_average": (
            -mean(log(ra)) - mean(log(1 - fa)),
            -mean(log(fa)) - mean(log(1 - ra)),
        ),
    }


def scores() -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    r, f = torch.randn(2, 30, 1, generator=draw, dtype=torch.float64)
    return r.requires_grad_(), f.requires_grad_()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_values_and_gradients(name: str) -> None:
    objective, (r, f) = OBJECTIVES[name], scores()
    assert objective.name == name
    found = objective.discriminator_loss(r, f), objective.generator_loss(f, r)
    for mine, printed in zip(found, definitions(r, f)[name], strict=True):
        torch.testing.assert_close(mine, printed)
        torch.testing.assert_close(
            torch.autograd.grad(mine, (r, f), retain_graph=True, allow_unused=True),
            torch.autograd.grad(printed, (r, f), retain_graph=True, allow_unused=True),
        )


def gan(name: str) -> tuple[ng.GAN, dict[str, Tensor]]:
    draw = torch.Generator().manual_seed(1)
    nets = [
        MLP([2, 4, 2], activation="tanh", generator=draw).double(),
        MLP([2, 5, 1], activation="tanh", generator=draw).double(),
    ]
    batch = {k: torch.randn(6, 2, generator=draw).double() for k in ("real", "latent")}
    with torch.no_grad():  # scores beyond 1, where the hinge bends
        for parameter in nets[1].parameters():
            parameter.mul_(3)
    return ng.GAN(*nets, OBJECTIVES[name]), batch


@pytest.mark.parametrize("name", OBJECTIVES)
def test_zero_sum_is_a_claim_about_the_field(name: str) -> None:
    """A field is that of one scalar iff J's off-diagonal blocks are opposite transposes."""
    game, batch = gan(name)
    at = ng.GameField(game).linearize(batch)
    g, d = at.space.block("generator"), at.space.block("discriminator")
    J = at.jacobian.to_dense()
    opposite = (J[g, d] + J[d, g].T).norm() / J[d, g].norm() < 1e-10
    assert opposite == OBJECTIVES[name].zero_sum


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_player_that_moves_alone_sees_the_same_loss(name: str) -> None:
    game, batch = gan(name)
    both = game(batch, ("generator", "discriminator"))
    for player in both:
        torch.testing.assert_close(game(batch, (player,))[player], both[player])


def test_label_smoothing_is_one_sided() -> None:
    r, f = scores()
    standard = OBJECTIVES["standard"]
    assert isinstance(standard, Divergence)
    smooth = label_smoothing(standard, 0.1)
    expected = 0.9 * sp(-r).mean() + 0.1 * sp(r).mean() + sp(f).mean()
    torch.testing.assert_close(smooth.discriminator_loss(r, f), expected)
    torch.testing.assert_close(smooth.generator_loss(f), standard.generator_loss(f))
    assert smooth.at_best == "no divergence"
    assert (smooth.pair, smooth.g1, smooth.g2) == (None, None, None)
    assert smooth.reference.startswith("T. Salimans et al.")


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_bad_shares(share: float) -> None:
    standard = OBJECTIVES["standard"]
    assert isinstance(standard, Divergence)
    with pytest.raises(ValueError, match="share must lie between 0 and 1"):
        label_smoothing(standard, share)


def test_bad_labels() -> None:
    with pytest.raises(ValueError, match="labels of real and fake samples are both 1"):
        least_squares("mine", 1.0, 1.0, 0.0)
    with pytest.raises(ValueError, match="real must be finite"):
        least_squares("mine", 0.0, float("inf"), 0.0)


def test_a_relativistic_generator_needs_real_scores() -> None:
    with pytest.raises(ValueError, match="needs the scores of real samples"):
        OBJECTIVES["relativistic"].generator_loss(torch.zeros(2, 1))
