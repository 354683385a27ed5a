"""What the losses of a GAN are."""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor

from nashgrad.core.limits import check_between

Scores = Callable[[Tensor], Tensor]
Value = Callable[[Tensor, Tensor], Tensor]


class Objective(abc.ABC):
    """Losses of both players from the discriminator's scores s.

    - `name`: as in a configuration.
    - `zero_sum`: whether the game's field is that of one scalar, v = (-grad_G l, +grad_D l). Losses
        may differ from +-l by a term that only the other player could change.
    - `needs_real`: whether the generator's loss depends on scores of real samples.
    - `at_best`: what the discriminator's utility (its loss with the sign changed) is when it can
        express everything and is at its best.
    """

    name: str
    zero_sum: bool
    needs_real: bool = False
    at_best: str = "no divergence"

    @abc.abstractmethod
    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's loss from scores of real and of fake samples; a scalar."""

    @abc.abstractmethod
    def generator_loss(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        """The generator's loss from scores of fake samples, and of real ones if it needs them."""


@dataclass(frozen=True)
class Divergence(Objective):
    """Losses that are means over samples of functions of one score.

    discriminator: mean real(D(x)) + mean fake(D(G(z))),   generator: mean generator(D(G(z))).

    Args:
        name: as in a configuration.
        real, fake, generator: the functions, elementwise.
        zero_sum: see [`Objective`][nashgrad.objectives.Objective].
        best: the discriminator's best score at a point, from the ratio p / q of the densities of
            data and model there; None where there is none without a bound on D.
        value: the closed form of its utility there, from the probabilities (p, q) of all points.
        at_best: the same in words.
    """

    name: str
    real: Scores
    fake: Scores
    generator: Scores
    zero_sum: bool
    best: Scores | None = None
    value: Value | None = None
    at_best: str = "no divergence"

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.real(real).mean() + self.fake(fake).mean()

    def generator_loss(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return self.generator(fake).mean()


def label_smoothing(divergence: Divergence, share: float) -> Divergence:
    """One-sided label smoothing: a share of the real samples is called fake in D's loss.

    (1 - share) real(s) + share fake(s) in the place of real(s). The generator's loss stays.

    Args:
        divergence: the losses.
        share: between 0 and 1; 0.1 is usual.

    Raises:
        ValueError: For a share out of range.

    References:
        T. Salimans et al.: Improved Techniques for Training GANs, 2016.
    """
    check_between("share", share, 0, 1)

    def real(s: Tensor) -> Tensor:
        return (1 - share) * divergence.real(s) + share * divergence.fake(s)

    return replace(divergence, real=real, best=None, value=None, at_best="no divergence")
