"""Jacobians w' of adjusted fields at a fixed point, which stand for J in every update.

A method is an adjustment and a schedule. Where the adjustment has no memory its w' takes the place
of J in the schedule's update: `extragradient(consensus_jacobian(J, sizes, 0.5), sizes, h)` is
extragradient over consensus.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nashgrad.analysis.updates.matrices import (
    Players,
    identity,
    other_blocks,
    own_blocks,
    projection,
)
from nashgrad.core.limits import check_finite, check_not_negative, check_positive


def consensus_jacobian(
    J: Tensor,
    sizes: Sequence[int],
    gamma: float | Sequence[float],
    *,
    source: Players = None,
    target: Players = None,
) -> Tensor:
    """Consensus and its relatives: w' = J - Gamma T J^T S J.

    S and T project on the blocks of `source`, whose |v|^2 it is, and of `target`, who feel it;
    Gamma is diagonal. Two restricted terms in a chain, as in JARE, are the sum of their changes:
    `a + b - J`.

    Args:
        J: the field's Jacobian, `(n, n)`.
        sizes: each player's number of parameters.
        gamma: the strength, or one for each player; not negative.
        source: players by position; `None` for all.
        target: players by position; `None` for all.

    References:
        L. Mescheder, S. Nowozin, A. Geiger: The Numerics of GANs, 2017 (eq. 14, figure 7).
    """
    gammas = list(gamma) if isinstance(gamma, Sequence) else [gamma] * len(sizes)
    if len(gammas) != len(sizes):
        raise ValueError(f"gamma: expected one for each of {len(sizes)} players, got {len(gammas)}")
    strength = torch.zeros_like(J)
    for i, one in enumerate(gammas):
        check_not_negative("gamma", one)
        strength += one * projection(J, sizes, i)
    S, T = projection(J, sizes, source), projection(J, sizes, target)
    return J - strength @ T @ J.T @ S @ J


def hamiltonian_jacobian(J: Tensor) -> Tensor:
    """Descent on |v|^2 / 2: w' = -J^T J.

    References:
        J. Abernethy, K. Lai, A. Wibisono: Last-Iterate Convergence Rates for Min-Max Optimization,
        2021.
    """
    return -J.T @ J


def symplectic_jacobian(J: Tensor, lam: float) -> Tensor:
    """Symplectic gradient adjustment without alignment: w' = (I + lam A) J, A = (J - J^T) / 2.

    References:
        D. Balduzzi, S. Racaniere, J. Martens, J. Foerster, K. Tuyls, T. Graepel: The Mechanics of
        n-Player Differentiable Games, 2018.
    """
    check_finite("lam", lam)
    return J + lam * (J - J.T) / 2 @ J


def surgery_jacobian(J: Tensor) -> Tensor:
    """Local symplectic surgery at a fixed point with invertible J: w' = (J + J^T) / 2.

    Its regularisation vanishes there, so that the symmetric part is left alone.

    References:
        E. Mazumdar, M. Jordan, S. Sastry: On Finding Local Nash Equilibria (and Only Local Nash
        Equilibria) in Zero-Sum Games, 2019.
    """
    return (J + J.T) / 2


def competitive_jacobian(J: Tensor, sizes: Sequence[int], rate: float) -> Tensor:
    """Competitive gradient descent: the step of rate h, divided by h.

    In the paper's signs, with f_xy = -J_12, g_yx = -J_21 and gradients f_x, g_y:
    w_x = -(I - h^2 f_xy g_yx)^-1 (f_x - h f_xy g_y), and w_y likewise.

    Args:
        J: the field's Jacobian, `(n, n)`.
        sizes: those of two players.
        rate: h; positive.

    Raises:
        ValueError: For another number of players.

    References:
        F. Schaefer, A. Anandkumar: Competitive Gradient Descent, 2019 (Algorithm 1).
    """
    if len(sizes) != 2:
        raise ValueError(f"competitive gradient descent is for two players, got {len(sizes)}")
    check_positive("rate", rate)
    J_o, n = other_blocks(J, sizes), sizes[0]
    f_xy, g_yx, f_x, g_y = -J_o[:n, n:], -J_o[n:, :n], -J[:n], -J[n:]
    x = torch.linalg.solve(identity(f_xy @ g_yx) - rate**2 * f_xy @ g_yx, f_x - rate * f_xy @ g_y)
    y = torch.linalg.solve(identity(g_yx @ f_xy) - rate**2 * g_yx @ f_xy, g_y - rate * g_yx @ f_x)
    return -torch.cat([x, y])


def look_ahead_jacobian(J: Tensor, sizes: Sequence[int], rate: float) -> Tensor:
    """LookAhead, the prediction of the opponents' steps: w' = (I + rate J_o) J.

    Stable opponent shaping has the same w' at a fixed point, where it switches shaping off.

    References:
        C. Zhang, V. Lesser: Multi-Agent Learning with Policy Prediction, 2010.
        A. Letcher, J. Foerster, D. Balduzzi, T. Rocktaeschel, S. Whiteson: Stable Opponent Shaping
        in Differentiable Games, 2019.
    """
    check_not_negative("rate", rate)
    return J + rate * other_blocks(J, sizes) @ J


def lola_jacobian(J: Tensor, sizes: Sequence[int], rate: float) -> Tensor:
    """LOLA: w' = (I + rate J_o) J + rate C, where C holds the own blocks of (J_o J_o)^T.

    The opponents' gradients of a player's loss are not in J: this is for games with l_i = -x_i^T
    (J_ii x_i / 2 + sum over j != i of J_ij x_j + b_i), such as `Quadratic`. LOLA does not keep
    fixed points of v unless b = 0; w' belongs to its own.

    References:
        J. Foerster, R. Chen, M. Al-Shedivat, S. Whiteson, P. Abbeel, I. Mordatch: Learning with
        Opponent-Learning Awareness, 2018 (all first-order terms, as Letcher et al., 2019, have it).
    """
    J_o = other_blocks(J, sizes)
    shaping = own_blocks(J_o @ J_o, sizes).T
    return look_ahead_jacobian(J, sizes, rate) + rate * shaping


def implicit_jacobian(J: Tensor, rate: float) -> Tensor:
    """Linearly implicit Euler: w' = (I - rate J)^-1 J.

    References:
        E. Hairer, G. Wanner: Solving Ordinary Differential Equations II, 1996.
    """
    check_not_negative("rate", rate)
    w: Tensor = torch.linalg.solve(identity(J) - rate * J, J)
    return w


def newton_jacobian(J: Tensor, damping: float) -> Tensor:
    """Damped Newton steps on |v|^2 / 2: w' = -(J^T J + damping I)^-1 J^T J.

    References:
        K. Levenberg: A Method for the Solution of Certain Non-Linear Problems in Least Squares,
        1944.
    """
    check_not_negative("damping", damping)
    w: Tensor = -torch.linalg.solve(J.T @ J + damping * identity(J), J.T @ J)
    return w
