"""The paper's statements on random games, the counter-examples to those that fail."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

import nashgrad as ng
from nashgrad.analysis import theory
from nashgrad.analysis.rates import spectral_radius
from nashgrad.analysis.updates import (
    alternating,
    consensus_jacobian,
    friction,
    friction_new,
    implicit_euler,
    look_ahead_jacobian,
    simultaneous,
    symplectic_jacobian,
)
from nashgrad.objectives import DIVERGENCES
from references import error

SIZES = (3, 2)
seeds = st.integers(0, 10_000)
gammas = st.floats(0.01, 20)


def matrix(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def draw(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def eye(n: int) -> Tensor:
    return torch.eye(n, dtype=torch.float64)


def symmetric(A: Tensor) -> Tensor:
    return (A + A.T) / 2


def game(seed: int, *, zero_sum: bool = False, shift: float = 0.0) -> Tensor:
    """Any J that a game of two players has, its own blocks moved by a multiple of I."""
    J, n = draw(seed, 5, 5), SIZES[0]
    for own in (slice(n), slice(n, None)):
        J[own, own] = symmetric(J[own, own])
    if zero_sum:
        J[n:, :n] = -J[:n, n:].T
    return J - shift * eye(5)


def semi_definite(seed: int, *, damped: int | None = None) -> Tensor:
    """A J with negative semi-definite symmetric part, here and there of full rank; any size."""
    n = 2 + seed % 5
    rank = seed // 5 % (n + 1) if damped is None else damped
    R, H = draw(seed, n, n), draw(seed + 1, n, rank)
    return R - R.T - 0.5 * H @ H.T


def real_parts(A: Tensor) -> Tensor:
    return torch.linalg.eigvals(A).real


def same_spectrum(a: Tensor, b: Tensor) -> bool:
    """Whether two lists of complex numbers are the same up to order."""
    a, b = (x.to(torch.complex128) for x in (a, b))
    distances = (a[:, None] - b).abs()
    scale = max(1.0, b.abs().max().item())
    return max(distances.amin(0).max().item(), distances.amin(1).max().item()) < 1e-5 * scale


# Lemma 1, Corollary 2: what is definite.


@given(seeds, st.floats(-1, 3))
def test_a_zero_sum_jacobian_is_definite_if_the_own_hessians_are(seed: int, shift: float) -> None:
    J = game(seed, zero_sum=True, shift=shift)
    own = [torch.linalg.eigvalsh(b)[-1].item() for b in (J[:3, :3], J[3:, 3:])]
    assume(all(abs(a) > 1e-6 for a in own))
    assert theory.is_zero_sum(J, SIZES)
    assert theory.is_negative_definite(J) == (max(own) < 0)
    assert theory.is_local_nash(J, SIZES) == (max(own) < 0)
    if theory.is_negative_definite(J):
        assert real_parts(J).max() < 0


def test_not_so_for_general_sum_games() -> None:
    """Every player is at its best, and both run away together."""
    J = matrix([-1, 3], [3, -1])
    assert theory.is_local_nash(J, (1, 1)) is True
    assert not theory.is_zero_sum(J, (1, 1))
    assert not theory.is_negative_semi_definite(J)
    assert real_parts(J).max() == pytest.approx(2)


def test_a_stable_point_need_not_be_a_local_nash_equilibrium() -> None:
    J = matrix([1, -3], [3, -2])
    assert real_parts(J).max() < 0
    assert theory.is_local_nash(J, (1, 1)) is False
    assert not theory.is_negative_definite(J)


def test_between_definite_and_not() -> None:
    bilinear = matrix([0, -1], [1, 0])
    assert theory.is_local_nash(bilinear, (1, 1)) is None
    assert theory.is_negative_semi_definite(bilinear)
    assert not theory.is_negative_definite(bilinear)


# Proposition 3, Lemma 4, Corollary 5, Proposition 10: rates and steps.


def test_the_radius_decides_but_for_one() -> None:
    assert theory.converges(matrix([0.5, 9], [0, -0.9])) is True
    assert theory.converges(matrix([0.5, 9], [0, -1.1])) is False
    assert theory.converges(matrix([0, -1], [1, 0])) is None


def test_a_defective_matrix_is_slower_than_its_radius() -> None:
    """The paper's O(radius^k) fails: the error is k radius^k, within O((radius + e)^k)."""
    F, k = matrix([0.9, 1], [0, 0.9]), 200
    e = torch.linalg.matrix_power(F, k) @ matrix([0], [1])
    assert e.norm() > 200 * 0.9**k
    assert e.norm() < 0.95**k
    assert theory.converges(F) is True


