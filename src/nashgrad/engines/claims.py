"""Engines that rest on a claim about the game, which they hold against plain differentiation."""

from __future__ import annotations

import abc
from dataclasses import replace

import torch
from torch import Tensor

from nashgrad.core.engine import Eager, Engine
from nashgrad.core.linearization import Linearization, Query

LOOKS = (0, 100)
"""The evaluations before which the claim is checked: a field may be one scalar's at the first point
alone."""


class ClaimingEngine(Engine):
    """Computes the field of games of one kind, and raises for others.

    v and J^T v are compared with those of a plain engine, [`Eager`][nashgrad.Eager] by default, on
    the first batch and again after 100 evaluations. They may differ by the square root of the
    precision, relative to each player's block. An evaluation in which not all players take part
    goes to the plain engine.
    """

    differentiable = True
    claim: str
    """What the engine takes for granted, for errors: "... needs <claim>"."""

    def __init__(self, plain: Engine | None = None) -> None:
        self._plain, self._answered = plain or Eager(), 0

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
        if self._answered in LOOKS:
            self._check(replace(query, order=2, create_graph=False, update_buffers=()))
        self._answered += 1

    def unchecked(self, query: Query) -> Linearization:
        whole = query.evaluated == query.space.players
        return self.answer(query) if whole else self._plain.linearize(query)

    def tolerance(self, query: Query) -> float:
        """How far v and J^T v may be off, relative to a player's block."""
        return float(torch.finfo(query.autocast or query.space.dtype).eps ** 0.5)

    def _check(self, query: Query) -> None:
        ours = _pulled(self.answer(query))
        plain = _pulled(self._plain.linearize(query))
        if not plain["v"].isfinite().all():
            return  # there is nothing to compare, and training tells of it
        tolerance = self.tolerance(query)
        for name, expected in plain.items():
            for player in query.space.players:
                block = query.space.block(player)
                gap = _distance(ours[name][block], expected[block])
                if gap > tolerance:
                    raise ValueError(
                        f"{type(self).__name__} needs {self.claim}: {name} of {player!r} is off "
                        f"by {gap:.1e} of its length; use another engine, such as Eager()"
                    )


def _pulled(at: Linearization) -> dict[str, Tensor]:
    """What is compared; the graph is gone when the other side makes its own."""
    return {"v": at.value, "J^T v": at.jacobian.T @ at.value}


def _distance(a: Tensor, b: Tensor) -> float:
    """|a - b| / |b|; the absolute distance where b is zero."""
    length = torch.linalg.vector_norm(b)
    gap = torch.linalg.vector_norm(a - b)
    return float(gap / length if length > 0 else gap)
