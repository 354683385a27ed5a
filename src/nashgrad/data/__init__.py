"""Data: mixtures of Gaussians, images, and the endless stream of batches that a game eats."""

from nashgrad.data.download import DATASETS as DATASETS
from nashgrad.data.download import download as download
from nashgrad.data.images import Images as Images
from nashgrad.data.images import image_loader as image_loader
from nashgrad.data.images import random_flip as random_flip
from nashgrad.data.load import digits as digits
from nashgrad.data.load import load_images as load_images
from nashgrad.data.mixtures import Mixture as Mixture
from nashgrad.data.mixtures import grid as grid
from nashgrad.data.mixtures import ring as ring
from nashgrad.data.seeds import named_generator as named_generator
from nashgrad.data.seeds import named_seed as named_seed
from nashgrad.data.stream import Stream as Stream
from nashgrad.data.stream import sample_stream as sample_stream
from nashgrad.data.stream import stream as stream
