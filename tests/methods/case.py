"""What a row of the table of methods says, beside the library's method itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

import nashgrad as ng

Operator = Callable[[Tensor, Sequence[int], float], Tensor]
Start = Callable[[Tensor, Sequence[int], float, Tensor], Tensor]
Hand = Callable[[Callable[[Tensor], Tensor], Tensor, Sequence[int], float, Tensor], Tensor]


def padded(J: Tensor, sizes: Sequence[int], h: float, e: Tensor, *, to: int) -> Tensor:
    """The error e with a memory of zeros behind it, `to` times as long in all."""
    return torch.cat([e, e.new_zeros((to - 1) * len(e))])


@dataclass(frozen=True)
class Method:
    """A method of the library beside its formula, written from its paper with dense matrices.

    - `operator(J, sizes, h)`: the matrix F, `(m n, m n)`, with z <- F z on the game v(x) = J (x -
      x*), where z = (x - x*, memory), over SGD with learning rate h: one of
      `nashgrad.analysis.updates`, which know nothing of the methods; `None` for methods that are
      not linear in v, and for those with a fixed point of their own.
    - `period`: how many steps F is.
    - `memory`: how many vectors z has, m.
    - `start(J, sizes, h, e)`: z before the first step; zeros behind e by default.
    - `hand(v, J, sizes, h, x)`: x after *two* steps from x on v(x) = J x + b, step by step, for
      methods without an operator (v is a function).
    - `players`: how many it allows; `None` for any number.
    - `keeps`: whether a fixed point of v is one of the method.
    - `ordered`: whether the order of the players matters.
    - `game`: which quadratic games the formula holds on: "general" or "zero-sum".
    - `fresh`: needs an iterator of batches.
    - `tolerance`: of the agreement with the formula, for solvers; 1e-9 otherwise.
    """

    name: str
    adjustment: Callable[[], ng.Adjustment] = ng.Identity
    schedule: Callable[[], ng.Schedule] = ng.Simultaneous
    operator: Operator | None = None
    period: int = 1
    memory: int = 1
    start: Start | None = None
    hand: Hand | None = None
    players: int | None = None
    keeps: bool = True
    ordered: bool = False
    game: str = "general"
    fresh: bool = False
    tolerance: float = 1e-9

    def z(self, J: Tensor, sizes: Sequence[int], h: float, e: Tensor) -> Tensor:
        """z before the first step at x* + e."""
        start = self.start or partial(padded, to=self.memory)
        return start(J, sizes, h, e)


def off_diagonal(J: Tensor, sizes: Sequence[int]) -> Tensor:
    """J without the players' own blocks."""
    out, start = J.clone(), 0
    for size in sizes:
        out[start : start + size, start : start + size] = 0
        start += size
    return out


def eye(J: Tensor) -> Tensor:
    return torch.eye(len(J), dtype=J.dtype)
