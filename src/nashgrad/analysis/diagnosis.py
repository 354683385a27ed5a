"""The diagnosis of a game at its present parameters: numbers, and a verdict on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from nashgrad.analysis import asked, noise
from nashgrad.analysis.adjusted_map import adjusted_map, pseudo_values
from nashgrad.analysis.curvature import TOLERANCE, hessian_extremes
from nashgrad.analysis.findings import Diagnosis, GammaReport
from nashgrad.analysis.gamma import projected, smallest_gamma
from nashgrad.analysis.motion import Motion, motion
from nashgrad.analysis.noise import Interval, mean_interval
from nashgrad.analysis.parts import averaged, preconditioned, rotation_share
from nashgrad.analysis.portrait import Portrait, portrait
from nashgrad.analysis.rates import moving_rate
from nashgrad.analysis.response import response
from nashgrad.analysis.stability import ROUNDING
from nashgrad.analysis.theory import rotation_bound
from nashgrad.analysis.updates import Linear, simultaneous
from nashgrad.analysis.verdict import Evidence, judge
from nashgrad.core.adjusted import AdjustedField
from nashgrad.core.adjustment import Adjustment
from nashgrad.core.field import GameField
from nashgrad.core.game import Batch
from nashgrad.core.limits import check_between, check_count
from nashgrad.core.linearization import Linearization
from nashgrad.core.operators import DenseOperator, LinearOperator

DENSE = 5_000
"""Parameters up to which all eigenvalues are found."""
FULL = 300
"""Parameters up to which w' has its second-derivative term."""
EXTREMES = 20
"""Eigenvalues that are looked for in larger games."""
GAMMA_RANK = 100
"""Dimension on which gammas are searched, in games that have more."""
KEPT = 2**31
"""Bytes of dense Jacobians that are kept, one a batch."""

Progress = Callable[[str], None]


class Trainer(Protocol):
    """What a diagnosis asks of a `GameOptimizer`."""

    @property
    def adjustment(self) -> Adjustment:
        """The method."""

    @property
    def schedule(self) -> Linear:
        """Who moves when."""

    @property
    def extras(self) -> tuple[str, ...]:
        """What the optimisers add to `step_sizes`, such as momentum."""

    def step_sizes(self, value: Tensor | None = None) -> Tensor:
        """Each coordinate's step per unit of w, `(n,)`."""


