"""The game under examination, and how to leave it as it was."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from nashgrad.core.batches import batch_size, head_twice
from nashgrad.core.engine import Eager, Engine
from nashgrad.core.game import Batch, Game
from nashgrad.core.linearization import Linearization, Order, Query
from nashgrad.core.space import PlayerSpace

FEW = 4
"""Samples on which modules are tried one by one, and products are compared with differences."""


@dataclass(frozen=True)
class Patient:
    """A game with a batch of it."""

    game: Game
    batch: Batch
    space: PlayerSpace

    def query(self, order: Order = 2) -> Query:
        """A question about all players, which writes no buffers."""
        return Query(self.game, self.space, self.batch, self.space.players, order)

    @property
    def engine(self) -> Engine:
        """The one that a field of this game would take."""
        return self.game.engine() or Eager()

    def linearize(self, order: Order = 2) -> Linearization:
        """The field, and its Jacobian, of all players."""
        return self.engine.linearize(self.query(order))

    def few(self) -> Patient:
        """The same game on a few samples; on the whole batch where that has no samples to take."""
        try:
            small = batch_size(self.batch) <= FEW
        except ValueError:
            return self
        return self if small else replace(self, batch=head_twice(self.batch, FEW)[0])


@contextmanager
def untouched(game: nn.Module) -> Iterator[None]:
    """Puts back all of a game, and all random numbers, whatever happens within."""
    kept = [(module, dict(vars(module))) for module in game.modules()]
    tables = [(table, dict(table)) for m in game.modules() for table in (m._parameters, m._buffers)]
    tensors = [*game.parameters(), *game.buffers()]
    values = [(t, t.detach().clone()) for t in tensors]
    gradients = [(p, p.grad, _copy(p.grad)) for p in game.parameters()]
    states = random.getstate(), np.random.get_state()
    devices = sorted({t.device.index for t in tensors if t.device.type == "cuda"})
    try:
        with torch.random.fork_rng(devices), torch.enable_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        for module, attributes in kept:
            vars(module).clear()
            vars(module).update(attributes)
        for table, entries in tables:
            table.clear()
            table.update(entries)  # type: ignore[arg-type]
        with torch.no_grad():
            for tensor, value in values:
                if not torch.equal(tensor, value):
                    tensor.copy_(value)
            for p, gradient, value in gradients:
                p.grad = gradient
                if gradient is not None:
                    gradient.copy_(value)


def _copy(tensor: Tensor | None) -> Any:
    return None if tensor is None else tensor.detach().clone()


@contextmanager
def doubled(patient: Patient) -> Iterator[Patient]:
    """The game on copies of its parameters, buffers and batch in float64.

    The parameters stay the same objects, so that losses that close over them follow.
    """
    tensors = [*patient.game.parameters(), *patient.game.buffers()]
    kept = [(t, t.data) for t in tensors]
    try:
        for t, data in kept:
            t.data = data.double() if data.is_floating_point() else data.clone()
            if t.data is data or t.data.data_ptr() == data.data_ptr():
                t.data = data.clone()
        yield Patient(patient.game, tree_map(_double, patient.batch), PlayerSpace(patient.game))
    finally:
        for t, data in kept:
            t.data = data


def _double(leaf: Any) -> Any:
    return leaf.double() if isinstance(leaf, Tensor) and leaf.is_floating_point() else leaf