@given(seeds, st.floats(0.05, 3))
def test_the_step_size_bound_is_sharp(seed: int, margin: float) -> None:
    M = draw(seed, 5, 5)
    A = M - (real_parts(M).max() + margin) * eye(5)
    bound = theory.step_size_bound(torch.linalg.eigvals(A))
    assert 0 < bound < math.inf
    assert spectral_radius(eye(5) + 0.999 * bound * A) < 1
    assert spectral_radius(eye(5) + 1.001 * bound * A) > 1


@given(seeds, st.floats(1e-4, 3))
def test_no_step_works_without_negative_real_parts(seed: int, h: float) -> None:
    """The premise that the paper's Lemma 4 leaves to its corollary."""
    A = draw(seed, 5, 5)
    assume(real_parts(A).max() > 1e-3)
    assert theory.step_size_bound(torch.linalg.eigvals(A)) == 0
    assert spectral_radius(eye(5) + h * A) > 1


@given(seeds)
def test_gradient_ascent_at_a_strict_maximum(seed: int) -> None:
    B = draw(seed, 4, 4)
    H = -B @ B.T - 0.1 * eye(4)
    expected = 2 / torch.linalg.matrix_norm(H, 2).item()
    assert theory.step_size_bound(torch.linalg.eigvalsh(H)) == pytest.approx(expected)


# Equations 13 and 14, Lemmas 6 and 7, Corollary 8: consensus.


@settings(max_examples=20)
@given(seeds, gammas)
def test_the_field_of_the_modified_game(seed: int, gamma: float) -> None:
    """w_i is minus the gradient of l_i + gamma L, on a field that is not linear."""
    a, x = draw(seed, 4, 4), draw(seed + 1, 4).requires_grad_()

    def losses(x: Tensor) -> list[Tensor]:
        return [(a[i] @ x).tanh() * x[i] + x.prod() for i in range(4)]

    def field(x: Tensor) -> Tensor:
        rows = [torch.autograd.grad(loss, x, create_graph=True)[0] for loss in losses(x)]
        return -torch.stack([row[i] for i, row in enumerate(rows)])

    L = theory.consensus_loss(field(x))
    modified = [
        torch.autograd.grad(loss + gamma * L, x, retain_graph=True)[0] for loss in losses(x)
    ]
    expected = -torch.stack([row[i] for i, row in enumerate(modified)])
    J = torch.autograd.functional.jacobian(field, x.detach())
    found = theory.consensus_field(field(x).detach(), J, gamma)
    assert error(found, expected) < 1e-9


@given(seeds)
def test_new_fixed_points_appear_at_these_gammas_only(seed: int) -> None:
    J = game(seed)
    spurious = theory.spurious_gammas(J)
    assert len(spurious) == sum(
        z.imag == 0 and z.real > 0 for z in torch.linalg.eigvals(J).tolist()
    )
    for gamma in spurious.tolist():
        assert not theory.keeps_fixed_points(J, gamma, tolerance=1e-7)
        v = torch.linalg.svd(eye(5) - gamma * J.T).Vh[-1]
        assert theory.consensus_field(v, J, gamma).norm() < 1e-7 * max(1, gamma)
    assert all(theory.keeps_fixed_points(J, g) for g in (0.0, 0.3712, 4.417))


def test_a_new_fixed_point() -> None:
    assert theory.spurious_gammas(matrix([2, 0], [0, -1])).tolist() == [0.5]
    assert theory.spurious_gammas(matrix([0, -1], [1, 0])).tolist() == []


@given(seeds, gammas)
def test_consensus_makes_semi_definite_ones_definite(seed: int, gamma: float) -> None:
    """Lemma 7 needs the invertibility, which Corollary 8 does not name."""
    J = semi_definite(seed)
    n = len(J)
    invertible = torch.linalg.svdvals(J)[-1] > 1e-3
    W = consensus_jacobian(J, (n - 1, 1), gamma)
    assert theory.is_negative_semi_definite(W)
    if invertible:
        assert real_parts(W).max() < 0
        assert theory.is_negative_definite(W, tolerance=1e-12)


