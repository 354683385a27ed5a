"""Training GANs and other smooth games so that they converge, and knowing why when not."""

import typing as _typing

from nashgrad.adjustments import LOLA as LOLA
from nashgrad.adjustments import AdaptiveCompetitive as AdaptiveCompetitive
from nashgrad.adjustments import Chain as Chain
from nashgrad.adjustments import ClipNorm as ClipNorm
from nashgrad.adjustments import ClipValue as ClipValue
from nashgrad.adjustments import Competitive as Competitive
from nashgrad.adjustments import ComplexMomentum as ComplexMomentum
from nashgrad.adjustments import Consensus as Consensus
from nashgrad.adjustments import DebiasedConsensus as DebiasedConsensus
from nashgrad.adjustments import DualAscent as DualAscent
from nashgrad.adjustments import EveryK as EveryK
from nashgrad.adjustments import HamiltonianDescent as HamiltonianDescent
from nashgrad.adjustments import Identity as Identity
from nashgrad.adjustments import KrylovDescent as KrylovDescent
from nashgrad.adjustments import LinearlyImplicit as LinearlyImplicit
from nashgrad.adjustments import LocalSymplecticSurgery as LocalSymplecticSurgery
from nashgrad.adjustments import LookAhead as LookAhead
from nashgrad.adjustments import Momentum as Momentum
from nashgrad.adjustments import Newton as Newton
from nashgrad.adjustments import NormRatio as NormRatio
from nashgrad.adjustments import Optimistic as Optimistic
from nashgrad.adjustments import SpectralConsensus as SpectralConsensus
from nashgrad.adjustments import StableOpponentShaping as StableOpponentShaping
from nashgrad.adjustments import Subsampled as Subsampled
from nashgrad.adjustments import Symplectic as Symplectic
from nashgrad.analysis.diagnosis import diagnose as diagnose
from nashgrad.analysis.doctor import Audit as Audit
from nashgrad.analysis.doctor import Finding as Finding
from nashgrad.analysis.doctor import doctor as doctor
from nashgrad.analysis.findings import Diagnosis as Diagnosis
from nashgrad.analysis.paths import path_angle as path_angle
from nashgrad.analysis.spectrum import eigenvalues as eigenvalues
from nashgrad.analysis.stability import Stability as Stability
from nashgrad.averaging import average as average
from nashgrad.core.adjusted import AdjustedField as AdjustedField
from nashgrad.core.adjustment import Adjustment as Adjustment
from nashgrad.core.adjustment import PureAdjustment as PureAdjustment
from nashgrad.core.engine import Eager as Eager
from nashgrad.core.engine import Engine as Engine
from nashgrad.core.field import GameField as GameField
from nashgrad.core.game import Batch as Batch
from nashgrad.core.game import FunctionGame as FunctionGame
from nashgrad.core.game import Game as Game
from nashgrad.core.game import Losses as Losses
from nashgrad.core.krylov import Krylov as Krylov
from nashgrad.core.linearization import Evaluation as Evaluation
from nashgrad.core.linearization import Linearization as Linearization
from nashgrad.core.linearization import Query as Query
from nashgrad.core.operators import LinearOperator as LinearOperator
from nashgrad.core.space import PlayerSpace as PlayerSpace
from nashgrad.data.stream import sample_stream as sample_stream
from nashgrad.data.stream import stream as stream
from nashgrad.engines.compiled import Compiled as Compiled
from nashgrad.engines.finite_difference import FiniteDifference as FiniteDifference
from nashgrad.engines.finite_difference import ZeroSumDifference as ZeroSumDifference
from nashgrad.engines.score import Score as Score
from nashgrad.engines.zero_sum import ZeroSum as ZeroSum
from nashgrad.games.dirac_gan import DiracGAN as DiracGAN
from nashgrad.games.gan import GAN as GAN
from nashgrad.games.quadratic import Quadratic as Quadratic
from nashgrad.games.quadratic import bilinear as bilinear
from nashgrad.games.unrolled import Unrolled as Unrolled
from nashgrad.optim import RMSPropTF as RMSPropTF
from nashgrad.optimizer import GameOptimizer as GameOptimizer
from nashgrad.optimizer import backward as backward
from nashgrad.schedules import Alternating as Alternating
from nashgrad.schedules import Extragradient as Extragradient
from nashgrad.schedules import ExtrapolationFromPast as ExtrapolationFromPast
from nashgrad.schedules import ImplicitEuler as ImplicitEuler
from nashgrad.schedules import Lookahead as Lookahead
from nashgrad.schedules import OptimisticStep as OptimisticStep
from nashgrad.schedules import RungeKutta as RungeKutta
from nashgrad.schedules import Schedule as Schedule
from nashgrad.schedules import Simultaneous as Simultaneous
from nashgrad.schedules import StepRecord as StepRecord
from nashgrad.schedules import VarianceReduced as VarianceReduced

__version__ = "0.1.0"

if not _typing.TYPE_CHECKING:  # a checker would take every name for one that is there
    # What methods are called elsewhere.
    _CALLED = {
        "ACGD": "AdaptiveCompetitive",
        "AltGD": "Alternating",
        "CGD": "Competitive",
        "CO": "Consensus",
        "ConOpt": "Consensus",
        "ConsensusOptimization": "Consensus",
        "EG": "Extragradient",
        "EMA": "average",
        "ExtraAdam": "Extragradient, over torch.optim.Adam",
        "ExtraSGD": "Extragradient, over torch.optim.SGD",
        "HGD": "HamiltonianDescent",
        "LOOKAHEAD": "Lookahead (the schedule) or LookAhead (the adjustment)",
        "LSS": "LocalSymplecticSurgery",
        "LookaheadMinmax": "Lookahead",
        "NegativeMomentum": "Momentum",
        "ODEGAN": "RungeKutta",
        "OGDA": "Optimistic",
        "OMD": "Optimistic",
        "OptimisticAdam": "OptimisticStep, over torch.optim.Adam",
        "PastExtragradient": "ExtrapolationFromPast",
        "RK2": "RungeKutta(2)",
        "RK4": "RungeKutta(4)",
        "SGA": "Symplectic",
        "SOS": "StableOpponentShaping",
        "SVRE": "VarianceReduced",
        "SimGD": "Simultaneous",
        "UnrolledGAN": "Unrolled",
    }

    def __getattr__(name):
        if name in _CALLED:
            raise AttributeError(f"nashgrad has no {name!r}: it is called {_CALLED[name]}")
        raise AttributeError(f"module 'nashgrad' has no attribute {name!r}")
