"""Products with the Jacobian against differences of v in float64."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from nashgrad.analysis.doctor.patient import Patient, doubled
from nashgrad.core.linearization import Linearization

STEPS = (1e-8, 1e-9, 1e-10)
"""So small that hardly a ReLU changes its side on the way: a change makes differences useless."""
AGREE = 1e-3
"""What differences at two steps may differ by, relatively, to be believed."""
WRONG = 1e-2
"""What a product must differ by from all differences to be called wrong. Where no kink lies on the
way, right ones differ by 1e-4 at most, of any parameter of a DCGAN.
"""

SAFETY = 100.0
"""Roundings that a difference of v may be off by."""


def wrong_blocks(patient: Patient) -> list[tuple[str, str]]:
    """The pairs (p, q) for which differences contradict the products' derivative of v_p by x_q.

    Raises:
        TypeError: When the losses leave float64, so that small differences say nothing.
    """
    with doubled(patient) as exact:
        space = exact.space
        if any(_casts(loss) for loss in exact.query().losses().values()):
            raise TypeError("the losses cast to another type")
        # Off the points of initialisations where kinks are met exactly: zero biases, zero inputs.
        space.set_(space.get() + 1e-3 * torch.randn_like(space.get()))
        wrong = [_wrong_rows(exact, q) for q in space.players]
        return [(p, q) for q, rows in zip(space.players, wrong, strict=True) for p in rows]


def _wrong_rows(patient: Patient, column: str) -> list[str]:
    at = patient.linearize()
    w = patient.space.restrict(torch.randn_like(at.value), column)
    seen = [at.jacobian @ w, *_slopes(patient, w)]  # the product first: then parameters move
    pieces = zip(*map(patient.space.pieces, seen), strict=True)
    names = zip(patient.space.names, pieces, strict=True)
    rounding = SAFETY * torch.finfo(at.value.dtype).eps * _scale(at)
    wrong = [name for name, (product, *slopes) in names if contradicts(product, slopes, rounding)]
    return list(dict.fromkeys(name.partition(".")[0] for name in wrong))


def _slopes(patient: Patient, w: Tensor) -> list[Tensor]:
    """Central differences of v along w."""
    x, found = patient.space.get(), []
    for h in STEPS:
        ends = []
        for sign in (1, -1):
            patient.space.set_(x + sign * h * w)
            ends.append(patient.linearize(1).value)
        found.append((ends[0] - ends[1]) / (2 * h))
    patient.space.set_(x)
    return found


def contradicts(product: Tensor, slopes: Sequence[Tensor], rounding: float) -> bool:
    """Whether differences that agree with each other say something else than the product.

    On the way over a kink v jumps, and differences grow as the step falls: these say nothing.

    Args:
        product: of J with a direction.
        slopes: the differences in that direction, at each of `STEPS`.
        rounding: of v; over a step, what a difference cannot tell from zero.
    """
    if any(_apart(product, slope) <= WRONG for slope in slopes):
        return False
    return any(
        _apart(one, two) <= AGREE and (product - two).norm().item() > rounding / h
        for (one, two), h in zip(pairwise(slopes), STEPS[1:], strict=True)
    )


def _scale(at: Linearization) -> float:
    """The size of the numbers that v is made of, which may cancel in it."""
    return max(map(float, [at.value.norm(), *(loss.abs() for loss in at.losses.values())]))


def _apart(a: Tensor, b: Tensor) -> float:
    scale = max(a.norm().item(), b.norm().item())
    return (a - b).norm().item() / scale if scale != 0 else 0.0


def _casts(loss: Tensor) -> bool:
    """Whether a loss passes through another type on its way from x."""
    seen, waiting = set(), [loss.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        if node.name().startswith("ToCopyBackward"):
            return True
        seen.add(node)
        waiting.extend(following for following, _ in node.next_functions)
    return False
