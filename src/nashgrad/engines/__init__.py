"""Other ways to compute the same field."""

from nashgrad.engines.compiled import Compiled as Compiled
from nashgrad.engines.finite_difference import FiniteDifference as FiniteDifference
from nashgrad.engines.finite_difference import ZeroSumDifference as ZeroSumDifference
from nashgrad.engines.score import Score as Score
from nashgrad.engines.zero_sum import ZeroSum as ZeroSum
