"""What *The Numerics of GANs* states, as functions of matrices that users bring along.

J is the Jacobian of the field v = (-dl_i/dx_i)_i at a fixed point. Statements are numbered as in
L. Mescheder, S. Nowozin, A. Geiger: The Numerics of GANs, 2017, which is the source of every
function here; where the paper is wrong, the docstring says so. docs/theory.md has the statements
and the proof of the bound that replaces Lemma 9. The updates of methods are in `updates`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.func import grad

from nashgrad.analysis.rates import spectral_radius
from nashgrad.analysis.updates.matrices import block_matrix, identity, other_blocks, own_blocks
from nashgrad.core.limits import check_count, check_not_negative, check_positive

TOLERANCE = 1e-9
"""What counts as zero beside the largest stretch of a matrix."""


def is_negative_definite(A: Tensor, *, tolerance: float = TOLERANCE) -> bool:
    """Whether Re u* A u < 0 for all complex u != 0: of the symmetric part alone (Lemma 1).

    Then every eigenvalue has negative real part; the converse is false.
    """
    return _largest(A) < -tolerance * _stretch(A)


def is_negative_semi_definite(A: Tensor, *, tolerance: float = TOLERANCE) -> bool:
    """Whether Re u* A u <= 0 for all complex u, up to rounding."""
    return _largest(A) <= tolerance * _stretch(A)


def _largest(A: Tensor) -> float:
    return float(torch.linalg.eigvalsh((A + A.T) / 2)[-1])


def _stretch(A: Tensor) -> float:
    return float(torch.linalg.matrix_norm(A, 2))


def is_zero_sum(J: Tensor, sizes: Sequence[int], *, tolerance: float = TOLERANCE) -> bool:
    """Whether the blocks of J between players cancel: J_ij = -J_ji^T.

    So they do in two-player zero-sum games. Then J is negative (semi-)definite exactly if the
    players' own blocks are (Lemma 1). In general-sum games definite own blocks do not make J so.
    """
    J_o = other_blocks(J, sizes)
    return float((J_o + J_o.T).abs().max()) <= tolerance * _stretch(J)


def is_local_nash(J: Tensor, sizes: Sequence[int], *, tolerance: float = TOLERANCE) -> bool | None:
    """Whether a fixed point is a local Nash equilibrium, by the players' own Hessians.

    `True` where all own blocks of J are negative definite; `False` where one has a positive
    eigenvalue, since that player can do better alone; `None` between, where terms of higher order
    decide. At a local Nash equilibrium of a zero-sum game J is negative semi-definite
    (Corollary 2).
    """
    own = own_blocks(J, sizes)
    if is_negative_definite(own, tolerance=tolerance):
        return True
    return None if is_negative_semi_definite(own, tolerance=tolerance) else False


def converges(F: Tensor, *, tolerance: float = TOLERANCE) -> bool | None:
    """Whether x <- F(x) converges to a fixed point from near by, F' there given (Proposition 3).

    `True` for a spectral radius below 1, `False` above, `None` at 1 within the tolerance, where F'
    does not decide. The error after k steps is O((radius + e)^k) for every e > 0; the paper's
    O(radius^k) is wrong where F' is defective (k radius^k, say).
    """
    excess = spectral_radius(F) - 1
    return None if abs(excess) <= tolerance else excess < 0


def step_size_bound(eigenvalues: Tensor) -> float:
    """The h below which, and only below which, I + h A contracts (Lemma 4, Corollary 5).

    h < min over l of 1 / |Re l| * 2 / (1 + (Im l / Re l)^2), the same as -2 Re l / |l|^2. Zero
    where some Re l >= 0: no h works then, which the paper presupposes. For a single loss, a
    symmetric A, it is 2 / |A|_2 (Proposition 10).

    Args:
        eigenvalues: all l of A, `(n,)`, real or complex. None of them counts as neutral here.
    """
    real, imaginary = eigenvalues.real, _imaginary(eigenvalues)
    if bool((real >= 0).any()):
        return 0.0
    return float((1 / real.abs() * 2 / (1 + (imaginary / real) ** 2)).min())


def _imaginary(eigenvalues: Tensor) -> Tensor:
    return eigenvalues.imag if eigenvalues.is_complex() else torch.zeros_like(eigenvalues)


def consensus_loss(v: Tensor) -> Tensor:
    """L = |v|^2 / 2, by which consensus changes every player's loss (eq. 13); a scalar."""
    return v.square().sum() / 2


