"""Every method on top of every regulariser, on networks of a hidden layer each.

The penalties' closed forms are in `test_penalised.py`; here the discriminator is no longer linear,
and what is no penalty is there too.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.optim import SGD

import nashgrad as ng
from methods.case import Method
from methods.table import METHODS
from nashgrad.models import MLP, spectrally_normalized
from nashgrad.objectives import (
    DRAGAN,
    OBJECTIVES,
    R1,
    R2,
    WGANGP,
    Divergence,
    InstanceNoise,
    ZeroCentredGP,
    label_smoothing,
)


def gan(*, normalized: bool = False, **arguments: Any) -> ng.GAN:
    draw = torch.Generator().manual_seed(0)
    torch.manual_seed(0)  # spectral normalisation draws its first vectors
    generator = MLP([2, 3, 2], activation="tanh", generator=draw).double()
    discriminator = MLP([2, 4, 1], activation="tanh", generator=draw).double()
    if normalized:
        discriminator = spectrally_normalized(discriminator).double()
    return ng.GAN(generator, discriminator, **arguments)


def standard() -> Divergence:
    found = OBJECTIVES["standard"]
    assert isinstance(found, Divergence)
    return found


REGULARISERS: dict[str, Callable[[], ng.GAN]] = {
    "R1": lambda: gan(penalties=[R1(1.0)]),
    "R2": lambda: gan(penalties=[R2(1.0)]),
    "WGAN-GP": lambda: gan(penalties=[WGANGP(1.0)]),
    "zero-centred GP": lambda: gan(penalties=[ZeroCentredGP(1.0)]),
    "DRAGAN": lambda: gan(penalties=[DRAGAN(1.0)]),
    "instance noise": lambda: gan(instance_noise=InstanceNoise(0.5)),
    "label smoothing": lambda: gan(divergence=label_smoothing(standard(), 0.2)),
    "spectral normalisation": lambda: gan(normalized=True),
}
# Parts of a batch need samples, so these two are not in the table of methods.
OF_PARTS = [
    Method("debiased consensus", lambda: ng.DebiasedConsensus(1.0)),
    Method("subsampled consensus", lambda: ng.Subsampled(ng.Consensus(1.0), 2)),
]


def batch_of(game: ng.GAN) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(1)
    real, latent = torch.randn(2, 6, 2, generator=draw, dtype=torch.float64)
    return {"real": real, "latent": latent, **game.draws(real, draw, 0)}


def trained(game: ng.GAN, batch: dict[str, Tensor], method: Method) -> Tensor:
    opt = ng.GameOptimizer(
        ng.GameField(game),
        SGD(game.parameters(), 0.05),
        adjustment=method.adjustment(),
        schedule=method.schedule(),
    )
    torch.manual_seed(3)  # some methods draw
    for _ in range(2):
        opt.step(itertools.repeat(batch) if method.fresh else batch)
    return opt.space.get()


@cache
def without(method: Method) -> Tensor:
    """Where it comes to from the same start when nothing regularises."""
    return trained(gan(), batch_of(gan()), method)


@pytest.mark.parametrize("regulariser", REGULARISERS)
@pytest.mark.parametrize("method", [*METHODS, *OF_PARTS], ids=lambda m: m.name)
def test_a_step_of_every_method(method: Method, regulariser: str) -> None:
    """It is finite, and another one than without the regulariser."""
    game = REGULARISERS[regulariser]()
    found = trained(game, batch_of(game), method)
    assert found.isfinite().all()
    assert (found - without(method)).norm() > 1e-6


def dense_jacobian(game: ng.GAN, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """v and J by torch alone: a gradient for each player, then one for each of their entries."""
    losses = game(batch, game.players)
    own = {name: list(getattr(game, name).parameters()) for name in game.players}
    everything = [p for parameters in own.values() for p in parameters]
    v = torch.cat([
        -g.flatten()
        for name, parameters in own.items()
        for g in torch.autograd.grad(losses[name], parameters, create_graph=True)
    ])  # fmt: skip
    rows = []
    for entry in v:
        found = torch.autograd.grad(entry, everything, retain_graph=True, allow_unused=True)
        pairs = zip(everything, found, strict=True)
        rows.append(
            torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for p, g in pairs])
        )
    return v.detach(), torch.stack(rows)


@pytest.mark.parametrize("regulariser", REGULARISERS)
def test_products_are_those_of_the_dense_jacobian(regulariser: str) -> None:
    """J^T v and J v, hence w of consensus and of symplectic adjustment."""
    game = REGULARISERS[regulariser]()
    batch, buffers = batch_of(game), {k: x.clone() for k, x in game.named_buffers()}
    at = ng.GameField(game).linearize(batch)
    for name, x in game.named_buffers():  # of spectral normalisation: both from the same vectors
        x.copy_(buffers[name])
    v, J = dense_jacobian(game, batch)
    torch.testing.assert_close(at.value, v)
    torch.testing.assert_close(at.jacobian.T @ v, J.T @ v)
    torch.testing.assert_close(at.jacobian @ v, J @ v)
    w = ng.Consensus(2.0)(v, at)
    torch.testing.assert_close(w, v - 2 * J.T @ v)
    assert (J.T @ v).norm() > 1e-3
