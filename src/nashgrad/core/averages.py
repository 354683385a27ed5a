"""Means of a field over micro-batches and ranks: first v, then products with the mean J."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

import torch
from torch import Tensor

from nashgrad.core.batches import batch_size, split_batch
from nashgrad.core.engine import Engine
from nashgrad.core.linearization import Cost, Linearization, Query
from nashgrad.core.operators import LinearOperator, MappedOperator

Reduce: TypeAlias = Callable[[Tensor, int], Tensor]
"""Maps a flat vector and the number of local samples to the mean over ranks, weighted by
samples.
"""


class Microbatched(Engine):
    """The mean over n parts of the batch, weighted by size, with one graph alive at a time.

    v is averaged first, then J^T u is: the average of what each part would have done is another
    method. Every product with the Jacobian runs its parts again (about a third more time than one
    graph would take, for a consensus step), so peak memory is that of one part. Buffers are updated
    on the first part only, once per step.
    """

    def __init__(self, engine: Engine, parts: int) -> None:
        self.engine, self.parts = engine, parts

    def linearize(self, query: Query) -> Linearization:
        if query.create_graph:
            raise ValueError("create_graph needs one graph: use microbatches=1")
        total = batch_size(query.batch)
        batches = split_batch(query.batch, self.parts)
        weights = [batch_size(b) / total for b in batches]
        self.engine.vouch(replace(query, batch=batches[0]))
        at_parts = _Parts(self.engine, query, batches, weights)
        losses: dict[str, Tensor] = {}
        value = torch.zeros((), dtype=query.space.dtype, device=query.space.device)
        for weight, at in at_parts.first_order():
            value = value + weight * at.value
            losses = {p: losses.get(p, 0.0) + weight * loss for p, loss in at.losses.items()}
        second = query.order == 2
        return Linearization(
            query,
            self,
            losses,
            value,
            at_parts if second else None,
            at_parts.gradient if second else None,
            Cost(query.share),
        )


class _Parts(LinearOperator):
    """The mean Jacobian over parts of a batch, each linearized anew for every product."""

    def __init__(
        self, engine: Engine, query: Query, batches: Sequence[object], weights: Sequence[float]
    ) -> None:
        space = query.space
        self.size, self.dtype, self.device = space.size, space.dtype, space.device
        self._engine, self._query, self._batches, self._weights = engine, query, batches, weights

    def first_order(self) -> Iterator[tuple[float, Linearization]]:
        first = replace(self._query, order=1, players=self._query.evaluated)
        for i, (weight, batch) in enumerate(zip(self._weights, self._batches, strict=True)):
            update = self._query.update_buffers if i == 0 else ()
            yield weight, self._engine.unchecked(replace(first, batch=batch, update_buffers=update))

    def matvec(self, u: Tensor) -> Tensor:
        return self._mean(lambda at: at.jacobian @ u)

    def rmatvec(self, u: Tensor) -> Tensor:
        return self._mean(lambda at: at.jacobian.T @ u)

    def gradient(self, player: str) -> Tensor:
        return self._mean(lambda at: at.gradient(player))

    def _mean(self, of: Callable[[Linearization], Tensor]) -> Tensor:
        mean = torch.zeros((), dtype=self.dtype, device=self.device)
        for weight, batch in zip(self._weights, self._batches, strict=True):
            query = replace(self._query, batch=batch, update_buffers=())
            mean = mean + weight * of(self._engine.unchecked(query))
        return mean


class Reduced(Engine):
    """The mean over ranks, weighted by samples: a reduction for v and losses, one per product."""

    def __init__(self, engine: Engine, reduce: Reduce) -> None:
        self.engine, self.reduce = engine, reduce

    def linearize(self, query: Query) -> Linearization:
        if query.create_graph:
            raise ValueError("create_graph cannot cross ranks: use reduce=None")
        at, samples = self.engine.linearize(query), batch_size(query.batch)
        losses = torch.stack([at.losses[p].to(at.value.dtype) for p in query.evaluated])
        value, losses = self.reduce(torch.cat([at.value, losses]), samples).split(
            [query.space.size, len(query.evaluated)]
        )

        def mean(u: Tensor) -> Tensor:
            return self.reduce(u, samples)

        return Linearization(
            query,
            self,
            dict(zip(query.evaluated, losses.unbind(), strict=True)),
            value,
            None if at.operator is None else MappedOperator(at.operator, mean),
            None if at.gradient_of is None else lambda player: mean(at.gradient(player)),
            at.cost,
        )
