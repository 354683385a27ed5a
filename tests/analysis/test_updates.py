"""Updates against steps by hand, against what defines a method, and against closed forms."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Sequence
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nashgrad.analysis import updates
from nashgrad.analysis.rates import spectral_radius
from nashgrad.analysis.updates.matrices import other_blocks, own_blocks, projection
from references import error

SIZES = (2, 1, 2)
Field = Callable[[Tensor], Tensor]
seeds = st.integers(0, 10_000)
steps = st.floats(0.01, 0.5)


def draw(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def slices(sizes: Sequence[int]) -> list[slice]:
    return [slice(sum(sizes[:i]), sum(sizes[: i + 1])) for i in range(len(sizes))]


def game(seed: int, sizes: Sequence[int] = SIZES) -> Tensor:
    J = draw(seed, sum(sizes), sum(sizes))
    for own in slices(sizes):
        J[own, own] = (J[own, own] + J[own, own].T) / 2
    return J


# Steps by hand: `(v, sizes, h, z)` to the next z, in the words of the papers.


def by_turns(v: Field, sizes: Sequence[int], h: float, z: Tensor, turns: list[int]) -> Tensor:
    x = z.clone()
    for i in turns:
        own = slices(sizes)[i]
        x[own] = x[own] + h * v(x)[own]
    return x


def classical(v: Field, sizes: Sequence[int], h: float, x: Tensor) -> Tensor:
    a = v(x)
    b = v(x + h / 2 * a)
    c = v(x + h / 2 * b)
    d = v(x + h * c)
    return x + h / 6 * (a + 2 * b + 2 * c + d)


def heun(v: Field, sizes: Sequence[int], h: float, x: Tensor) -> Tensor:
    return x + h / 2 * (v(x) + v(x + h * v(x)))


def from_past(v: Field, sizes: Sequence[int], h: float, z: Tensor) -> Tensor:
    x, last = z.chunk(2)
    last = v(x + h * last)
    return torch.cat([x + h * last, last])


def optimistic(v: Field, sizes: Sequence[int], h: float, z: Tensor) -> Tensor:
    x, last = z.chunk(2)
    return torch.cat([x + h * (2 * v(x) - last), v(x)])


def optimistic_step(v: Field, sizes: Sequence[int], h: float, z: Tensor) -> Tensor:
    x, last = z.chunk(2)
    step = h * v(x)
    return torch.cat([x + 2 * step - last, step])


def ball(v: Field, sizes: Sequence[int], h: float, z: Tensor) -> Tensor:
    x, m = z.chunk(2)
    m = 0.6 * m + v(x)
    return torch.cat([x + h * m, m])


def ball_by_turns(v: Field, sizes: Sequence[int], h: float, z: Tensor, turns: list[int]) -> Tensor:
    x, m = (a.clone() for a in z.chunk(2))
    for i in turns:
        own = slices(sizes)[i]
        m[own] = -0.4 * m[own] + v(x)[own]
        x[own] = x[own] + h * m[own]
    return torch.cat([x, m])


def old_momentum(v: Field, sizes: Sequence[int], h: float, z: Tensor) -> Tensor:
    x, m = z.chunk(2)
    return torch.cat([x + h * m, m + h * (v(x) - 1.3 * m)])


def complex_ball(v: Field, sizes: Sequence[int], h: float, z: Tensor) -> Tensor:
    x, *parts = z.chunk(3)
    m = cmath.rect(0.8, 0.7) * torch.complex(*parts) + v(x)
    return torch.cat([x + h * (cmath.exp(0.3j) * m).real, m.real, m.imag])


def looked_ahead(
    inner: Callable[..., Tensor], v: Field, sizes: Sequence[int], h: float, z: Tensor
) -> Tensor:
    n, y = sum(sizes), z
    for _ in range(3):
        y = inner(v, sizes, h, y)
    return torch.cat([z[:n] + 0.7 * (y[:n] - z[:n]), y[n:]])


BALL = partial(updates.heavy_ball, beta=0.6)
BY_HAND = {
    "simultaneous": (updates.simultaneous, lambda v, sizes, h, x: x + h * v(x)),
    "alternating": (updates.alternating, partial(by_turns, turns=[0, 1, 2])),
    "alternating, turns": (
        partial(updates.alternating, turns=(2, 2, 0, 1)),
        partial(by_turns, turns=[2, 2, 0, 1]),
    ),
    "extragradient": (updates.extragradient, lambda v, sizes, h, x: x + h * v(x + h * v(x))),
    "Heun": (partial(updates.runge_kutta, order=2), heun),
    "Runge-Kutta 4": (partial(updates.runge_kutta, order=4), classical),
    "from the past": (updates.from_past, from_past),
    "optimistic": (updates.optimistic, optimistic),
    "optimistic step": (updates.optimistic_step, optimistic_step),
    "heavy ball": (BALL, ball),
    "heavy ball in turn": (
        partial(updates.heavy_ball_in_turn, beta=-0.4),
        partial(ball_by_turns, turns=[0, 1, 2]),
    ),
    "heavy ball in turns given": (
        partial(updates.heavy_ball_in_turn, beta=-0.4, turns=(1, 0, 1, 2)),
        partial(ball_by_turns, turns=[1, 0, 1, 2]),
    ),
    "friction": (partial(updates.friction, gamma=1.3), old_momentum),
    "complex momentum": (
        partial(updates.complex_momentum, modulus=0.8, angle=0.7, phase=0.3),
        complex_ball,
    ),
    "lookahead": (
        partial(updates.lookahead, inner=BALL, period=3, alpha=0.7),
        partial(looked_ahead, ball),
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
@settings(max_examples=15)
@given(seed=seeds, h=steps)
def test_steps_by_hand(name: str, seed: int, h: float) -> None:
    update, by_hand = BY_HAND[name]
    J = game(seed)
    F = update(J, SIZES, h)
    z = draw(seed + 1, len(F))
    assert error(F @ z, by_hand(lambda x: J @ x, SIZES, h, z)) < 1e-11


@settings(max_examples=20)
@given(seeds, steps)
def test_torchs_momentum_is_the_flow_with_friction(seed: int, h: float) -> None:
    """eq. 36: x <- x + h m_new with m_new = (1 - h gamma) m + h v, the buffer being m / h."""
    J, gamma = game(seed), 0.9
    x = draw(seed + 1, 5)
    start = x.clone()
    p = torch.nn.Parameter(x.clone())
    sgd = torch.optim.SGD([p], lr=h**2, momentum=1 - h * gamma)
    F, z = updates.friction_new(J, SIZES, h, gamma=gamma), torch.cat([x, 0 * x])
    m = 0 * x
    for _ in range(4):
        p.grad = -(J @ p.detach())
        sgd.step()
        m = m - h * gamma * m + h * J @ x
        x = x + h * m
        z = F @ z
    assert not torch.equal(start, x)
    assert error(z[:5], x) < 1e-10
    assert error(z[:5], p.detach()) < 1e-10
    assert error(z[5:] * h, m) < 1e-10


# What defines a method.


@settings(max_examples=15)
@given(seeds)
def test_the_consensus_family_by_automatic_differentiation(seed: int) -> None:
    """Minus the gradients of l_i + gamma_i / 2 |v_source|^2, differentiated twice."""
    J, x, gammas = game(seed), draw(seed + 1, 5), [0.3, 0.0, 1.1]
    cases = [(None, None), (0, None), (None, 2), (0, 2), ((0, 1), (1, 2))]
    for source, target in cases:
        S = set(range(3)) if source is None else {*((source,) if source == 0 else source)}
        T = set(range(3)) if target is None else {*((target,) if target == 2 else target)}

        def w(x: Tensor, S: set[int] = S, T: set[int] = T) -> Tensor:
            v = J @ x
            rows = []
            for i, own in enumerate(slices(SIZES)):
                norm = sum(v[slices(SIZES)[j]].square().sum() for j in S) / 2
                (pull,) = torch.autograd.grad(norm, x, create_graph=True)
                rows.append(v[own] - (gammas[i] if i in T else 0.0) * pull[own])
            return torch.cat(rows)

        expected = torch.autograd.functional.jacobian(w, x)
        found = updates.consensus_jacobian(J, SIZES, gammas, source=source, target=target)
        assert error(found, expected) < 1e-10


@settings(max_examples=15)
@given(seeds)
def test_opponents_by_automatic_differentiation(seed: int) -> None:
    """LOLA: minus the gradient of l_i + rate sum over j of v_j . dl_i/dx_j; LookAhead takes v_j for
    a constant."""
    J, x, rate = game(seed), draw(seed + 1, 5), 0.4

    def losses(x: Tensor) -> list[Tensor]:
        own = slices(SIZES)
        return [-x[s] @ (J @ x)[s] + x[s] @ J[s, s] @ x[s] / 2 for s in own]

    def field(x: Tensor) -> Tensor:
        rows = [torch.autograd.grad(a, x, create_graph=True)[0] for a in losses(x)]
        return -torch.cat([row[s] for row, s in zip(rows, slices(SIZES), strict=True)])

    def w(x: Tensor, shaping: bool) -> Tensor:
        v, rows = field(x), []
        v = v if shaping else v.detach()
        for i, (loss, own) in enumerate(zip(losses(x), slices(SIZES), strict=True)):
            (felt,) = torch.autograd.grad(loss, x, create_graph=True)
            others = [s for j, s in enumerate(slices(SIZES)) if j != i]
            total = loss + rate * sum(v[s] @ felt[s] for s in others)
            rows.append(-torch.autograd.grad(total, x, create_graph=True)[0][own])
        return torch.cat(rows)

    assert error(torch.autograd.functional.jacobian(field, x), J) < 1e-12
    # Both are linear, so w itself is w' x; LookAhead's constant must not be differentiated again.
    x.requires_grad_()
    assert error(w(x, True), updates.lola_jacobian(J, SIZES, rate) @ x) < 1e-10
    assert error(w(x, False), updates.look_ahead_jacobian(J, SIZES, rate) @ x) < 1e-10
    assert (
        error(
            updates.lola(J, SIZES, rate) - torch.eye(5),
            rate * (torch.autograd.functional.jacobian(partial(w, shaping=True), x.detach())),
        )
        < 1e-10
    )


@given(seeds, steps)
def test_competitive_steps_answer_each_other(seed: int, h: float) -> None:
    """The solution of the local bilinear game: d_x = h (v_x + J_xy d_y), and d_y likewise."""
    sizes = (3, 2)
    J, x = game(seed, sizes), draw(seed + 1, 5)
    d = (updates.competitive(J, sizes, h) - torch.eye(5)) @ x
    assert error(d, h * (J @ x + other_blocks(J, sizes) @ d)) < 1e-9
    rated = (updates.competitive(J, sizes, h, rate=0.2) - torch.eye(5)) @ x * (0.2 / h)
    assert error(rated, 0.2 * (J @ x + other_blocks(J, sizes) @ rated)) < 1e-9


@given(seeds, steps)
def test_implicit_steps_are_explained_by_their_end(seed: int, h: float) -> None:
    J, x = game(seed), draw(seed + 1, 5)
    y = updates.implicit_euler(J, SIZES, h) @ x
    assert error(y, x + h * J @ y) < 1e-8
    linear = updates.implicit_euler(J, SIZES, h, rate=h)
    assert error(linear, updates.implicit_euler(J, SIZES, h)) < 1e-8


@given(seeds)
def test_a_newton_step_solves_least_squares(seed: int) -> None:
    J, x, damping = game(seed), draw(seed + 1, 5), 0.3
    d = (updates.newton(J, SIZES, 1.0, damping=damping) - torch.eye(5)) @ x
    stacked = torch.cat([J, damping**0.5 * torch.eye(5).double()])
    target = torch.cat([-J @ x, torch.zeros(5).double()])
    assert error(d, torch.linalg.lstsq(stacked, target[:, None]).solution[:, 0]) < 1e-9


@given(seeds, steps)
def test_steps_of_adjusted_fields(seed: int, h: float) -> None:
    """What `steps` and `adjusted` say is one: F = I + h w'."""
    J, I = game(seed), torch.eye(5).double()  # noqa: E741
    A = (J - J.T) / 2
    assert error(updates.hamiltonian(J, SIZES, h), I - h * J.T @ J) < 1e-12
    assert error(updates.symplectic(J, SIZES, h, lam=0.7), I + h * J + 0.7 * h * A @ J) < 1e-12
    assert error(updates.surgery(J, SIZES, h), I + h * (J - A)) < 1e-12
    assert error(updates.look_ahead(J, SIZES, h), I + h * J + h**2 * other_blocks(J, SIZES) @ J) < (
        1e-12
    )
    both = updates.jare(J, SIZES, h, gamma=0.5)
    parts = [projection(J, SIZES, i) for i in (0, 1)]
    change = parts[1] @ J.T @ parts[0] @ J + parts[0] @ J.T @ parts[1] @ J
    assert error(both, I + h * (J - 0.5 * change)) < 1e-12


