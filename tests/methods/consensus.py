"""Rows of the consensus family, of clipping, and of descent on |v|^2 / 2.

`DebiasedConsensus` and `Subsampled` have no row: they need several samples, a quadratic game has
none, and over ranks they take other parts than one process does. Their own tests have the formula.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

import nashgrad as ng
from methods.case import Method
from nashgrad.adjustments import SpectralConsensus
from nashgrad.analysis.updates import consensus, hamiltonian, jare, one_in, simultaneous

GAMMA = 0.7


def per_player(J: Tensor, sizes: Sequence[int], h: float) -> Tensor:
    """Of more than two players, the others have no gamma."""
    return consensus(J, sizes, h, gamma=[0.3, 1.1, *[0.0] * (len(sizes) - 2)])


Field = Callable[[Tensor], Tensor]
Step = Callable[[Tensor, Tensor, Sequence[int], int], Tensor]


def two_steps(w: Step) -> Callable[[Field, Tensor, Sequence[int], float, Tensor], Tensor]:
    """x after two steps along w(v, J, sizes, number of the step)."""

    def hand(v: Field, J: Tensor, sizes: Sequence[int], h: float, x: Tensor) -> Tensor:
        for k in range(2):
            x = x + h * w(v(x), J, sizes, k)
        return x

    return hand


def aligned(v: Tensor, J: Tensor, sizes: Sequence[int], k: int) -> Tensor:
    sign = -1.0 if float(v @ (J.T @ v)) > 0 else 1.0
    return v - GAMMA * sign * J.T @ v


def every_second(v: Tensor, J: Tensor, sizes: Sequence[int], k: int) -> Tensor:
    return v - 2 * GAMMA * J.T @ v if k == 0 else v


def norm_ratio(v: Tensor, J: Tensor, sizes: Sequence[int], k: int) -> Tensor:
    return v - 0.5 * v.norm() / (J.T @ v).norm() * J.T @ v


def dual_ascent(v: Field, J: Tensor, sizes: Sequence[int], h: float, x: Tensor) -> Tensor:
    gamma = 0.1
    for _ in range(2):
        gamma = max(0.0, min(0.3, gamma + 0.02 * (float(v(x) @ v(x)) / 2 - 0.5)))
        x = x + h * (v(x) - gamma * J.T @ v(x))
    return x


def is_calm(J: Tensor, gamma: float, q: float) -> bool:
    """Whether all that J - gamma J^T J moves is damped and rotates at most q times as fast.

    What J flees does not count, but has to be as much as without gamma.
    """
    least = 1e-3 * float(torch.linalg.matrix_norm(J, 2))
    before = [z for z in torch.linalg.eigvals(J).tolist() if z.real > least]
    eigenvalues = torch.linalg.eigvals(J - gamma * J.T @ J).tolist()
    stable = [z for z in eigenvalues if abs(z) > least and z.real <= least]
    fled = [z for z in eigenvalues if z.real > least]
    calm = all(z.real < 0 and abs(z.imag) <= -q * z.real for z in stable)
    return calm and len(fled) == len(before)


def calming(J: Tensor, q: float) -> float:
    """The smallest such gamma below 4, by ever finer scans."""
    low, high = 0.0, 4.0
    for _ in range(6):
        step = (high - low) / 200
        k = next(k for k in range(201) if is_calm(J, low + k * step, q))
        low, high = low + max(k - 1, 0) * step, low + k * step
    return high


def spectral(v: Tensor, J: Tensor, sizes: Sequence[int], k: int) -> Tensor:
    return v - calming(J, 0.5) * J.T @ v


def clip_norm(v: Tensor, J: Tensor, sizes: Sequence[int], k: int) -> Tensor:
    return torch.cat([b * min(1.0, 0.8 / float(b.norm())) for b in v.split(list(sizes))])


def clip_value(v: Tensor, J: Tensor, sizes: Sequence[int], k: int) -> Tensor:
    return torch.stack([c.clamp(-0.5, 0.5) for c in v])


# Games of the table have players "a", "b", ... and the GAN has others; positions say who is meant.
class Between(ng.PureAdjustment):
    """Consensus restricted to players by position."""

    def __init__(self, source: int | None, target: int | None) -> None:
        self.positions = source, target

    def _of(self, space: ng.PlayerSpace) -> ng.Consensus:
        names = [None if i is None else space.players[i] for i in self.positions]
        return ng.Consensus(GAMMA, source=names[0], target=names[1])

    def order(self, players: tuple[str, ...], state: object) -> int:
        return 2

    def __call__(self, w: Tensor, at: ng.Linearization) -> Tensor:
        return self._of(at.space)(w, at)


class PerPlayer(ng.PureAdjustment):
    """A gamma for each of the first two players."""

    def order(self, players: tuple[str, ...], state: object) -> int:
        return 2

    def __call__(self, w: Tensor, at: ng.Linearization) -> Tensor:
        return ng.Consensus(dict(zip(at.space.players, (0.3, 1.1), strict=False)))(w, at)


full = partial(consensus, gamma=GAMMA)

METHODS = [
    Method("consensus", lambda: ng.Consensus(GAMMA), operator=full),
    Method("smoothing", lambda: Between(None, 1), operator=partial(full, target=1), ordered=True),
    Method(
        "smoothing, code",
        lambda: Between(0, 1),
        operator=partial(full, source=0, target=1),
        ordered=True,
    ),
    Method(
        "Nagarajan-Kolter",
        lambda: Between(1, 0),
        operator=partial(full, source=1, target=0),
        ordered=True,
    ),
    Method(
        "JARE",
        lambda: ng.Chain(Between(0, 1), Between(1, 0)),
        operator=partial(jare, gamma=GAMMA),
    ),
    Method("consensus, per player", PerPlayer, operator=per_player, ordered=True),
    Method("consensus, aligned", lambda: ng.Consensus(GAMMA, align=True), hand=two_steps(aligned)),
    Method(
        "consensus, every second",
        lambda: ng.EveryK(ng.Consensus(GAMMA), 2),
        operator=partial(
            one_in, first=partial(consensus, gamma=2 * GAMMA), rest=simultaneous, period=2
        ),
        hand=two_steps(every_second),
        period=2,
    ),
    Method(
        "consensus, norm ratio",
        lambda: ng.NormRatio(ng.Consensus(1.0), 0.5),
        hand=two_steps(norm_ratio),
    ),
    Method(
        "consensus, dual ascent",
        lambda: ng.DualAscent(ng.Consensus(1.0), 0.02, target=0.5, initial=0.1, maximum=0.3),
        hand=dual_ascent,
    ),
    Method(
        "consensus, spectral", lambda: SpectralConsensus(0.5, rank=64), hand=two_steps(spectral)
    ),
    Method("Hamiltonian descent", ng.HamiltonianDescent, operator=hamiltonian),
    Method("clip norm", lambda: ng.ClipNorm(0.8), hand=two_steps(clip_norm)),
    Method("clip value", lambda: ng.ClipValue(0.5), hand=two_steps(clip_value)),
]