def test_a_neutral_direction_stays_neutral() -> None:
    J = semi_definite(1, damped=0)
    assert len(J) == 3  # antisymmetric of odd size, so singular
    W = consensus_jacobian(J, (2, 1), 5.0)
    assert theory.is_negative_semi_definite(W)
    assert not theory.is_negative_definite(W)


@given(seeds, gammas, gammas)
def test_a_gamma_per_player_keeps_it(seed: int, one: float, other: float) -> None:
    """J - Gamma J^T J is similar to J - J Gamma J^T, which is negative definite."""
    J = semi_definite(seed)
    assume(torch.linalg.svdvals(J)[-1] > 0.05)
    sizes = (len(J) - 1, 1)
    W = consensus_jacobian(J, sizes, [one, other])
    Gamma = torch.diag(torch.tensor([one] * sizes[0] + [other], dtype=torch.float64))
    assert same_spectrum(torch.linalg.eigvals(W), torch.linalg.eigvals(J - J @ Gamma @ J.T))
    assert real_parts(W).max() < 0


@given(seeds, gammas)
def test_a_target_alone_keeps_it(seed: int, gamma: float) -> None:
    J = semi_definite(seed)
    assume(torch.linalg.svdvals(J)[-1] > 0.05)
    W = consensus_jacobian(J, (len(J) - 1, 1), gamma, target=1)
    assert real_parts(W).max() < 1e-9 * torch.linalg.matrix_norm(W, 2)


@given(seeds, gammas)
def test_one_players_norm_felt_by_the_other_keeps_it(seed: int, gamma: float) -> None:
    """With symmetric own blocks, as games have them; the proof is in docs/theory.md."""
    J = game(seed)
    J = J - max(torch.linalg.eigvalsh(symmetric(J))[-1].item(), 0.0) * eye(5)
    assert theory.is_negative_semi_definite(J)
    for source, target in ((0, 1), (1, 0), (0, None), (1, None)):
        W = consensus_jacobian(J, SIZES, gamma, source=source, target=target)
        assert real_parts(W).max() < 1e-9 * torch.linalg.matrix_norm(W, 2)


@given(seeds, st.floats(0.01, 3))
def test_three_names_of_one_method_on_zero_sum_games(seed: int, gamma: float) -> None:
    J = game(seed, zero_sum=True)
    assert error(jare(J, SIZES, gamma), symplectic_jacobian(J, gamma)) < 1e-12
    assert error(jare(J, SIZES, gamma), look_ahead_jacobian(J, SIZES, gamma)) < 1e-12


def jare(J: Tensor, sizes: tuple[int, int], gamma: float) -> Tensor:
    one = consensus_jacobian(J, sizes, gamma, source=0, target=1)
    return one + consensus_jacobian(J, sizes, gamma, source=1, target=0) - J


def restricted(source: int | None, target: int | None) -> Callable[..., Tensor]:
    return lambda J, sizes, g: consensus_jacobian(J, sizes, g, source=source, target=target)


DESTROYED = {  # a stable J, the players' sizes, the strength, and whether J is even definite
    "source and target": (restricted(0, 1), [[0, 1, -2], [1, -2, 3], [1, 0, 0]], (2, 1), 1, False),
    "Nagarajan-Kolter": (
        restricted(1, 0),
        [[0, -1, -1], [-1, -1, 1], [-1, -4, -1]],
        (2, 1),
        1,
        False,
    ),
    "source": (restricted(0, None), [[1, -3], [1, -2]], (1, 1), 2, False),
    "target": (restricted(None, 1), [[0, -2, 5], [-2, -1, 4], [-3, 1, 0]], (2, 1), 0.3, False),
    "SGA": (
        lambda J, sizes, lam: symplectic_jacobian(J, lam),
        [[-5, 0, 1], [0, -1, -1], [6, 2, 0]],
        (2, 1),
        3,
        False,
    ),
    "consensus": (
        restricted(None, None),
        [[-2, 4, 0, 5], [4, -1, -2, 4], [3, -2, -1, 2], [-1, -3, 2, -5]],
        (2, 2),
        0.1,
        False,
    ),
    "three players, definite": (
        restricted(0, 1),
        [[-3, 3, -3], [-1, -1, -1], [0, 2, -1]],
        (1, 1, 1),
        2,
        True,
    ),
    "JARE, definite": (jare, [[-1, -1], [-1, -2]], (1, 1), 2, True),
    "SGA, definite": (
        lambda J, sizes, lam: symplectic_jacobian(J, lam),
        [[-6, 1, 2, 5], [1, -2, -1, 1], [1, -5, -6, 1], [2, -1, 1, -3]],
        (2, 2),
        10,
        True,
    ),
}


