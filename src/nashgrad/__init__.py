"""Training GANs and other smooth games so that they converge, and knowing why when not."""

from nashgrad.adjustments import Chain as Chain
from nashgrad.adjustments import ClipNorm as ClipNorm
from nashgrad.adjustments import ClipValue as ClipValue
from nashgrad.adjustments import Consensus as Consensus
from nashgrad.adjustments import Identity as Identity
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
from nashgrad.core.linearization import Evaluation as Evaluation
from nashgrad.core.linearization import Linearization as Linearization
from nashgrad.core.linearization import Query as Query
from nashgrad.core.operators import LinearOperator as LinearOperator
from nashgrad.core.space import PlayerSpace as PlayerSpace
from nashgrad.data.stream import sample_stream as sample_stream
from nashgrad.data.stream import stream as stream
from nashgrad.games.dirac_gan import DiracGAN as DiracGAN
from nashgrad.games.gan import GAN as GAN
from nashgrad.games.quadratic import Quadratic as Quadratic
from nashgrad.games.quadratic import bilinear as bilinear
from nashgrad.optim import RMSPropTF as RMSPropTF
from nashgrad.optimizer import GameOptimizer as GameOptimizer
from nashgrad.optimizer import backward as backward
from nashgrad.schedules import Alternating as Alternating
from nashgrad.schedules import Schedule as Schedule
from nashgrad.schedules import Simultaneous as Simultaneous
from nashgrad.schedules import StepRecord as StepRecord

__version__ = "0.1.0"
