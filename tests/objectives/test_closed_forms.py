"""At the best discriminator of two known distributions, every loss is worth what it says."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch import Tensor

from nashgrad.objectives import F_DIVERGENCES, OBJECTIVES, Divergence
from nashgrad.objectives.f_gan import TABLE

BOUNDED = {n: o for n, o in OBJECTIVES.items() if isinstance(o, Divergence) and o.best is not None}
PAIRS = {n: o.pair for n, o in OBJECTIVES.items() if o.pair is not None}
WITH_G = [n for n, o in OBJECTIVES.items() if isinstance(o, Divergence)]
LN2 = math.log(2)
P = torch.tensor([0.5, 0.3, 0.15, 0.05], dtype=torch.float64)
Q = torch.tensor([0.1, 0.25, 0.25, 0.4], dtype=torch.float64)


def utility(objective: Divergence, p: Tensor, q: Tensor, s: Tensor) -> Tensor:
    return -(p * objective.real(s)).sum() - (q * objective.fake(s)).sum()


def expected(name: str, p: np.ndarray, q: np.ndarray) -> float:
    """Written from the papers, with NumPy, or by SciPy."""
    m = (p + q) / 2
    js = (stats.entropy(p, m) + stats.entropy(q, m)) / 2
    tv = np.abs(p - q).sum() / 2
    chi2 = ((q - m) ** 2 / m).sum()
    gan = 2 * js - 2 * math.log(2)
    return float(
        {
            "standard": gan,
            "js": gan,
            "kl": gan,
            "f_gan": gan,
            "tv": 2 * tv,
            "hinge": 2 * tv - 2,
            "f_kl": stats.entropy(p, q),
            "f_reverse_kl": stats.entropy(q, p),
            "f_pearson": ((p - q) ** 2 / q).sum(),
            "f_hellinger": ((np.sqrt(p) - np.sqrt(q)) ** 2).sum(),
            "f_js": 2 * js,
            "lsgan": (chi2 - 1) / 4,
            "lsgan_pearson": chi2 - 1,
        }[name]
    )


@pytest.mark.parametrize("name", BOUNDED)
def test_discrete_distributions(name: str) -> None:
    objective = BOUNDED[name]
    assert objective.best is not None
    assert objective.value is not None
    best = objective.best(P / Q)
    found = float(utility(objective, P, Q, best))
    assert found == pytest.approx(expected(name, P.numpy(), Q.numpy()), abs=1e-9)
    assert float(objective.value(P, Q)) == pytest.approx(found, abs=1e-9)


@pytest.mark.parametrize("name", BOUNDED)
def test_two_gaussians(name: str) -> None:
    """The same by quadrature: N(0, 1) against N(0.7, 1.2^2)."""
    objective, (p, q) = BOUNDED[name], (stats.norm(0, 1), stats.norm(0.7, 1.2))
    best = objective.best
    assert best is not None

    def integrand(x: float) -> float:
        at_p, at_q = p.pdf(x), q.pdf(x)
        s = best(torch.tensor(at_p / at_q, dtype=torch.float64))
        return float(-at_p * objective.real(s) - at_q * objective.fake(s))

    (value, _) = integrate.quad(integrand, -9, 12, limit=400, epsabs=1e-7)
    x = np.linspace(-9, 12, 200_001)
    cells = [d.pdf(x) * (x[1] - x[0]) for d in (p, q)]
    assert value == pytest.approx(expected(name, *cells), abs=1e-3)


@pytest.mark.parametrize("name", BOUNDED)
def test_no_other_discriminator_does_better(name: str) -> None:
    objective, draw = BOUNDED[name], torch.Generator().manual_seed(0)
    assert objective.best is not None
    best = objective.best(P / Q)
    top = utility(objective, P, Q, best)
    for scale in (1e-3, 0.1, 1.0, 5.0):
        for _ in range(20):
            other = best + scale * torch.randn(4, generator=draw, dtype=torch.float64)
            assert utility(objective, P, Q, other) <= top + 1e-12


def test_the_kl_generator_at_the_best_discriminator() -> None:
    kl = BOUNDED["kl"]
    assert kl.best is not None
    loss = (Q * kl.generator(kl.best(P / Q))).sum()
    assert float(loss) == pytest.approx(stats.entropy(Q, P), abs=1e-12)


def test_the_pearson_form_of_the_generator() -> None:
    """Mao et al.: with labels -1, 1, 0 and the best D, 2 C(G) = chi^2(p + q, 2 q)."""
    loss = BOUNDED["lsgan_pearson"]
    assert loss.best is not None
    s = loss.best(P / Q)
    c_of_g = (P * loss.generator(s)).sum() + (Q * loss.generator(s)).sum()
    chi2 = ((2 * Q - (P + Q)) ** 2 / (P + Q)).sum()
    assert float(2 * c_of_g) == pytest.approx(float(chi2), abs=1e-12)


def test_wasserstein_over_lipschitz_critics() -> None:
    """On the line the best 1-Lipschitz critic falls and rises with the sign of F - G."""
    draw = np.random.default_rng(0)
    x = np.sort(draw.normal(size=40))
    p, q = draw.dirichlet(np.ones(40)), draw.dirichlet(np.ones(40))
    gap = np.sign(np.cumsum(q - p)[:-1])
    s = torch.tensor(np.concatenate([[0.0], np.cumsum(gap * np.diff(x))]))
    loss = OBJECTIVES["wasserstein"]
    assert isinstance(loss, Divergence)
    value = utility(loss, torch.tensor(p), torch.tensor(q), s)
    assert float(value) == pytest.approx(stats.wasserstein_distance(x, x, p, q), abs=1e-12)


@pytest.mark.parametrize("name", WITH_G)
def test_g1_is_concave_and_g2_convex(name: str) -> None:
    """Of tv they are so in tanh s only."""
    s, right = torch.linspace(-6, 6, 241, dtype=torch.float64), []
    for function, sign in ((OBJECTIVES[name].g1, -1), (OBJECTIVES[name].g2, 1)):
        assert function is not None
        y = function(s)
        second = y[2:] - 2 * y[1:-1] + y[:-2]
        right.append(bool((sign * second >= -1e-9 * y.abs().max()).all()))
    assert right == [name != "tv"] * 2


@pytest.mark.parametrize("name", PAIRS)
def test_conjugate_pairs(name: str) -> None:
    """f*(t) = sup over u of u t - f(u)."""
    pair, s = PAIRS[name], torch.linspace(-1.5, 0.6, 12, dtype=torch.float64)
    g1 = OBJECTIVES[name].g1
    assert g1 is not None
    u = torch.logspace(-4, 4, 400_001, dtype=torch.float64)
    u = torch.cat([torch.tensor([0.0, 1.0], dtype=torch.float64), u])
    for t in g1(s):
        known = float((u * t - pair.f(u)).max())
        assert float(pair.conjugate(t)) == pytest.approx(known, abs=1e-4)


@pytest.mark.parametrize("name", sorted(PAIRS.keys() & BOUNDED.keys()))
def test_at_its_best_the_utility_is_the_f_divergence(name: str) -> None:
    """D_f = sum q f(p / q), and f*(g_1) = g_2 at the best score."""
    objective, pair = BOUNDED[name], PAIRS[name]
    assert objective.best is not None
    assert objective.g1 is not None
    assert objective.g2 is not None
    d_f = float((Q * pair.f(P / Q)).sum())
    assert d_f == pytest.approx(expected(name, P.numpy(), Q.numpy()), abs=1e-12)
    best = objective.best(P / Q)
    torch.testing.assert_close(pair.conjugate(objective.g1(best)), objective.g2(best))
    mine = (P * objective.g1(best)).sum() - (Q * objective.g2(best)).sum()
    assert float(mine) == pytest.approx(d_f, abs=1e-12)


@pytest.mark.parametrize("name", TABLE)
def test_rows_of_the_f_gan_table(name: str) -> None:
    """g_2 = f*(g_1) at every score, and the best one is where f' = g_1."""
    row, s = TABLE[name], torch.linspace(-1.5, 0.6, 12, dtype=torch.float64)
    torch.testing.assert_close(row.g2(s), row.conjugate(row.g1(s)))
    slope = torch.autograd.functional.jacobian(lambda v: row.f(v).sum(), P / Q)
    torch.testing.assert_close(row.g1(row.best(P / Q)), slope)