def consensus_field(v: Tensor, J: Tensor, gamma: float) -> Tensor:
    """The field w = v - gamma J^T v of the game with losses l_i + gamma L (eq. 14), `(n,)`."""
    check_not_negative("gamma", gamma)
    return v - gamma * J.T @ v


def keeps_fixed_points(J: Tensor, gamma: float, *, tolerance: float = TOLERANCE) -> bool:
    """Whether consensus has no new fixed point where the field has this J (Lemma 6).

    w = (I - gamma J^T) v vanishes with v alone where that matrix is invertible, thus unless
    1 / gamma is a (real, positive) eigenvalue of J.
    """
    check_not_negative("gamma", gamma)
    A = identity(J) - gamma * J.T
    return float(torch.linalg.svdvals(A)[-1]) > tolerance * _stretch(A)


def spurious_gammas(J: Tensor, *, tolerance: float = TOLERANCE) -> Tensor:
    """The gammas with which consensus may stop where v does not vanish: 1 / l, ascending, `(k,)`.

    l are the real positive eigenvalues of J. None where J is negative semi-definite.
    """
    found, scale = torch.linalg.eigvals(J), tolerance * _stretch(J)
    real = found.real[(found.imag.abs() <= scale) & (found.real > scale)]
    gammas: Tensor = (1 / real).sort().values
    return gammas


def printed_rotation_bound(A: Tensor, gamma: float) -> float:
    """Lemma 9 as it is printed, which is **wrong**: q <= 1 / (c + 2 gamma rho^2).

    For A = [[0, t], [-t, 0]] q is 1 / (gamma t) and this is 1 / (2 gamma t^2), less for t > 1/2.
    Here for comparison; [`rotation_bound`][nashgrad.analysis.theory.rotation_bound] holds.

    Args:
        A: negative semi-definite and invertible, `(n, n)`.
        gamma: strength of consensus; not negative.

    Raises:
        ValueError: For an A or a gamma that the lemma does not speak of.
    """
    rho = _least_stretch(A, gamma)
    return _inverse(damping_ratio(A) + 2 * gamma * rho**2)


def rotation_bound(A: Tensor, gamma: float) -> float:
    """A bound on the rotation that consensus leaves: q <= 1 / (c + 2 gamma rho^2 / |A - A^T|_2).

    q is the largest |Im l| / |Re l| over eigenvalues l of A - gamma A^T A, rho the least singular
    value of A, and c its [`damping_ratio`][nashgrad.analysis.theory.damping_ratio]. It is what the
    proof of Lemma 9 gives when a factor that it drops is kept; docs/theory.md has it in full. The
    bound is 0 for symmetric A, and met by A = [[0, t], [-t, 0]].

    It needs an invertible A, so it says nothing about networks with neutral directions.

    Args:
        A: negative semi-definite and invertible, `(n, n)`.
        gamma: strength of consensus; not negative. At zero the bound is 1 / c, infinite for c = 0.

    Raises:
        ValueError: For an A that is not negative semi-definite or not invertible, and a negative
            gamma.
    """
    rho, turning = _least_stretch(A, gamma), _stretch(A - A.T)
    if turning <= TOLERANCE * _stretch(A):
        return 0.0
    return _inverse(damping_ratio(A) + 2 * gamma * rho**2 / turning)


def damping_ratio(A: Tensor, *, tolerance: float = TOLERANCE) -> float:
    """Lemma 9's c: the infimum of |u*(A + A^T)u| / |u*(A - A^T)u| over complex u with u*(..)u != 0.

    With H = -(A + A^T) and K = A - A^T it is 1 / |H^-1/2 K H^-1/2|_2 where H is positive definite
    (infinite for K = 0), and zero where H vanishes on a vector on which K does not. For an A that
    is negative semi-definite and invertible, H > 0 or one of these is the case: so c > 0 exactly
    if A is negative definite.

    Raises:
        ValueError: For an A that is not negative semi-definite.
    """
    if not is_negative_semi_definite(A, tolerance=tolerance):
        raise ValueError("A must be negative semi-definite, and its symmetric part is not")
    K, scale = A - A.T, tolerance * _stretch(A)
    if _stretch(K) <= scale:
        return math.inf
    damping, vectors = torch.linalg.eigh(-(A + A.T))
    idle = vectors[:, damping <= scale]
    if idle.shape[1] and _stretch(K @ idle) > scale:
        return 0.0
    W = vectors[:, damping > scale] / damping[damping > scale].sqrt()
    return _inverse(_stretch(W.T @ K @ W))


