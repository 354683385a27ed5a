"""The diagnosis of a game at its present parameters: numbers, and a verdict on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from nashgrad.analysis import noise
from nashgrad.analysis.adjusted_map import adjusted_map, pseudo_values
from nashgrad.analysis.curvature import hessian_extremes
from nashgrad.analysis.findings import Diagnosis, GammaReport
from nashgrad.analysis.gamma import projected, smallest_gamma
from nashgrad.analysis.motion import Motion, motion
from nashgrad.analysis.noise import Interval, mean_interval
from nashgrad.analysis.parts import averaged, preconditioned, rotation_share
from nashgrad.analysis.portrait import Portrait, portrait
from nashgrad.analysis.rates import moving_rate
from nashgrad.analysis.response import response
from nashgrad.analysis.theory import rotation_bound
from nashgrad.analysis.updates import Linear, simultaneous
from nashgrad.analysis.verdict import Evidence, judge
from nashgrad.core.adjusted import AdjustedField
from nashgrad.core.adjustment import Adjustment
from nashgrad.core.batches import batch_size, split_batch
from nashgrad.core.checks import random_message
from nashgrad.core.field import GameField
from nashgrad.core.game import Batch
from nashgrad.core.linearization import Linearization
from nashgrad.core.operators import DenseOperator, LinearOperator

DENSE = 5_000
"""Parameters up to which all eigenvalues are found."""
FULL = 300
"""Parameters up to which w' has its second-derivative term."""
FEWEST = 6
"""Batches with which a p value can be below 0.05."""
PARTS = 8
"""Parts that a single batch is cut into, to see its noise."""
EXTREMES = 20
"""Eigenvalues that are looked for in larger games."""
GAMMA_RANK = 100
"""Dimension on which gammas are searched, in games that have more."""

Progress = Callable[[str], None]


def diagnose(
    field: GameField,
    batches: Batch | Sequence[Batch],
    *,
    adjustment: Adjustment | None = None,
    schedule: Linear | None = None,
    steps: Tensor | float | None = None,
    k: int | None = None,
    exact: bool | None = None,
    confidence: float = 0.95,
    max_products: int | None = None,
    progress: Progress | None = None,
) -> Diagnosis:
    """Why a game does or does not get to an equilibrium from here.

    Buffers stay frozen and nothing changes. Up to 5,000 parameters all eigenvalues are found, and
    otherwise the k largest, and the rightmost five.

    Args:
        field: the game's field.
        batches: a list of batches, whose spread tells what is noise; a single one is cut into eight
            parts. `None` for games without samples.
        adjustment: the method; none by default.
        schedule: who moves when, of which the rate of a step is; all at once by default.
        steps: the optimisers' step sizes, `(n,)` or a number, as `GameOptimizer.step_sizes()`
            gives them.
        k: how many eigenvalues; by default all, or 20 in larger games.
        exact: whether the batch is all there is; by default whether it has no samples.
        confidence: of all intervals at once.
        max_products: most products with a Jacobian, per search.
        progress: told what is being done.

    Raises:
        ValueError: For a game whose losses draw random numbers, and step sizes of another size.
    """
    say = progress or (lambda text: None)
    several = _batches(batches, exact)
    exact = len(several) == 1
    _refuse_random(field, several[0])
    say(f"the field on {len(several)} batches")
    here = [field.linearize(batch) for batch in several]
    steps = _steps(field, steps)
    values = torch.stack([at.value.detach() for at in here])
    look = _Look(field, several, here, values, exact, steps, k, confidence, max_products, say)
    return look.diagnosis(adjustment, schedule)


def _batches(batches: Batch | Sequence[Batch], exact: bool | None) -> list[Batch]:
    several = list(batches) if isinstance(batches, list | tuple) else [batches]
    if not several:
        raise ValueError("batches: there are none")
    if len(several) > 1 and exact:
        raise ValueError("exact: several batches are not all there is; pass one")
    if 1 < len(several) < FEWEST:
        raise ValueError(
            f"batches: {len(several)} are too few to tell v from zero at 95 percent; pass one, "
            f"which is cut into {PARTS} parts, or at least {FEWEST}"
        )
    samples = batch_size(several[0])
    if len(several) == 1 and samples >= 2 * PARTS and not exact:
        several = split_batch(several[0], PARTS)
    elif len(several) == 1 and several[0] is not None and samples > 1 and not exact:
        raise ValueError(
            f"batches: {samples} samples are too few to see noise: pass several batches, or "
            "exact=True where they are all there is"
        )
    return several


