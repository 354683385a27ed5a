"""What a GAN's players minimise: losses and penalties."""

from nashgrad.objectives.critics import CRITICS as CRITICS
from nashgrad.objectives.critics import least_squares as least_squares
from nashgrad.objectives.divergences import DIVERGENCES as DIVERGENCES
from nashgrad.objectives.f_gan import F_DIVERGENCES as F_DIVERGENCES
from nashgrad.objectives.f_gan import FDivergence as FDivergence
from nashgrad.objectives.instance_noise import InstanceNoise as InstanceNoise
from nashgrad.objectives.objective import Conjugates as Conjugates
from nashgrad.objectives.objective import Divergence as Divergence
from nashgrad.objectives.objective import Formula as Formula
from nashgrad.objectives.objective import Objective as Objective
from nashgrad.objectives.objective import label_smoothing as label_smoothing
from nashgrad.objectives.penalties import DRAGAN as DRAGAN
from nashgrad.objectives.penalties import R1 as R1
from nashgrad.objectives.penalties import R2 as R2
from nashgrad.objectives.penalties import WGANGP as WGANGP
from nashgrad.objectives.penalties import Penalty as Penalty
from nashgrad.objectives.penalties import ZeroCentredGP as ZeroCentredGP
from nashgrad.objectives.relativistic import RELATIVISTIC as RELATIVISTIC
from nashgrad.objectives.relativistic import RelativisticAverage as RelativisticAverage
from nashgrad.objectives.relativistic import RelativisticPaired as RelativisticPaired

OBJECTIVES: dict[str, Objective] = {**DIVERGENCES, **F_DIVERGENCES, **CRITICS, **RELATIVISTIC}
"""All losses by name."""
