"""Penalties added to the discriminator's loss."""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from nashgrad.core.limits import check_not_negative

Critic = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Penalty(abc.ABC):
    """A term of the discriminator's loss with weight `gamma` >= 0; another is a `ValueError`."""

    gamma: float

    def __post_init__(self) -> None:
        check_not_negative("gamma", self.gamma)

    @abc.abstractmethod
    def __call__(self, discriminator: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """The term, a scalar mean over samples."""


class R1(Penalty):
    """gamma/2 E |grad_x D(x)|^2 at real samples.

    References:
        L. Mescheder, A. Geiger, S. Nowozin: Which Training Methods for GANs do actually Converge?,
        2018.
    """

    def __call__(self, discriminator: Critic, real: Tensor, fake: Tensor) -> Tensor:
        return self.gamma / 2 * _squared_slope(discriminator, real)


class R2(Penalty):
    """gamma/2 E |grad_x D(x)|^2 at generated samples; the generator's parameters stay in the graph.

    References:
        L. Mescheder, A. Geiger, S. Nowozin: Which Training Methods for GANs do actually Converge?,
        2018.
    """

    def __call__(self, discriminator: Critic, real: Tensor, fake: Tensor) -> Tensor:
        return self.gamma / 2 * _squared_slope(discriminator, fake)


def _squared_slope(discriminator: Critic, x: Tensor) -> Tensor:
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        # The discriminator treats samples one by one, so the sum's gradient holds each sample's.
        (slope,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return slope.square().flatten(1).sum(1).mean()
