"""One step of every method on a linear game, as a matrix.

Near a fixed point x* a method over plain SGD is z <- F z with z = (x - x*, memory): it converges
there when F has spectral radius below 1, at that rate (Proposition 3 of L. Mescheder, S. Nowozin,
A. Geiger: The Numerics of GANs, 2017). Each function here is an [`Update`]
[nashgrad.analysis.updates.Update]: `(J, sizes, h)` to F, further numbers by keyword.

They are written from the papers and share nothing with the methods themselves.
"""

from nashgrad.analysis.updates.adjusted import competitive_jacobian as competitive_jacobian
from nashgrad.analysis.updates.adjusted import consensus_jacobian as consensus_jacobian
from nashgrad.analysis.updates.adjusted import hamiltonian_jacobian as hamiltonian_jacobian
from nashgrad.analysis.updates.adjusted import implicit_jacobian as implicit_jacobian
from nashgrad.analysis.updates.adjusted import lola_jacobian as lola_jacobian
from nashgrad.analysis.updates.adjusted import look_ahead_jacobian as look_ahead_jacobian
from nashgrad.analysis.updates.adjusted import newton_jacobian as newton_jacobian
from nashgrad.analysis.updates.adjusted import surgery_jacobian as surgery_jacobian
from nashgrad.analysis.updates.adjusted import symplectic_jacobian as symplectic_jacobian
from nashgrad.analysis.updates.matrices import Linear as Linear
from nashgrad.analysis.updates.matrices import Players as Players
from nashgrad.analysis.updates.matrices import Round as Round
from nashgrad.analysis.updates.matrices import Update as Update
from nashgrad.analysis.updates.memory import complex_momentum as complex_momentum
from nashgrad.analysis.updates.memory import friction as friction
from nashgrad.analysis.updates.memory import friction_new as friction_new
from nashgrad.analysis.updates.memory import from_past as from_past
from nashgrad.analysis.updates.memory import heavy_ball as heavy_ball
from nashgrad.analysis.updates.memory import heavy_ball_in_turn as heavy_ball_in_turn
from nashgrad.analysis.updates.memory import lookahead as lookahead
from nashgrad.analysis.updates.memory import one_in as one_in
from nashgrad.analysis.updates.memory import optimistic as optimistic
from nashgrad.analysis.updates.memory import optimistic_step as optimistic_step
from nashgrad.analysis.updates.steps import alternating as alternating
from nashgrad.analysis.updates.steps import competitive as competitive
from nashgrad.analysis.updates.steps import consensus as consensus
from nashgrad.analysis.updates.steps import extragradient as extragradient
from nashgrad.analysis.updates.steps import hamiltonian as hamiltonian
from nashgrad.analysis.updates.steps import implicit_euler as implicit_euler
from nashgrad.analysis.updates.steps import jare as jare
from nashgrad.analysis.updates.steps import lola as lola
from nashgrad.analysis.updates.steps import look_ahead as look_ahead
from nashgrad.analysis.updates.steps import newton as newton
from nashgrad.analysis.updates.steps import runge_kutta as runge_kutta
from nashgrad.analysis.updates.steps import simultaneous as simultaneous
from nashgrad.analysis.updates.steps import surgery as surgery
from nashgrad.analysis.updates.steps import symplectic as symplectic
