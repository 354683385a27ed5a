"""Networks: multilayer perceptrons, one family of convolutional GANs, one of residual ones."""

from nashgrad.models.dcgan import PRESETS as PRESETS
from nashgrad.models.dcgan import DCGANConfig as DCGANConfig
from nashgrad.models.dcgan import DCGANDiscriminator as DCGANDiscriminator
from nashgrad.models.dcgan import DCGANGenerator as DCGANGenerator
from nashgrad.models.dcgan import dcgan as dcgan
from nashgrad.models.initialization import initialize as initialize
from nashgrad.models.mlp import MLP as MLP
from nashgrad.models.normalization import spectrally_normalized as spectrally_normalized
from nashgrad.models.resnet import RESNETS as RESNETS
from nashgrad.models.resnet import ResNetConfig as ResNetConfig
from nashgrad.models.resnet import ResNetDiscriminator as ResNetDiscriminator
from nashgrad.models.resnet import ResNetGenerator as ResNetGenerator
from nashgrad.models.resnet import resnet as resnet