@pytest.mark.parametrize("name", DESTROYED)
def test_stable_points_that_are_destroyed(name: str) -> None:
    change, rows, sizes, strength, definite = DESTROYED[name]
    J = matrix(*rows)
    ng.Quadratic(J, dict(zip("abc", sizes, strict=False)))  # a game has this J
    assert real_parts(J).max() < 0
    assert theory.is_negative_definite(J) == definite
    assert real_parts(change(J, sizes, strength)).max() > 0.02


# Lemma 9.


def rotation(A: Tensor, gamma: float) -> float:
    """q: the largest |Im| / |Re| of an eigenvalue."""
    found = torch.linalg.eigvals(A - gamma * A.T @ A)
    return (found.imag.abs() / found.real.abs()).max().item()


@pytest.mark.parametrize("t", [0.6, 1.0, 7.0])
def test_lemma_9_is_wrong_as_printed(t: float) -> None:
    A, gamma = matrix([0, t], [-t, 0]), 0.3
    q = rotation(A, gamma)
    assert q == pytest.approx(1 / (gamma * t))
    assert theory.printed_rotation_bound(A, gamma) == pytest.approx(1 / (2 * gamma * t**2))
    assert theory.printed_rotation_bound(A, gamma) < q
    assert theory.rotation_bound(A, gamma) == pytest.approx(q)


def test_the_corrected_bound_on_2000_random_matrices() -> None:
    broken, printed, tried = 0, 0, 0
    for seed in range(2200):
        A, gamma = semi_definite(seed), 10 ** (seed % 40 / 10 - 2)
        if torch.linalg.svdvals(A)[-1] < 1e-3:
            continue
        q, tried = rotation(A, gamma), tried + 1
        broken += q > theory.rotation_bound(A, gamma) * (1 + 1e-9)
        printed += q > theory.printed_rotation_bound(A, gamma) * (1 + 1e-9)
    assert tried >= 1800
    assert broken == 0
    assert printed > 100


@given(seeds)
def test_every_step_of_the_proof(seed: int) -> None:
    A, gamma = semi_definite(seed), 0.5
    assume(torch.linalg.svdvals(A)[-1] > 1e-2)
    values, vectors = torch.linalg.eig(A - gamma * A.T @ A)
    H, K = (-(A + A.T)).to(vectors.dtype), (A - A.T).to(vectors.dtype)
    c, rho = theory.damping_ratio(A), torch.linalg.svdvals(A)[-1].item()
    for value, u in zip(values, vectors.T, strict=True):
        damped = (u.conj() @ H @ u).real.item()
        turned = (u.conj() @ K @ u).imag.item()
        stretched = (A.to(u.dtype) @ u).norm().item() ** 2
        assert value.real.item() == pytest.approx(-damped / 2 - gamma * stretched)
        assert value.imag.item() == pytest.approx(turned / 2, abs=1e-9)
        assert damped >= c * abs(turned) - 1e-9 or turned == 0
        assert abs(turned) <= torch.linalg.matrix_norm(A - A.T, 2).item() + 1e-9
        assert stretched >= rho**2 - 1e-9


@given(seeds)
def test_the_damping_ratio_is_a_sharp_lower_bound(seed: int) -> None:
    A = semi_definite(seed, damped=2 + seed % 5)
    c = theory.damping_ratio(A)
    H, K = (-(A + A.T)).to(torch.complex128), (A - A.T).to(torch.complex128)
    u = torch.complex(draw(seed, 50, len(A)), draw(seed + 1, 50, len(A)))
    damped, turned = (
        torch.einsum("ki,ij,kj->k", u.conj(), M, u).abs().clamp(min=1e-300) for M in (H, K)
    )
    assert (damped >= c * turned * (1 - 1e-9)).all()
    # The vector that meets it, from i K u = mu H u.
    L = torch.linalg.cholesky(H)
    M = torch.linalg.solve(L, torch.linalg.solve(L, 1j * K).mH).mH
    w = torch.linalg.eigh(M).eigenvectors[:, -1]
    u = torch.linalg.solve(L.mH, w)
    assert ((u.conj() @ H @ u) / (u.conj() @ K @ u)).abs().item() == pytest.approx(c, rel=1e-6)


