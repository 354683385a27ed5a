"""Adjustments: maps of the field, one family a file."""

from nashgrad.adjustments.adaptive import DualAscent as DualAscent
from nashgrad.adjustments.adaptive import EveryK as EveryK
from nashgrad.adjustments.adaptive import NormRatio as NormRatio
from nashgrad.adjustments.clipping import ClipNorm as ClipNorm
from nashgrad.adjustments.clipping import ClipValue as ClipValue
from nashgrad.adjustments.competitive import AdaptiveCompetitive as AdaptiveCompetitive
from nashgrad.adjustments.competitive import Competitive as Competitive
from nashgrad.adjustments.consensus import Consensus as Consensus
from nashgrad.adjustments.debiased import DebiasedConsensus as DebiasedConsensus
from nashgrad.adjustments.hamiltonian import HamiltonianDescent as HamiltonianDescent
from nashgrad.adjustments.identity import Chain as Chain
from nashgrad.adjustments.identity import Identity as Identity
from nashgrad.adjustments.implicit import LinearlyImplicit as LinearlyImplicit
from nashgrad.adjustments.krylov_descent import KrylovDescent as KrylovDescent
from nashgrad.adjustments.momentum import ComplexMomentum as ComplexMomentum
from nashgrad.adjustments.momentum import Momentum as Momentum
from nashgrad.adjustments.newton import Newton as Newton
from nashgrad.adjustments.opponent import LOLA as LOLA
from nashgrad.adjustments.opponent import LookAhead as LookAhead
from nashgrad.adjustments.opponent import StableOpponentShaping as StableOpponentShaping
from nashgrad.adjustments.optimistic import Optimistic as Optimistic
from nashgrad.adjustments.spectral import SpectralConsensus as SpectralConsensus
from nashgrad.adjustments.subsampled import Subsampled as Subsampled
from nashgrad.adjustments.surgery import LocalSymplecticSurgery as LocalSymplecticSurgery
from nashgrad.adjustments.symplectic import Symplectic as Symplectic
