"""Products with the Jacobian by differences of gradients, on frozen activation patterns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from nashgrad.core.engine import Eager, Engine
from nashgrad.core.game import Losses
from nashgrad.core.limits import check_positive
from nashgrad.core.linearization import Cost, Linearization, Query
from nashgrad.core.operators import LinearOperator, SymmetricOperator
from nashgrad.engines.claims import ClaimingEngine
from nashgrad.engines.patterns import Patterns
from nashgrad.engines.zero_sum import Reflection, owner_of

STEPS = {torch.float32: (2e-5, 1e-4), torch.float64: (1e-8, 2e-6)}
"""The step's scale c, forward and central, where rounding and curvature cost about the same."""


class FiniteDifference(Engine):
    r"""J^T u and J u from gradients at a second point; nothing is differentiated twice.

    J^T u = -sum_i d/de dl_i/dx (x + e E_i u),   J u = d/de v(x + e u),

    E_i u being player i's block of u, with e = c (1 + |x|) / |u|. Forward differences cost one
    gradient of all losses, by all parameters, for each product; central ones two. v is exact.

    Across a kink differences are wrong by 100% and more at any step, so kinked functions (relu,
    max pooling, comparisons, ...) keep to the pieces on which they are at x, and what is not known
    to be smooth is refused; see [`Patterns`][nashgrad.engines.patterns.Patterns]. In float32 the
    products are then right to 1e-3 (forward, convolutions) or 5e-3 (forward, small nets or batch
    norm), and to 1e-3 and often 1e-4 (central). It is for games without a second derivative: fused
    attention, compiled modules, custom operations. Where there is one, exact products are cheaper.

    During a product the parameters are at the second point; they are put back by copying. Buffers
    are updated once, by the first pass.

    Args:
        central: whether to use central differences.
        step: c; by default 2e-5 and 1e-4 (central) in float32, 1e-8 and 2e-6 in float64.
        kinks: whether operations that may have kinks and cannot be frozen are allowed.

    Raises:
        ValueError: For a step that is not positive; `linearize`, for `create_graph`, half precision
            (the second point would round away), and kinks that cannot be frozen.
    """

    def __init__(
        self, *, central: bool = False, step: float | None = None, kinks: bool = False
    ) -> None:
        if step is not None:
            check_positive("step", step)
        self.central, self.step, self.kinks = central, step, kinks

    def linearize(self, query: Query) -> Linearization:
        _check(query)
        if query.order == 1:
            return Eager().linearize(query)
        probe = _Probe(query, self.central, self.step, self.kinks)
        rows = probe.first(query.space.players)
        value = _own(query, rows)
        operator = _Differences(probe, rows, value)
        return _answer(self, query, probe, value, operator, rows)


class ZeroSumDifference(ClaimingEngine):
    """[`FiniteDifference`][nashgrad.FiniteDifference] of games whose field is that of one scalar.

    v = S dl/dx and J u = S (d/de) dl/dx (x + e u), S as in [`ZeroSum`][nashgrad.ZeroSum]: one
    gradient of one scalar for each product, and one for v.

    Args:
        scalar: the player whose loss is l; the last one by default.
        central, step, kinks: as `FiniteDifference` has them.

    Raises:
        ValueError: As `FiniteDifference` and `ZeroSum` do.
    """

    differentiable = False
    claim = "a field that is that of one player's loss"

    def __init__(
        self,
        scalar: str | None = None,
        *,
        central: bool = False,
        step: float | None = None,
        kinks: bool = False,
    ) -> None:
        super().__init__(FiniteDifference(central=central, step=step, kinks=kinks))
        self.scalar, self.central, self.step, self.kinks = scalar, central, step, kinks

    def tolerances(self, dtype: torch.dtype) -> dict[str, float]:
        # Both products are differences; that of a general-sum game is off by far more.
        return super().tolerances(dtype) | {"J^T v": 0.05}

    def answer(self, query: Query) -> Linearization:
        _check(query)
        owner = owner_of(query, self.scalar)
        S = Reflection(query.space, owner)
        probe = _Probe(query, self.central, self.step, self.kinks)
        rows = probe.first((owner,))
        hessian = SymmetricOperator(_HessianDifferences(probe, owner, rows[owner]))
        jacobian = S @ hessian
        return _answer(self, query, probe, S @ rows[owner], jacobian, rows)