def test_edges_of_the_damping_ratio() -> None:
    assert theory.damping_ratio(-eye(2)) == math.inf
    assert theory.damping_ratio(matrix([0, 1], [-1, 0])) == 0
    # Not attained, yet the infimum: H vanishes on (1, 0) alone, where u* K u does too.
    assert theory.damping_ratio(matrix([0, 1], [-1, -2])) == 0
    # A direction that A sends to zero has no say.
    A = torch.block_diag(matrix([-1, 1], [-1, -1]), matrix([0]))
    assert theory.damping_ratio(A) == pytest.approx(1)
    assert theory.rotation_bound(-eye(2), 1.0) == 0
    assert theory.rotation_bound(matrix([0, 1], [-1, 0]), 0.0) == math.inf


@pytest.mark.parametrize("bound", [theory.rotation_bound, theory.printed_rotation_bound])
def test_where_lemma_9_says_nothing(bound: Callable[[Tensor, float], float]) -> None:
    with pytest.raises(ValueError, match="A must be negative semi-definite"):
        bound(matrix([1, 0], [0, -1]), 1.0)
    with pytest.raises(ValueError, match="A must be invertible"):
        bound(matrix([0, 0], [0, -1]), 1.0)
    with pytest.raises(ValueError, match="gamma must be finite and not negative"):
        bound(-eye(2), -1.0)


# Lemma 11, Corollary 12, Propositions 13 and 14: other steps.


@given(seeds, st.floats(0.1, 4))
def test_eigenvalues_under_momentum(seed: int, gamma: float) -> None:
    J = game(seed)
    found = torch.linalg.eigvals(theory.momentum_jacobian(J, gamma))
    assert same_spectrum(found * (found + gamma), torch.linalg.eigvals(J))
    F = friction(J, SIZES, 0.1, gamma=gamma)
    assert error(F, eye(10) + 0.1 * theory.momentum_jacobian(J, gamma)) < 1e-14
    # Lemma 11 as it reads, on F', is false: its eigenvalues are 1 + h l.
    mu = torch.linalg.eigvals(F)
    assert not same_spectrum(mu * (mu + gamma), torch.linalg.eigvals(J))


@given(seeds, st.floats(0, 3), st.floats(0.1, 4))
def test_momentum_is_stable_with_enough_friction(seed: int, shift: float, gamma: float) -> None:
    J = game(seed, shift=shift)
    flow = real_parts(theory.momentum_jacobian(J, gamma)).max().item()
    assume(abs(flow) > 1e-2)
    assert theory.momentum_is_stable(torch.linalg.eigvals(J), gamma) == (flow < 0)
    for update in (friction, friction_new):
        assert (spectral_radius(update(J, SIZES, 1e-4, gamma=gamma)) < 1) == (flow < 0)


def test_real_and_complex_eigenvalues_under_momentum() -> None:
    assert theory.momentum_is_stable(matrix([-1, -1e-6])[0], 0.01)
    rotating = torch.tensor([-0.1 + 1j, -0.1 - 1j], dtype=torch.complex128)
    assert not theory.momentum_is_stable(rotating, 3.0)  # 1 < 9 * 0.1 is false
    assert theory.momentum_is_stable(rotating, 3.5)
    with pytest.raises(ValueError, match="friction must be positive"):
        theory.momentum_is_stable(rotating, 0.0)


@settings(max_examples=20)
@given(seeds)
def test_rescaled_ascent_by_automatic_differentiation(seed: int) -> None:
    a, x, beta = draw(seed, 4, 4), draw(seed + 1, 4), 0.7
    h, alpha = 0.1, 0.2

    def v(x: Tensor) -> Tensor:
        return (a @ x).tanh() - x

    def scale(beta: Tensor) -> Tensor:
        return (beta + 1e-3).rsqrt()

    def F(z: Tensor) -> Tensor:
        x, b = z[:4], z[4]
        moment = (1 - alpha) * b + alpha * v(x).square().sum()
        return torch.cat([x + h * scale(b) * v(x), moment[None]])

    J = torch.autograd.functional.jacobian(v, x)
    expected = torch.autograd.functional.jacobian(F, torch.cat([x, x.new_tensor([beta])]))
    assert error(theory.rescaled_jacobian(v(x), J, beta, h, alpha, scale), expected) < 1e-12