def diagnose(
    field: GameField,
    batches: Batch | list[Batch],
    optimizer: Trainer | None = None,
    *,
    adjustment: Adjustment | None = None,
    schedule: Linear | None = None,
    steps: Tensor | float | None = None,
    k: int | None = None,
    exact: bool | None = None,
    confidence: float = 0.95,
    max_products: int | None = None,
    latent: str | None = None,
    progress: Progress | None = None,
) -> Diagnosis:
    """Why a game does or does not get to an equilibrium from here.

    Buffers stay frozen and nothing changes. Up to 5,000 parameters all eigenvalues are found, and
    otherwise the k largest, and the rightmost five.

    Args:
        field: the game's field.
        batches: a list of batches, whose spread tells what is noise; a single one is cut into eight
            parts. `None` for games without samples.
        optimizer: the `GameOptimizer`, for what it does: its method, schedule and steps. Or these
            by themselves:
        adjustment: the method; none by default.
        schedule: who moves when, of which the rate of a step is; all at once by default.
        steps: the step of each coordinate per unit of w, `(n,)` or a number. Without steps the
            flow is looked at, which is that of small steps.
        k: how many eigenvalues; by default all, or 20 in larger games.
        exact: whether the batch is all there is; by default whether it has no samples.
        confidence: of all intervals at once.
        max_products: most products with a Jacobian, per search.
        latent: the batch's entry that a generator makes its samples of; "latent" by default.
        progress: told what is being done.

    Raises:
        ValueError: For a game whose losses draw random numbers, step sizes of another size or NaN,
            batches too few for the confidence, and an entry that the batch has not.
        TypeError: For an optimiser beside what it is asked for, and arguments of another kind.
    """
    say = progress or (lambda text: None)
    asked.check_kinds(field, optimizer, adjustment, schedule)
    if k is not None:
        check_count("k", k)
    check_between("confidence", confidence, 0, 1)
    several = asked.several(batches, exact, confidence)
    exact = len(several) == 1
    asked.check_latent(several[0], latent)
    asked.refuse_random(field, several[0])
    say(f"the field on {len(several)} batches")
    here = [field.linearize(batch) for batch in several]
    values = torch.stack([at.value.detach() for at in here])
    extras: tuple[str, ...] = ()
    unknown = ""
    if optimizer is not None:
        if not (adjustment is None and schedule is None and steps is None):
            raise TypeError("pass an optimizer, or adjustment, schedule and steps, not both")
        adjustment, schedule, extras = optimizer.adjustment, optimizer.schedule, optimizer.extras
        try:
            steps = optimizer.step_sizes(values.mean(0))
        except ValueError as error:
            unknown = str(error)
    elif steps is None:
        unknown = "not asked about: no steps were given"
    look = _Look(
        field,
        several,
        here,
        values,
        exact,
        asked.step_sizes(field, steps),
        k,
        confidence,
        max_products,
        say,
        optimizer is not None or steps is not None,
        extras,
        unknown,
        latent or "latent",
    )
    return look.diagnosis(adjustment, schedule)


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
    stepping: bool
    extras: tuple[str, ...]
    unknown: str
    latent: str

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
        J, parts = self._jacobian()
        if not bool(_stretched(J).isfinite().all()):
            return _not_finite(common)
        v = self._portrait(J, parts)
        w, w_is = self._adjusted(adjustment, J, parts, v)
        p_value = None if self.exact else noise.zero_mean_probability(self.values)
        stationary = self._at_rest(mean, J) if p_value is None else p_value > 1 - self.confidence
        own = {p: self._own(J, parts, p) for p in space.players}
        felt = {} if self.exact else response(self.field, self.batches[: asked.PARTS])
        F, rate, rate_is = self._rate(w, schedule)
        known = F is not None or schedule is None or _is_simultaneous(schedule, space.players)
        moved = self._motion(adjustment, w, F) if not stationary and known else None
        evidence = Evidence(
            finite=True,
            exact=self.exact,
            stationary=stationary,
            p_value=p_value,
            v=v.side,
            w=None if w is None else w.side,
            rate=rate,
            stepping=self.stepping,
            extras=self.extras,
            reach=self._reach(J, v),
            latent=self.latent,
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
            stepping=self.steps is not None,
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

    def _jacobian(self) -> tuple[LinearOperator, Sequence[LinearOperator]]:
        """J, and that of each batch."""
        n = self.field.space.size
        if n > DENSE or self.k is not None:
            return averaged(self.jacobians), self.jacobians
        self.say(f"all of J, {n:,} x {n:,}, on {len(self.here)} batches")
        return _dense(self.jacobians)

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
        self,
        adjustment: Adjustment | None,
        J: LinearOperator,
        each: Sequence[LinearOperator],
        v: Portrait,
    ) -> tuple[Portrait | None, str]:
        """W' as the optimisers' steps make it, S^1/2 w' S^1/2."""
        if adjustment is None or self._leaves(adjustment):
            W, parts, what = J, each, "v'"
        else:
            try:
                W, parts, what = self._map(adjustment, J, each)
            except torch.OutOfMemoryError:
                raise
            except (ValueError, RuntimeError) as error:
                return None, f"not known: {str(error).splitlines()[0]}"
        if self.steps is None:
            return (v, what) if W is J else (self._portrait(W, parts), what)
        iterated = _scaled(W, self.steps)
        return self._portrait(iterated, [_scaled(A, self.steps) for A in parts]), what

    def _leaves(self, adjustment: Adjustment) -> bool:
        """Whether a method does nothing here."""
        if not adjustment.pure:
            return False
        at = self._with_steps()
        try:
            return adjustment.update(at.value, at, adjustment.init(at.space))[0] is at.value
        except (ValueError, RuntimeError):  # what it needs is not known here
            return False

    def _with_steps(self) -> Linearization:
        """The first batch, with the optimisers' steps for methods that reckon with them."""
        at = self.here[0]
        return replace(at, query=replace(at.query, step_sizes=self._step_sizes))

    @property
    def _step_sizes(self) -> Callable[[Tensor], Tensor] | None:
        """The optimisers' steps, as methods ask for them."""
        steps = self.steps
        return None if steps is None else lambda v: steps.to(v)

    def _map(
        self, adjustment: Adjustment, J: LinearOperator, each: Sequence[LinearOperator]
    ) -> tuple[LinearOperator, Sequence[LinearOperator], str]:
        """The mean of w' over batches, or w' of the mean J with J held fixed."""
        if not adjustment.pure:
            raise ValueError(
                f"{type(adjustment).__name__} remembers earlier steps, which its w' is made of"
            )
        space = self.field.space
        dense = isinstance(J, DenseOperator)
        if dense and space.size > FULL:
            return self._held(adjustment, J, each)
        try:
            w = AdjustedField(self.field, adjustment)
            parts = [w.linearize(batch).jacobian for batch in self.batches]
            return (*(_dense(parts) if dense else (averaged(parts), parts)), "all of w'")
        except torch.OutOfMemoryError:
            raise
        except (ValueError, RuntimeError):
            if not dense:
                raise
            return self._held(adjustment, J, each)

    def _held(
        self, adjustment: Adjustment, J: LinearOperator, each: Sequence[LinearOperator]
    ) -> tuple[LinearOperator, Sequence[LinearOperator], str]:
        assert isinstance(J, DenseOperator)
        at = self._with_steps()
        # Where the players are, as what the method knows of them is there.
        there = DenseOperator(J.matrix.to(at.value.device))
        W = DenseOperator(adjusted_map(adjustment, at, there.matrix).cpu())
        parts = [] if self.exact else pseudo_values(adjustment, at, there, each)
        return W, parts, "w' with J held fixed"

    def _rate(
        self, w: Portrait | None, schedule: Linear | None
    ) -> tuple[Tensor | None, float | None, str]:
        """A round's map where it is no simultaneous step, the rate of a step, and what that is."""
        if self.steps is None:
            return None, None, self.unknown
        if w is None:
            return None, None, "not known without w'"
        space = self.field.space
        beside = f"; without {' and '.join(self.extras)}" if self.extras else ""
        if schedule is None or _is_simultaneous(schedule, space.players):
            least = "" if w.spectrum.complete else "at least; "
            said = f"{least}simultaneous steps as they are: max |1 + l|{beside}"
            return None, w.stability.rate(1.0), said
        name = type(schedule).__name__
        repeated = schedule.linear(space.players)
        if repeated is None:
            return None, None, f"not known: {name} has no linear map"
        if w.matrix is None:
            said = f"not known: that of {name} takes all of w', which is too large here"
            return None, None, said
        self.say(f"the rate of {name}")
        sizes = [space.block(p).stop - space.block(p).start for p in space.players]
        try:
            F = repeated.update(w.matrix, sizes, 1.0)
            rate = moving_rate(F, repeated.steps)
        except RuntimeError as error:
            return None, None, f"not known: {str(error).splitlines()[0]}"
        return F, rate, f"steps of {name} as they are{beside}"

    def _reach(self, J: LinearOperator, v: Portrait) -> float | None:
        """How far away v vanishes at most, about: |J^-1 v| and twice its noise."""
        n = self.field.space.size
        if self.exact or not isinstance(J, DenseOperator) or v.stability.neutral or n > FULL:
            return None
        each = torch.linalg.solve(J.matrix, self.values.double().cpu().T).T
        noise_of_mean = each.var(0).sum() / len(each)
        return float(each.mean(0).norm() + 2 * noise_of_mean.sqrt())

    def _at_rest(self, mean: Tensor, J: LinearOperator) -> bool:
        """|v| to the precision of the parameters' type."""
        x = self.field.space.get()
        stretch = float(_stretched(J).norm()) / len(x) ** 0.5 * max(1.0, float(x.norm()))
        limit: float = torch.finfo(x.dtype).eps ** 0.5 * max(stretch, 1e-300)
        return float(mean.norm()) <= limit

    def _own(
        self, J: LinearOperator, parts: Sequence[LinearOperator], player: str
    ) -> tuple[Interval, Interval]:
        """The extreme eigenvalues of a player's Hessian, -J_ii, and their intervals."""
        block = self.field.space.block(player)
        low, high, vectors = hessian_extremes(J, block)
        if self.exact:
            loose = ROUNDING if isinstance(J, DenseOperator) else TOLERANCE
            reach = loose * max(abs(low), abs(high))
            return tuple(Interval(x, x - reach, x + reach) for x in (low, high))  # type: ignore[return-value]
        found = []
        norm = noise.noise_norm(parts, block)
        of = 2 * (block.stop - block.start)
        for u in vectors:
            whole = torch.zeros(J.size, 1, dtype=torch.complex128)
            whole[block, 0] = u.to(whole)
            samples = -noise.per_batch(parts, whole, whole).real[:, 0]
            found.append(noise.widened(mean_interval(samples, self.confidence, of=of), norm))
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
        self, adjustment: Adjustment | None, w: Portrait | None, F: Tensor | None
    ) -> Motion | None:
        """What becomes of the step that is due here; `None` where the method's is not known."""
        if w is None:
            return None
        step = self.values.double().mean(0)
        if adjustment is not None and not self._leaves(adjustment):
            step = self._step(adjustment)
        if self.steps is None:
            # Without a step size none is too large.
            return motion(1e-3 / max(1e-300, w.stability.largest) * w.operator, step)
        step = self.steps.sqrt().to(step) * step
        if F is None:
            return motion(w.operator, step)
        if len(F) > len(step):  # a memory, of which the next step is not known from here
            return None
        return motion(DenseOperator(F - torch.eye(len(F), dtype=F.dtype)), step)

    def _step(self, adjustment: Adjustment) -> Tensor:
        sizes = self._step_sizes
        each = [
            self.field.evaluate(batch, None, adjustment, None, step_sizes=sizes).w
            for batch in self.batches
        ]
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
        return GammaReport(
            choice.gamma, choice.q, choice.stable, choice.limit, exact, bound, reason
        )


