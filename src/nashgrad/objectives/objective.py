"""What the losses of a GAN are."""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from torch import Tensor

from nashgrad.core.limits import check_between

SMOOTHING = "T. Salimans et al.: Improved Techniques for Training GANs, 2016"
Scores = Callable[[Tensor], Tensor]
Value = Callable[[Tensor, Tensor], Tensor]


class Formula(NamedTuple):
    """A function of one number, and how it is written; sp is softplus.

    >>> import torch
    >>> square = Formula("s^2", torch.square)
    >>> square.text, square(torch.tensor(3.0)).item()
    ('s^2', 9.0)
    """

    text: str
    function: Scores

    def __call__(self, x: Tensor) -> Tensor:
        return self.function(x)


class Conjugates(NamedTuple):
    """What makes the discriminator's utility an f-divergence at its best.

    D_f(data, model) = E_model f(p / q) for a convex f of the ratio u = p / q >= 0 of densities, and
    f*(t) = sup over u of u t - f(u).
    """

    f: Formula
    conjugate: Formula


class Objective(abc.ABC):
    """Losses of both players from the discriminator's scores s.

    - `name`: as in a configuration.
    - `zero_sum`: whether the game's field is that of one scalar, v = (-grad_G l, +grad_D l). Losses
        may differ from +-l by a term that only the other player could change.
    - `needs_real`: whether the generator's loss depends on scores of real samples.
    - `at_best`: what the discriminator's utility (its loss with the sign changed) is when it can
        express everything and is at its best.
    - `reference`: where it is from.
    - `pair`: f and its conjugate f*, where `at_best` is an f-divergence.
    """

    name: str
    zero_sum: bool
    needs_real: bool = False
    at_best: str = "no divergence"
    reference: str = ""
    pair: Conjugates | None = None

    @property
    def g1(self) -> Formula | None:
        """g_1 of the paper's equation 2, E_data[g_1(s)] - E_model[g_2(s)] being D's utility."""
        return None

    @property
    def g2(self) -> Formula | None:
        """g_2 of the same."""
        return None

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
        reference: where they are from.
        pair: f and f*, where the utility is an f-divergence there.
        written: g_1 = -real and g_2 = fake, as one writes them.
    """

    name: str
    real: Scores
    fake: Scores
    generator: Scores
    zero_sum: bool
    best: Scores | None = None
    value: Value | None = None
    at_best: str = "no divergence"
    reference: str = ""
    pair: Conjugates | None = None
    written: tuple[str, str] | None = None

    @property
    def g1(self) -> Formula | None:
        return Formula(self.written[0], lambda s: -self.real(s)) if self.written else None

    @property
    def g2(self) -> Formula | None:
        return Formula(self.written[1], self.fake) if self.written else None

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

    return replace(
        divergence,
        real=real,
        best=None,
        value=None,
        at_best="no divergence",
        reference=SMOOTHING,
        pair=None,
        written=None,
    )
