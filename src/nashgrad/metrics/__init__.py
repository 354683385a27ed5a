"""How good the samples are: coverage of a mixture, distance of features, shares of classes."""

from nashgrad.metrics.classes import ClassScorer as ClassScorer
from nashgrad.metrics.classifier import Classifier as Classifier
from nashgrad.metrics.coverage import mixture_scores as mixture_scores
from nashgrad.metrics.coverage import sliced_wasserstein as sliced_wasserstein
from nashgrad.metrics.extractors import EfficientNetLite0 as EfficientNetLite0
from nashgrad.metrics.extractors import Extractor as Extractor
from nashgrad.metrics.extractors import Features as Features
from nashgrad.metrics.extractors import Identity as Identity
from nashgrad.metrics.extractors import Pixels as Pixels
from nashgrad.metrics.features import FrechetDistance as FrechetDistance
from nashgrad.metrics.features import frechet_distance as frechet_distance
from nashgrad.metrics.image_scores import inception_score as inception_score
from nashgrad.metrics.image_scores import kernel_distance as kernel_distance
from nashgrad.metrics.image_scores import manifold_scores as manifold_scores
from nashgrad.metrics.inception import Inception2015 as Inception2015
