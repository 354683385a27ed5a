"""Schedules: when the field is evaluated and who moves, one a file."""

from nashgrad.schedules.alternating import Alternating as Alternating
from nashgrad.schedules.base import Schedule as Schedule
from nashgrad.schedules.base import StepRecord as StepRecord
from nashgrad.schedules.simultaneous import Simultaneous as Simultaneous