def _least_stretch(A: Tensor, gamma: float) -> float:
    """rho, once A and gamma are such that Lemma 9 speaks of them."""
    check_not_negative("gamma", gamma)
    if not is_negative_semi_definite(A):
        raise ValueError("A must be negative semi-definite, and its symmetric part is not")
    rho = float(torch.linalg.svdvals(A)[-1])
    if rho <= TOLERANCE * _stretch(A):
        raise ValueError("A must be invertible: a neutral direction has no ratio to bound")
    return rho


def _inverse(a: float) -> float:
    return math.inf if a == 0 else 1 / a


def momentum_jacobian(J: Tensor, friction: float) -> Tensor:
    """G' of (x, m)' = (m, v - friction m) at a fixed point, `(2 n, 2 n)` (Lemma 11).

    l is an eigenvalue of it exactly if l (l + friction) is one of J. (Not of F' = I + h G'.)
    """
    I = identity(J)  # noqa: E741
    return block_matrix((0 * J, I), (J, -friction * I))


def momentum_is_stable(eigenvalues: Tensor, friction: float) -> bool:
    """Whether momentum with friction converges for small h (Corollary 12).

    That is so exactly if a < 0 and b^2 < friction^2 |a| for every eigenvalue a + i b of J: real
    negative ones always do, complex ones only with enough friction.
    """
    check_positive("friction", friction)
    a, b = eigenvalues.real, _imaginary(eigenvalues)
    return bool(((a < 0) & (b**2 < friction**2 * a.abs())).all())


def rescaled_jacobian(
    v: Tensor,
    J: Tensor,
    beta: float,
    h: float,
    alpha: float,
    scale: Callable[[Tensor], Tensor],
) -> Tensor:
    """F' of rescaled ascent, `(n + 1, n + 1)` (Proposition 13).

    x <- x + h scale(beta) v(x) and beta <- (1 - alpha) beta + alpha |v(x)|^2. The lower left block
    is 2 alpha v^T J; the paper's eq. 41 misses this. It vanishes at a fixed point, where F' has
    the eigenvalues 1 - alpha and those of I + h scale(0) J: the method converges exactly where
    plain ascent with the step h scale(0) does. With scale 1 / sqrt(beta + 1e-10) and h = 1e-4,
    the constants of the paper's experiments, that step is 10.

    Args:
        v: the field at x, `(n,)`.
        J: its Jacobian there, `(n, n)`.
        beta: the second moment.
        h: learning rate.
        alpha: share of the new square in the moment.
        scale: the factor on v as a differentiable function of beta.
    """
    at = torch.as_tensor(beta, dtype=J.dtype, device=J.device)
    x = identity(J) + h * scale(at) * J
    moment = J.new_full((1, 1), 1 - alpha)
    right, below = h * grad(scale)(at) * v, 2 * alpha * (v @ J)
    return block_matrix((x, right[:, None]), (below[None], moment))


def preconditioned_jacobian(W: Tensor, scales: Tensor) -> Tensor:
    """P^1/2 W P^1/2, `(n, n)`, which has the eigenvalues of P W: P = diag(scales), positive.

    It is negative definite when W is, so consensus survives any diagonal preconditioner for small
    h. A W that is merely stable need not. (Beyond Proposition 13, which is for one scalar.)
    """
    if not bool((scales > 0).all()):
        raise ValueError("scales must be positive")
    root = scales.sqrt()
    return root[:, None] * W * root


def minibatch_bias(fields: Tensor, batch: int) -> float:
    """E[L_B] - L = Var[v_1] / (2 B): how much minibatches overestimate L (Lemma 15).

    Args:
        fields: each sample's field, `(N, n)`, of a finite set from which batches are drawn with
            replacement; L is of their mean.
        batch: B, samples in a batch.
    """
    check_count("batch", batch)
    return float((fields - fields.mean(0)).square().sum(1).mean()) / (2 * batch)


