"""Adaptive strength: adjustments that wrap another one and decide how much of it to take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from nashgrad.adjustments.identity import Identity
from nashgrad.core.adjustment import Adjustment, Base, check_inner
from nashgrad.core.limits import check_count, check_not_negative, check_positive
from nashgrad.core.linearization import Linearization, Order, State
from nashgrad.core.space import PlayerSpace


@dataclass(frozen=True)
class EveryK(Adjustment):
    r"""w + k (inner(w) - w) in every k-th evaluation in which a player moves, w in the others.

    The change that the inner adjustment makes is taken less often and k times as strong, so that
    its mean stays: consensus then costs little more than a plain step. Near a fixed point k steps
    multiply by (I + h J)^(k-1) (I + h (J - k gamma J^T J)), which is stable for smaller h only.

    Each player counts the evaluations in which it moves, modulo k and beginning with a change, and
    feels the change when its own k-th one comes, so that players who move in turns all feel it.
    `Extragradient` evaluates twice a step and counts both: with an even k only its looks ahead
    would ever be adjusted, so take an odd one there. The stages of `RungeKutta` count as one.

    Args:
        inner: the adjustment, such as `Consensus(gamma)`. Its memory, if any, moves with the
            changes alone.
        k: evaluations from one change to the next; at least 1, with which nothing differs from the
            inner one.

    Cost: that of the inner adjustment once in k evaluations, one gradient evaluation in the others.
    Memory: a count per player, and the inner one's. Keeps what the inner one keeps; players and
    base optimisers are those that it allows.

    Raises:
        ValueError: For a k below 1; `TypeError` for an inner that is no adjustment.

    References:
        T. Karras, S. Laine, M. Aittala, J. Hellsten, J. Lehtinen, T. Aila: Analyzing and Improving
        the Image Quality of StyleGAN, 2020 (lazy regularisation, of R1 there).
    """

    inner: Adjustment
    k: int

    def __post_init__(self) -> None:
        check_inner(self.inner)
        check_count("k", self.k)

    @property
    def pure(self) -> bool:
        return False

    @property
    def base(self) -> Base:
        return self.inner.base

    def order(self, players: tuple[str, ...], state: State) -> Order:
        return self.inner.order(players, state["inner"]) if self._due(players, state) else 1

    def init(self, space: PlayerSpace) -> State:
        return {"moves": dict.fromkeys(space.players, 0), "inner": self.inner.init(space)}

    def turn(
        self, players: tuple[str, ...], state: State
    ) -> tuple[Adjustment, State, Callable[[State], State]]:
        moves = {p: (n + (p in players)) % self.k for p, n in state["moves"].items()}
        due = self._due(players, state)
        if not due:
            return Identity(), None, lambda _: {"moves": moves, "inner": state["inner"]}
        change = _Strengthened(self.inner, self.k, due)
        return change, state["inner"], lambda inner: {"moves": moves, "inner": inner}

    def update(self, w: Tensor, at: Linearization, state: State) -> tuple[Tensor, State]:
        turn, memory, after = self.turn(at.players, state)
        w, memory = turn.update(w, at, memory)
        return w, after(memory)

    def _due(self, players: tuple[str, ...], state: State) -> tuple[str, ...]:
        return tuple(p for p in players if state["moves"][p] % self.k == 0)


@dataclass(frozen=True)
class _Strengthened(Adjustment):
    """w + k (inner(w) - w) for some players, with the inner adjustment's memory."""

    inner: Adjustment
    k: int
    players: tuple[str, ...]

    @property
    def pure(self) -> bool:
        return self.inner.pure

    @property
    def base(self) -> Base:
        return self.inner.base

    def order(self, players: tuple[str, ...], state: State) -> Order:
        return self.inner.order(players, state)

    def init(self, space: PlayerSpace) -> State:
        return self.inner.init(space)

    def update(self, w: Tensor, at: Linearization, state: State) -> tuple[Tensor, State]:
        changed, state = self.inner.update(w, at, state)
        return w + self.k * at.space.restrict(changed - w, self.players), state


