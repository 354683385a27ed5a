"""The paper's five losses."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus

from nashgrad.objectives.closed_forms import gan_value, total_variation
from nashgrad.objectives.objective import Conjugates, Divergence, Formula

SATURATED = 30.0
"""A score at which tanh is 1 in double precision."""


def identity(s: Tensor) -> Tensor:
    """The score itself."""
    return s


def _sign(ratio: Tensor) -> Tensor:
    return SATURATED * (ratio - 1).sign()


GAN_VALUE = "2 JS - 2 ln 2"
GAN_PAIR = Conjugates(
    Formula("u ln u - (u + 1) ln(u + 1)", lambda u: torch.xlogy(u, u) - (u + 1) * torch.log(u + 1)),
    Formula("-ln(1 - e^t), t < 0", lambda t: -torch.log(1 - torch.exp(t))),
)
"""f and f* of the GAN's utility, 2 JS - 2 ln 2."""
GAN_WRITTEN = ("-sp(-s)", "sp(s)")

GAN = "I. Goodfellow et al.: Generative Adversarial Nets, 2014"
AMORTISED = "C. K. Sonderby et al.: Amortised MAP Inference for Image Super-resolution, 2017"
F_GAN = (
    "S. Nowozin, B. Cseke, R. Tomioka: f-GAN: Training Generative Neural Samplers using "
    "Variational Divergence Minimization, 2016"
)
NUMERICS = "L. Mescheder, S. Nowozin, A. Geiger: The Numerics of GANs, 2017"

standard = Divergence(
    "standard",
    lambda s: softplus(-s),
    softplus,
    lambda s: softplus(-s),
    False,
    torch.log,
    gan_value,
    GAN_VALUE,
    GAN,
    GAN_PAIR,
    GAN_WRITTEN,
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
    GAN,
    GAN_PAIR,
    GAN_WRITTEN,
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
    AMORTISED,
    GAN_PAIR,
    GAN_WRITTEN,
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
    "2 TV, as abs(s) grows",
    F_GAN,
    Conjugates(
        Formula("abs(u - 1)", lambda u: (u - 1).abs()),
        Formula("t, abs(t) <= 1", identity),
    ),
    ("tanh s", "tanh s"),
)
"""Total variation, with a critic bounded by tanh (S. Nowozin et al.: f-GAN, 2016).

tanh is neither concave nor convex, so equation 2 is no concave problem in the score; it is one in
t = tanh s."""

indicator = Divergence(
    "indicator",
    lambda s: -s,
    identity,
    lambda s: -s,
    True,
    reference=NUMERICS,
    pair=Conjugates(
        Formula(
            "0 at u = 1, infinite elsewhere",
            lambda u: torch.where(u == 1, torch.zeros_like(u), torch.inf),
        ),
        Formula("t", identity),
    ),
    written=("s", "s"),
)
"""The difference of mean scores, named so by the paper (L. Mescheder, S. Nowozin, A. Geiger: The
Numerics of GANs, 2017): f is the indicator function of the point 1. Its D_f is 0 or infinite, which
is no divergence to descend; over what D can express it is an integral probability metric."""

DIVERGENCES: dict[str, Divergence] = {d.name: d for d in (standard, js, kl, tv, indicator)}
"""The paper's five losses by name."""
