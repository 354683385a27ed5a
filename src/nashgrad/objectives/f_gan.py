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
from nashgrad.objectives.divergences import F_GAN, GAN_PAIR, GAN_VALUE, identity
from nashgrad.objectives.objective import Conjugates, Divergence, Formula, Scores, Value

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
    f: Formula
    conjugate: Formula
    g1: Formula
    g2: Formula
    best: Scores
    value: Value
    at_best: str

    def divergence(self) -> Divergence:
        """The losses: -g_1 on real samples, g_2 on fake ones; the generator's is -g_2."""
        g1, g2 = self.g1.function, self.g2.function
        return Divergence(
            self.name,
            lambda s: -g1(s),
            g2,
            lambda s: -g2(s),
            True,
            self.best,
            self.value,
            self.at_best,
            F_GAN,
            Conjugates(self.f, self.conjugate),
            (self.g1.text, self.g2.text),
        )


def _log_sigmoid(s: Tensor) -> Tensor:
    return -softplus(-s)


TABLE: dict[str, FDivergence] = {
    row.name: row
    for row in (
        FDivergence(
            "f_kl",
            f=Formula("u ln u", lambda u: torch.xlogy(u, u)),
            conjugate=Formula("e^(t - 1)", lambda t: torch.exp(t - 1)),
            g1=Formula("s", identity),
            g2=Formula("e^(s - 1)", lambda s: torch.exp(s - 1)),
            best=lambda u: 1 + u.log(),
            value=kullback_leibler,
            at_best="KL(data, model)",
        ),
        FDivergence(
            "f_reverse_kl",
            f=Formula("-ln u", lambda u: -u.log()),
            conjugate=Formula("-1 - ln(-t), t < 0", lambda t: -1 - torch.log(-t)),
            g1=Formula("-e^-s", lambda s: -torch.exp(-s)),
            g2=Formula("s - 1", lambda s: s - 1),
            best=torch.log,
            value=lambda p, q: kullback_leibler(q, p),
            at_best="KL(model, data)",
        ),
        FDivergence(
            "f_pearson",
            f=Formula("(u - 1)^2", lambda u: (u - 1).square()),
            conjugate=Formula("t^2/4 + t", lambda t: t.square() / 4 + t),
            g1=Formula("s", identity),
            g2=Formula("s^2/4 + s", lambda s: s.square() / 4 + s),
            best=lambda u: 2 * (u - 1),
            value=pearson,
            at_best="chi^2(data, model)",
        ),
        FDivergence(
            "f_hellinger",
            f=Formula("(u^(1/2) - 1)^2", lambda u: (u.sqrt() - 1).square()),
            conjugate=Formula("t/(1 - t), t < 1", lambda t: t / (1 - t)),
            g1=Formula("1 - e^-s", lambda s: 1 - torch.exp(-s)),
            g2=Formula("e^s - 1", lambda s: torch.exp(s) - 1),
            best=lambda u: u.log() / 2,
            value=squared_hellinger,
            at_best="squared Hellinger distance",
        ),
        FDivergence(
            "f_js",
            f=Formula(
                "u ln u - (u + 1) ln((u + 1)/2)",
                lambda u: torch.xlogy(u, u) - (u + 1) * torch.log((u + 1) / 2),
            ),
            conjugate=Formula("-ln(2 - e^t), t < ln 2", lambda t: -torch.log(2 - torch.exp(t))),
            g1=Formula("ln 2 - sp(-s)", lambda s: LN2 + _log_sigmoid(s)),
            g2=Formula("sp(s) - ln 2", lambda s: softplus(s) - LN2),
            best=torch.log,
            value=lambda p, q: 2 * jensen_shannon(p, q),
            at_best="2 JS",
        ),
        FDivergence(
            "f_gan",
            f=GAN_PAIR.f,
            conjugate=GAN_PAIR.conjugate,
            g1=Formula("-sp(-s)", _log_sigmoid),
            g2=Formula("sp(s)", softplus),
            best=torch.log,
            value=gan_value,
            at_best=GAN_VALUE,
        ),
    )
}
"""The f-GAN table: KL, reverse KL, Pearson chi^2, squared Hellinger, Jensen-Shannon, GAN."""

F_DIVERGENCES: dict[str, Divergence] = {name: row.divergence() for name, row in TABLE.items()}
"""The losses of each row."""
