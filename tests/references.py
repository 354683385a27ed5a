"""Games beside dense references, which use torch alone and nothing of the library's field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._pytree import tree_flatten

import nashgrad as ng
from nashgrad.models import DCGANConfig, DCGANDiscriminator, DCGANGenerator
from nashgrad.objectives import DIVERGENCES, R1, R2

Flat = Callable[[Tensor], list[Tensor]]
"""All players' losses as a function of the flat x."""


def softplus(s: Tensor) -> Tensor:
    return torch.logaddexp(s, torch.zeros_like(s))


LOSSES = {  # name: discriminator's loss of (real, fake) scores, generator's of fake scores
    "standard": (
        lambda r, f: softplus(-r).mean() + softplus(f).mean(),
        lambda f: softplus(-f).mean(),
    ),
    "js": (lambda r, f: softplus(-r).mean() + softplus(f).mean(), lambda f: -softplus(f).mean()),
    "kl": (lambda r, f: softplus(-r).mean() + softplus(f).mean(), lambda f: -f.mean()),
    "tv": (lambda r, f: f.tanh().mean() - r.tanh().mean(), lambda f: -f.tanh().mean()),
    "indicator": (lambda r, f: f.mean() - r.mean(), lambda f: -f.mean()),
}
"""The formulas of the paper's code, written anew."""


@dataclass
class Case:
    """A game, a batch of it, and its losses as a function of x written by hand."""

    game: ng.Game
    batch: Any
    losses: Flat
    sizes: list[int]

    def __post_init__(self) -> None:
        """Keeps x, the parameters at the start, in the order of players and of `parameters()`."""
        owned = [getattr(self.game, p) for p in self.game.players]
        flat = [
            torch.cat([q.detach().flatten() for q in o.parameters()])
            if isinstance(o, nn.Module)
            else o.detach().flatten()
            for o in owned
        ]
        self.x = torch.cat(flat)

    def v(self, x: Tensor) -> Tensor:
        """The field, differentiable."""
        return field_of(self.losses, x, self.sizes)

    @cached_property
    def value(self) -> Tensor:
        return self.v(self.x.clone().requires_grad_()).detach()

    @cached_property
    def jacobian(self) -> Tensor:
        """v'(x), (n, n)."""
        return torch.autograd.functional.jacobian(self.v, self.x)

    def gradient(self, player: str) -> Tensor:
        i = self.game.players.index(player)
        x = self.x.clone().requires_grad_()
        return grad_or_zero(self.losses(x)[i], x)

    def modified(self, terms: Sequence[tuple[float, Any, Any]]) -> Tensor:
        """The field of the paper's modified game, eq. 14, by the naive double backward.

        Player i minimises l_i + the sum of gamma/2 |v_source|^2 over the terms
        (gamma, source, target) with i in target.
        """
        players = self.game.players
        x = self.x.clone().requires_grad_()
        blocks = [b.detach().requires_grad_() for b in x.split(self.sizes)]
        losses = self.losses(torch.cat(blocks))
        v = dict(
            zip(
                players,
                [
                    -torch.autograd.grad(loss, b, create_graph=True)[0]
                    for loss, b in zip(losses, blocks, strict=True)
                ],
                strict=True,
            )
        )
        w = []
        for player, loss, block in zip(players, losses, blocks, strict=True):
            for gamma, source, target in terms:
                if player in (target or players):
                    loss = loss + gamma / 2 * sum(v[p].square().sum() for p in (source or players))
            w.append(-torch.autograd.grad(loss, block, retain_graph=True)[0])
        return torch.cat(w)


def grad_or_zero(loss: Tensor, x: Tensor, **options: Any) -> Tensor:
    (gradient,) = torch.autograd.grad(loss, x, allow_unused=True, **options)
    return torch.zeros_like(x) if gradient is None else gradient


def field_of(losses: Flat, x: Tensor, sizes: Sequence[int]) -> Tensor:
    """v = (-dl_i/dx_i)_i with its graph, from gradients by the whole of x."""
    rows = [grad_or_zero(loss, x, create_graph=True).split(list(sizes)) for loss in losses(x)]
    return -torch.cat([row[i] for i, row in enumerate(rows)])


def call(net: nn.Module, x: Tensor, *inputs: Tensor) -> Tensor:
    """The network at flat parameters x, with copies of its buffers."""
    named = dict(net.named_parameters())
    pieces = x.split([p.numel() for p in named.values()])
    at = {n: piece.view(p.shape) for (n, p), piece in zip(named.items(), pieces, strict=True)}
    return functional_call(net, {**at, **{n: b.clone() for n, b in net.named_buffers()}}, inputs)


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def slope(net: nn.Module, x: Tensor, samples: Tensor) -> Tensor:
    """Mean over samples of |dD/dx|^2, differentiable."""
    if not samples.requires_grad:
        samples = samples.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(call(net, x, samples).sum(), samples, create_graph=True)
    return gradient.flatten(1).square().sum() / len(samples)