def _dense(
    operators: Sequence[LinearOperator],
) -> tuple[DenseOperator, Sequence[LinearOperator]]:
    """The mean as a matrix, and each one as a matrix too where memory allows."""
    kept: list[DenseOperator] = []
    size = operators[0].size
    total = torch.zeros(size, size, dtype=torch.float64)
    keep = 8 * size**2 * len(operators) <= KEPT
    for A in operators:
        matrix = A.to_dense().double().cpu()
        total += matrix / len(operators)
        kept += [DenseOperator(matrix)] if keep else []
    return DenseOperator(total), kept if keep else operators


def _stretched(J: LinearOperator) -> Tensor:
    """J u for a u of random numbers, `(n,)`."""
    draw = torch.Generator().manual_seed(0)
    return J @ torch.randn(J.size, generator=draw, dtype=torch.float64).to(J.device, J.dtype)


def _is_simultaneous(schedule: Linear, players: Sequence[str]) -> bool:
    repeated = schedule.linear(players)
    return repeated is not None and repeated.update is simultaneous


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
        stepping=False,
        hessians={},
        rotation=math.nan,
        gamma=GammaReport(
            math.nan, math.nan, False, math.nan, False, None, "the field is not finite"
        ),
        uncoupled=(),
        motion=None,
        felt={},
        verdict=judge(evidence),
    )
