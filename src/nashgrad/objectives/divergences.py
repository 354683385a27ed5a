"""GAN losses, each by the functions of a score that it is the mean of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

Scores = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Divergence:
    """The losses of a GAN as means over samples of functions of the discriminator's score s.

    discriminator: mean real(D(x)) + mean fake(D(G(z))),   generator: mean generator(D(G(z))).

    - `zero_sum`: whether the game's field is that of one scalar, v = (-grad_G l, +grad_D l). Losses
        may differ from +-l by a term that only the other player could change.
    """

    name: str
    real: Scores
    fake: Scores
    generator: Scores
    zero_sum: bool

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """The discriminator's loss from scores of real and of fake samples; a scalar."""
        return self.real(real).mean() + self.fake(fake).mean()

    def generator_loss(self, fake: Tensor) -> Tensor:
        """The generator's loss from scores of fake samples; a scalar."""
        return self.generator(fake).mean()


def _identity(s: Tensor) -> Tensor:
    return s


standard = Divergence("standard", lambda s: softplus(-s), softplus, lambda s: softplus(-s), False)
"""Non-saturating GAN (I. Goodfellow et al.: Generative Adversarial Nets, 2014)."""

js = Divergence("js", lambda s: softplus(-s), softplus, lambda s: -softplus(s), True)
"""Jensen-Shannon divergence: the minimax GAN of the same paper. At the best D the value is 2 ln 2
- 2 JS.
"""

kl = Divergence("kl", lambda s: softplus(-s), softplus, lambda s: -s, False)
"""At the best discriminator s = log p_data / p_model, so the generator's loss is KL(model, data)
(C. K. Sonderby et al.: Amortised MAP Inference for Image Super-resolution, 2017)."""

tv = Divergence("tv", lambda s: -torch.tanh(s), torch.tanh, lambda s: -torch.tanh(s), True)
"""Total variation, with a critic bounded by tanh (S. Nowozin et al.: f-GAN, 2016)."""

indicator = Divergence("indicator", lambda s: -s, _identity, lambda s: -s, True)
"""The difference of mean scores, named so by the paper; an integral probability metric over what D
can express, without a bound on D."""

DIVERGENCES = {d.name: d for d in (standard, js, kl, tv, indicator)}
"""The paper's five losses by name."""
