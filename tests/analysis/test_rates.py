"""What operators predict against what methods do: rates, and the step sizes where they end."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import partial

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.optim import SGD

import nashgrad as ng
from methods.case import Method
from methods.table import BY_NAME, METHODS
from nashgrad.analysis import theory, updates
from nashgrad.analysis.rates import (
    best_gamma,
    largest_step_size,
    predicted_rate,
    spectral_radius,
    stabilises_unstable,
)

LINEAR = [m.name for m in METHODS if m.operator is not None]
DISTINCT = list({BY_NAME[name].operator: name for name in reversed(LINEAR)}.values())
"""One row of those with the same operator."""
CIRCLE = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
seeds = st.integers(0, 10_000)


def draw(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def eye(n: int) -> Tensor:
    return torch.eye(n, dtype=torch.float64)


def game(seed: int, *, zero_sum: bool = False) -> Tensor:
    """Stable, of two players with 3 and 2 parameters."""
    J = 0.8 * draw(seed, 5, 5)
    J = J - J.T if zero_sum else J
    for own in (slice(3), slice(3, None)):
        H = draw(seed + 100, 5, 5)[own, own]
        J[own, own] = -0.2 * H @ H.T - 0.8 * eye(len(H))
    assert torch.linalg.eigvals(J).real.max() < 0
    return J


GAMES = {
    "general-sum": (game(0), (3, 2)),
    "zero-sum": (game(1, zero_sum=True), (3, 2)),
    "bilinear": (ng.bilinear(torch.tensor([[0.8, 0.6], [-0.6, 0.8]]).double()).matrix, (2, 2)),
}


def update_of(name: str) -> updates.Update:
    update = BY_NAME[name].operator
    assert update is not None
    return update


def optimizer(method: Method, game: ng.Game, h: float) -> ng.GameOptimizer:
    return ng.GameOptimizer(
        ng.GameField(game),
        SGD(game.parameters(), h),
        adjustment=method.adjustment(),
        schedule=method.schedule(),
    )


def plane(F: Tensor, n: int) -> Tensor:
    """Coordinates of x, `(2, n)`, in the plane in which F's largest pair of eigenvalues turns it.

    There |x| changes by the same factor in every step, where |x| itself sways.
    """
    values, vectors = torch.linalg.eig(F)
    u = vectors[:n, values.abs().argmax()]
    return torch.linalg.pinv(torch.stack([u.real, u.imag], 1), rtol=1e-6)


def observed(
    method: Method, game: ng.Game, h: float, steps: int, at: Tensor, sizes: Sequence[int]
) -> float:
    """The logarithm of the rate: the slope of log |x| over the last half of these steps."""
    opt, given = optimizer(method, game, h), itertools.repeat(None) if method.fresh else None
    coordinates = plane(update_of(method.name)(at, sizes, h), len(at))
    logs = []
    for k in range(1, steps + 1):
        opt.step(given)
        if k % method.period == 0:
            logs.append((coordinates @ opt.space.get()).norm().log())
    late = torch.stack(logs[len(logs) // 2 :])
    k = torch.arange(len(late), dtype=late.dtype) * method.period
    k = k - k.mean()
    return (k @ late / (k @ k)).item()


def quadratic(J: Tensor, sizes: Sequence[int]) -> ng.Quadratic:
    return ng.Quadratic(J, dict(zip("ab", sizes, strict=True)), start=draw(5, len(J)))


def predicted(name: str, J: Tensor, sizes: Sequence[int], h: float) -> float:
    rate = predicted_rate(update_of(name), J, sizes, h, steps=BY_NAME[name].period)
    return math.log(rate)


def settled(name: str, J: Tensor, sizes: Sequence[int], h: float) -> int:
    """After how many steps all but the largest pair has gone, to one part in a thousand."""
    moduli = torch.linalg.eigvals(update_of(name)(J, sizes, h)).abs().sort(descending=True).values
    others = moduli[moduli < moduli[0] * (1 - 1e-6)]
    gap = math.log(moduli[0] / others[0]) if len(others) and others[0] > 0 else math.inf
    return math.ceil(BY_NAME[name].period * math.log(1e3) / gap)


def fastest(name: str, J: Tensor, sizes: Sequence[int]) -> tuple[int, float, float]:
    """How many steps it takes to measure a rate, its logarithm, and the h where it takes least."""
    h0 = largest_step_size(update_of(name), J, sizes)
    known = 0 < h0 < math.inf
    unit = h0 if known else 1 / torch.linalg.matrix_norm(J, 2).item()
    tried = []
    for h in (unit * k / 10 for k in (4, 6, 8, 13, 15)):
        slope = predicted(name, J, sizes, h)
        if 0.02 < abs(slope) < 2:
            steps = max(24, math.ceil(20 / abs(slope)), 2 * settled(name, J, sizes, h))
            tried.append((steps, slope, h))
    return min(tried, default=(10**6, 0.0, 0.0))


def games_of(name: str) -> list[tuple[Tensor, tuple[int, int]]]:
    """Those that a method is for."""
    zero_sum = BY_NAME[name].game == "zero-sum"
    return [game for kind, game in GAMES.items() if not (zero_sum and kind == "general-sum")]


@pytest.mark.parametrize("name", LINEAR)
def test_predicted_and_observed_rates(name: str) -> None:
    """On two games at least, and on all where that does not take long."""
    plans = sorted(((fastest(name, *game), game) for game in games_of(name)), key=lambda p: p[0])
    plans = [plan for k, plan in enumerate(plans) if k < 2 or plan[0][0] <= 300]
    for (steps, expected, h), (J, sizes) in plans:
        found = observed(BY_NAME[name], quadratic(J, sizes), h, steps, J, sizes)
        assert found / expected == pytest.approx(1, abs=0.01), (h, steps)


@pytest.mark.parametrize("name", DISTINCT)
def test_the_step_size_where_convergence_ends(name: str) -> None:
    def plan(J: Tensor, sizes: Sequence[int]) -> tuple[int, float]:
        h0 = largest_step_size(update_of(name), J, sizes)
        return (max(30, settled(name, J, sizes, h0) * 3 // 2) if h0 < math.inf else 0), h0

    damped = [game for game in games_of(name) if game is not GAMES["bilinear"]]
    (steps, h0), (J, sizes) = min(((plan(*game), game) for game in damped), key=lambda p: p[0])
    assert h0 > 0
    if h0 == math.inf:
        assert predicted(name, J, sizes, 1e3) < 0
        return
    for h, contracts in ((0.99 * h0, True), (1.01 * h0, False)):
        slope = observed(BY_NAME[name], quadratic(J, sizes), h, steps, J, sizes)
        assert (slope < 0) == contracts, (h, slope, predicted(name, J, sizes, h))


@pytest.mark.parametrize(
    ("name", "h"),
    [
        ("simultaneous", 1.0),
        ("consensus", 1.0),
        ("extragradient", 1.0),
        ("optimistic", 0.8),
        ("CGD", 1.0),
        ("linearly implicit", 1.0),
        ("lookahead, momentum", 0.4),
    ],
)
def test_near_the_equilibrium_of_a_gan(name: str, h: float) -> None:
    """A game that is not linear, from close by."""
    gan = ng.DiracGAN(start=(1e-3, 2e-3))
    J = ng.DiracGAN(start=(0.0, 0.0)).jacobian()
    expected = predicted(name, J, (1, 1), h)
    steps = max(40, math.ceil(5 / abs(expected)))
    found = observed(BY_NAME[name], gan, h, steps, J, (1, 1))
    assert found / expected == pytest.approx(1, abs=0.01)


# The functions by themselves.


def test_the_radius_and_the_rate_of_a_period() -> None:
    assert spectral_radius(torch.tensor([[3.0, 1.0], [-1.0, 3.0]])) == pytest.approx(math.sqrt(10))
    J = GAMES["zero-sum"][0]
    rate = predicted_rate(updates.simultaneous, J, (3, 2), 0.1)
    assert rate == pytest.approx(spectral_radius(eye(5) + 0.1 * J))
    thrice = partial(updates.lookahead, inner=updates.simultaneous, period=3, alpha=1.0)
    assert predicted_rate(thrice, J, (3, 2), 0.1, steps=3) == pytest.approx(rate)


@given(seeds)
@settings(max_examples=20)
def test_the_largest_step_of_simultaneous_ascent_is_the_papers(seed: int) -> None:
    M = draw(seed, 5, 5)
    J = M - (torch.linalg.eigvals(M).real.max() + 0.5) * eye(5)
    expected = theory.step_size_bound(torch.linalg.eigvals(J))
    assert largest_step_size(updates.simultaneous, J, (3, 2)) == pytest.approx(expected)


@pytest.mark.parametrize("s", [0.01, 1.0, 30.0])
@pytest.mark.parametrize(
    ("update", "limit"),
    [
        (updates.simultaneous, 0),
        (updates.alternating, 0),
        (partial(updates.runge_kutta, order=2), 0),
        (partial(updates.heavy_ball, beta=0.5), 0),
        (updates.extragradient, 1),
        (updates.from_past, 1 / math.sqrt(3)),
        (updates.optimistic, 1 / math.sqrt(3)),
        (updates.optimistic_step, 1 / math.sqrt(3)),
        (partial(updates.runge_kutta, order=3), math.sqrt(3)),
        (partial(updates.runge_kutta, order=4), 2 * math.sqrt(2)),
        (updates.implicit_euler, math.inf),
        (updates.competitive, math.inf),
    ],
)
def test_step_sizes_on_the_bilinear_game(update: updates.Update, limit: float, s: float) -> None:
    """h s of the end, whatever the game's scale s."""
    assert largest_step_size(update, s * CIRCLE, (1, 1)) * s == pytest.approx(limit, rel=1e-6)


