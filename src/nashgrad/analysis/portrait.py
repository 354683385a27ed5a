"""What is known of a linear map at a point: its matrix or some eigenvalues, and their noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from nashgrad.analysis.noise import Interval, mean_interval, per_batch
from nashgrad.analysis.spectrum import Spectrum, spectrum
from nashgrad.analysis.stability import Stability
from nashgrad.analysis.verdict import Side
from nashgrad.core.operators import DenseOperator, LinearOperator

TOP = 5
"""Eigenvalues with the largest real parts, of which intervals are given."""
ROUNDING = 1e-9
"""Of the largest eigenvalue: real parts below it have no sign, in a game without noise."""


@dataclass(frozen=True)
class Portrait:
    """A map A, its eigenvalues, and intervals of the largest real parts."""

    operator: LinearOperator
    spectrum: Spectrum
    rightmost: tuple[Interval, ...] = ()
    turns: bool = False
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
        return Side(self.spectrum.complete, s.neutral, self.rightmost, self.turns)

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
    dense = isinstance(operator, DenseOperator)
    found = spectrum(
        operator, None if dense else k, start=start, max_products=max_products, vectors=not exact
    )
    if not dense:
        right = spectrum(
            operator,
            min(k or TOP, TOP),
            "LR",
            start=found.start,
            max_products=max_products,
            vectors=not exact,
        )
        found = found.joined(right)
    chosen = _rightmost(found)
    if exact:
        reach = ROUNDING * float(found.eigenvalues.abs().max()) if len(chosen) else 0.0
        reals = found.eigenvalues[chosen].real.tolist()
        intervals = [Interval(x, x - reach, x + reach) for x in reals]
    else:
        intervals = _intervals(found, chosen, parts, confidence)
    imaginary = found.eigenvalues[chosen].imag.abs()
    stretch = float(found.eigenvalues.abs().max()) if len(found.eigenvalues) else 0.0
    turns = [
        i.sign == 0 and y > 1e-6 * stretch
        for i, y in zip(intervals, imaginary.tolist(), strict=True)
    ]
    return Portrait(operator, found, tuple(intervals), any(turns))


def _rightmost(found: Spectrum) -> Tensor:
    """The indices of the eigenvalues with the largest real parts that are not neutral."""
    values = found.eigenvalues
    if not len(values):
        return torch.zeros(0, dtype=torch.long)
    neutral = values.abs() <= 1e-6 * values.abs().max()
    order = values.real.masked_fill(neutral, -torch.inf).argsort(descending=True, stable=True)
    return order[: min(TOP, int((~neutral).sum()))]


def _intervals(
    found: Spectrum, chosen: Tensor, parts: Sequence[LinearOperator], confidence: float
) -> list[Interval]:
    if len(parts) < 2 or found.right is None:
        reals = found.eigenvalues[chosen].real.tolist()
        return [Interval(x, -torch.inf, torch.inf) for x in reals]
    intervals = []
    for i in chosen.tolist():
        left = None if found.left is None else found.left[:, i]
        samples = per_batch(parts, found.right[:, i], left)
        intervals.append(mean_interval(samples.real, confidence, of=max(1, len(found.eigenvalues))))
    return intervals
