"""The f-GAN family, from the two functions of the paper's equation 2.

The discriminator's utility is E_data[g_1(s)] - E_model[g_2(s)] with g_1 = T, the function that
brings a score into the domain of the conjugate f*, and g_2 = f*(T). g_1 is concave and g_2 convex
(the paper says that both are convex), so that the best score is a concave problem at each point.
At its best the utility is D_f(data, model) = E_model[f(p / q)]. The game is zero-sum.

Source: S. Nowozin, B. Cseke, R. Tomioka: f-GAN: Training Generative Neural Samplers using
Variational Divergence Minimization, 2016, tables 1, 2 and 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

from nashgrad.objectives.closed_forms import (
    gan_value,
    jensen_shannon,
    kullback_leibler,
    pearson,
    squared_hellinger,
)
from nashgrad.objectives.divergences import GAN_VALUE, identity
from nashgrad.objectives.objective import Divergence, Scores, Value

LN2 = math.log(2)


@dataclass(frozen=True)
class FDivergence:
    """A row of the table.

    Args:
        name: as in a configuration.
        f: convex, of the ratio u = p / q.
        conjugate: f*(t) = sup over u of u t - f(u).
        g1: the score's activation T(s), concave.
        g2: f*(T(s)), convex, in one piece.
        best: the score at which f'(u) = T(s).
        value: D_f in closed form.
        at_best: D_f in words.
    """

    name: str
    f: Scores
    conjugate: Scores
    g1: Scores
    g2: Scores
    best: Scores
    value: Value
    at_best: str

    def divergence(self) -> Divergence:
        """The losses: -g_1 on real samples, g_2 on fake ones; the generator's is -g_2."""
        g1, g2 = self.g1, self.g2
        return Divergence(
            self.name,
            lambda s: -g1(s),
            g2,
            lambda s: -g2(s),
            True,
            self.best,
            self.value,
            self.at_best,
        )


def _log_sigmoid(s: Tensor) -> Tensor:
    return -softplus(-s)


TABLE: dict[str, FDivergence] = {
    row.name: row
    for row in (
        FDivergence(
            "f_kl",
            f=lambda u: torch.xlogy(u, u),
            conjugate=lambda t: torch.exp(t - 1),
            g1=identity,
            g2=lambda s: torch.exp(s - 1),
            best=lambda u: 1 + u.log(),
            value=kullback_leibler,
            at_best="KL(data, model)",
        ),
        FDivergence(
            "f_reverse_kl",
            f=lambda u: -u.log(),
            conjugate=lambda t: -1 - torch.log(-t),
            g1=lambda s: -torch.exp(-s),
            g2=lambda s: s - 1,
            best=torch.log,
            value=lambda p, q: kullback_leibler(q, p),
            at_best="KL(model, data)",
        ),
        FDivergence(
            "f_pearson",
            f=lambda u: (u - 1).square(),
            conjugate=lambda t: t.square() / 4 + t,
            g1=identity,
            g2=lambda s: s.square() / 4 + s,
            best=lambda u: 2 * (u - 1),
            value=pearson,
            at_best="chi^2(data, model)",
        ),
        FDivergence(
            "f_hellinger",
            f=lambda u: (u.sqrt() - 1).square(),
            conjugate=lambda t: t / (1 - t),
            g1=lambda s: 1 - torch.exp(-s),
            g2=lambda s: torch.exp(s) - 1,
            best=lambda u: u.log() / 2,
            value=squared_hellinger,
            at_best="squared Hellinger distance",
        ),
        FDivergence(
            "f_js",
            f=lambda u: torch.xlogy(u, u) - (u + 1) * torch.log((u + 1) / 2),
            conjugate=lambda t: -torch.log(2 - torch.exp(t)),
            g1=lambda s: LN2 + _log_sigmoid(s),
            g2=lambda s: softplus(s) - LN2,
            best=torch.log,
            value=lambda p, q: 2 * jensen_shannon(p, q),
            at_best="2 JS",
        ),
        FDivergence(
            "f_gan",
            f=lambda u: torch.xlogy(u, u) - (u + 1) * torch.log(u + 1),
            conjugate=lambda t: -torch.log(1 - torch.exp(t)),
            g1=_log_sigmoid,
            g2=softplus,
            best=torch.log,
            value=gan_value,
            at_best=GAN_VALUE,
        ),
    )
}
"""The f-GAN table: KL, reverse KL, Pearson chi^2, squared Hellinger, Jensen-Shannon, GAN."""

F_DIVERGENCES: dict[str, Divergence] = {name: row.divergence() for name, row in TABLE.items()}
"""The losses of each row."""