# Closed forms on the bilinear game with J = [[0, -s], [s, 0]]: eigenvalues +- i s.

BILINEAR = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)


@pytest.mark.parametrize("h", [0.1, 0.4, 0.9])
def test_radii_on_the_bilinear_game(h: float) -> None:
    def radius(update: updates.Update) -> float:
        return spectral_radius(update(BILINEAR, (1, 1), h))

    assert radius(updates.simultaneous) == pytest.approx(math.sqrt(1 + h**2))
    assert radius(updates.alternating) == pytest.approx(1)
    assert radius(updates.extragradient) == pytest.approx(math.sqrt(1 - h**2 + h**4))
    assert radius(updates.implicit_euler) == pytest.approx(1 / math.sqrt(1 + h**2))
    assert radius(updates.competitive) == pytest.approx(1 / math.sqrt(1 + h**2))
    consensus = partial(updates.consensus, gamma=0.5)
    assert radius(consensus) == pytest.approx(math.hypot(1 - h / 2, h))
    assert radius(partial(updates.runge_kutta, order=4)) == pytest.approx(
        math.sqrt(1 - h**6 / 72 + h**8 / 576)
    )


def test_a_whole_turn_of_lookahead() -> None:
    """A rotation by 60 degrees, three times, is turned back whole: halfway is the centre."""
    turn = torch.matrix_exp(math.pi / 3 * BILINEAR)
    F = updates.lookahead(BILINEAR, (1, 1), 1.0, inner=lambda *_: turn, period=3)
    assert F.abs().max() < 1e-12


