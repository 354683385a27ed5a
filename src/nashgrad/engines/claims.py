"""Engines that rest on a claim about the game, which they hold against plain differentiation."""

from __future__ import annotations

import abc
import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from nashgrad.core.batches import batch_size, split_batch
from nashgrad.core.engine import Eager, Engine
from nashgrad.core.game import FunctionGame
from nashgrad.core.linearization import Linearization, Query

LOOKS = (0, 100)
"""The evaluations before which the claim is checked: a field may be one scalar's at the first point
alone."""
SAMPLES = 16
"""Of larger batches a quarter is looked at, of at least so many samples."""


class ClaimingEngine(Engine):
    """Computes the field of games of one kind, and raises for others.

    v and J^T v are compared with those of a plain engine, [`Eager`][nashgrad.Eager] by default, on
    the first batch and again after 100 evaluations, each micro-batched one counting once. They are
    computed in float64, without autocast, on copies and on a quarter of the batch: near the start a
    field that is not what is claimed can be as close to one that is as float32 can tell. They may
    differ by the square root of the precision, relative to each player's block. A game that cannot
    run in float64 is looked at in its own type. An evaluation in which not all players take part
    goes to the plain engine.
    """

    differentiable = True
    claim: str
    """What the engine takes for granted, for errors: "... needs <claim>"."""

    def __init__(self, plain: Engine | None = None) -> None:
        self._plain, self._answered, self._looks = plain or Eager(), 0, list(LOOKS)

    @abc.abstractmethod
    def answer(self, query: Query) -> Linearization:
        """Answers a query for all players, as if the claim held."""

    def linearize(self, query: Query) -> Linearization:
        """Answers a query.

        Raises:
            ValueError: The claim does not hold for this game.
        """
        self.vouch(query)
        return self.unchecked(query)

    def vouch(self, query: Query) -> None:
        if query.evaluated != query.space.players:
            return
        due = self._looks and self._answered >= self._looks[0]
        if due and self._check(replace(query, order=2, create_graph=False, update_buffers=())):
            self._looks.pop(0)
        self._answered += 1

    def unchecked(self, query: Query) -> Linearization:
        whole = query.evaluated == query.space.players
        return self.answer(query) if whole else self._plain.linearize(query)

    def tolerances(self, dtype: torch.dtype) -> dict[str, float]:
        """How far v and J^T v may be off, relative to a player's block."""
        tolerance = math.sqrt(torch.finfo(dtype).eps)
        return {"v": tolerance, "J^T v": tolerance}

    def _check(self, query: Query) -> bool:
        """Whether there was something to compare: a field that is finite."""
        query, ours, plain = self._both(query)
        if not plain["v"].isfinite().all():
            return False  # training tells of it
        tolerances = self.tolerances(query.space.dtype)
        for name, expected in plain.items():
            for player in query.space.players:
                block = query.space.block(player)
                gap = _distance(ours[name][block], expected[block])
                if gap > tolerances[name]:
                    raise ValueError(
                        f"{type(self).__name__} needs {self.claim}: {name} of {player!r} is off "
                        f"by {gap:.1e} of its length; use another engine, such as Eager()"
                    )
        return True

    def _both(self, query: Query) -> tuple[Query, dict[str, Tensor], dict[str, Tensor]]:
        """Our answer and the plain one, and to what, in the best precision that the game bears."""
        if not (isinstance(query.game, FunctionGame) and query.game.bare):
            try:
                doubled = _doubled(query)
                plain = _pulled(self._plain.linearize(doubled))
            except Exception:  # a game may raise anything in another precision, or of a part
                pass
            else:
                return doubled, _pulled(self.answer(doubled)), plain
        query = replace(query, autocast=None, scale=None)
        plain = _pulled(self._plain.linearize(query))
        return query, _pulled(self.answer(query)), plain


def _doubled(query: Query) -> Query:
    """The question in float64, on copies and on a part of the batch."""
    game = query.game
    named = dict(game.named_parameters()) | dict(game.named_buffers()) | dict(query.values or {})
    values = {name: _double(x.detach()).clone() for name, x in named.items()}
    parameters = [values[name].requires_grad_() for name in query.space.names]
    return replace(
        query,
        batch=tree_map(_double, _part(query.batch)),
        space=query.space.at(parameters),
        values=values,
        autocast=None,
        scale=None,
    )


def _part(batch: object) -> object:
    """In twice the precision it takes half the memory of the batch."""
    return split_batch(batch, 4)[0] if batch_size(batch) >= 4 * SAMPLES else batch


def _double(x: Any) -> Any:
    return x.double() if isinstance(x, Tensor) and x.is_floating_point() else x


def _pulled(at: Linearization) -> dict[str, Tensor]:
    """What is compared; the graph is gone when the other side makes its own."""
    return {"v": at.value, "J^T v": at.jacobian.T @ at.value}


def _distance(a: Tensor, b: Tensor) -> float:
    """|a - b| / |b|; the absolute distance where b is zero."""
    length = torch.linalg.vector_norm(b)
    gap = torch.linalg.vector_norm(a - b)
    return float(gap / length if length > 0 else gap)
