"""What a GAN's players minimise: losses and penalties."""

from nashgrad.objectives.divergences import DIVERGENCES as DIVERGENCES
from nashgrad.objectives.divergences import Divergence as Divergence
from nashgrad.objectives.penalties import R1 as R1
from nashgrad.objectives.penalties import R2 as R2
from nashgrad.objectives.penalties import Penalty as Penalty
