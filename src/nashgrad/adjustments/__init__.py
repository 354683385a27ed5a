"""Adjustments: maps of the field, one family a file."""

from nashgrad.adjustments.clipping import ClipNorm as ClipNorm
from nashgrad.adjustments.clipping import ClipValue as ClipValue
from nashgrad.adjustments.consensus import Consensus as Consensus
from nashgrad.adjustments.identity import Chain as Chain
from nashgrad.adjustments.identity import Identity as Identity
