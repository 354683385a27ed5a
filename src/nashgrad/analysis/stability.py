"""What eigenvalues say of a fixed point: is it stable, for which steps, how fast."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from nashgrad.core.limits import check_finite, check_not_negative

NEUTRAL = 1e-6
"""Of the largest |l|: eigenvalues up to that are neutral."""
ROUNDING = 1e-9
"""Of the largest |l|: real parts up to that have no sign, which rounding decides."""


@dataclass(frozen=True, eq=False)
class Stability:
    """What eigenvalues l of a field's Jacobian A = v' make of steps x + h v near a fixed point.

    Errors in the direction of an eigenvector are multiplied by 1 + h l. Eigenvalues with
    |l| <= tolerance * max |l| are *neutral*: directions in which nothing moves, of which a ReLU net
    has many, and of whose sign rounding decides. They are counted, and left out of everything else.

    Of a partial spectrum `max_step_size` is an upper bound, `q_ratio` and `rate` are lower bounds:
    an eigenvalue that was not found may be worse.

    Args:
        eigenvalues: l, `(k,)`, complex or real, a tensor or an array.
        complete: whether these are all of them.
        tolerance: of neutral ones, relative; not negative.

    Raises:
        ValueError: For eigenvalues that are not finite or not a vector, and a negative tolerance.

    References:
        L. Mescheder, S. Nowozin, A. Geiger: The Numerics of GANs, 2017, lemma 4.
    """

    eigenvalues: Tensor
    complete: bool = True
    tolerance: float = NEUTRAL

    def __post_init__(self) -> None:
        """Brings the eigenvalues to the host, in double precision."""
        check_not_negative("tolerance", self.tolerance)
        values = torch.as_tensor(self.eigenvalues).detach().cpu().to(torch.complex128)
        if values.dim() != 1:
            raise ValueError(
                f"eigenvalues must be a vector, got shape {tuple(values.shape)}; "
                "Stability.of takes a matrix"
            )
        if not values.isfinite().all():
            raise ValueError("eigenvalues must be finite: some are infinite or NaN")
        object.__setattr__(self, "eigenvalues", values)

    @classmethod
    def of(cls, matrix: Tensor | ArrayLike, tolerance: float = NEUTRAL) -> Stability:
        """That of all eigenvalues of a matrix, `(n, n)`.

        Example:
            >>> Stability.of([[-4.0, 1.0], [0.0, -1.0]]).max_step_size
            0.5
        """
        A = torch.as_tensor(matrix).detach().cpu()
        if A.dim() != 2 or A.shape[0] != A.shape[1]:
            raise ValueError(f"matrix must be square, got shape {tuple(A.shape)}")
        if not A.isfinite().all():
            raise ValueError("matrix must be finite: some entries are infinite or NaN")
        wide = A.to(torch.complex128 if A.is_complex() else torch.float64)
        return cls(torch.linalg.eigvals(wide), tolerance=tolerance)

    @cached_property
    def largest(self) -> float:
        """Max |l|; 0 where there are none."""
        return max(self.eigenvalues.abs().tolist(), default=0.0)

    @cached_property
    def moving(self) -> Tensor:
        """The eigenvalues that are not neutral."""
        moving: Tensor = self.eigenvalues[self.eigenvalues.abs() > self.tolerance * self.largest]
        return moving

    @property
    def neutral(self) -> int:
        """How many are neutral."""
        return len(self.eigenvalues) - len(self.moving)

    @property
    def unstable(self) -> int:
        """How many that are not neutral have positive real part, beyond rounding."""
        return int((self.moving.real > ROUNDING * self.largest).sum())

    @property
    def is_stable(self) -> bool | None:
        """Whether small steps converge from nearby; `None` where the eigenvalues do not tell.

        `False` with a single l that has Re l > 0, whatever else there may be. `True` only with all
        eigenvalues at hand and every Re l < 0: a real part of zero, to rounding, leaves it open,
        and so do neutral ones.
        """
        if self.unstable:
            return False
        known = self.complete and len(self.eigenvalues) > 0 and not self.neutral
        damped = bool((self.moving.real < -ROUNDING * self.largest).all())
        return True if known and damped else None

    @property
    def max_step_size(self) -> float:
        """The h below which |1 + h l| < 1 for all l: min of -2 Re l / |l|^2.

        0 where some Re l >= 0, for which no h works; infinite where all are neutral.
        """
        if (self.moving.real >= 0).any():
            return 0.0
        bounds = -2 * self.moving.real / self.moving.abs().square()
        return min(bounds.tolist(), default=math.inf)

    @property
    def q_ratio(self) -> float:
        """Max |Im l| / |Re l|: rotation over damping, or over growth where Re l > 0.

        Infinite for an l on the imaginary axis, 0 where all are neutral.
        """
        ratios = self.moving.imag.abs() / self.moving.real.abs()
        return max(ratios.tolist(), default=0.0)

    def rate(self, h: float) -> float:
        """Max |1 + h l|, by which steps of size h multiply the error; below 1 they converge.

        1 where all are neutral: nothing moves.
        """
        check_finite("h", h)
        return max((1 + h * self.moving).abs().tolist(), default=1.0)

    def __str__(self) -> str:
        """A few lines of text."""
        number = len(self.eigenvalues)
        extent = "" if self.complete else ", incomplete"
        bound = "" if self.complete else " at most"
        ratio = "" if self.complete else " at least"
        return "\n".join(
            [
                f"{self._verdict()} ({number} eigenvalues{extent}, {self.neutral} neutral)",
                f"largest stable step size:{bound} {self.max_step_size:.4g}",
                f"largest |Im l| / |Re l|:{ratio} {self.q_ratio:.4g}",
            ]
        )

    def _verdict(self) -> str:
        if self.is_stable is False:
            return f"unstable: {self.unstable} with positive real part"
        return "stable" if self.is_stable else "undecided"
