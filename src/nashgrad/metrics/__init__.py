"""How good the samples are: coverage of a mixture, distance of features, shares of classes."""

from nashgrad.metrics.classes import ClassScorer as ClassScorer
from nashgrad.metrics.coverage import mixture_scores as mixture_scores
from nashgrad.metrics.coverage import sliced_wasserstein as sliced_wasserstein
from nashgrad.metrics.features import FrechetDistance as FrechetDistance
from nashgrad.metrics.features import pixels as pixels
from nashgrad.metrics.features import pooled_pixels as pooled_pixels
