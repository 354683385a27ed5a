"""Relativistic losses: is a real sample more real than a fake one?

Source: A. Jolicoeur-Martineau: The relativistic discriminator: a key element missing from standard
GAN, 2018.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import softplus

from nashgrad.objectives.objective import Objective

RELATIVISTIC_GAN = (
    "A. Jolicoeur-Martineau: The relativistic discriminator: a key element missing from standard "
    "GAN, 2018"
)


def _known(real: Tensor | None) -> Tensor:
    if real is None:
        raise ValueError("a relativistic generator loss needs the scores of real samples too")
    return real


@dataclass(frozen=True)
class RelativisticPaired(Objective):
    """D(x_i) against D(G(z_i)), pair by pair (RSGAN).

    discriminator: mean softplus(-(r_i - f_i)),   generator: mean softplus(-(f_i - r_i)).
    """

    name: str = "relativistic"
    zero_sum: bool = False
    needs_real: bool = True
    reference: str = RELATIVISTIC_GAN

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake - real).mean()

    def generator_loss(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return softplus(_known(real) - fake).mean()


@dataclass(frozen=True)
class RelativisticAverage(Objective):
    """Each score against the mean of the other kind (RaSGAN).

    discriminator: mean softplus(-(r - mean f)) + mean softplus(f - mean r); generator: the same
    with real and fake exchanged. These are no means over samples, so parts of a batch
    (micro-batches, ranks) play another game than the whole.
    """

    name: str = "relativistic_average"
    zero_sum: bool = False
    needs_real: bool = True
    reference: str = RELATIVISTIC_GAN

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake.mean() - real).mean() + softplus(fake - real.mean()).mean()

    def generator_loss(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return self.discriminator_loss(fake, _known(real))


RELATIVISTIC: dict[str, Objective] = {
    o.name: o for o in (RelativisticPaired(), RelativisticAverage())
}
"""Both by name."""