def debiased_loss(fields: Tensor) -> float:
    """|mean v|^2 / 2 - s^2 / (2 B), whose expectation is L.

    s^2 is the sample variance, taken with 1 / (B - 1). (The paper's 1 / (2 B - 2) goes with the
    variance taken with 1 / B.) Needs independent samples: over stratified batches it over-corrects.

    Args:
        fields: each sample's field, `(B, n)`, B at least 2.
    """
    if len(fields) < 2:
        raise ValueError(f"a variance needs at least two samples, got {len(fields)}")
    return float(consensus_loss(fields.mean(0)) - fields.var(0).sum() / (2 * len(fields)))


def crossed_loss(first: Tensor, second: Tensor) -> Tensor:
    """<v_1, v_2> / 2 of the mean fields on two independent batches: expectation L; a scalar."""
    return first @ second / 2


def crossed_gradient(v_1: Tensor, J_1: Tensor, v_2: Tensor, J_2: Tensor) -> Tensor:
    """The gradient of the crossed loss, (J_1^T v_2 + J_2^T v_1) / 2, `(n,)`."""
    return (J_1.T @ v_2 + J_2.T @ v_1) / 2


def implicit_gap(J: Tensor, gamma: float) -> Tensor:
    """What implicit Euler with step gamma adds to v beyond consensus, to first order (section 6).

    (I - gamma J)^-1 v = v + gamma J v + ... and consensus is v - gamma J^T v: the difference is
    gamma (J + J^T) v. They agree for antisymmetric J alone. On the symmetric part the signs are
    opposite, so consensus is no approximate implicit or Newton step there.

    Returns:
        gamma (J + J^T), `(n, n)`.
    """
    return gamma * (J + J.T)


def hiding_gamma(J: Tensor, *, tolerance: float = TOLERANCE) -> float:
    """The gamma above which consensus makes an unstable fixed point stable (section 6).

    For symmetric J: a > 0 becomes a - gamma a^2, negative for gamma > 1 / a, so all are for
    gamma > 1 / min a. Zero where no eigenvalue is positive; infinite where one is zero, which
    never becomes negative.

    Raises:
        ValueError: For a J that is not symmetric: search its spectrum
            ([`smallest_gamma`][nashgrad.analysis.smallest_gamma] reports a `limit`).
    """
    scale = tolerance * _stretch(J)
    if float((J - J.T).abs().max()) > scale:
        raise ValueError("J must be symmetric; for others see the limit of smallest_gamma")
    found = torch.linalg.eigvalsh(J)
    if bool((found.abs() <= scale).any()):
        return math.inf
    positive = found[found > 0]
    return float(1 / positive.min()) if len(positive) else 0.0


def implicit_threshold(eigenvalues: Tensor) -> float:
    """The h above which implicit Euler makes an unstable fixed point stable.

    |1 / (1 - h l)| < 1 exactly if h |l|^2 > 2 Re l: h > max over l of 2 Re l / |l|^2. Zero where
    no eigenvalue has positive real part; infinite where one is zero.
    """
    squares = eigenvalues.abs() ** 2
    if bool((squares == 0).any()):
        return math.inf
    return max(0.0, float((2 * eigenvalues.real / squares).max()))


def score_curvatures(
    g_1: Callable[[Tensor], Tensor], g_2: Callable[[Tensor], Tensor], scores: Tensor
) -> tuple[Tensor, Tensor]:
    """g_1'' and -g_2'' at some scores, `(k,)` each (eq. 2).

    The discriminator maximises E[g_1(D(x))] - E[g_2(D(G(z)))]. That is concave in its scores where
    both are <= 0: g_1 must be concave and g_2 convex. (The paper says that both are convex.)
    """
    return _second(g_1, scores), -_second(g_2, scores)


def _second(g: Callable[[Tensor], Tensor], scores: Tensor) -> Tensor:
    slope = grad(lambda s: g(s).sum())
    curvature: Tensor = grad(lambda s: slope(s).sum())(scores)
    return curvature
