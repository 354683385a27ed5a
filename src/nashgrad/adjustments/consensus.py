"""The consensus family: each player also descends on the squared norm of the field."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from nashgrad.core.adjustment import PureAdjustment
from nashgrad.core.limits import check_not_negative
from nashgrad.core.linearization import Linearization, Order, State
from nashgrad.core.space import Names, PlayerSpace


@dataclass(frozen=True)
class Consensus(PureAdjustment):
    r"""Consensus optimisation: w = v - gamma J^T v.

    Since J^T v is the gradient of L = |v|^2 / 2, this is the field of the modified game
    l_i + gamma L. Near a fixed point w' = J - gamma J^T J: the Hermitian part of J moves to the
    left. Too large a gamma makes unstable points stable: a > 0 becomes a - gamma a^2.

    With restrictions, w = v - gamma P_target J^T P_source v, P being the projection on players'
    blocks:

    - `target="discriminator"`: smoothing as the paper's Fig 7 describes it;
    - `source="generator", target="discriminator"`: smoothing as the authors' code has it, which is
      also ODE-GAN's regulariser;
    - `source="discriminator", target="generator"`: Nagarajan and Kolter's regulariser;
    - the last two in a `Chain`: JARE.

    Where J is negative semi-definite and invertible, the full form and a restricted target keep a
    fixed point stable; a restricted source may not. A J of a general-sum game that is merely
    stable has no such guarantee under any form.

    Args:
        gamma: weight of the regulariser, in units of 1/J; non-negative. The paper uses 10, and 0.1
            for its smaller nets.
        source: whose |v|^2 is regularised; a name, several, or `None` for all.
        target: whose update feels it; likewise.

    Cost: one gradient evaluation with a graph, one product with J^T (about three times a plain step
    in all; none in a turn in which no target moves). Keeps fixed points of v where I - gamma J^T is
    invertible. Any number of players.

    Raises:
        ValueError: For a gamma that is negative or not finite, and for an unknown player.

    References:
        L. Mescheder, S. Nowozin, A. Geiger: The Numerics of GANs, 2017.
        V. Nagarajan, J. Z. Kolter: Gradient descent GAN optimization is locally stable, 2017.
        W. Nie, A. Patel: Towards a Better Understanding and Regularization of GAN Training
        Dynamics, 2019 (JARE). C. Qin et al.: Training Generative Adversarial Networks by Solving
        Ordinary Differential Equations, 2020.
    """

    gamma: float
    source: Names = None
    target: Names = None

    def __post_init__(self) -> None:
        check_not_negative("gamma", self.gamma)

    def order(self, players: tuple[str, ...], state: State) -> Order:
        targets = (self.target,) if isinstance(self.target, str) else self.target
        felt = self.gamma > 0 and (targets is None or bool(set(targets) & set(players)))
        return 2 if felt else 1

    def check(self, space: PlayerSpace) -> None:
        space.named(self.source)
        space.named(self.target)

    def __call__(self, w: Tensor, at: Linearization) -> Tensor:
        if self.order(at.players, None) == 1:
            return w
        source = at.space.restrict(at.value, self.source)
        return w - self.gamma * at.space.restrict(at.jacobian.T @ source, self.target)
