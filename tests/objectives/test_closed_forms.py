"""At the best discriminator of two known distributions, every loss is worth what it says."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch import Tensor

from nashgrad.objectives import F_DIVERGENCES, OBJECTIVES, Divergence
from nashgrad.objectives.f_gan import TABLE

BOUNDED = {n: o for n, o in OBJECTIVES.items() if isinstance(o, Divergence) and o.best is not None}
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


@pytest.mark.parametrize("name", TABLE)
def test_g1_is_concave_and_g2_convex(name: str) -> None:
    row, s = TABLE[name], torch.linspace(-6, 6, 241, dtype=torch.float64)
    for function, sign in ((row.g1, -1), (row.g2, 1)):
        y = function(s)
        second = y[2:] - 2 * y[1:-1] + y[:-2]
        assert (sign * second >= -1e-9 * y.abs().max()).all()


@pytest.mark.parametrize("name", TABLE)
def test_conjugate_pairs(name: str) -> None:
    """f*(t) = sup over u of u t - f(u), g_2 = f*(g_1), and D_f = sum q f(p / q)."""
    row, s = TABLE[name], torch.linspace(-1.5, 0.6, 12, dtype=torch.float64)
    t = row.g1(s)
    u = torch.logspace(-4, 4, 400_001, dtype=torch.float64)
    for at, score in zip(t, s, strict=True):
        assert float(row.conjugate(at)) == pytest.approx(float((u * at - row.f(u)).max()), abs=1e-4)
        assert float(row.g2(score)) == pytest.approx(float(row.conjugate(at)), abs=1e-12)
    assert float(row.value(P, Q)) == pytest.approx(float((Q * row.f(P / Q)).sum()), abs=1e-12)
    slope = torch.autograd.functional.jacobian(lambda v: row.f(v).sum(), P / Q)
    torch.testing.assert_close(row.g1(row.best(P / Q)), slope)


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
