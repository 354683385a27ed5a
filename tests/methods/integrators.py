"""Rows of Runge-Kutta methods: the exponential series of h J, up to the order."""

from functools import partial

from methods.case import Method
from nashgrad.analysis.updates import runge_kutta
from nashgrad.schedules import RungeKutta

METHODS = [
    Method("Heun", schedule=partial(RungeKutta, 2), operator=partial(runge_kutta, order=2)),
    Method(
        "Runge-Kutta 4", schedule=partial(RungeKutta, 4), operator=partial(runge_kutta, order=4)
    ),
]