class _Probe:
    """Gradients of losses at x, and on the same pieces around it.

    x is where the parameters are when a product is asked for.
    """

    def __init__(self, query: Query, central: bool, step: float | None, kinks: bool) -> None:
        self.query, self.space, self.central = query, query.space, central
        self._scale = _scale(query, central) if step is None else step
        self._patterns = Patterns(allow=kinks)
        self.losses: Losses = {}

    def first(self, players: tuple[str, ...]) -> dict[str, Tensor]:
        """dl_i/dx of these players at x, `(n,)` each; keeps all losses."""
        with self._patterns:
            self.losses = self.query.losses()
        return self._rows(self.losses, players)

    def at(self, step: Tensor, players: tuple[str, ...]) -> dict[str, Tensor]:
        """dl_i/dx of these players at x + step."""
        x = self.space.get()
        self.space.set_(x + step)
        try:
            with self._patterns:
                losses = replace(self.query, order=2, update_buffers=()).losses()
            return self._rows(losses, players)
        finally:
            self.space.set_(x)

    def length(self, u: Tensor) -> Tensor:
        """e, as a number on the device: to read it here would wait for the device."""
        x = torch.linalg.vector_norm(self.space.get())
        length = torch.linalg.vector_norm(u).clamp_min(torch.finfo(u.dtype).tiny)
        scaled: Tensor = self._scale * (1 + x) / length
        return scaled

    def _rows(self, losses: Losses, players: tuple[str, ...]) -> dict[str, Tensor]:
        rows = {}
        for player in players:
            more = player != players[-1]
            pieces = torch.autograd.grad(
                losses[player], self.space.parameters, retain_graph=more, allow_unused=True
            )
            rows[player] = self.space.flatten(pieces)
        return rows


class _ByProbe(LinearOperator):
    def __init__(self, probe: _Probe) -> None:
        space = probe.space
        self.size, self.dtype, self.device = space.size, space.dtype, space.device
        self._probe = probe

    def _slope(self, of: Callable[[Tensor], Tensor], here: Tensor, u: Tensor) -> Tensor:
        """d/de of(e u) at 0; `here` is of(0)."""
        e = self._probe.length(u)
        if self._probe.central:
            return (of(e * u) - of(-e * u)) / (2 * e)
        return (of(e * u) - here) / e


class _Differences(_ByProbe):
    """J = v'(x)."""

    def __init__(self, probe: _Probe, rows: dict[str, Tensor], value: Tensor) -> None:
        super().__init__(probe)
        self._rows, self._value = rows, value

    def rmatvec(self, u: Tensor) -> Tensor:
        total = torch.zeros_like(u)
        for player in self._probe.space.players:
            # e comes from all of u, so that a short block is not blown up.
            def row(step: Tensor, player: str = player) -> Tensor:
                return self._probe.at(self._probe.space.restrict(step, player), (player,))[player]

            total -= self._slope(row, self._rows[player], u)
        return total

    def matvec(self, u: Tensor) -> Tensor:
        def field(step: Tensor) -> Tensor:
            return _own(self._probe.query, self._probe.at(step, self._probe.space.players))

        return self._slope(field, self._value, u)


class _HessianDifferences(_ByProbe):
    """The Hessian of one player's loss."""

    def __init__(self, probe: _Probe, owner: str, gradient: Tensor) -> None:
        super().__init__(probe)
        self._owner, self._gradient = owner, gradient

    def matvec(self, u: Tensor) -> Tensor:
        return self.rmatvec(u)

    def rmatvec(self, u: Tensor) -> Tensor:
        def gradient(step: Tensor) -> Tensor:
            return self._probe.at(step, (self._owner,))[self._owner]

        return self._slope(gradient, self._gradient, u)


def _own(query: Query, rows: dict[str, Tensor]) -> Tensor:
    """v, of all players' dl_i/dx."""
    return torch.cat([-rows[player][query.space.block(player)] for player in query.space.players])


def _answer(
    engine: Engine,
    query: Query,
    probe: _Probe,
    value: Tensor,
    operator: LinearOperator,
    rows: dict[str, Tensor],
) -> Linearization:
    def gradient(player: str) -> Tensor:
        if player not in rows:
            rows.update(probe.at(torch.zeros_like(value), (player,)))
        return rows[player]

    losses = {player: loss.detach() for player, loss in probe.losses.items()}
    probe.losses = {}  # with its graph, which is used up
    second = query.order == 2
    return Linearization(
        query,
        engine,
        losses,
        value,
        operator if second else None,
        gradient if second else None,
        Cost(query.share),
    )


def _scale(query: Query, central: bool) -> float:
    steps = STEPS.get(query.space.dtype)
    if steps is None:
        raise ValueError(f"differences need float32 or float64, got {query.space.dtype}")
    return steps[central]


def _check(query: Query) -> None:
    if query.create_graph:
        raise ValueError("differences have no graphs: create_graph needs Eager()")
    if query.autocast is not None or query.scale is not None:
        raise ValueError(
            "differences: half precision would round the second point away; use float32, or "
            "another engine"
        )
