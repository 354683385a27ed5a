"""Updates without memory: z = x - x*."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from nashgrad.analysis.updates.adjusted import (
    competitive_jacobian,
    consensus_jacobian,
    hamiltonian_jacobian,
    implicit_jacobian,
    lola_jacobian,
    look_ahead_jacobian,
    newton_jacobian,
    surgery_jacobian,
    symplectic_jacobian,
)
from nashgrad.analysis.updates.matrices import Players, identity, rows_of
from nashgrad.core.limits import check_count


def simultaneous(J: Tensor, sizes: Sequence[int], h: float) -> Tensor:
    """All players at once: F = I + h J."""
    return identity(J) + h * J


def alternating(
    J: Tensor, sizes: Sequence[int], h: float, *, turns: Sequence[Players] | None = None
) -> Tensor:
    """Players in turn: F = (I + h J_last) ... (I + h J_first) (the paper's eq. 45).

    J_i is J with the other players' rows set to zero.

    Args:
        J: the field's Jacobian, `(n, n)`.
        sizes: each player's number of parameters.
        h: learning rate.
        turns: who moves, by position, in order; each player once by default.
    """
    F = identity(J)
    for movers in range(len(sizes)) if turns is None else turns:
        F = (identity(J) + h * rows_of(J, sizes, movers)) @ F
    return F


def extragradient(J: Tensor, sizes: Sequence[int], h: float) -> Tensor:
    """Extragradient, x <- x + h v(x + h v(x)): F = I + h J + (h J)^2.

    References:
        G. Korpelevich: The Extragradient Method for Finding Saddle Points and Other Problems, 1976.
    """
    return identity(J) + h * J + h**2 * J @ J


def runge_kutta(J: Tensor, sizes: Sequence[int], h: float, *, order: int) -> Tensor:
    """Heun's method and the classical one: the series of exp(h J) up to the order, 1 to 4.

    Raises:
        ValueError: For another order: from 5 on a method has more stages than orders.
    """
    check_count("order", order)
    if order > 4:
        raise ValueError(f"order must be at most 4, got {order}")
    F = term = identity(J)
    for k in range(1, order + 1):
        term = h * J @ term
        F = F + term / math.factorial(k)
    return F


def implicit_euler(
    J: Tensor, sizes: Sequence[int], h: float, *, rate: float | None = None
) -> Tensor:
    """Implicit Euler, x_+ = x + h v(x_+): F = (I - h J)^-1, for the linearly implicit step too.

    With a rate the linearly implicit step solves with that in place of h:
    F = I + h (I - rate J)^-1 J.
    """
    if rate is not None:
        return identity(J) + h * implicit_jacobian(J, rate)
    F: Tensor = torch.linalg.inv(identity(J) - h * J)
    return F


def consensus(
    J: Tensor,
    sizes: Sequence[int],
    h: float,
    *,
    gamma: float | Sequence[float],
    source: Players = None,
    target: Players = None,
) -> Tensor:
    """F = I + h w' of [`consensus_jacobian`][nashgrad.analysis.updates.consensus_jacobian]."""
    return identity(J) + h * consensus_jacobian(J, sizes, gamma, source=source, target=target)


def jare(J: Tensor, sizes: Sequence[int], h: float, *, gamma: float) -> Tensor:
    """Two players, each of whom feels the other's |v|^2: consensus twice, restricted.

    References:
        W. Nie, A. Patel: Towards a Better Understanding and Regularization of GAN Training
        Dynamics, 2019.
    """
    one = consensus_jacobian(J, sizes, gamma, source=0, target=1)
    other = consensus_jacobian(J, sizes, gamma, source=1, target=0)
    return identity(J) + h * (one + other - J)


def hamiltonian(J: Tensor, sizes: Sequence[int], h: float) -> Tensor:
    """Descent on |v|^2 / 2: F = I - h J^T J."""
    return identity(J) + h * hamiltonian_jacobian(J)


def symplectic(J: Tensor, sizes: Sequence[int], h: float, *, lam: float) -> Tensor:
    """Symplectic gradient adjustment: F = I + h (I + lam A) J."""
    return identity(J) + h * symplectic_jacobian(J, lam)


def surgery(J: Tensor, sizes: Sequence[int], h: float) -> Tensor:
    """Local symplectic surgery near a fixed point: F = I + h (J + J^T) / 2."""
    return identity(J) + h * surgery_jacobian(J)


def competitive(J: Tensor, sizes: Sequence[int], h: float, *, rate: float | None = None) -> Tensor:
    """Competitive gradient descent; the game that it solves has steps h, or a rate."""
    return identity(J) + h * competitive_jacobian(J, sizes, h if rate is None else rate)


def look_ahead(J: Tensor, sizes: Sequence[int], h: float, *, rate: float | None = None) -> Tensor:
    """LookAhead: F = I + h (I + rate J_o) J, the opponents' rate being h by default."""
    return identity(J) + h * look_ahead_jacobian(J, sizes, h if rate is None else rate)


def lola(J: Tensor, sizes: Sequence[int], h: float, *, rate: float | None = None) -> Tensor:
    """LOLA around its own fixed point, the opponents' rate being h by default."""
    return identity(J) + h * lola_jacobian(J, sizes, h if rate is None else rate)


def newton(J: Tensor, sizes: Sequence[int], h: float, *, damping: float) -> Tensor:
    """F = I - h (J^T J + damping I)^-1 J^T J, of Levenberg and Marquardt."""
    return identity(J) + h * newton_jacobian(J, damping)
