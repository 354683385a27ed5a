"""The GAN game: what is evaluated, labels, penalties, and blocks that must not go silent."""

import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import nashgrad as ng
from nashgrad.models import MLP
from nashgrad.objectives import DIVERGENCES, R1, R2, Penalty
from references import conv_gan, error, mlp_gan

G, D = "generator", "discriminator"


@pytest.mark.parametrize("make", [mlp_gan, conv_gan, lambda: mlp_gan("js", norm=True)])
def test_no_block_of_the_jacobian_is_silent(make) -> None:
    case = make()
    at = ng.GameField(case.game).linearize(case.batch)
    u = torch.randn(len(case.x), dtype=torch.float64)
    for moved in (G, D):
        for felt in (G, D):
            product = at.jacobian @ at.space.restrict(u, moved)
            assert product[at.space.block(felt)].norm() > 1e-3


def test_real_and_fake_pass_the_discriminator_apart() -> None:
    case, seen = mlp_gan(batch=5), []
    case.game.discriminator.register_forward_hook(lambda *hook: seen.append(hook[2].shape))
    case.game(case.batch, (G, D))
    case.game(case.batch, (G,))
    case.game(case.batch, (D,))
    assert seen == [(5, 1)] * (2 + 1 + 2)


def test_fakes_are_made_once() -> None:
    case, seen = mlp_gan(r1=1.0, r2=1.0), []
    case.game.generator.register_forward_hook(lambda *hook: seen.append(1))
    case.game(case.batch, (G, D))
    assert seen == [1]


def test_discriminator_alone_leaves_no_graph_to_the_generator() -> None:
    case = mlp_gan(r2=1.0)
    loss = case.game(case.batch, (D,))[D]
    gradients = torch.autograd.grad(loss, list(case.game.generator.parameters()), allow_unused=True)
    assert all(g is None for g in gradients)
    both = case.game(case.batch, (G, D))[D]
    assert both.item() == pytest.approx(loss.item(), rel=1e-12)
    gradients = torch.autograd.grad(both, list(case.game.generator.parameters()))
    assert all(g.norm() > 0 for g in gradients)


def test_conditional_nets() -> None:
    g, d = MLP([3, 4, 2], labels=2).double(), MLP([2, 4, 1], labels=2).double()
    game = ng.GAN(g, d, DIVERGENCES["js"], penalties=[R1(2.0)], conditional=True)
    batch = {
        "real": torch.randn(6, 2, dtype=torch.float64),
        "latent": torch.randn(6, 3, dtype=torch.float64),
        "label": torch.tensor([0, 1, 0, 1, 1, 0]),
    }
    x = batch["real"].clone().requires_grad_()
    fake, sp = g(batch["latent"], batch["label"]), nn.functional.softplus
    real_scores = d(x, batch["label"])
    (slope,) = torch.autograd.grad(real_scores.sum(), x, retain_graph=True)
    fake_scores = d(fake, batch["label"])
    by_hand = sp(-real_scores).mean() + sp(fake_scores).mean() + slope.square().sum(1).mean()
    losses = game(batch, (G, D))
    assert error(losses[D], by_hand) < 1e-12
    assert error(losses[G], -sp(fake_scores).mean()) < 1e-12
    flipped = {**batch, "label": 1 - batch["label"]}
    assert abs(game(flipped, (G,))[G] - losses[G]) > 1e-4
    whole = ng.GameField(game).linearize(batch)
    parts = ng.GameField(game, microbatches=4).linearize(batch)
    assert error(parts.jacobian.T @ parts.value, whole.jacobian.T @ whole.value) < 1e-12


@pytest.mark.parametrize(
    ("batch", "found"),
    [
        (torch.zeros(3, 2), "a Tensor"),
        ([torch.zeros(3, 2), torch.zeros(3)], "a list"),
        ({"real": torch.zeros(3, 2)}, r"\['real'\]"),
    ],
)
def test_other_batches(batch, found: str) -> None:
    message = (
        rf"^batch: expected a dict with real, latent, got {found}; "
        r"nashgrad\.stream\(loader, latent\) makes such batches$"
    )
    with pytest.raises(ValueError, match=message):
        mlp_gan().game(batch, (G, D))
    case = mlp_gan()
    game = ng.GAN(case.game.generator, case.game.discriminator, conditional=True)
    with pytest.raises(ValueError, match=r"^batch: expected a dict with real, latent, label, got "):
        game(case.batch, (G,))


def test_scores_of_any_shape() -> None:
    case = mlp_gan()

    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = case.game.discriminator

        def forward(self, x: Tensor) -> Tensor:
            return self.net(x).squeeze(1)

    losses = ng.GAN(case.game.generator, Flat())(case.batch, (G, D))
    expected = case.game(case.batch, (G, D))
    assert torch.equal(torch.stack(list(losses.values())), torch.stack(list(expected.values())))


@pytest.mark.parametrize("penalty", [R1, R2])
def test_a_penalty_on_a_net_whose_third_derivative_is_wrong_has_v_but_no_jacobian(
    penalty: type[Penalty],
) -> None:
    discriminator = nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3), nn.Linear(3, 1))
    game = ng.GAN(nn.Linear(2, 2), discriminator, penalties=[penalty(1.0)])
    batch = {"real": torch.randn(4, 2), "latent": torch.randn(4, 2)}
    field = ng.GameField(game)
    assert field.linearize(batch, order=1).value.isfinite().all()
    with pytest.raises(ValueError, match="third derivative of LayerNorm is wrong"):
        field.linearize(batch)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"divergence": "hinge"}, "divergence must be an Objective, such as objectives.OBJECT"),
        ({"penalties": R1(1.0)}, "penalties must be a Sequence, such as [R1(1.0)], got "),
        ({"penalties": ["r1"]}, "penalties: each must be a Penalty, such as R1(1.0), got 'r1'"),
    ],
)
def test_what_is_no_objective_or_penalty_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        ng.GAN(nn.Linear(2, 2), nn.Linear(2, 1), **arguments)
