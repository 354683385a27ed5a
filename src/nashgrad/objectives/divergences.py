"""The paper's five losses."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus

from nashgrad.objectives.closed_forms import gan_value, total_variation
from nashgrad.objectives.objective import Divergence

SATURATED = 30.0
"""A score at which tanh is 1 in double precision."""


def identity(s: Tensor) -> Tensor:
    """The score itself."""
    return s


def _sign(ratio: Tensor) -> Tensor:
    return SATURATED * (ratio - 1).sign()


GAN_VALUE = "2 JS - 2 ln 2"

standard = Divergence(
    "standard",
    lambda s: softplus(-s),
    softplus,
    lambda s: softplus(-s),
    False,
    torch.log,
    gan_value,
    GAN_VALUE,
)
"""Non-saturating GAN (I. Goodfellow et al.: Generative Adversarial Nets, 2014)."""

js = Divergence(
    "js",
    lambda s: softplus(-s),
    softplus,
    lambda s: -softplus(s),
    True,
    torch.log,
    gan_value,
    GAN_VALUE,
)
"""Jensen-Shannon divergence: the minimax GAN of the same paper."""

kl = Divergence(
    "kl",
    lambda s: softplus(-s),
    softplus,
    lambda s: -s,
    False,
    torch.log,
    gan_value,
    f"{GAN_VALUE}; the generator's loss is KL(model, data)",
)
"""At the best discriminator s = log p_data / p_model, so the generator's loss is KL(model, data)
(C. K. Sonderby et al.: Amortised MAP Inference for Image Super-resolution, 2017)."""

tv = Divergence(
    "tv",
    lambda s: -torch.tanh(s),
    torch.tanh,
    lambda s: -torch.tanh(s),
    True,
    _sign,
    lambda p, q: 2 * total_variation(p, q),
    "2 TV, as |s| grows",
)
"""Total variation, with a critic bounded by tanh (S. Nowozin et al.: f-GAN, 2016)."""

indicator = Divergence("indicator", lambda s: -s, identity, lambda s: -s, True)
"""The difference of mean scores, named so by the paper; an integral probability metric over what D
can express, without a bound on D."""

DIVERGENCES: dict[str, Divergence] = {d.name: d for d in (standard, js, kl, tv, indicator)}
"""The paper's five losses by name."""
