"""Every method on top of all penalties: second derivatives of a loss that holds derivatives.

The slope of a linear discriminator is the same everywhere, so each penalty is a closed form in its
norm: a game with that form written into its loss is the reference.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

import nashgrad as ng
from methods.case import Method
from methods.table import METHODS
from nashgrad.models import MLP
from nashgrad.objectives import DRAGAN, R1, R2, WGANGP, Penalty, ZeroCentredGP

CLOSED_FORMS: list[tuple[Penalty, Callable[[Tensor], Tensor]]] = [
    (R1(0.7), lambda a: 0.7 / 2 * a.square().sum()),
    (R2(0.7), lambda a: 0.7 / 2 * a.square().sum()),
    (WGANGP(0.7), lambda a: 0.7 * (a.norm() - 1) ** 2),
    (WGANGP(0.7, one_sided=True), lambda a: 0.7 * (a.norm() - 1).clamp(min=0) ** 2),
    (ZeroCentredGP(0.7), lambda a: 0.7 * a.square().sum()),
    (DRAGAN(0.7), lambda a: 0.7 * (a.norm() - 1) ** 2),
]


class Written(ng.GAN):
    """A GAN whose discriminator pays the closed forms of all penalties."""

    def forward(self, batch: Any, players: Any) -> Any:
        losses = dict(super().forward(batch, players))
        if "discriminator" in losses:
            a = self.discriminator.weight
            paid = torch.stack([form(a) for _, form in CLOSED_FORMS])
            losses["discriminator"] = losses["discriminator"] + paid.sum()
        return losses


def networks() -> tuple[nn.Module, nn.Linear]:
    draw = torch.Generator().manual_seed(0)
    generator = MLP([2, 3, 2], activation="tanh", generator=draw).double()
    discriminator = nn.Linear(2, 1).double()
    with torch.no_grad():
        discriminator.weight.copy_(torch.tensor([[1.2, -0.5]]))  # steeper than one: both sides pay
        discriminator.bias.zero_()
    return generator, discriminator


def trained(game: ng.GAN, batch: Any, method: Method) -> Tensor:
    opt = ng.GameOptimizer(
        ng.GameField(game),
        SGD(game.parameters(), 0.05),
        adjustment=method.adjustment(),
        schedule=method.schedule(),
    )
    for _ in range(2):
        torch.manual_seed(3)
        opt.step(itertools.repeat(batch) if method.fresh else batch)
    return opt.space.get()


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_a_method_sees_the_penalty_as_a_part_of_the_loss(method: Method) -> None:
    draw = torch.Generator().manual_seed(1)
    real, latent = torch.randn(2, 6, 2, generator=draw, dtype=torch.float64)
    game = ng.GAN(*networks(), penalties=[penalty for penalty, _ in CLOSED_FORMS])
    batch = {"real": real, "latent": latent, **game.draws(real, draw, 0)}
    found, expected = trained(game, batch, method), trained(Written(*networks()), batch, method)
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-9)
    plain = trained(ng.GAN(*networks()), batch, method)
    assert (found - plain).norm() > 1e-3
