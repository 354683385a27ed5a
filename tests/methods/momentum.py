"""Rows of momenta: positive, negative, complex; over simultaneous and alternating players."""

import math
from functools import partial

from methods.case import Method
from nashgrad.adjustments import ComplexMomentum, Momentum
from nashgrad.analysis.updates import complex_momentum, heavy_ball, heavy_ball_in_turn
from nashgrad.schedules import Alternating


def complex_row(name: str, **numbers: float) -> Method:
    return Method(
        name,
        partial(ComplexMomentum, **numbers),
        operator=partial(complex_momentum, **numbers),
        memory=3,
    )


METHODS = [
    Method("heavy ball", partial(Momentum, 0.6), operator=partial(heavy_ball, beta=0.6), memory=2),
    Method(
        "negative momentum",
        partial(Momentum, -0.4),
        operator=partial(heavy_ball, beta=-0.4),
        memory=2,
    ),
    Method(
        "negative momentum, alternating",
        partial(Momentum, -0.4),
        Alternating,
        operator=partial(heavy_ball_in_turn, beta=-0.4),
        memory=2,
        ordered=True,
    ),
    complex_row("complex momentum", modulus=0.9, angle=math.pi / 8),
    complex_row("complex momentum, complex rate", modulus=0.7, angle=-0.6, phase=0.3),
]
