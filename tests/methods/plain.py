"""Rows of plain ascent: all at once, and in turn."""

from methods.case import Method
from nashgrad.analysis.updates import alternating, simultaneous
from nashgrad.analysis.updates.matrices import rows_of as rows  # noqa: F401 (for other tests)
from nashgrad.schedules import Alternating, Simultaneous

METHODS = [
    Method("simultaneous", schedule=Simultaneous, operator=simultaneous),
    Method("alternating", schedule=Alternating, operator=alternating, ordered=True),
]