def gan_case(
    generator: nn.Module,
    discriminator: nn.Module,
    batch: dict[str, Tensor],
    loss: str = "standard",
    r1: float = 0.0,
    r2: float = 0.0,
) -> Case:
    """A GAN of two nets and its losses written by hand."""
    generator, discriminator = jitter(generator.double()), jitter(discriminator.double())
    sizes = [count(generator), count(discriminator)]
    by_d, by_g = LOSSES[loss]

    def losses(x: Tensor) -> list[Tensor]:
        g, d = x.split(sizes)
        fake = call(generator, g, batch["latent"])
        real_scores, fake_scores = (
            call(discriminator, d, batch["real"]),
            call(discriminator, d, fake),
        )
        total = by_d(real_scores, fake_scores)
        if r1:
            total = total + r1 / 2 * slope(discriminator, d, batch["real"])
        if r2:
            total = total + r2 / 2 * slope(discriminator, d, fake)
        return [by_g(fake_scores), total]

    penalties = [kind(weight) for kind, weight in ((R1, r1), (R2, r2)) if weight]
    game = ng.GAN(generator, discriminator, DIVERGENCES[loss], penalties=penalties)
    return Case(game, batch, losses, sizes)


def jitter(net: nn.Module) -> nn.Module:
    """Moves the parameters off the symmetric point that an initialisation with zero biases is."""
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.2 * torch.randn_like(p))
    return net


def mlp_gan(
    loss: str = "standard",
    *,
    batch: int = 6,
    norm: bool = False,
    r1: float = 0.0,
    r2: float = 0.0,
    activation: Callable[[], nn.Module] = nn.ReLU,
) -> Case:
    """Two small nets on points of the plane."""

    def between(features: int) -> list[nn.Module]:
        return [nn.BatchNorm1d(features), activation()] if norm else [activation()]

    g = nn.Sequential(nn.Linear(3, 5), *between(5), nn.Linear(5, 2))
    d = nn.Sequential(nn.Linear(2, 6), *between(6), nn.Linear(6, 1))
    return gan_case(g, d, points(batch), loss, r1, r2)


def points(size: int, latent: int = 3, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    return {
        "real": torch.randn(size, 2, dtype=dtype),
        "latent": torch.randn(size, latent, dtype=dtype),
    }


def conv_gan(
    loss: str = "standard", *, norm: str = "none", r1: float = 0.0, r2: float = 0.0
) -> Case:
    """The smallest DCGAN: two convolutions, 8x8 images of one channel."""
    config = DCGANConfig(convolutions=2, filters=1, norm=norm, size=8, channels=1, latent=3)
    batch = {
        "real": torch.randn(4, 1, 8, 8, dtype=torch.float64).tanh(),
        "latent": torch.randn(4, 3, dtype=torch.float64),
    }
    return gan_case(DCGANGenerator(config), DCGANDiscriminator(config), batch, loss, r1, r2)


class Trio(ng.Game):
    """Three nets, each with a loss in which all of them meet."""

    def __init__(self, *nets: nn.Module) -> None:
        super().__init__()
        self.a, self.b, self.c = nets

    def forward(self, batch: Tensor, players: Sequence[str]) -> ng.Losses:
        a, b, c = self.a(batch), self.b(batch), self.c(batch)
        losses = {
            "a": (a * b).mean() + softplus(c).mean(),
            "b": ((b - c) ** 2).mean() - a.tanh().mean(),
            "c": (a * b * c).mean() + c.square().mean(),
        }
        losses["a"] = losses["a"] + 0.1 * (a**2 * c).mean()
        return {p: losses[p] for p in players}


def trio() -> Case:
    nets = [nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double() for _ in range(3)]
    batch, sizes = torch.randn(5, 2, dtype=torch.float64), [count(n) for n in nets]

    def losses(x: Tensor) -> list[Tensor]:
        a, b, c = (call(n, piece, batch) for n, piece in zip(nets, x.split(sizes), strict=True))
        first = (a * b + 0.1 * a * a * c).mean() + softplus(c).mean()
        return [first, ((b - c) ** 2).mean() - a.tanh().mean(), (a * b * c + c * c).mean()]

    return Case(Trio(*nets), batch, losses, sizes)


def quadratic(sizes: dict[str, int], seed: int = 0, *, offset: bool = True) -> ng.Quadratic:
    """A random general-sum quadratic game at a random point."""
    generator = torch.Generator().manual_seed(seed)
    n = sum(sizes.values())
    J = torch.randn(n, n, generator=generator, dtype=torch.float64)
    start = 0
    for size in sizes.values():
        own = slice(start, start + size)
        J[own, own] = (J[own, own] + J[own, own].T) / 2
        start += size
    b = torch.randn(n, generator=generator, dtype=torch.float64) if offset else None
    return ng.Quadratic(J, sizes, b, torch.randn(n, generator=generator, dtype=torch.float64))


def error(actual: Tensor, expected: Tensor) -> float:
    """The relative error in the Euclidean norm."""
    return ((actual - expected).norm() / expected.norm().clamp(min=1e-300)).item()


def parameters(module: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def buffers(module: nn.Module) -> dict[str, Tensor]:
    return {n: b.clone() for n, b in module.named_buffers()}


def identical(a: Any, b: Any) -> bool:
    """Whether two states, trees of tensors and plain values, are the same bit for bit."""
    (leaves, tree), (others, other) = tree_flatten(a), tree_flatten(b)
    same = (
        torch.equal(x, y) if isinstance(x, Tensor) else x == y
        for x, y in zip(leaves, others, strict=False)
    )
    return tree == other and all(same)
