"""Penalties added to the discriminator's loss."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from nashgrad.core.limits import check_not_negative

Critic = Callable[[Tensor], Tensor]
Drawn = Mapping[str, Any]

NOTHING: Drawn = MappingProxyType({})
MIX, PERTURBATION = "mix", "perturbation"
TINY = 1e-12
"""Added to squared slopes below a root, whose derivative at zero is infinite."""


@dataclass(frozen=True)
class Penalty(abc.ABC):
    """A term of the discriminator's loss with weight `gamma` >= 0; another is a `ValueError`.

    All randomness of a game lives in the batch: what a penalty draws is an entry there.
    """

    gamma: float

    def __post_init__(self) -> None:
        check_not_negative("gamma", self.gamma)

    def draws(self, real: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The entries of a batch that it draws, for real samples (n, ...); none by default."""
        return {}

    @abc.abstractmethod
    def __call__(
        self, discriminator: Critic, real: Tensor, fake: Tensor, drawn: Drawn = NOTHING
    ) -> Tensor:
        """The term, a scalar mean over samples; `drawn` is the batch."""


class R1(Penalty):
    """gamma/2 E |grad_x D(x)|^2 at real samples.

    References:
        L. Mescheder, A. Geiger, S. Nowozin: Which Training Methods for GANs do actually Converge?,
        2018.
    """

    def __call__(
        self, discriminator: Critic, real: Tensor, fake: Tensor, drawn: Drawn = NOTHING
    ) -> Tensor:
        return self.gamma / 2 * _squared_slopes(discriminator, real).mean()


class R2(Penalty):
    """gamma/2 E |grad_x D(x)|^2 at generated samples; the generator's parameters stay in the graph.

    References:
        L. Mescheder, A. Geiger, S. Nowozin: Which Training Methods for GANs do actually Converge?,
        2018.
    """

    def __call__(
        self, discriminator: Critic, real: Tensor, fake: Tensor, drawn: Drawn = NOTHING
    ) -> Tensor:
        return self.gamma / 2 * _squared_slopes(discriminator, fake).mean()


class _OnLines(Penalty):
    """Penalties at x = u real + (1 - u) fake, u uniform in [0, 1] for each sample."""

    def draws(self, real: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        shape = (len(real), *[1] * (real.ndim - 1))
        return {MIX: torch.rand(shape, generator=generator, dtype=real.dtype)}

    def slopes(self, discriminator: Critic, real: Tensor, fake: Tensor, drawn: Drawn) -> Tensor:
        """Squared slopes of D there, (n,)."""
        u = _entry(self, drawn, MIX)
        return _squared_slopes(discriminator, u * real + (1 - u) * fake)


@dataclass(frozen=True)
class WGANGP(_OnLines):
    """gamma E (|grad_x D(x)| - 1)^2 on lines between real and generated samples.

    x = u real + (1 - u) fake with u uniform in [0, 1]. One-sided: only slopes above 1 count,
    gamma E max(0, |grad_x D(x)| - 1)^2. The generator's parameters stay in the graph.

    References:
        I. Gulrajani et al.: Improved Training of Wasserstein GANs, 2017; one-sided: H. Petzka,
        A. Fischer, D. Lukovnikov: On the regularization of Wasserstein GANs, 2018.
    """

    one_sided: bool = False

    def __call__(
        self, discriminator: Critic, real: Tensor, fake: Tensor, drawn: Drawn = NOTHING
    ) -> Tensor:
        excess = _norms(self.slopes(discriminator, real, fake, drawn)) - 1
        excess = torch.relu(excess) if self.one_sided else excess
        return self.gamma * excess.square().mean()


class ZeroCentredGP(_OnLines):
    """gamma E |grad_x D(x)|^2 on lines between real and generated samples.

    References:
        H. Thanh-Tung, T. Tran, S. Venkatesh: Improving Generalization and Stability of Generative
        Adversarial Networks, 2019.
    """

    def __call__(
        self, discriminator: Critic, real: Tensor, fake: Tensor, drawn: Drawn = NOTHING
    ) -> Tensor:
        return self.gamma * self.slopes(discriminator, real, fake, drawn).mean()


class DRAGAN(Penalty):
    """gamma E (|grad_x D(x)| - 1)^2 near real samples.

    x = real + u 0.5 sigma e with u uniform in [0, 1] for each sample, e uniform in [0, 1] for each
    coordinate, and sigma the standard deviation of all coordinates of the batch's real samples.

    References:
        N. Kodali et al.: On Convergence and Stability of GANs, 2017.
    """

    def draws(self, real: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        shape = (len(real), *[1] * (real.ndim - 1))
        u = torch.rand(shape, generator=generator, dtype=real.dtype)
        e = torch.rand(real.shape, generator=generator, dtype=real.dtype)
        return {PERTURBATION: u * 0.5 * real.std() * e}

    def __call__(
        self, discriminator: Critic, real: Tensor, fake: Tensor, drawn: Drawn = NOTHING
    ) -> Tensor:
        x = real + _entry(self, drawn, PERTURBATION)
        excess = _norms(_squared_slopes(discriminator, x)) - 1
        return self.gamma * excess.square().mean()


def _entry(penalty: Penalty, drawn: Drawn, key: str) -> Tensor:
    if key not in drawn:
        raise ValueError(
            f"batch: {type(penalty).__name__} needs the entry {key!r}; "
            "nashgrad.stream(..., draws=game.draws) adds it"
        )
    entry: Tensor = drawn[key]
    return entry


def _norms(squares: Tensor) -> Tensor:
    return (squares + TINY).sqrt()


def _squared_slopes(discriminator: Critic, x: Tensor) -> Tensor:
    """|grad_x D(x)|^2 for each sample, (n,)."""
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        # The discriminator treats samples one by one, so the sum's gradient holds each sample's.
        (slope,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return slope.square().flatten(1).sum(1)