@pytest.mark.parametrize("gamma", [0.1, 1.0, 5.0])
def test_the_step_size_of_consensus(gamma: float) -> None:
    """(1 - h gamma)^2 + h^2 < 1 on the bilinear game with singular value 1."""
    update = partial(updates.consensus, gamma=gamma)
    expected = 2 * gamma / (1 + gamma**2)
    assert largest_step_size(update, CIRCLE, (1, 1)) == pytest.approx(expected)


def test_the_first_interval_only() -> None:
    """1 - h is below 1 up to 2; a bump ends it before, and what comes after is another interval."""

    def update(J: Tensor, sizes: Sequence[int], h: float) -> Tensor:
        return eye(1) * (1.5 if 0.7 < h < 0.9 else 1 - h)

    assert largest_step_size(update, -eye(1), (1,)) == pytest.approx(0.7)


def test_step_sizes_that_there_are_not() -> None:
    assert largest_step_size(updates.simultaneous, eye(2), (1, 1)) == 0
    assert largest_step_size(updates.implicit_euler, eye(2), (1, 1)) == 0
    neutral = torch.diag(torch.tensor([-1.0, 0.0], dtype=torch.float64))
    assert largest_step_size(updates.simultaneous, neutral, (1, 1)) == 0
    assert largest_step_size(updates.simultaneous, -eye(2), (1, 1), largest=1.5) == math.inf


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="J must be finite and not zero"):
        largest_step_size(updates.simultaneous, 0 * eye(2), (1, 1))
    with pytest.raises(ValueError, match="J must be finite and not zero"):
        best_gamma(math.nan * eye(2), 0.1)
    with pytest.raises(ValueError, match=r"smallest must be below largest, got 2\.0 and 1\.0"):
        largest_step_size(updates.simultaneous, -eye(2), (1, 1), smallest=2.0, largest=1.0)
    with pytest.raises(ValueError, match=r"h must be positive"):
        best_gamma(-eye(2), 0.0)
    with pytest.raises(ValueError, match="steps must be a whole number"):
        predicted_rate(updates.simultaneous, -eye(2), (1, 1), 0.1, steps=0)


