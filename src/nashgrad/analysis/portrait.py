"""What is known of a linear map at a point: its matrix or some eigenvalues, and their noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from nashgrad.analysis.noise import Interval, mean_interval, noise_norm, per_batch, widened
from nashgrad.analysis.spectrum import Spectrum, spectrum
from nashgrad.analysis.stability import NEUTRAL, ROUNDING, Stability
from nashgrad.analysis.verdict import Side
from nashgrad.core.operators import DenseOperator, LinearOperator

TOP = 5
"""Eigenvalues with the largest real parts, of which intervals are given."""
AWAY = 10.0
"""Times a search's residual: how far off an eigenvalue is taken to be, at most."""


@dataclass(frozen=True)
class Portrait:
    """A map A, its eigenvalues, and intervals of the largest real parts."""

    operator: LinearOperator
    spectrum: Spectrum
    rightmost: tuple[Interval, ...] = ()
    turns: bool = False
    judged: bool = True
    """Whether `rightmost` has all that are not neutral."""
    stability: Stability = field(init=False)

    def __post_init__(self) -> None:
        """Reads stability off the eigenvalues."""
        found = Stability(self.spectrum.eigenvalues, self.spectrum.complete)
        object.__setattr__(self, "stability", found)

    @classmethod
    def empty(cls) -> Portrait:
        """Nothing known."""
        nothing = torch.zeros(0, dtype=torch.complex128)
        return cls(DenseOperator(torch.zeros(0, 0)), Spectrum(nothing, nothing.real, False, 0))

    @property
    def side(self) -> Side:
        """What verdicts look at."""
        s = self.stability
        return Side(self.spectrum.complete, s.neutral, self.rightmost, self.turns, self.judged)

    @property
    def matrix(self) -> Tensor | None:
        """A, `(n, n)`, where it is known."""
        return self.operator.matrix if isinstance(self.operator, DenseOperator) else None


def portrait(
    operator: LinearOperator,
    parts: Sequence[LinearOperator] = (),
    *,
    k: int | None = None,
    exact: bool = False,
    start: Tensor | None = None,
    max_products: int | None = None,
    confidence: float = 0.95,
) -> Portrait:
    """The eigenvalues of A: all of them, or the k largest and the rightmost few.

    Args:
        operator: A. A `DenseOperator` gives all eigenvalues.
        parts: the A_b of m batches, whose mean A is; they make the intervals. With none, and a
            game that is not exact, no sign is certain.
        k: how many, where A is no matrix.
        exact: whether A has no noise.
        start: where the search for eigenvalues begins, `(n,)`.
        max_products: most products with A.
        confidence: that all intervals hold the truth at once.
    """
    if isinstance(operator, DenseOperator):
        found = spectrum(operator, vectors=not exact)
    else:
        found = _outer(operator, k or TOP, start, max_products, vectors=not exact)
    stability = Stability(found.eigenvalues, found.complete)
    order = _rightmost(found, stability)
    # Stability takes all of them; of those that cannot be stable five are enough to look at.
    whole = found.complete and not stability.neutral
    cheap = exact or all(isinstance(part, DenseOperator) for part in parts)
    chosen = order if whole and cheap else order[:TOP]
    intervals = (
        _rounded(found, stability, chosen)
        if exact
        else _noisy(operator, found, chosen, parts, confidence)
    )
    imaginary = found.eigenvalues[chosen].imag.abs()
    turns = [
        i.sign == 0 and y > NEUTRAL * stability.largest
        for i, y in zip(intervals, imaginary.tolist(), strict=True)
    ]
    return Portrait(operator, found, tuple(intervals), any(turns), len(chosen) == len(order))


def _outer(
    operator: LinearOperator,
    k: int,
    start: Tensor | None,
    max_products: int | None,
    *,
    vectors: bool,
) -> Spectrum:
    """The k largest, and the rightmost few."""
    found = spectrum(operator, k, start=start, max_products=max_products, vectors=vectors)
    right = spectrum(
        operator, min(k, TOP), "LR", start=found.start, max_products=max_products, vectors=vectors
    )
    return found.joined(right)


def _rightmost(found: Spectrum, stability: Stability) -> Tensor:
    """The indices of those that are not neutral, the largest real part first."""
    neutral = found.eigenvalues.abs() <= stability.tolerance * stability.largest
    order = found.eigenvalues.real.masked_fill(neutral, -torch.inf).argsort(
        descending=True, stable=True
    )
    return order[: int((~neutral).sum())]


def _rounded(found: Spectrum, stability: Stability, chosen: Tensor) -> list[Interval]:
    """Without noise there is rounding, and what a search left over.

    A residual is that of a pair; the eigenvalue may be off by more where A is far from normal.
    """
    reals = found.eigenvalues[chosen].real.tolist()
    left = [0.0] * len(reals)
    if not found.complete:
        left = (AWAY * stability.largest * found.residuals[chosen]).tolist()
    reach = ROUNDING * stability.largest
    return [Interval(x, x - reach - r, x + reach + r) for x, r in zip(reals, left, strict=True)]


def _noisy(
    operator: LinearOperator,
    found: Spectrum,
    chosen: Tensor,
    parts: Sequence[LinearOperator],
    confidence: float,
) -> list[Interval]:
    reals = found.eigenvalues[chosen].real.tolist()
    nothing = [Interval(x, -torch.inf, torch.inf) for x in reals]
    if len(parts) < 2 or found.right is None or not len(chosen):
        return nothing
    right = found.right[:, chosen]
    left = _lefts(operator, found, chosen)
    if left is None:
        return nothing
    samples = per_batch(parts, right, left).real
    shared = max(1, len(found.eigenvalues))
    intervals = [mean_interval(column, confidence, of=shared) for column in samples.T]
    if not any(i.sign for i in intervals):
        return intervals
    norm = noise_norm(parts)
    conditions = (1 / (left.conj() * right).sum(0).abs()).tolist()
    return [widened(i, c * norm) for i, c in zip(intervals, conditions, strict=True)]


def _lefts(operator: LinearOperator, found: Spectrum, chosen: Tensor) -> Tensor | None:
    """The left eigenvectors of unit length; of a search, by another one with the transpose."""
    if found.complete:
        return None if found.left is None else found.left[:, chosen]
    other = spectrum(operator.T, min(operator.size, len(chosen)), "LR", vectors=True)
    if other.right is None or not len(other.eigenvalues):
        return None
    wanted = found.eigenvalues[chosen]
    apart = (wanted[:, None] - other.eigenvalues[None]).abs()
    if bool((apart.amin(1) > 1e-2 * wanted.abs().max()).any()):
        return None
    return other.right[:, apart.argmin(1)].conj()
