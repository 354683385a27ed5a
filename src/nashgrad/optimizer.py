"""Training: gradients for a loop of one's own, and the optimiser of a whole game."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.amp import GradScaler
from torch.optim import LBFGS, Optimizer
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.data import DataLoader

from nashgrad.adjustments.identity import Identity
from nashgrad.core.adjustment import Adjustment
from nashgrad.core.checks import random_message
from nashgrad.core.field import GameField
from nashgrad.core.game import Batch
from nashgrad.core.linearization import Evaluation, Linearization, State
from nashgrad.core.space import Names, PlayerSpace
from nashgrad.optim import effective_steps, extras, is_plain_sgd
from nashgrad.schedules.base import Draw, Schedule, StepRecord
from nashgrad.schedules.simultaneous import Simultaneous


def backward(
    field: GameField,
    batch: Batch,
    players: Names = None,
    *,
    adjustment: Adjustment = Identity(),  # noqa: B008 (a frozen value)
) -> Linearization:
    """Writes `.grad = -w` for the moving players, in place of `loss.backward()`.

    Other gradients are left alone; nothing is accumulated.

    Args:
        field: the game's field.
        batch: the sample.
        players: those that move; all by default.
        adjustment: makes w of v; without memory.

    Returns:
        The linearisation: losses, v, and v' when the adjustment needed it.

    Raises:
        ValueError: For an adjustment with memory, and as `GameField.linearize` does.
    """
    if not isinstance(field, GameField):
        raise TypeError(
            f"expected a GameField, got {type(field).__name__}: backward(GameField(game), batch)"
        )
    _check_kind("adjustment", adjustment)
    if not adjustment.pure:
        raise ValueError(f"{type(adjustment).__name__} has memory, which needs a GameOptimizer")
    if field.scaler is not None:
        raise ValueError("a field with a scaler needs a GameOptimizer, which lets all players skip")
    adjustment.init(field.space)
    moving = field.space.named(players)
    at = field.linearize(batch, moving, order=adjustment.order(moving, None), update_buffers=True)
    w, _ = adjustment.update(at.value, at, None)
    field.space.set_grad_(w, moving, sign=-1)
    return at


class GameOptimizer:
    """Moves the players of a game: one step is one step of the schedule, with the adjusted field.

    Everything that it changes but the game itself is in its `state_dict`; save the game's and the
    stream's beside it.

    Example:
        opt = GameOptimizer(field, {"generator": Adam(g.parameters()), "discriminator":
                            Adam(d.parameters())}, adjustment=Consensus(10.0))
        record = opt.step(batch)

    Args:
        field: the game's field.
        optimizers: one stock optimiser per player, or one over all of them. Together their
            parameter groups cover each player's trainable parameters exactly once. They receive
            `.grad = -w`, so clipping, weight decay, momentum and learning-rate schedulers mean what
            they always do.
        adjustment: makes w of v.
        schedule: who moves when.

    Raises:
        ValueError: For optimisers that miss a parameter, hold one twice or hold a stranger, that
        need a closure (LBFGS) or have `maximize=True`, and for unknown players.
    """

    def __init__(
        self,
        field: GameField,
        optimizers: Optimizer | Mapping[str, Optimizer],
        *,
        adjustment: Adjustment = Identity(),  # noqa: B008 (a frozen value)
        schedule: Schedule = Simultaneous(),  # noqa: B008 (a frozen value)
    ) -> None:
        if not isinstance(field, GameField):
            raise TypeError(
                f"expected a GameField, got {type(field).__name__}: "
                "GameOptimizer(GameField(game), ...)"
            )
        _check_kind("adjustment", adjustment)
        _check_kind("schedule", schedule)
        self.field, self.adjustment, self.schedule = field, adjustment, schedule
        self.optimizers = _by_player(field.space, optimizers)
        _check_coverage(field.space, self.optimizers)
        self._adjustment_state: State = adjustment.init(field.space)
        _check_base(self.optimizers, adjustment, schedule)
        self._schedule_state: State = schedule.init(self)
        self._checked = not schedule.revisits
        self._updated: set[str] | None = None
        self._warned = False

    @property
    def space(self) -> PlayerSpace:
        """The space that the parameters live in."""
        return self.field.space

    @property
    def memory(self) -> State:
        """What the adjustment remembers at present."""
        return self._adjustment_state

    def step(self, batches: Batch | Iterator[Batch]) -> StepRecord:
        """One game step.

        Args:
            batches: one batch, which every draw of the step then returns, or an iterator of
                batches.

        Returns:
            Losses, norms and counts; tensors stay on the device.

        Raises:
            StopIteration: When the iterator ends, with nothing changed; `ValueError` for one batch
            where the schedule needs fresh ones; `TypeError` for a DataLoader in place of an
            iterator.
        """
        if isinstance(batches, DataLoader):
            raise TypeError(
                "step() takes a batch or an iterator: pass nashgrad.stream(loader, latent)"
            )
        self._updated = set()
        try:
            record, state = self.schedule.step(self, Draw(batches), self._schedule_state)
        finally:
            self._updated = None
        self._schedule_state = state
        if record.unconverged and not self._warned:
            self._warned = True
            warnings.warn(
                f"a linear solve did not converge (relative residual {record.residual:.1e}); "
                "this step went on with what it had, and each step's record counts such solves: "
                "give the solver more iterations or a looser tolerance, or lower the learning rate",
                stacklevel=2,
            )
        return record

    def evaluate(self, batch: Batch, players: Names = None) -> Evaluation:
        """The adjusted field at the present parameters; moves and remembers nothing.

        A player's buffers, such as batch norm's statistics, are updated by the first evaluation of
        a step in which it moves.
        """
        if not self._checked:
            self._refuse_random(batch)
        moving = self.space.named(players)
        return self.field.evaluate(
            batch,
            moving,
            self.adjustment,
            self._adjustment_state,
            update_buffers=self._not_updated(moving),
            step_sizes=self.step_sizes,
        )

    def _not_updated(self, moving: tuple[str, ...]) -> list[str]:
        """The movers whose buffers wait for their update of this step; outside of a step none."""
        if self._updated is None:
            return []
        waiting = [p for p in moving if p not in self._updated]
        self._updated.update(waiting)
        return waiting

    @torch.no_grad()
    def apply(self, w: Tensor, players: Names, state: State) -> None:
        """Steps these players' optimisers with `.grad = -w`, and keeps the state."""
        moving = self.space.named(players)
        if self.field.scaler is None:
            self.space.set_grad_(w, moving, sign=-1)
            for optimizer in self._unique(moving):
                optimizer.step()
        else:
            state = self._step_scaled(self.field.scaler, w, moving, state)
        self.space.clear_grad_(moving)
        self._adjustment_state = state

    def _step_scaled(
        self, scaler: GradScaler, w: Tensor, moving: tuple[str, ...], state: State
    ) -> State:
        """One overflow anywhere makes all optimisers skip, and remembered tensors stay.

        Counts of steps are plain numbers and go on.
        """
        finite = w.isfinite().all()
        self.space.set_grad_(scaler.scale(torch.where(finite, -w, torch.inf)), moving)
        for optimizer in self._unique(moving):
            scaler.step(optimizer)
        scaler.update()

        def keep(new: Any, old: Any) -> Any:
            both = isinstance(new, Tensor) and isinstance(old, Tensor)
            return torch.where(finite, new, old) if both else new

        return tree_map(keep, state, self._adjustment_state)

    def step_sizes(self, value: Tensor | None = None) -> Tensor:
        """Each coordinate's step per unit of w, `(n,)`; see `nashgrad.optim.effective_steps`.

        Args:
            value: the field, `(n,)`, which optimisers that have seen none yet go by.

        Raises:
            ValueError: For an optimiser that is not known.
        """
        seen = None if value is None else dict(self.space.pairs(value))
        steps = {p: step for o in self._unique() for p, step in effective_steps(o, seen)}
        return self.space.flatten(steps[p] for p in self.space.parameters)

    @property
    def extras(self) -> tuple[str, ...]:
        """What the optimisers do beside `step_sizes`: "momentum", "weight decay"."""
        return tuple(dict.fromkeys(name for o in self._unique() for name in extras(o)))

    def state_dict(self) -> dict[str, Any]:
        """All that changes during training but the game's own parameters and buffers."""
        scaler = self.field.scaler
        return {
            "kinds": [type(o).__name__ for o in self._unique()],
            "method": self._method(),
            "optimizers": [o.state_dict() for o in self._unique()],
            "adjustment": self._adjustment_state,
            "schedule": self._schedule_state,
            "scaler": None if scaler is None else scaler.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores what `state_dict` gave; it loads with `torch.load(..., weights_only=True)`.

        Raises:
            ValueError: When it was made with other optimisers, another precision, or a method that
                remembers something where this one does not.
        """
        if not isinstance(state, Mapping):
            raise ValueError(f"no state of a GameOptimizer: got {type(state).__name__}")
        optimizers = self._unique()
        if missing := {"kinds", "optimizers", "adjustment", "schedule", "scaler"} - state.keys():
            raise ValueError(f"no state of a GameOptimizer: it lacks {', '.join(sorted(missing))}")
        kinds = [type(o).__name__ for o in optimizers]
        if state["kinds"] != kinds:
            raise ValueError(
                f"the state is of other optimisers: {', '.join(state['kinds'])} instead of "
                f"{', '.join(kinds)}"
            )
        if (state["scaler"] is None) != (self.field.scaler is None):
            raise ValueError("the state was made with another precision (with or without a scaler)")
        self._check_method(state)
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        if self.field.scaler is not None:
            self.field.scaler.load_state_dict(state["scaler"])
        self._adjustment_state = tree_map(self._here, state["adjustment"])
        self._schedule_state = tree_map(self._here, state["schedule"])

    def _method(self) -> dict[str, str]:
        return {kind: type(getattr(self, kind)).__name__ for kind in ("adjustment", "schedule")}

    def _check_method(self, state: Mapping[str, Any]) -> None:
        """A memory is of the method that made it; methods without any may take each other's place.

        States of before methods were named are taken as they are.
        """
        own = {"adjustment": self._adjustment_state, "schedule": self._schedule_state}
        for kind, name in self._method().items():
            saved = state.get("method", {}).get(kind, name)
            if saved != name and not (state[kind] is None and own[kind] is None):
                raise ValueError(f"the state is of another {kind}: {saved} instead of {name}")

    def _here(self, value: Any) -> Any:
        return value.to(self.space.device) if isinstance(value, Tensor) else value

    def _unique(self, players: Names = None) -> list[Optimizer]:
        owners = self.space.named(players)
        return list({id(self.optimizers[p]): self.optimizers[p] for p in owners}.values())

    def _refuse_random(self, batch: Batch) -> None:
        """A step that evaluates one batch at several points compares nothing if they are random."""
        for player in self.field.random_players(batch):
            raise ValueError(
                f"{random_message(player)}: this schedule evaluates one batch several times"
            )
        self._checked = True


def _by_player(
    space: PlayerSpace, optimizers: Optimizer | Mapping[str, Optimizer]
) -> dict[str, Optimizer]:
    if isinstance(optimizers, Optimizer):
        return dict.fromkeys(space.players, optimizers)
    if not isinstance(optimizers, Mapping):
        raise TypeError(
            f"optimizers: expected one or a dict by player, got a {type(optimizers).__name__}"
        )
    for name in optimizers:
        space.named(name)
    for player in space.players:
        if player not in optimizers:
            raise ValueError(f"player {player!r} has no optimizer")
    return {player: optimizers[player] for player in space.players}


def _check_kind(name: str, value: object) -> None:
    """Refuses what is no adjustment, or no schedule; says where the other one goes."""
    kinds = {"adjustment": Adjustment, "schedule": Schedule}
    examples = {"adjustment": "Consensus(10.0)", "schedule": "Extragradient()"}
    articles = {"adjustment": "an adjustment", "schedule": "a schedule"}
    if isinstance(value, kinds[name]):
        return
    given = value if isinstance(value, type) else type(value)
    call = f"{given.__name__}(...)"
    for right, kind in kinds.items():
        if issubclass(given, kind) and right == name:
            raise TypeError(f"{name}: {given.__name__} is a class; write {call}")
        if issubclass(given, kind):
            raise TypeError(f"{name}: {given.__name__} is {articles[right]}: write {right}={call}")
    expected = f"{articles[name]} such as {examples[name]}"
    raise TypeError(f"{name}: expected {expected}, got {value!r}")


def _check_base(
    optimizers: Mapping[str, Optimizer], adjustment: Adjustment, schedule: Schedule
) -> None:
    """Refuses optimisers over which a method would not be what it is."""
    for method in (_asking(adjustment), _asking(schedule)):
        for player, optimizer in optimizers.items():
            if method.base == "plain" and not is_plain_sgd(optimizer):
                raise ValueError(
                    f"{type(method).__name__} makes whole steps by itself, and the "
                    f"{type(optimizer).__name__} of {player!r} would change them again; use "
                    "torch.optim.SGD without momentum and weight decay"
                )
            if method.base == "known":
                try:
                    list(effective_steps(optimizer))
                except ValueError as error:
                    raise ValueError(f"{type(method).__name__}: {error}") from None


def _asking(method: Adjustment | Schedule) -> Adjustment | Schedule:
    """What, inside a method, asks of the optimisers what all of it asks."""
    inside = tree_leaves(list(getattr(method, "__dict__", {}).values()))
    parts = [p for p in inside if isinstance(p, Adjustment | Schedule) and p.base == method.base]
    return _asking(parts[0]) if parts else method


def _check_coverage(space: PlayerSpace, optimizers: Mapping[str, Optimizer]) -> None:
    names = dict(zip(space.parameters, space.names, strict=True))
    for optimizer in {id(o): o for o in optimizers.values()}.values():
        kind = type(optimizer).__name__
        players = [p for p, o in optimizers.items() if o is optimizer]
        if isinstance(optimizer, LBFGS):
            raise ValueError(
                "LBFGS needs a closure that re-evaluates a loss, which a game does not have"
            )
        if any(group.get("maximize") for group in optimizer.param_groups):
            raise ValueError(
                f"{kind} has maximize=True: players minimise their losses; negate the loss instead"
            )
        wanted = {p: None for player in players for p in space.parameters_of(player)}
        held = {
            p: None for group in optimizer.param_groups for p in group["params"] if p.requires_grad
        }
        for p in held:
            if p not in wanted:
                raise ValueError(
                    f"{kind} of {' and '.join(players)} holds "
                    f"{names.get(p, 'a parameter of no player')!r}, which is not theirs to move"
                )
        for p in wanted:
            if p not in held:
                raise ValueError(f"{kind} of {' and '.join(players)} does not hold {names[p]!r}")
