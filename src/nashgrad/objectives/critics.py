"""Losses beyond f-divergences: Wasserstein, hinge, least squares."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import relu

from nashgrad.core.limits import check_finite
from nashgrad.objectives.closed_forms import pearson, total_variation
from nashgrad.objectives.divergences import identity
from nashgrad.objectives.objective import Conjugates, Divergence, Formula

wasserstein = Divergence(
    "wasserstein",
    lambda s: -s,
    identity,
    lambda s: -s,
    True,
    at_best="Wasserstein-1 distance over 1-Lipschitz D; unbounded without a bound on D",
    reference="M. Arjovsky, S. Chintala, L. Bottou: Wasserstein GAN, 2017",
    written=("s", "s"),
)
"""The difference of mean scores; D has to be kept Lipschitz by weight clipping, a gradient penalty
or spectral normalisation (M. Arjovsky, S. Chintala, L. Bottou: Wasserstein GAN, 2017)."""

hinge = Divergence(
    "hinge",
    lambda s: relu(1 - s),
    lambda s: relu(1 + s),
    lambda s: -s,
    False,
    lambda ratio: (ratio - 1).sign(),
    lambda p, q: 2 * total_variation(p, q) - 2,
    "2 TV - 2",
    "J. H. Lim, J. C. Ye: Geometric GAN, 2017",
    Conjugates(
        Formula("-2 min(1, u)", lambda u: -2 * u.clamp(max=1)),
        Formula("max(0, t + 2), t <= 0", lambda t: relu(t + 2)),
    ),
    ("min(0, s - 1)", "max(0, 1 + s)"),
)
"""Hinge loss (J. H. Lim, J. C. Ye: Geometric GAN, 2017); f(u) = sup over s of u g_1(s) - g_2(s)."""


def least_squares(
    name: str, fake: float = 0.0, real: float = 1.0, generator: float = 1.0
) -> Divergence:
    """Scores drawn to labels: a for fake samples, b for real ones, c for the generator's.

    discriminator: mean (D(x) - b)^2 / 2 + mean (D(G(z)) - a)^2 / 2,
    generator:     mean (D(G(z)) - c)^2 / 2.

    The best score is (b p + a q) / (p + q). The utility there is
    (b - a)^2 / 4 (chi^2 - 1) with Pearson's chi^2(q, m) = sum (q - m)^2 / m, m = (p + q) / 2, or
    D_f with f(u) = sup over s of u g_1(s) - g_2(s) = -(b - a)^2 / 2 u / (u + 1).

    Args:
        name: as in a configuration.
        fake, real, generator: the labels a, b and c.

    Raises:
        ValueError: For labels that are not finite, or a = b.

    References:
        X. Mao et al.: Least Squares Generative Adversarial Networks, 2017.
    """
    a, b, c = fake, real, generator
    for label, value in (("fake", a), ("real", b), ("generator", c)):
        check_finite(label, value)
    if a == b:
        raise ValueError(f"labels of real and fake samples are both {a}: nothing tells them apart")
    weight, width = (b - a) ** 2 / 4, abs(b - a)
    factor = "" if weight == 1 else f"{weight:g} "
    pair = Conjugates(
        Formula(f"-{2 * weight:g} u/(u + 1)", lambda u: -2 * weight * u / (u + 1)),
        Formula(
            f"max(0, {width:g} - (-2 t)^(1/2))^2/2, t <= 0",
            lambda t: relu(width - (-2 * t).sqrt()).square() / 2,
        ),
    )
    return Divergence(
        name,
        _half_square(b),
        _half_square(a),
        _half_square(c),
        False,
        lambda ratio: (b * ratio + a) / (ratio + 1),
        lambda p, q: -weight * (1 - pearson(q, (p + q) / 2)),
        f"{factor}chi^2(model, (data + model)/2) - {weight:g}",
        "X. Mao et al.: Least Squares Generative Adversarial Networks, 2017",
        pair,
        (f"-{_written(b)}", _written(a)),
    )


def _written(label: float) -> str:
    """Half the squared distance of a score from a label."""
    if label == 0:
        return "s^2/2"
    return f"(s {'-' if label > 0 else '+'} {abs(label):g})^2/2"


def _half_square(label: float) -> Callable[[Tensor], Tensor]:
    return lambda s: (s - label).square() / 2


lsgan = least_squares("lsgan")
"""Labels 0, 1, 1, as mostly used."""

lsgan_pearson = least_squares("lsgan_pearson", -1.0, 1.0, 0.0)
"""Labels -1, 1, 0, for which the paper shows Pearson's form."""

CRITICS: dict[str, Divergence] = {d.name: d for d in (wasserstein, hinge, lsgan, lsgan_pearson)}
"""These by name."""
