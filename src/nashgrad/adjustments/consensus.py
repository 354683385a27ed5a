"""The consensus family: each player also descends on the squared norm of the field."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from nashgrad.core.adjustment import PureAdjustment
from nashgrad.core.limits import check_not_negative
from nashgrad.core.linearization import Linearization, Order, State
from nashgrad.core.space import Names, PlayerSpace

SHOWN = 8
"""Blocks that an error names."""


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

    With `align`, w = v - s gamma J^T v with s the sign of -<v, J^T v>: where a step along v lowers
    L, as near stable points, w descends on L; where it raises L, as near unstable ones, w climbs
    and flees them. A product that is zero but for rounding, as in a pure rotation, counts as
    descent. Restrictions restrict the term as above, and s asks how v moves the L of the source;
    all players and parameters share it. In a potential game the term spreads the eigenvalues of a
    symmetric J farther apart, the reverse of what Newton's step does.

    Where J is negative semi-definite and invertible, the full form, a gamma of each player's or
    parameter's own (all positive) and a restricted target keep a fixed point stable, and so does a
    restricted source with two players; with three it may not, and the chain of both may not with
    two (docs/theory.md). A J of a general-sum game that is merely stable has no such guarantee
    under any form.

    Args:
        gamma: weight of the regulariser, in units of 1/J; non-negative. The paper uses 10, and 0.1
            for its smaller nets. A mapping gives each player, or each parameter, its own: keys are
            players or the beginnings of parameter names (`"generator"`, `"discriminator.0"`) up to
            a dot; the longest that fits counts, and what no key fits has zero.
        source: whose |v|^2 is regularised; a name, several, or `None` for all.
        target: whose update feels it; likewise.
        align: whether the term takes the sign that alignment asks for.

    Cost: one gradient evaluation with a graph, one product with J^T (about three times a plain step
    in all; none in a turn in which no target with a gamma moves); alignment needs no more. No
    memory. Keeps fixed points of v, and has no others where I - gamma J^T is invertible. Any number
    of players, any base optimiser.

    Raises:
        ValueError: For a gamma that is negative or not finite, a mapping without keys, an unknown
            player, and a key that no parameter's name begins with.

    References:
        L. Mescheder, S. Nowozin, A. Geiger: The Numerics of GANs, 2017.
        V. Nagarajan, J. Z. Kolter: Gradient descent GAN optimization is locally stable, 2017.
        W. Nie, A. Patel: Towards a Better Understanding and Regularization of GAN Training
        Dynamics, 2019 (JARE). C. Qin et al.: Training Generative Adversarial Networks by Solving
        Ordinary Differential Equations, 2020. A. Letcher, D. Balduzzi, S. Racaniere, J. Martens,
        J. Foerster, K. Tuyls, T. Graepel: Differentiable Game Mechanics, 2019 (alignment, their
        eq. 3).
    """

    gamma: float | Mapping[str, float] = field(hash=False)  # a mapping has no hash
    source: Names = None
    target: Names = None
    align: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.gamma, Mapping):
            object.__setattr__(self, "gamma", dict(self.gamma))  # the caller's may change
            if not self.gamma:
                raise ValueError("gamma: names no player and no parameter, so nothing would change")
            for key, gamma in self.gamma.items():
                check_not_negative(f"gamma of {key!r}", gamma)
        else:
            check_not_negative("gamma", self.gamma)

    def order(self, players: tuple[str, ...], state: State) -> Order:
        targets = (self.target,) if isinstance(self.target, str) else self.target
        movers = [p for p in players if targets is None or p in targets]
        return 2 if self._felt(movers) else 1

    def check(self, space: PlayerSpace) -> None:
        space.named(self.source)
        space.named(self.target)
        for key in self.gamma if isinstance(self.gamma, Mapping) else ():
            if not any(_begins(name, key) for name in space.names):
                near = [n for n in space.names if _begins(n, key.partition(".")[0])]
                raise ValueError(
                    f"gamma: no parameter's name begins with {key!r}; the players are "
                    f"{', '.join(space.players)}, and blocks are {_blocks(near or space.names)}"
                )

    def __call__(self, w: Tensor, at: Linearization) -> Tensor:
        if self.order(at.players, None) == 1:
            return w
        pulled = at.jacobian.T @ at.space.restrict(at.value, self.source)
        gamma = self._gamma(at.space)
        if self.align:
            gamma = gamma * _sign(at.value, pulled)
        return w - gamma * at.space.restrict(pulled, self.target)

    def _felt(self, players: Collection[str]) -> bool:
        """Whether any of these players has a gamma that is not zero."""
        if not isinstance(self.gamma, Mapping):
            return self.gamma > 0 and bool(players)
        owners = {key.partition(".")[0] for key, gamma in self.gamma.items() if gamma > 0}
        return not owners.isdisjoint(players)

    def _gamma(self, space: PlayerSpace) -> float | Tensor:
        """One number, or one for each coordinate, `(n,)`."""
        if not isinstance(self.gamma, Mapping):
            return self.gamma
        pieces = []
        for name, p in zip(space.names, space.parameters, strict=True):
            longest = max((key for key in self.gamma if _begins(name, key)), key=len, default=None)
            value = 0.0 if longest is None else self.gamma[longest]
            pieces.append(p.new_full((p.numel(),), value))
        return torch.cat(pieces)


def _begins(name: str, key: str) -> bool:
    return f"{name}.".startswith(f"{key}.")


def _blocks(names: list[str]) -> str:
    blocks = list(dict.fromkeys(name.rpartition(".")[0] or name for name in names))
    return ", ".join(blocks[:SHOWN]) + (", ..." if len(blocks) > SHOWN else "")


def _sign(v: Tensor, pulled: Tensor) -> Tensor:
    """-1 where <v, J^T v> is positive beyond rounding, 1 elsewhere; in the type of v."""
    norms = torch.linalg.vector_norm(v) * torch.linalg.vector_norm(pulled)
    climbs = torch.dot(v, pulled) > torch.finfo(v.dtype).eps * norms
    return torch.where(climbs, -torch.ones_like(norms), torch.ones_like(norms))