def ln(x: Tensor) -> Tensor:
    return x.log()


READ: dict[str, Callable[[Tensor], Tensor]] = {
    "u ln u": lambda u: u * ln(u),
    "u ln u - (u + 1) ln(u + 1)": lambda u: u * ln(u) - (u + 1) * ln(u + 1),
    "u ln u - (u + 1) ln((u + 1)/2)": lambda u: u * ln(u) - (u + 1) * ln((u + 1) / 2),
    "abs(u - 1)": lambda u: abs(u - 1),
    "0 at u = 1, infinite elsewhere": lambda u: (u - 1).abs().sign() / (u == 1).double(),
    "-ln u": lambda u: -ln(u),
    "(u - 1)^2": lambda u: (u - 1) ** 2,
    "(u^(1/2) - 1)^2": lambda u: (u**0.5 - 1) ** 2,
    "-2 min(1, u)": lambda u: -2 * u.clamp(max=1),
    "-0.5 u/(u + 1)": lambda u: -0.5 * u / (u + 1),
    "-2 u/(u + 1)": lambda u: -2 * u / (u + 1),
    "t": lambda t: t,
    "t, abs(t) <= 1": lambda t: t,
    "-ln(1 - e^t), t < 0": lambda t: -ln(1 - t.exp()),
    "-ln(2 - e^t), t < ln 2": lambda t: -ln(2 - t.exp()),
    "e^(t - 1)": lambda t: (t - 1).exp(),
    "-1 - ln(-t), t < 0": lambda t: -1 - ln(-t),
    "t^2/4 + t": lambda t: t**2 / 4 + t,
    "t/(1 - t), t < 1": lambda t: t / (1 - t),
    "max(0, t + 2), t <= 0": lambda t: (t + 2).clamp(min=0),
    "max(0, 1 - (-2 t)^(1/2))^2/2, t <= 0": lambda t: (1 - (-2 * t) ** 0.5).clamp(min=0) ** 2 / 2,
    "max(0, 2 - (-2 t)^(1/2))^2/2, t <= 0": lambda t: (2 - (-2 * t) ** 0.5).clamp(min=0) ** 2 / 2,
    "s": lambda s: s,
    "-sp(-s)": lambda s: -ln(1 + (-s).exp()),
    "sp(s)": lambda s: ln(1 + s.exp()),
    "tanh s": lambda s: (s.exp() - (-s).exp()) / (s.exp() + (-s).exp()),
    "e^(s - 1)": lambda s: (s - 1).exp(),
    "-e^-s": lambda s: -(-s).exp(),
    "s - 1": lambda s: s - 1,
    "s^2/4 + s": lambda s: s**2 / 4 + s,
    "1 - e^-s": lambda s: 1 - (-s).exp(),
    "e^s - 1": lambda s: s.exp() - 1,
    "ln 2 - sp(-s)": lambda s: LN2 - ln(1 + (-s).exp()),
    "sp(s) - ln 2": lambda s: ln(1 + s.exp()) - LN2,
    "min(0, s - 1)": lambda s: (s - 1).clamp(max=0),
    "max(0, 1 + s)": lambda s: (1 + s).clamp(min=0),
    "-(s - 1)^2/2": lambda s: -((s - 1) ** 2) / 2,
    "s^2/2": lambda s: s**2 / 2,
    "(s + 1)^2/2": lambda s: (s + 1) ** 2 / 2,
}
"""What is written, as one reads it."""