@settings(max_examples=20)
@given(seeds)
def test_lookaheads_nest(seed: int) -> None:
    J = game(seed)
    inner = partial(updates.lookahead, inner=updates.simultaneous, period=2)
    F = updates.lookahead(J, SIZES, 0.1, inner=inner, period=3, alpha=0.8)
    I = torch.eye(5).double()  # noqa: E741
    two = (I + torch.matrix_power(I + 0.1 * J, 2)) / 2
    assert error(F, 0.2 * I + 0.8 * two @ two @ two) < 1e-12


def test_one_in_three() -> None:
    J = game(0)
    strong = partial(updates.consensus, gamma=0.9)
    F = updates.one_in(J, SIZES, 0.1, first=strong, rest=updates.simultaneous, period=3)
    plain = torch.eye(5).double() + 0.1 * J
    assert error(F, plain @ plain @ (plain - 0.1 * 0.9 * J.T @ J)) < 1e-13


def test_adjusted_fields_take_the_place_of_J() -> None:
    J = game(1)
    W = updates.consensus_jacobian(J, SIZES, 0.5)
    expected = torch.eye(5) + 0.1 * W + 0.01 * W @ W
    assert error(updates.extragradient(W, SIZES, 0.1), expected) < 1e-14


def test_blocks() -> None:
    J = game(2)
    assert torch.equal(own_blocks(J, SIZES) + other_blocks(J, SIZES), J)
    assert torch.equal(own_blocks(J, SIZES), torch.block_diag(*(J[s, s] for s in slices(SIZES))))
    assert projection(J, SIZES, (0, 2)).diag().tolist() == [1, 1, 0, 1, 1]
    assert torch.equal(projection(J, SIZES), torch.eye(5).double())


def test_what_is_refused() -> None:
    J = game(3)
    with pytest.raises(ValueError, match=r"as many rows as the sizes \[2, 2\] add up to"):
        updates.consensus(J, (2, 2), 0.1, gamma=1.0)
    with pytest.raises(ValueError, match="player 3: there are 3, counted from 0"):
        updates.consensus(J, SIZES, 0.1, gamma=1.0, target=3)
    with pytest.raises(ValueError, match="gamma: expected one for each of 3 players, got 2"):
        updates.consensus(J, SIZES, 0.1, gamma=[1.0, 2.0])
    with pytest.raises(ValueError, match="gamma must be finite and not negative"):
        updates.consensus(J, SIZES, 0.1, gamma=-1.0)
    with pytest.raises(ValueError, match="is for two players, got 3"):
        updates.competitive(J, SIZES, 0.1)
    with pytest.raises(ValueError, match="order must be at most 4"):
        updates.runge_kutta(J, SIZES, 0.1, order=5)
    with pytest.raises(ValueError, match="period must be a whole number"):
        updates.lookahead(J, SIZES, 0.1, inner=updates.simultaneous, period=0)