@dataclass(frozen=True)
class NormRatio(Adjustment):
    r"""w + c (inner(w) - w) with c = ratio |w| / |inner(w) - w|.

    The change is as long as the field times a ratio, whatever its own scale: with `Consensus(1.0)`,
    gamma is ratio |v| / |J^T v| in every step. Norms are over the players that move. Where there is
    no change, but for rounding, c is zero.

    With a ratio below 1 the result has no zero but those of w. With a ratio of 1 it may have
    others, where the change points against w: in one dimension with an unstable point, everywhere.

    Args:
        inner: the adjustment. Its own strength does not matter.
        ratio: of the change's length to the field's; positive.
        maximum: of c; `None` for no limit.

    Cost: that of the inner adjustment. Memory: the inner one's. Keeps fixed points that the inner
    one keeps; near them it scales with the field but is not linear. Players and base optimisers are
    those that the inner one allows.

    Raises:
        ValueError: For numbers that are not positive and finite; `TypeError` for an inner that is
            no adjustment.
    """

    inner: Adjustment
    ratio: float = 1.0
    maximum: float | None = None

    def __post_init__(self) -> None:
        check_inner(self.inner)
        check_positive("ratio", self.ratio)
        if self.maximum is not None:
            check_positive("maximum", self.maximum)

    @property
    def pure(self) -> bool:
        return self.inner.pure

    @property
    def base(self) -> Base:
        return self.inner.base

    def order(self, players: tuple[str, ...], state: State) -> Order:
        return self.inner.order(players, state)

    def init(self, space: PlayerSpace) -> State:
        return self.inner.init(space)

    def update(self, w: Tensor, at: Linearization, state: State) -> tuple[Tensor, State]:
        changed, state = self.inner.update(w, at, state)
        change = changed - w
        size, length = (
            torch.linalg.vector_norm(at.space.restrict(u, at.players)) for u in (w, change)
        )
        # What is left of two vectors that differ by rounding has no direction.
        some = length > 4 * torch.finfo(w.dtype).eps * size
        # The denominator is made safe first, for the derivative at a fixed point.
        c = self.ratio * size / torch.where(some, length, torch.ones_like(length))
        if self.maximum is not None:
            c = c.clamp(max=self.maximum)
        return w + torch.where(some, c, torch.zeros_like(c)) * change, state


@dataclass(frozen=True)
class DualAscent(Adjustment):
    r"""gamma <- min(max(gamma + rate (|v|^2 / 2 - target), 0), maximum); w + gamma (inner(w) - w).

    gamma is the multiplier of the constraint |v|^2 / 2 <= target and rises while the field is
    larger than that: dual ascent, as in the method of multipliers. With `Consensus(1.0)` inside,
    the change is the descent on the constraint. gamma moves before it is used. It is a number of
    the memory: `opt.state_dict()["adjustment"]["gamma"]`.

    gamma moves once in each evaluation in which everyone's v is known: where all players move, or
    the inner adjustment takes products. (In turns, then, once per turn.)

    Args:
        inner: the adjustment, of strength one.
        rate: of the ascent, per unit of |v|^2 / 2; positive.
        target: the |v|^2 / 2 that is allowed; not negative. With zero gamma never falls.
        initial: gamma at the start; not negative.
        maximum: largest gamma; positive.

    Cost: that of the inner adjustment. Memory: gamma, and the inner one's. Keeps fixed points that
    the inner one keeps. Players and base optimisers are those that the inner one allows.

    Raises:
        ValueError: For numbers out of range; `TypeError` for an inner that is no adjustment.

    References:
        S. Boyd, N. Parikh, E. Chu, B. Peleato, J. Eckstein: Distributed Optimization and
        Statistical Learning via the Alternating Direction Method of Multipliers, 2011 (section 2,
        dual ascent).
    """

    inner: Adjustment
    rate: float = 0.01
    target: float = 0.0
    initial: float = 0.0
    maximum: float = 100.0

    def __post_init__(self) -> None:
        check_inner(self.inner)
        check_positive("rate", self.rate)
        check_not_negative("target", self.target)
        check_not_negative("initial", self.initial)
        check_positive("maximum", self.maximum)
        if self.initial > self.maximum:
            raise ValueError(f"initial must be at most maximum {self.maximum}, got {self.initial}")

    @property
    def pure(self) -> bool:
        return False

    @property
    def base(self) -> Base:
        return self.inner.base

    def order(self, players: tuple[str, ...], state: State) -> Order:
        return self.inner.order(players, state["inner"])

    def init(self, space: PlayerSpace) -> State:
        gamma = torch.full((), self.initial, dtype=space.dtype, device=space.device)
        return {"gamma": gamma, "inner": self.inner.init(space)}

    def update(self, w: Tensor, at: Linearization, state: State) -> tuple[Tensor, State]:
        gamma = state["gamma"]
        if at.query.evaluated == at.space.players:
            excess = torch.dot(at.value, at.value) / 2 - self.target
            gamma = (gamma + self.rate * excess).clamp(0.0, self.maximum)
        changed, inner = self.inner.update(w, at, state["inner"])
        return w + gamma * (changed - w), {"gamma": gamma, "inner": inner}