@pytest.mark.parametrize("name", WITH_G)
def test_formulas_are_what_they_say(name: str) -> None:
    objective = OBJECTIVES[name]
    assert objective.g1 is not None
    assert objective.g2 is not None
    s = torch.linspace(-2, 2, 41, dtype=torch.float64)
    u, t = torch.linspace(0.1, 3, 30, dtype=torch.float64), objective.g1(s)
    formulas = [(objective.g1, s), (objective.g2, s)]
    if objective.pair is not None:
        formulas += [(objective.pair.f, u), (objective.pair.conjugate, t)]
    for formula, x in formulas:
        found, read = formula(x), READ[formula.text](x)
        torch.testing.assert_close(
            found, read.nan_to_num(nan=0, posinf=math.inf), atol=1e-12, rtol=1e-9
        )
    torch.testing.assert_close(objective.g1(s), -objective.real(s))
    torch.testing.assert_close(objective.g2(s), objective.fake(s))


def rows(head: str) -> dict[str, list[str]]:
    """The cells of a table of docs/objectives.md, by the name in the first one."""
    text = (Path(__file__).parents[2] / "docs" / "objectives.md").read_text()
    lines = text[text.index(head) :].partition("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {name.strip("`"): rest for name, *rest in cells}


def test_the_documented_tables_are_the_codes() -> None:
    losses = rows("| name | D minimises |")
    sources = rows("| name | f(u) |")
    assert list(losses) == list(sources) == list(OBJECTIVES)
    for name, objective in OBJECTIVES.items():
        assert losses[name][2:] == [objective.at_best, "yes" if objective.zero_sum else "no"]
        pair = objective.pair or (None, None)
        formulas = [*pair, objective.g1, objective.g2]
        texts = ["none" if f is None else f.text for f in formulas]
        assert sources[name] == [*texts, objective.reference]
        assert objective.reference.endswith(tuple("0123456789"))  # a year


def test_the_rest_say_so() -> None:
    rest = OBJECTIVES.keys() - BOUNDED.keys()
    assert rest == {"indicator", "wasserstein", "relativistic", "relativistic_average"}
    for name in rest - {"wasserstein"}:
        assert OBJECTIVES[name].at_best == "no divergence"
    assert F_DIVERGENCES.keys() <= BOUNDED.keys()


@pytest.mark.parametrize("name", BOUNDED)
def test_points_without_mass_count_nothing(name: str) -> None:
    nothing = torch.zeros(1, dtype=torch.float64)
    value = BOUNDED[name].value
    torch.testing.assert_close(value(torch.cat([P, nothing]), torch.cat([Q, nothing])), value(P, Q))
