"""Rates and step sizes of whole methods, from the matrices of their updates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from nashgrad.analysis.stability import NEUTRAL
from nashgrad.analysis.updates.matrices import Update, identity
from nashgrad.core.limits import check_count, check_positive

DECIDED = 1e-10
"""A radius within this of 1 is neither above nor below it: rounding could make it either."""
PER_DECADE = 30
"""Step sizes that are tried in each decade before the end of an interval is bisected."""
HALVINGS = 40


def spectral_radius(F: Tensor) -> float:
    """The largest |l| of an eigenvalue l of F, `(n, n)`."""
    return float(torch.linalg.eigvals(F.detach()).abs().max())


def moving_rate(F: Tensor, steps: int = 1) -> float:
    """The largest |m|^(1/steps) of eigenvalues m of F but for those that are 1 to rounding.

    Those, within 1e-6 of the largest |m - 1|, are directions in which nothing moves.
    """
    values = torch.linalg.eigvals(F.detach())
    moved = (values - 1).abs()
    moving = values[moved > NEUTRAL * moved.max()]
    return math.pow(float(moving.abs().max()), 1 / steps) if len(moving) else 1.0


def predicted_rate(
    update: Update, J: Tensor, sizes: Sequence[int], h: float, *, steps: int = 1
) -> float:
    """The factor by which the distance to a fixed point comes to change in one step.

    Below 1 the method converges locally, with error O((rate + e)^k) after k steps for every e > 0
    (without e where F is diagonalisable); above 1 it does not; at 1 it depends on more than F.

    Args:
        update: the method.
        J: the Jacobian of v at the fixed point, `(n, n)`.
        sizes: each player's number of parameters.
        h: learning rate.
        steps: how many steps `update` is: the period of a lookahead.

    References:
        L. Mescheder, S. Nowozin, A. Geiger: The Numerics of GANs, 2017 (Proposition 3).
    """
    check_count("steps", steps)
    return math.pow(spectral_radius(update(J, sizes, h)), 1 / steps)


def largest_step_size(
    update: Update,
    J: Tensor,
    sizes: Sequence[int],
    *,
    smallest: float = 1e-4,
    largest: float = 1e4,
) -> float:
    """The end h0 of the first interval (0, h0) of learning rates with which a method converges.

    Tries a geometric row of h between `smallest` / |J|_2 and `largest` / |J|_2, 30 to the decade.
    From the bottom, radii that rounding leaves undecided (within 1e-10 of 1) are passed over. If
    the first decided one is above 1, or none is below, the answer is 0: no small h works.
    Otherwise h0 lies before the first h whose radius is not below 1, and is bisected to rounding.
    If there is none, it is infinite. Gaps in the interval that are narrower than the row (8%)
    are not seen, nor is anything outside the limits. A neutral direction of J keeps the radius of
    most methods at 1, and the answer at 0: leave such directions out of J first.

    Args:
        update: the method.
        J: the Jacobian of v at the fixed point, `(n, n)`; not zero.
        sizes: each player's number of parameters.
        smallest: least h |J|_2 that is tried; positive.
        largest: greatest h |J|_2 that is tried; above `smallest`.

    Raises:
        ValueError: For limits that are not in order, and a J that is zero or not finite.
    """
    row = _row(_norm(J), smallest, largest)
    radius = _radius(update, J, sizes)
    inside: float | None = None
    for h in row:
        excess = radius(h) - 1
        if inside is None and abs(excess) <= DECIDED:
            continue
        if excess < 0:
            inside = h
        else:
            return 0.0 if inside is None else _end(radius, inside, h)
    return 0.0 if inside is None else math.inf


def _radius(update: Update, J: Tensor, sizes: Sequence[int]) -> Callable[[float], float]:
    return lambda h: spectral_radius(update(J, sizes, h))


def _norm(J: Tensor) -> float:
    if not J.isfinite().all() or not J.any():
        raise ValueError("J must be finite and not zero")
    return float(torch.linalg.matrix_norm(J, 2))


def _row(norm: float, smallest: float, largest: float) -> list[float]:
    check_positive("smallest", smallest)
    check_positive("largest", largest)
    if not smallest < largest:
        raise ValueError(f"smallest must be below largest, got {smallest!r} and {largest!r}")
    count = math.ceil(PER_DECADE * math.log10(largest / smallest)) + 1
    steps = torch.logspace(math.log10(smallest), math.log10(largest), count, dtype=torch.float64)
    row: list[float] = (steps / norm).tolist()
    return row


def _end(radius: Callable[[float], float], inside: float, outside: float) -> float:
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        if radius(middle) < 1:
            inside = middle
        else:
            outside = middle
    return inside


def stabilises_unstable(update: Update, J: Tensor, sizes: Sequence[int], h: float) -> bool:
    """Whether a method converges to a fixed point that the field flees: Re l > 0, radius below 1.

    Implicit steps do for large h (see [`implicit_threshold`]
    [nashgrad.analysis.theory.implicit_threshold]), consensus for a large gamma. Such a point is no
    equilibrium, though the field vanishes there as at one.
    """
    flees = bool((torch.linalg.eigvals(J).real > 0).any())
    return flees and spectral_radius(update(J, sizes, h)) < 1


class BestGamma(NamedTuple):
    """The strength of consensus that converges fastest at one step size."""

    gamma: float
    rate: float
    """The spectral radius of I + h (J - gamma J^T J)."""


def best_gamma(J: Tensor, h: float, *, points: int = 200) -> BestGamma:
    """The gamma >= 0 with the least spectral radius of F = I + h (J - gamma J^T J).

    The mean eigenvalue of F is tr F / n, so that no gamma above (n r + n + h tr J) / (h |J|_F^2)
    has a radius below r, the one at gamma = 0. Between zero and there a row of gammas is tried,
    half of them evenly spaced and half geometrically, and each minimum in it refined by Brent's
    method. The radius has narrow minima where eigenvalues meet. One that the row misses costs
    little: of 250 random J none had a rate that was better by 1e-3.

    On a bilinear game with singular values s, and for small h, the answer is close to
    2 / (h (s_min^2 + s_max^2)).

    Args:
        J: the Jacobian of v at the fixed point, `(n, n)`; not zero.
        h: learning rate; positive.
        points: gammas in the row.

    Raises:
        ValueError: For an h that is not positive, and a J that is zero or not finite.
    """
    check_positive("h", h)
    check_count("points", points)
    _norm(J)
    I, squared = identity(J), J.T @ J  # noqa: E741

    def radius(gamma: float) -> float:
        return spectral_radius(I + h * (J - gamma * squared))

    n, trace = len(J), h * float(torch.trace(J))
    last = max(0.0, n * radius(0.0) + n + trace) / (h * float(J.square().sum()))
    row = _gammas(last, points)
    gamma = min([*row, *_minima(radius, row)], key=radius)
    return BestGamma(gamma, radius(gamma))


def _gammas(last: float, points: int) -> list[float]:
    """Zero to the last, half of them evenly spaced and half geometrically; ascending."""
    steps = torch.linspace(0, 1, points // 2 + 1, dtype=torch.float64)
    return sorted({*(last * steps).tolist(), *(last * 1e-6 ** steps[:-1]).tolist()})


def _minima(of: Callable[[float], float], row: list[float]) -> list[float]:
    """Each local minimum among the values at a row, refined between its neighbours."""
    values = [math.inf, *map(of, row), math.inf]
    found = []
    for k, x in enumerate(row):
        if values[k + 1] <= min(values[k], values[k + 2]):
            around = row[max(k - 1, 0)], row[min(k + 1, len(row) - 1)]
            options = {"xatol": 1e-8 * x}
            found.append(minimize_scalar(of, bounds=around, method="bounded", options=options))
    return [float(result.x) for result in found]
