"""Players move in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from nashgrad.analysis import updates
from nashgrad.analysis.updates import Round
from nashgrad.core.linearization import State
from nashgrad.core.space import Names
from nashgrad.schedules.base import Draw, Mover, Schedule, StepRecord


@dataclass(frozen=True)
class Alternating(Schedule):
    """x_i <- x_i + h w_i(x), one turn after the other, each at the point that the last one left.

    The derivative of a round of two turns is F' = (I + h J_2)(I + h J_1), J_i being J with the
    other players' rows set to zero (the paper's eq. 45). Each turn draws its own batch where there
    are several. Without an adjustment a turn evaluates the moving players' losses only.

    Args:
        turns: who moves, in order; a turn may name several players, and a player may have several
            turns, such as `("discriminator",) * 5 + ("generator",)`. Default: each player once, in
            the game's order. (The paper's Algorithm 3 has the generator first, its authors' code
            the discriminator.)

    Raises:
        ValueError: For an unknown player, and for a player without a turn.
        TypeError: For turns that are a single name.
    """

    turns: Sequence[str | Sequence[str]] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.turns, str):
            raise TypeError(f"turns: expected a sequence of turns, got the name {self.turns!r}")

    def init(self, opt: Mover) -> State:
        moved = {player for turn in self._turns(opt) for player in opt.space.named(turn)}
        for player in opt.space.players:
            if player not in moved:
                raise ValueError(f"player {player!r} has no turn; add it to turns")

    def linear(self, players: Sequence[str]) -> Round | None:
        named = [(turn,) if isinstance(turn, str) else turn for turn in self.turns or players]
        turns = [[players.index(player) for player in turn] for turn in named]
        return Round(partial(updates.alternating, turns=turns))

    def step(self, opt: Mover, draw: Draw, state: State) -> tuple[StepRecord, State]:
        turns = [(players, draw()) for players in self._turns(opt)]
        evaluations = []
        for players, batch in turns:
            here = opt.evaluate(batch, players)
            opt.apply(here.w, players, here.state)
            evaluations.append(here)
        return StepRecord.of(evaluations), state

    def _turns(self, opt: Mover) -> Sequence[Names]:
        return opt.space.players if self.turns is None else self.turns
