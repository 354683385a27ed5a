"""Products with the Jacobian by differences of gradients, on frozen activation patterns."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from nashgrad.core.engine import Eager, Engine
from nashgrad.core.limits import check_positive
from nashgrad.core.linearization import Cost, Linearization, Query
from nashgrad.core.operators import LinearOperator
from nashgrad.engines.patterns import Patterns

STEPS = {torch.float32: (3e-5, 1e-4), torch.float64: (1e-8, 2e-6)}
"""The step's scale c, forward and central, where rounding and curvature cost about the same."""


class FiniteDifference(Engine):
    r"""J^T u and J u from gradients at a second point; nothing is differentiated twice.

    J^T u = -sum_i d/de dl_i/dx (x + e E_i u),   J u = d/de v(x + e u),

    E_i u being player i's block of u, with e = c (1 + |x|) / |u|. Forward differences cost one
    gradient of all losses, by all parameters, for each product; central ones two. v is exact.

    Across a kink differences are wrong by 100% and more at any step, so kinked functions (relu,
    leaky_relu, max pooling, ...) keep to the pieces on which they are at x; see
    [`Patterns`][nashgrad.engines.patterns.Patterns]. In float32 the products are then right to
    1e-3 (forward, convolutions) or 5e-3 (forward, small nets or batch norm), and to 1e-3 and often
    1e-4 (central). It is for games without a second derivative (attention
    kernels, custom operations) and for convolutions, where it is cheaper than exact products.

    During a product the parameters are at the second point; they are put back by copying. Buffers
    are updated once, by the first pass.

    Args:
        central: whether to use central differences.
        step: c; by default 3e-5 and 1e-4 (central) in float32, 1e-8 and 2e-6 in float64.
        kinks: whether kinked functions that cannot be frozen are allowed.

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
        patterns = Patterns(allow=self.kinks)
        with patterns:
            losses = query.losses()
        rows = _gradients(query, losses)
        space = query.space
        value = torch.cat([-rows[player][space.block(player)] for player in space.players])
        operator = _Differences(query, patterns, rows, value, self._scale(query), self.central)
        return Linearization(
            query,
            self,
            {player: loss.detach() for player, loss in losses.items()},
            value,
            operator,
            rows.__getitem__,
            Cost(query.share),
        )

    def _scale(self, query: Query) -> float:
        if self.step is not None:
            return self.step
        steps = STEPS.get(query.space.dtype)
        if steps is None:
            raise ValueError(f"FiniteDifference needs float32 or float64, got {query.space.dtype}")
        return steps[self.central]


class _Differences(LinearOperator):
    """J = v'(x) by differences; x is where the parameters are when a product is asked for."""

    def __init__(
        self,
        query: Query,
        patterns: Patterns,
        rows: dict[str, Tensor],
        value: Tensor,
        scale: float,
        central: bool,
    ) -> None:
        space = query.space
        self.size, self.dtype, self.device = space.size, space.dtype, space.device
        self._query = replace(query, order=2, update_buffers=())
        self._patterns, self._rows, self._value = patterns, rows, value
        self._scale, self._central = scale, central

    def rmatvec(self, u: Tensor) -> Tensor:
        space, e = self._query.space, self._length(u)
        total = torch.zeros_like(u)
        for player in space.players:
            step = e * space.restrict(u, player)
            after = self._row(step, player)
            before = self._row(-step, player) if self._central else self._rows[player]
            total -= after - before
        return total / (2 * e if self._central else e)

    def matvec(self, u: Tensor) -> Tensor:
        e = self._length(u)
        after = self._field(e * u)
        before = self._field(-e * u) if self._central else self._value
        return (after - before) / (2 * e if self._central else e)

    def _length(self, u: Tensor) -> Tensor:
        """e, as a number on the device: to read it here would wait for the device."""
        x = torch.linalg.vector_norm(self._query.space.get())
        length = torch.linalg.vector_norm(u).clamp_min(torch.finfo(u.dtype).tiny)
        scaled: Tensor = self._scale * (1 + x) / length
        return scaled

    def _row(self, step: Tensor, player: str) -> Tensor:
        return self._at(step, (player,))[player]

    def _field(self, step: Tensor) -> Tensor:
        space = self._query.space
        rows = self._at(step, space.players)
        return torch.cat([-rows[player][space.block(player)] for player in space.players])

    def _at(self, step: Tensor, players: tuple[str, ...]) -> dict[str, Tensor]:
        """dl_i/dx of these players at x + step, on the pieces of x."""
        space = self._query.space
        x = space.get()
        space.set_(x + step)
        try:
            with self._patterns:
                losses = self._query.losses()
            return _gradients(self._query, {player: losses[player] for player in players})
        finally:
            space.set_(x)


def _gradients(query: Query, losses: dict[str, Tensor]) -> dict[str, Tensor]:
    """dl_i/dx, `(n,)`, of each of these losses."""
    last = list(losses)[-1]
    rows = {}
    for player, loss in losses.items():
        pieces = torch.autograd.grad(
            loss, query.space.parameters, retain_graph=player != last, allow_unused=True
        )
        rows[player] = query.space.flatten(pieces)
    return rows


def _check(query: Query) -> None:
    if query.create_graph:
        raise ValueError("FiniteDifference has no graphs: create_graph needs Eager()")
    if query.autocast is not None or query.scale is not None:
        raise ValueError(
            "FiniteDifference: half precision would round the second point away; use float32, or "
            "another engine"
        )
