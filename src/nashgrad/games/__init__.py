"""Games: closed-form ones with known Jacobians, and the GAN."""

from nashgrad.games.dirac_gan import DiracGAN as DiracGAN
from nashgrad.games.gan import GAN as GAN
from nashgrad.games.quadratic import Quadratic as Quadratic
from nashgrad.games.quadratic import bilinear as bilinear
