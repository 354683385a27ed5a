"""Rows of lookahead: a period as a matrix, and two steps by hand with the averages between."""

from collections.abc import Callable, Sequence
from functools import partial

from torch import Tensor

from methods.case import Method
from nashgrad.adjustments import Momentum
from nashgrad.analysis import updates
from nashgrad.schedules import Alternating, Extragradient, Lookahead, Simultaneous

Field = Callable[[Tensor], Tensor]


def simultaneous(v: Field, J: Tensor, sizes: Sequence[int], h: float, x: Tensor) -> Tensor:
    """Two steps make a period; 0.3 of the way is kept."""
    once = x + h * v(x)
    twice = once + h * v(once)
    return 0.7 * x + 0.3 * twice


def alternating(v: Field, J: Tensor, sizes: Sequence[int], h: float, x: Tensor) -> Tensor:
    y = x.clone()
    for _ in range(2):
        start = 0
        for size in sizes:
            y[start : start + size] += h * v(y)[start : start + size]
            start += size
    return (x + y) / 2


def extragradient(v: Field, J: Tensor, sizes: Sequence[int], h: float, x: Tensor) -> Tensor:
    once = x + h * v(x + h * v(x))
    twice = once + h * v(once + h * v(once))
    return (x + twice) / 2


def half_steps(v: Field, J: Tensor, sizes: Sequence[int], h: float, x: Tensor) -> Tensor:
    """A period of one ends with each step: half a step, twice."""
    once = x + h / 2 * v(x)
    return once + h / 2 * v(once)


def nested(v: Field, J: Tensor, sizes: Sequence[int], h: float, x: Tensor) -> Tensor:
    """The inner average, of every step, then the outer one, of two."""
    return 0.2 * x + 0.8 * half_steps(v, J, sizes, h, x)


def period(inner: updates.Update, length: int, alpha: float = 0.5) -> updates.Update:
    return partial(updates.lookahead, inner=inner, period=length, alpha=alpha)


METHODS = [
    Method(
        "lookahead",
        schedule=lambda: Lookahead(Simultaneous(), 2, 0.3),
        operator=period(updates.simultaneous, 2, 0.3),
        hand=simultaneous,
        period=2,
    ),
    Method(
        "lookahead, alternating",
        schedule=lambda: Lookahead(Alternating(), period=2),
        operator=period(updates.alternating, 2),
        hand=alternating,
        period=2,
        ordered=True,
    ),
    Method(
        "lookahead, extragradient",
        schedule=lambda: Lookahead(Extragradient(), period=2),
        operator=period(updates.extragradient, 2),
        hand=extragradient,
        period=2,
    ),
    Method(
        "lookahead, period 1",
        schedule=lambda: Lookahead(Simultaneous(), period=1),
        operator=period(updates.simultaneous, 1),
        hand=half_steps,
    ),
    Method(
        "lookahead, nested",
        schedule=lambda: Lookahead(Lookahead(Simultaneous(), period=1), period=2, alpha=0.8),
        operator=period(period(updates.simultaneous, 1), 2, 0.8),
        hand=nested,
        period=2,
    ),
    Method(
        "lookahead, momentum",
        partial(Momentum, 0.6),
        lambda: Lookahead(Simultaneous(), period=3, alpha=0.7),
        operator=period(partial(updates.heavy_ball, beta=0.6), 3, 0.7),
        memory=2,
        period=3,
    ),
]
