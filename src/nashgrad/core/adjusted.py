"""The adjusted field w as a field of its own, with all of w'."""

from __future__ import annotations

from dataclasses import replace

from nashgrad.core.adjustment import Adjustment
from nashgrad.core.checks import check_third_derivatives
from nashgrad.core.engine import Engine
from nashgrad.core.field import GameField
from nashgrad.core.game import Batch
from nashgrad.core.jacobian import GraphJacobian
from nashgrad.core.linearization import Linearization, Order, Query
from nashgrad.core.space import Names


class AdjustedField:
    """w as a field with a Jacobian of its own: all of w', third derivatives included.

    For consensus, w' = J - gamma (J^T J + d(J^T)/dx v); the last term vanishes where v = 0.

    Args:
        field: the game's field.
        adjustment: what makes w of v.

    Raises:
        ValueError: For an adjustment with memory, an engine without graphs, micro-batches,
            ranks or a scaler; `linearize` for norms whose third derivative torch gets wrong.
    """

    def __init__(self, field: GameField, adjustment: Adjustment) -> None:
        if not adjustment.pure:
            raise ValueError(f"{type(adjustment).__name__} has memory: w is no field of its own")
        if not field.engine.differentiable or field.scaler is not None:
            raise ValueError(
                "w' needs an engine with graphs, such as Eager(), on one rank, without micro-"
                "batches and without a scaler"
            )
        adjustment.init(field.space)
        self.field, self.adjustment, self.space = field, adjustment, field.space

    def linearize(
        self, batch: Batch, players: Names = None, *, order: Order = 2, create_graph: bool = False
    ) -> Linearization:
        """The field w here, and with `order=2` its Jacobian; buffers stay frozen.

        It has no `gradient`: w is not made of losses.
        """
        query = self.field.query(batch, players, order=order, create_graph=create_graph)
        if order == 2 and self.adjustment.order(query.players, None) == 2:
            check_third_derivatives(self.field.game)
        return _Adjusted(self.field.engine, self.adjustment).linearize(query)


class _Adjusted(Engine):
    """Answers for w where its inner engine answers for v, on parts of the batch as well."""

    def __init__(self, engine: Engine, adjustment: Adjustment) -> None:
        self.engine, self.adjustment = engine, adjustment

    def linearize(self, query: Query) -> Linearization:
        at = self.engine.linearize(replace(query, order=2, create_graph=True))
        w, _ = self.adjustment.update(at.value, at, None)
        jacobian = GraphJacobian(query.space, w, create_graph=query.create_graph)
        return Linearization(
            query,
            self,
            at.losses,
            w if query.create_graph else w.detach(),
            jacobian if query.order == 2 else None,
        )