def test_implicit_steps_come_to_rest_where_the_field_flees() -> None:
    J = torch.tensor([[1.0, -3.0], [3.0, -0.5]], dtype=torch.float64)
    threshold = theory.implicit_threshold(torch.linalg.eigvals(J))
    implicit = updates.implicit_euler
    assert stabilises_unstable(implicit, J, (1, 1), 1.01 * threshold)
    assert not stabilises_unstable(implicit, J, (1, 1), 0.99 * threshold)
    assert not stabilises_unstable(implicit, -eye(2), (1, 1), 10.0)  # nothing to stabilise
    assert stabilises_unstable(partial(updates.consensus, gamma=3.0), eye(1), (1,), 0.1)
    assert not stabilises_unstable(partial(updates.consensus, gamma=0.9), eye(1), (1,), 0.1)


@pytest.mark.parametrize("s", [0.2, 1.0, 4.0])
def test_the_best_gamma_for_one_singular_value(s: float) -> None:
    """|1 + h (i s - gamma s^2)| is least, h s, at gamma = 1 / (h s^2)."""
    h = 0.3 / s
    found = best_gamma(s * CIRCLE, h)
    assert found.gamma == pytest.approx(1 / (h * s**2), rel=1e-5)
    assert found.rate == pytest.approx(h * s)


def test_the_best_gamma_for_two_singular_values() -> None:
    h, small, large = 1e-3, 0.5, 2.0
    found = best_gamma(torch.block_diag(small * CIRCLE, large * CIRCLE), h)
    assert found.gamma == pytest.approx(2 / (h * (small**2 + large**2)), rel=1e-3)


@given(seeds, st.floats(0.02, 1))
@settings(max_examples=25)
def test_no_gamma_is_better(seed: int, h: float) -> None:
    J = draw(seed, 4, 4)
    assume(torch.linalg.svdvals(J)[-1] > 0.05)
    found, squared = best_gamma(J, h), J.T @ J
    far = 4 * (found.gamma + 2 / (h * J.square().sum()))
    tried = torch.cat([torch.linspace(0, 1, 1000), torch.logspace(-5, 0, 500)]).double() * far
    F = eye(4) + h * (J - tried[:, None, None] * squared)
    assert found.rate <= torch.linalg.eigvals(F).abs().amax(1).min() * (1 + 1e-3)
    assert found.rate == pytest.approx(spectral_radius(eye(4) + h * (J - found.gamma * squared)))


def test_where_no_consensus_is_best() -> None:
    """At -I with h = 1 one step is all."""
    assert best_gamma(-eye(2), 1.0).gamma == 0
    assert best_gamma(-eye(2), 1.0).rate == 0
