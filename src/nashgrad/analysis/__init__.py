"""What a Jacobian and its spectrum say about a game."""

from nashgrad.analysis.diagnosis import DENSE as DENSE
from nashgrad.analysis.diagnosis import diagnose as diagnose
from nashgrad.analysis.findings import Diagnosis as Diagnosis
from nashgrad.analysis.gamma import GammaChoice as GammaChoice
from nashgrad.analysis.gamma import projected as projected
from nashgrad.analysis.gamma import smallest_gamma as smallest_gamma
from nashgrad.analysis.paths import PathAngle as PathAngle
from nashgrad.analysis.paths import PathShape as PathShape
from nashgrad.analysis.paths import field_at as field_at
from nashgrad.analysis.paths import path_angle as path_angle
from nashgrad.analysis.rates import BestGamma as BestGamma
from nashgrad.analysis.rates import best_gamma as best_gamma
from nashgrad.analysis.rates import largest_step_size as largest_step_size
from nashgrad.analysis.rates import predicted_rate as predicted_rate
from nashgrad.analysis.rates import spectral_radius as spectral_radius
from nashgrad.analysis.rates import stabilises_unstable as stabilises_unstable
from nashgrad.analysis.spectrum import Spectrum as Spectrum
from nashgrad.analysis.spectrum import eigenvalues as eigenvalues
from nashgrad.analysis.spectrum import spectrum as spectrum
from nashgrad.analysis.stability import Stability as Stability
from nashgrad.analysis.verdict import Verdict as Verdict
