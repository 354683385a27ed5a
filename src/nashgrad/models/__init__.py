"""Networks: multilayer perceptrons and one family of convolutional GANs."""

from nashgrad.models.dcgan import PRESETS as PRESETS
from nashgrad.models.dcgan import DCGANConfig as DCGANConfig
from nashgrad.models.dcgan import DCGANDiscriminator as DCGANDiscriminator
from nashgrad.models.dcgan import DCGANGenerator as DCGANGenerator
from nashgrad.models.dcgan import dcgan as dcgan
from nashgrad.models.initialization import initialize as initialize
from nashgrad.models.mlp import MLP as MLP