@given(seeds, st.floats(0.01, 0.9))
def test_rescaling_at_a_fixed_point(seed: int, alpha: float) -> None:
    J = game(seed, shift=1.0)
    F = theory.rescaled_jacobian(
        torch.zeros(5).double(), J, 0.0, 0.1, alpha, lambda b: (b + 0.25).rsqrt()
    )
    plain = torch.linalg.eigvals(simultaneous(J, SIZES, 0.2))
    rest = torch.tensor([1 - alpha], dtype=plain.dtype)
    assert same_spectrum(torch.linalg.eigvals(F), torch.cat([plain, rest]))


@given(seeds, gammas)
def test_consensus_survives_a_diagonal_preconditioner(seed: int, gamma: float) -> None:
    J = semi_definite(seed)
    assume(torch.linalg.svdvals(J)[-1] > 0.05)
    scales = 10 ** draw(seed + 2, len(J)).clamp(-2, 2)
    W = consensus_jacobian(J, (len(J) - 1, 1), gamma)
    found = theory.preconditioned_jacobian(W, scales)
    assert same_spectrum(torch.linalg.eigvals(found), torch.linalg.eigvals(scales[:, None] * W))
    assert theory.is_negative_definite(found, tolerance=1e-14)


def test_a_stable_jacobian_need_not_survive_it() -> None:
    J, scales = matrix([1, -3], [1, -2]), torch.tensor([4.0, 1.0], dtype=torch.float64)
    assert real_parts(J).max() < 0
    assert real_parts(theory.preconditioned_jacobian(J, scales)).max() > 0
    with pytest.raises(ValueError, match="scales must be positive"):
        theory.preconditioned_jacobian(J, -scales)


@given(seeds)
def test_alternating_converges_where_small_simultaneous_steps_do(seed: int) -> None:
    J = game(seed, shift=1.5)
    top = real_parts(J).max().item()
    assume(abs(top) > 0.05)
    assert (spectral_radius(alternating(J, SIZES, 1e-3)) < 1) == (top < 0)
    first, second = J.clone(), J.clone()
    first[3:], second[:3] = 0, 0
    expected = (eye(5) + 0.3 * second) @ (eye(5) + 0.3 * first)
    assert error(alternating(J, SIZES, 0.3), expected) < 1e-14


# Lemma 15: minibatches.


def enumerate_batches(count: int, batch: int) -> list[list[int]]:
    return [list(b) for b in itertools.product(range(count), repeat=batch)]


@pytest.mark.parametrize("batch", [1, 2, 3])
@settings(max_examples=20)
@given(seed=seeds)
def test_the_bias_of_minibatches(batch: int, seed: int) -> None:
    fields = draw(seed, 4, 3)
    batches = enumerate_batches(4, batch)
    expected = sum(theory.consensus_loss(fields[b].mean(0)).item() for b in batches) / len(batches)
    whole = theory.consensus_loss(fields.mean(0)).item()
    assert expected - whole == pytest.approx(theory.minibatch_bias(fields, batch))
    if batch > 1:
        debiased = sum(theory.debiased_loss(fields[b]) for b in batches) / len(batches)
        assert debiased == pytest.approx(whole)


def test_one_sample_has_no_variance() -> None:
    with pytest.raises(ValueError, match="at least two samples, got 1"):
        theory.debiased_loss(draw(0, 1, 3))


@settings(max_examples=20)
@given(seeds)
def test_crossed_halves_are_unbiased(seed: int) -> None:
    fields, jacobians = draw(seed, 3, 4), draw(seed + 1, 3, 4, 4)
    halves = [(fields[b].mean(0), jacobians[b].mean(0)) for b in enumerate_batches(3, 2)]
    pairs = list(itertools.product(halves, repeat=2))
    loss = sum(theory.crossed_loss(a[0], b[0]) for a, b in pairs) / len(pairs)
    gradient = sum(theory.crossed_gradient(*a, *b) for a, b in pairs) / len(pairs)
    v, J = fields.mean(0), jacobians.mean(0)
    assert loss.item() == pytest.approx(theory.consensus_loss(v).item())
    assert error(gradient, J.T @ v) < 1e-10