def _refuse_random(field: GameField, batch: Batch) -> None:
    if random := field.random_players(batch):
        raise ValueError(f"{random_message(random[0])}: its Jacobian has no meaning")


def _steps(field: GameField, steps: Tensor | float | None) -> Tensor | None:
    if steps is None:
        return None
    n = field.space.size
    tensor = torch.as_tensor(steps, dtype=torch.float64).detach().cpu()
    if tensor.dim() == 0:
        tensor = tensor.expand(n)
    if tensor.shape != (n,):
        raise ValueError(f"steps: expected shape ({n},), got {tuple(tensor.shape)}")
    # A coordinate that has had no gradient may have an infinite step; it does not move.
    return torch.where(tensor.isfinite(), tensor, 0.0)


@dataclass(frozen=True)
class _Look:
    """Everything that is asked at one point."""

    field: GameField
    batches: Sequence[Batch]
    here: Sequence[Linearization]
    values: Tensor
    exact: bool
    steps: Tensor | None
    k: int | None
    confidence: float
    max_products: int | None
    say: Progress

    @property
    def finite(self) -> bool:
        losses = [loss for at in self.here for loss in at.losses.values()]
        return bool(self.values.isfinite().all()) and all(bool(x.isfinite()) for x in losses)

    @property
    def jacobians(self) -> list[LinearOperator]:
        return [at.jacobian for at in self.here]

    def diagnosis(self, adjustment: Adjustment | None, schedule: Linear | None) -> Diagnosis:
        space = self.field.space
        mean = self.values.double().mean(0).cpu()
        common: dict[str, Any] = {
            "players": space.players,
            "size": space.size,
            "batches": len(self.here),
            "exact": self.exact,
            "losses": self._losses(),
            "norms": {p: float(mean[space.block(p)].norm()) for p in space.players},
            "debiased": self._debiased(mean),
        }
        if not self.finite:
            return _not_finite(common)
        J = self._jacobian()
        v = self._portrait(J, self.jacobians)
        w, w_is = self._adjusted(adjustment, J, v)
        p_value = None if self.exact else noise.zero_mean_probability(self.values)
        stationary = self._at_rest(mean, J) if p_value is None else p_value > 1 - self.confidence
        own = {p: self._own(J, p) for p in space.players}
        felt = {} if self.exact else response(self.field, self.batches[:PARTS])
        moved = None if stationary else self._motion(adjustment, J, w)
        rate, rate_is = self._rate(w, schedule)
        evidence = Evidence(
            finite=True,
            exact=self.exact,
            stationary=stationary,
            p_value=p_value,
            v=v.side,
            w=None if w is None else w.side,
            rate=rate,
            hessians={p: _negated(low) for p, (low, _) in own.items()},
            flat=self._flat(mean, J),
            felt=felt,
            motion=moved,
        )
        return Diagnosis(
            **common,
            p_value=p_value,
            v=v,
            w=w,
            w_is=w_is,
            rate=rate,
            rate_is=rate_is,
            hessians=own,
            rotation=rotation_share(J).estimate,
            gamma=self._gamma(J, mean),
            uncoupled=self._uncoupled(J),
            motion=moved,
            felt=felt,
            verdict=judge(evidence),
        )

    def _losses(self) -> dict[str, float]:
        return {
            p: math.fsum(float(at.losses[p]) for at in self.here) / len(self.here)
            for p in self.field.space.players
        }

    def _debiased(self, mean: Tensor) -> dict[str, float]:
        blocks = {p: self.field.space.block(p) for p in self.field.space.players}
        if self.exact:
            return {p: float(mean[b].square().sum()) for p, b in blocks.items()}
        return {p: noise.debiased_square(self.values[:, b]) for p, b in blocks.items()}

    def _jacobian(self) -> LinearOperator:
        n = self.field.space.size
        if n > DENSE or self.k is not None:
            return averaged(self.jacobians)
        self.say(f"all of J, {n:,} x {n:,}, on {len(self.here)} batches")
        return DenseOperator(_dense(self.jacobians))

    def _portrait(self, operator: LinearOperator, parts: Sequence[LinearOperator]) -> Portrait:
        self.say("eigenvalues")
        return portrait(
            operator,
            parts,
            k=self.k or EXTREMES,
            exact=self.exact,
            max_products=self.max_products,
            confidence=self.confidence,
        )

    def _adjusted(
        self, adjustment: Adjustment | None, J: LinearOperator, v: Portrait
    ) -> tuple[Portrait | None, str]:
        """W' as the optimisers' steps make it, S^1/2 w' S^1/2."""
        if adjustment is None:
            W, parts, what = J, self.jacobians, "v'"
        else:
            try:
                W, parts, what = self._map(adjustment, J)
            except (ValueError, RuntimeError) as error:
                return None, f"not known: {str(error).splitlines()[0]}"
        if self.steps is None:
            return (v, what) if W is J else (self._portrait(W, parts), what)
        iterated = _scaled(W, self.steps)
        return self._portrait(iterated, [_scaled(A, self.steps) for A in parts]), what

    def _map(
        self, adjustment: Adjustment, J: LinearOperator
    ) -> tuple[LinearOperator, list[LinearOperator], str]:
        space = self.field.space
        dense = isinstance(J, DenseOperator)
        if dense and space.size > FULL:
            return self._held(adjustment, J)
        try:
            w = AdjustedField(self.field, adjustment)
            parts = [w.linearize(batch).jacobian for batch in self.batches]
            W = DenseOperator(_dense(parts)) if dense else averaged(parts)
        except (ValueError, RuntimeError):
            if not dense:
                raise
            return self._held(adjustment, J)
        return W, parts, "all of w'"

    def _held(
        self, adjustment: Adjustment, J: LinearOperator
    ) -> tuple[LinearOperator, list[LinearOperator], str]:
        assert isinstance(J, DenseOperator)
        at, steps = self.here[0], self.steps
        if steps is not None:
            at = replace(at, query=replace(at.query, step_sizes=lambda v: steps.to(v)))
        W = DenseOperator(adjusted_map(adjustment, at, J.matrix))
        parts = [] if self.exact else pseudo_values(adjustment, at, J, self.jacobians)
        return W, parts, "w' with J held fixed"

    def _rate(self, w: Portrait | None, schedule: Linear | None) -> tuple[float | None, str]:
        """By what a step multiplies the distance, neutral directions apart, and what that is."""
        if w is None:
            return None, "not known without w'"
        if self.steps is None:
            return None, "not known without the optimisers' steps"
        space = self.field.space
        repeated = schedule.linear(space.players) if schedule is not None else None
        if schedule is None or (repeated is not None and repeated.update is simultaneous):
            return w.stability.rate(1.0), "simultaneous steps as they are: max |1 + l|"
        name = type(schedule).__name__
        if repeated is None:
            return None, f"not known: {name} has no linear map"
        if w.matrix is None:
            return None, f"not known: that of {name} takes all of w', which is too large here"
        self.say(f"the rate of {name}")
        sizes = [space.block(p).stop - space.block(p).start for p in space.players]
        F = repeated.update(w.matrix, sizes, 1.0)
        if len(F) > DENSE:
            return None, f"not known: the map of {name} has {len(F):,} rows"
        return moving_rate(F, repeated.steps), f"steps of {name} as they are"

    def _at_rest(self, mean: Tensor, J: LinearOperator) -> bool:
        """|v| to the precision of the parameters' type."""
        x = self.field.space.get()
        probe = torch.randn(len(x), generator=torch.Generator().manual_seed(0)).to(x)
        stretch = float((J @ probe).norm() / probe.norm()) * max(1.0, float(x.norm()))
        limit: float = torch.finfo(x.dtype).eps ** 0.5 * max(stretch, 1e-300)
        return float(mean.norm()) <= limit

    def _own(self, J: LinearOperator, player: str) -> tuple[Interval, Interval]:
        """The extreme eigenvalues of a player's Hessian, -J_ii, and their intervals."""
        block = self.field.space.block(player)
        low, high, vectors = hessian_extremes(J, block)
        if self.exact:
            reach = 1e-9 * max(abs(low), abs(high))
            return tuple(Interval(x, x - reach, x + reach) for x in (low, high))  # type: ignore[return-value]
        found = []
        for u in vectors:
            whole = torch.zeros(J.size, dtype=torch.float64)
            whole[block] = u
            samples = noise.per_batch(self.jacobians, whole.to(torch.complex128), None)
            of = 2 * (block.stop - block.start)
            found.append(mean_interval(-samples.real, self.confidence, of=of))
        return found[0], found[1]

    def _flat(self, mean: Tensor, J: LinearOperator) -> dict[str, tuple[float, float]]:
        """By player |v_i| and |P_i J|, times max(1, |x|): what a step of everybody may change."""
        space = self.field.space
        reach = max(1.0, float(space.get().norm()))
        draw = torch.Generator().manual_seed(1)
        probes = torch.randn(J.size, 3, generator=draw, dtype=torch.float64)
        rows = (J @ probes.to(J.device, J.dtype)).double().cpu()
        return {
            p: (
                reach * float(mean[space.block(p)].norm()),
                reach * float(rows[space.block(p)].square().sum(0).mean().sqrt()),
            )
            for p in space.players
        }

    def _uncoupled(self, J: LinearOperator) -> tuple[tuple[str, str], ...]:
        space = self.field.space
        draw = torch.Generator().manual_seed(2)
        u = torch.randn(J.size, generator=draw, dtype=torch.float64).to(J.device, J.dtype)
        found = []
        for j in space.players:
            image = J @ space.restrict(u, j)
            found += [(i, j) for i in space.players if i != j and not image[space.block(i)].any()]
        return tuple(found)

    def _motion(
        self, adjustment: Adjustment | None, J: LinearOperator, w: Portrait | None
    ) -> Motion | None:
        """What becomes of the step that is due here."""
        step = self.values.double().mean(0)
        if w is None:
            A = J
        else:
            A = w.operator
            if adjustment is not None and adjustment.pure:
                step = self._step(adjustment)
        if self.steps is not None and w is not None:
            return motion(A, self.steps.sqrt().to(step) * step)
        # Without a step size none is too large.
        scale = 1e-3 / max(1e-300, float(w.stability.largest if w else 1.0))
        return motion(scale * A, step)

    def _step(self, adjustment: Adjustment) -> Tensor:
        steps = self.steps
        sizes = None if steps is None else lambda v: steps.to(v)
        try:
            each = [
                self.field.evaluate(batch, None, adjustment, None, step_sizes=sizes).w
                for batch in self.batches
            ]
        except ValueError:
            return self.values.double().mean(0)
        return torch.stack(each).double().mean(0)

    def _gamma(self, J: LinearOperator, mean: Tensor) -> GammaReport:
        self.say("the smallest gamma")
        exact = isinstance(J, DenseOperator) and J.size <= GAMMA_RANK
        if isinstance(J, DenseOperator) and exact:
            A = J.matrix
            choice = smallest_gamma(A, A.T @ A)
        else:
            rank = GAMMA_RANK if isinstance(J, DenseOperator) else EXTREMES
            choice = smallest_gamma(*projected(J, mean.to(J.device, J.dtype), rank))
        bound, reason = None, "it needs all of J, which is too large here"
        if isinstance(J, DenseOperator):
            try:
                bound, reason = rotation_bound(J.matrix, choice.gamma), ""
            except ValueError as error:
                reason = str(error)
        return GammaReport(choice.gamma, choice.q, choice.limit, exact, bound, reason)


def _dense(operators: Sequence[LinearOperator]) -> Tensor:
    total = sum(A.to_dense().double().cpu() for A in operators)
    assert isinstance(total, Tensor)
    return total / len(operators)


def _scaled(A: LinearOperator, steps: Tensor) -> LinearOperator:
    if isinstance(A, DenseOperator):
        root = steps.sqrt()
        return DenseOperator(root[:, None] * A.matrix * root)
    return preconditioned(A, steps.to(A.device, A.dtype))


def _negated(i: Interval) -> Interval:
    return Interval(-i.estimate, -i.high, -i.low)


def _not_finite(common: Mapping[str, Any]) -> Diagnosis:
    nothing = Portrait.empty()
    evidence = Evidence(False, common["exact"], False, None, nothing.side, None, None)
    return Diagnosis(
        **common,
        p_value=None,
        v=nothing,
        w=None,
        w_is="not looked at: the field is not finite",
        rate=None,
        rate_is="not looked at: the field is not finite",
        hessians={},
        rotation=math.nan,
        gamma=GammaReport(math.nan, math.nan, math.nan, False, None, "the field is not finite"),
        uncoupled=(),
        motion=None,
        felt={},
        verdict=judge(evidence),
    )
