"""Implicit Euler: the step whose end point explains it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.optimize import root
from torch import Tensor

from nashgrad.analysis import updates
from nashgrad.analysis.updates import Round
from nashgrad.core.adjustment import Base
from nashgrad.core.game import Batch
from nashgrad.core.limits import check_count, check_positive
from nashgrad.core.linearization import Cost, Evaluation, State
from nashgrad.schedules.base import Draw, Mover, Schedule, StepRecord


@dataclass(frozen=True)
class ImplicitEuler(Schedule):
    r"""Implicit Euler: x_+ = x + h w(x_+), solved for to a tolerance.

    F(y) = y - x - h w(y) = 0 by scipy's Newton-Krylov method from y = x, with differences of w in
    place of products with w'. It is the reference that cheaper methods are held against
    ([`LinearlyImplicit`][nashgrad.adjustments.LinearlyImplicit] is one step towards it), for small
    games: an evaluation per difference, hundreds a step where the game is stiff.

    An eigenvalue l of w' at a fixed point becomes 1 / (1 - h l): stable for every h where all
    eigenvalues have negative real part. On a bilinear game with singular values s every step
    shortens x by 1 / sqrt(1 + h^2 s^2).

    Where w is not smooth (ReLU networks), not finite at a point that is tried, or h is large, the
    solver may not converge. The step is then h w(y) at the best y that it tried, x included, and
    the record says so: `unconverged` counts it, and `residual` is |F(y)| / |h w(x)|.

    Args:
        tolerance: largest |F(y)| / |h w(x)|; positive. An |F(y)| that rounding x explains is none.
        iterations: most Newton steps; at least 1.

    Cost: as many evaluations of w as it takes (`evaluations` in the record; with an adjustment,
    each of them whole); one in `solves`. Memory: none of its own; adjustments keep that of the
    evaluation at y, made with their memory from before the step. Keeps fixed points of w. Any
    number of players. Base optimiser: SGD without momentum and weight decay. Parameters in float64
    are recommended: float32 leaves rough differences, and of a short step few digits.

    Raises:
        ValueError: For numbers out of range, and other base optimisers. An error in a step leaves
            parameters and memory as they were.

    References:
        E. Hairer, G. Wanner: Solving Ordinary Differential Equations II, 1996. D. Knoll, D. Keyes:
        Jacobian-free Newton-Krylov methods, 2004.
    """

    tolerance: float = 1e-8
    iterations: int = 20

    def __post_init__(self) -> None:
        check_positive("tolerance", self.tolerance)
        check_count("iterations", self.iterations)

    @property
    def revisits(self) -> bool:
        return True

    @property
    def base(self) -> Base:
        return "plain"

    def init(self, opt: Mover) -> State:
        return None

    def linear(self, players: Sequence[str]) -> Round | None:
        return Round(updates.implicit_euler)

    def step(self, opt: Mover, draw: Draw, state: State) -> tuple[StepRecord, State]:
        x = opt.space.get()
        equation = _Equation(opt, draw(), x)
        try:
            converged = self._solve(equation)
        finally:
            opt.space.set_(x)
        opt.apply(equation.best.w, None, equation.best.state)
        record = StepRecord.of([*equation.tried, equation.best._replace(cost=Cost(0))])
        return replace(
            record,
            solves=record.solves + 1,
            unconverged=record.unconverged + (not converged),
            residual=max(record.residual, equation.residual),
        ), state

    def _solve(self, equation: _Equation) -> bool:
        """Tries points until one is good enough or iterations run out; whether one was."""
        start = equation.x.cpu().numpy()
        options = {
            "maxiter": self.iterations,
            "tol_norm": np.linalg.norm,
            "jac_options": {"rdiff": equation.eps**0.5},
        }
        try:
            equation(start)
            enough = max(self.tolerance * equation.first, equation.rounding)
            if equation.least > enough:
                root(equation, start, method="krylov", options={**options, "fatol": enough})
        except _NotFiniteError:
            return False  # a step into nowhere: the best point so far counts
        except ValueError as error:
            if "Jacobian inversion" not in str(error):
                raise
            # Newton's correction is lost in rounding: likewise.
        return equation.least <= enough


class _NotFiniteError(ArithmeticError):
    """F is not finite at a point."""


class _Equation:
    """F(y) = y - x - h w(y) in float64, and the best y so far."""

    def __init__(self, opt: Mover, batch: Batch, x: Tensor) -> None:
        self._opt, self._batch, self._steps = opt, batch, opt.step_sizes().double()
        self.x, self.eps = x.double(), torch.finfo(x.dtype).eps
        self.rounding = 4 * self.eps * float(self.x.norm())
        self.tried: list[Evaluation] = []
        self.first = self.least = math.inf  # |F| where it started, and at the best point
        self._known: tuple[np.ndarray, np.ndarray] | None = None

    def __call__(self, y: np.ndarray) -> np.ndarray:
        if self._known is None or not np.array_equal(y, self._known[0]):  # scipy asks for x again
            self._known = y.copy(), self._evaluate(y)
        return self._known[1]

    @property
    def residual(self) -> float:
        """The least |F(y)| / |h w(x)|; what rounding explains is none."""
        if not math.isfinite(self.first):
            return math.inf
        return 0.0 if self.least <= self.rounding else self.least / self.first

    def _evaluate(self, y: np.ndarray) -> np.ndarray:
        to = torch.as_tensor(y, device=self.x.device)
        self._opt.space.set_(to)
        here = self._opt.evaluate(self._batch)
        F = to - self.x - self._steps * here.w
        length = float(F.norm())
        if not self.tried:
            self.best, self.first = here, length
        self.tried.append(here)
        if not math.isfinite(length):
            raise _NotFiniteError
        if length < self.least:
            self.best, self.least = here, length
        values: np.ndarray = F.cpu().numpy()
        return values
