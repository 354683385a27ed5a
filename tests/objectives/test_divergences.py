"""The five losses against the formulas of the authors' code, and what they claim of themselves."""

import math

import pytest
import torch

import nashgrad as ng
from nashgrad.objectives import DIVERGENCES
from references import LOSSES, mlp_gan


@pytest.mark.parametrize("name", DIVERGENCES)
def test_losses(name: str) -> None:
    real, fake = torch.randn(2, 50, 1, dtype=torch.float64) * 3
    divergence, (by_d, by_g) = DIVERGENCES[name], LOSSES[name]
    assert divergence.name == name
    torch.testing.assert_close(divergence.discriminator_loss(real, fake), by_d(real, fake))
    torch.testing.assert_close(divergence.generator_loss(fake), by_g(fake))


def test_all_five() -> None:
    assert list(DIVERGENCES) == ["standard", "js", "kl", "tv", "indicator"]
    assert [n for n, d in DIVERGENCES.items() if d.zero_sum] == ["js", "tv", "indicator"]


@pytest.mark.parametrize("name", DIVERGENCES)
def test_zero_sum_is_a_claim_about_the_field(name: str) -> None:
    """A field is that of one scalar iff J's off-diagonal blocks are opposite transposes."""
    case = mlp_gan(name)
    n = case.sizes[0]
    upper, lower = case.jacobian[:n, n:], case.jacobian[n:, :n]
    opposite = (upper + lower.T).norm() / lower.norm() < 1e-10
    assert opposite == DIVERGENCES[name].zero_sum
    game, at = ng.GameField(case.game), ng.GameField(case.game).linearize(case.batch)
    g, d = game.space.block("generator"), game.space.block("discriminator")
    # The generator's gradient is the opposite of what the discriminator's loss would give it.
    same = (at.gradient("generator")[g] + at.gradient("discriminator")[g]).norm() < 1e-10
    assert same == DIVERGENCES[name].zero_sum
    assert at.gradient("discriminator")[d].norm() > 0


@pytest.mark.parametrize("name", DIVERGENCES)
def test_large_scores_stay_finite(name: str) -> None:
    scores = torch.tensor([[-500.0], [500.0]], requires_grad=True)
    divergence = DIVERGENCES[name]
    loss = divergence.discriminator_loss(scores, scores) + divergence.generator_loss(scores)
    (gradient,) = torch.autograd.grad(loss, scores)
    assert loss.isfinite()
    assert gradient.isfinite().all()


def test_at_chance_the_losses_are_known() -> None:
    zero = torch.zeros(4, 1, dtype=torch.float64)
    standard = DIVERGENCES["standard"]
    assert standard.discriminator_loss(zero, zero).item() == pytest.approx(2 * math.log(2))
    assert standard.generator_loss(zero).item() == pytest.approx(math.log(2))


def test_best_discriminator_of_js_and_kl() -> None:
    """At s = log p/q on a finite space the values are 2 ln 2 - 2 JS and KL(q, p)."""
    p, q = torch.tensor([0.5, 0.3, 0.2]).double(), torch.tensor([0.2, 0.2, 0.6]).double()
    s, m = (p / q).log(), (p + q) / 2
    js = DIVERGENCES["js"]
    value = (p * js.real(s)).sum() + (q * js.fake(s)).sum()
    divergence = ((p * (p / m).log()).sum() + (q * (q / m).log()).sum()) / 2
    assert value.item() == pytest.approx((2 * math.log(2) - 2 * divergence).item())
    loss = (q * DIVERGENCES["kl"].generator(s)).sum()
    assert loss.item() == pytest.approx((q * (q / p).log()).sum().item())
