"""Updates with memory: z = (x - x*, memory)."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from nashgrad.analysis.updates.matrices import (
    Players,
    Update,
    block_matrix,
    identity,
    projection,
)
from nashgrad.core.limits import check_count


def from_past(J: Tensor, sizes: Sequence[int], h: float) -> Tensor:
    """Extrapolation from the past: z = (x, last field).

    With u = J (x + h last): x <- x + h u, last <- u.

    References:
        L. Popov: A Modification of the Arrow-Hurwicz Method for Search of Saddle Points, 1980.
    """
    seen = (J, h * J)
    return block_matrix((identity(J) + h * seen[0], h * seen[1]), seen)


def optimistic(J: Tensor, sizes: Sequence[int], h: float) -> Tensor:
    """Optimism over fields: z = (x, last field), x <- x + 2 h J x - h last.

    References:
        C. Daskalakis, A. Ilyas, V. Syrgkanis, H. Zeng: Training GANs with Optimism, 2018.
    """
    I = identity(J)  # noqa: E741
    return block_matrix((I + 2 * h * J, -h * I), (J, 0 * J))


def optimistic_step(J: Tensor, sizes: Sequence[int], h: float) -> Tensor:
    """Optimism over steps: z = (x, last step), x <- x + 2 h J x - last.

    Over SGD with a constant rate it is the same method as over fields.
    """
    I = identity(J)  # noqa: E741
    return block_matrix((I + 2 * h * J, -I), (h * J, 0 * J))


def heavy_ball(J: Tensor, sizes: Sequence[int], h: float, *, beta: float) -> Tensor:
    """Heavy ball, torch's SGD with momentum: z = (x, m), m <- beta m + J x, x <- x + h m.

    References:
        B. T. Polyak: Some methods of speeding up the convergence of iteration methods, 1964.
        G. Gidel, R. Askari Hemmat, M. Pezeshki, R. Le Priol, G. Huang, S. Lacoste-Julien,
        I. Mitliagkas: Negative Momentum for Improved Game Dynamics, 2019 (beta below 0).
    """
    moved = (J, beta * identity(J))
    return block_matrix((identity(J) + h * moved[0], h * moved[1]), moved)


def heavy_ball_in_turn(
    J: Tensor,
    sizes: Sequence[int],
    h: float,
    *,
    beta: float,
    turns: Sequence[Players] | None = None,
) -> Tensor:
    """The heavy ball over alternating players: a turn changes the mover's blocks of x and m alone.

    Args:
        J: the field's Jacobian, `(n, n)`.
        sizes: each player's number of parameters.
        h: learning rate.
        beta: decay of the momentum.
        turns: who moves, by position, in order; each player once by default.
    """
    I = identity(J)  # noqa: E741
    F = block_matrix((I, 0 * J), (0 * J, I))
    for movers in range(len(sizes)) if turns is None else turns:
        own = projection(J, sizes, movers)
        moved = (own @ J, beta * own + (I - own))
        F = block_matrix((I + h * moved[0], h * beta * own), moved) @ F
    return F


def friction(J: Tensor, sizes: Sequence[int], h: float, *, gamma: float) -> Tensor:
    """Momentum as a flow with friction, stepped with the *old* m (the paper's eq. 35).

    z = (x, m): x <- x + h m, m <- m + h (J x - gamma m). F = I + h G' with G' of
    [`momentum_jacobian`][nashgrad.analysis.theory.momentum_jacobian].
    """
    I = identity(J)  # noqa: E741
    return block_matrix((I, h * I), (h * J, (1 - h * gamma) * I))


def friction_new(J: Tensor, sizes: Sequence[int], h: float, *, gamma: float) -> Tensor:
    """The same flow, stepped with the *new* m, as torch's SGD does (the paper's eq. 36).

    It is the heavy ball with beta = 1 - h gamma and learning rate h^2; its buffer is m / h.
    """
    return heavy_ball(J, sizes, h**2, beta=1 - h * gamma)


def complex_momentum(
    J: Tensor,
    sizes: Sequence[int],
    h: float,
    *,
    modulus: float,
    angle: float,
    phase: float = 0.0,
) -> Tensor:
    """Complex momentum: m <- beta m + J x, x <- x + h Re(e^(i phase) m).

    beta = modulus e^(i angle) and z = (x, Re m, Im m).

    References:
        J. Lorraine, D. Acuna, P. Vicol, D. Duvenaud: Complex Momentum for Optimization in Games,
        2022.
    """
    beta, I = cmath.rect(modulus, angle), identity(J)  # noqa: E741
    real = (J, beta.real * I, -beta.imag * I)
    imaginary = (0 * J, beta.imag * I, beta.real * I)
    a, b = math.cos(phase), math.sin(phase)
    turned = [a * r - b * i for r, i in zip(real, imaginary, strict=True)]
    return block_matrix((I + h * turned[0], h * turned[1], h * turned[2]), real, imaginary)


def lookahead(
    J: Tensor,
    sizes: Sequence[int],
    h: float,
    *,
    inner: Update,
    period: int = 5,
    alpha: float = 0.5,
) -> Tensor:
    """A whole period of lookahead: x goes part of the way back, the inner memory goes on.

    With F of the inner update and P the projection on x in z: P ((1 - alpha) I + alpha F^period) +
    (I - P) F^period. Its rate a step is the radius to the power 1 / period.

    Args:
        J: the field's Jacobian, `(n, n)`.
        sizes: each player's number of parameters.
        h: learning rate.
        inner: an update; one of several steps, such as another lookahead, counts as one.
        period: inner updates between two averages; positive.
        alpha: share of the way that is kept.

    References:
        M. Zhang, J. Lucas, G. Hinton, J. Ba: Lookahead Optimizer: k steps forward, 1 step back,
        2019. T. Chavdarova, M. Pagliardini, S. U. Stich, F. Fleuret, M. Jaggi: Taming GANs with
        Lookahead-Minmax, 2021.
    """
    check_count("period", period)
    F: Tensor = torch.linalg.matrix_power(inner(J, sizes, h), period)
    n = len(J)
    x = alpha * F[:n] + (1 - alpha) * identity(F)[:n]
    return torch.cat([x, F[n:]])


def one_in(
    J: Tensor, sizes: Sequence[int], h: float, *, first: Update, rest: Update, period: int
) -> Tensor:
    """A whole period in which the first step is another update than the rest.

    Consensus in each k-th step, k times as strong, has `first=partial(consensus, gamma=k * gamma)`
    and `rest=simultaneous`.
    """
    check_count("period", period)
    F: Tensor = torch.linalg.matrix_power(rest(J, sizes, h), period - 1)
    return F @ first(J, sizes, h)