@given(seeds)
def test_the_gradient_of_the_crossed_loss(seed: int) -> None:
    a, b, x = draw(seed, 3, 3), draw(seed + 1, 3, 3), draw(seed + 2, 3).requires_grad_()
    loss = theory.crossed_loss((a @ x).sin(), (b @ x).sin())
    (expected,) = torch.autograd.grad(loss, x)
    J_1, J_2 = ((m @ x).cos()[:, None] * m for m in (a, b))
    found = theory.crossed_gradient((a @ x).sin(), J_1, (b @ x).sin(), J_2)
    assert error(found, expected) < 1e-10


# Section 6, equation 2.


@given(seeds)
def test_consensus_and_implicit_euler(seed: int) -> None:
    J, v, gamma = game(seed), draw(seed + 1, 5), 1e-5
    implicit = torch.linalg.solve(eye(5) - gamma * J, v)
    gap = implicit - theory.consensus_field(v, J, gamma)
    assert error(gap, theory.implicit_gap(J, gamma) @ v) < 1e-3
    turning = J - J.T
    assert not theory.implicit_gap(turning, gamma).any()
    assert error(theory.implicit_gap(J, gamma), 2 * gamma * symmetric(J)) < 1e-12


@given(seeds)
def test_a_large_gamma_hides_instability(seed: int) -> None:
    Q, _ = torch.linalg.qr(draw(seed, 4, 4))
    a = draw(seed + 1, 4)
    J = symmetric(Q @ torch.diag(a) @ Q.T)
    assume(a.abs().min() > 1e-2)
    threshold = theory.hiding_gamma(J)
    if a.max() < 0:
        assert threshold == 0
        return
    assert threshold == pytest.approx(1 / a[a > 0].min().item())
    for gamma, hidden in ((0.99 * threshold, False), (1.01 * threshold, True)):
        assert (real_parts(consensus_jacobian(J, (2, 2), gamma)).max() < 0) == hidden


def test_edges_of_hiding() -> None:
    assert theory.hiding_gamma(torch.diag(matrix([1, 0])[0])) == math.inf
    assert theory.hiding_gamma(torch.diag(matrix([2, 4, -1])[0])) == 0.5
    with pytest.raises(ValueError, match="J must be symmetric"):
        theory.hiding_gamma(matrix([1, 2], [0, 1]))


@given(seeds)
def test_a_large_implicit_step_hides_instability(seed: int) -> None:
    J = game(seed)
    found = torch.linalg.eigvals(J)
    threshold = theory.implicit_threshold(found)
    if found.real.max() < 0:
        assert threshold == 0
        return
    assume(found.abs().min() > 1e-2)
    assert spectral_radius(implicit_euler(J, SIZES, 1.001 * threshold)) < 1
    assert spectral_radius(implicit_euler(J, SIZES, 0.999 * threshold)) > 1


def test_no_implicit_step_hides_a_neutral_direction() -> None:
    assert theory.implicit_threshold(torch.linalg.eigvals(matrix([1, 0], [0, 0]))) == math.inf


@pytest.mark.parametrize("name", ["standard", "js", "kl", "indicator"])
def test_the_discriminators_objective_is_concave_in_its_scores(name: str) -> None:
    divergence, s = DIVERGENCES[name], torch.linspace(-4, 4, 33, dtype=torch.float64)
    first, second = theory.score_curvatures(lambda s: -divergence.real(s), divergence.fake, s)
    assert first.max() <= 0
    assert second.max() <= 0


def test_not_with_two_convex_functions_nor_with_tanh() -> None:
    """The paper asks for convex g_1 and g_2: with g_1 = softplus nothing is concave."""
    s = torch.linspace(-4, 4, 33, dtype=torch.float64)
    softplus = DIVERGENCES["js"].fake
    first, second = theory.score_curvatures(softplus, softplus, s)
    assert first.min() > 0
    assert error(first, s.sigmoid() * (-s).sigmoid()) < 1e-12
    assert error(second, -first) < 1e-12
    bounded, _ = theory.score_curvatures(torch.tanh, torch.tanh, s)
    assert bounded.min() < 0 < bounded.max()
