"""Rows of extragradient, extrapolation from the past and optimism."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from methods.case import Method
from nashgrad.adjustments import Optimistic
from nashgrad.analysis.updates import (
    extragradient,
    from_past,
    optimistic,
    optimistic_step,
    simultaneous,
)
from nashgrad.schedules import (
    Extragradient,
    ExtrapolationFromPast,
    OptimisticStep,
    VarianceReduced,
)


def first_field(J: Tensor, sizes: Sequence[int], h: float, e: Tensor) -> Tensor:
    """The memory with which the first step is plain."""
    return torch.cat([e, J @ e])


def first_step(J: Tensor, sizes: Sequence[int], h: float, e: Tensor) -> Tensor:
    return torch.cat([e, h * J @ e])


METHODS = [
    Method("extragradient", schedule=Extragradient, operator=extragradient),
    Method(
        "extragradient, fresh batches",
        schedule=partial(Extragradient, resample=True),
        operator=extragradient,
        fresh=True,
    ),
    Method(
        "extrapolation from the past", schedule=ExtrapolationFromPast, operator=from_past, memory=2
    ),
    Method("optimistic", Optimistic, operator=optimistic, memory=2, start=first_field),
    Method(
        "optimistic step",
        schedule=OptimisticStep,
        operator=optimistic_step,
        memory=2,
        start=first_step,
    ),
    Method(
        "variance-reduced extragradient",
        schedule=partial(VarianceReduced, 2, 3),
        operator=extragradient,
        fresh=True,
    ),
    Method(
        "variance-reduced, plain",
        schedule=partial(VarianceReduced, 3, 2, extrapolate=False),
        operator=simultaneous,
        fresh=True,
    ),
]
