"""What is asked of a field at a point, and what is known there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypeVar

import torch
from torch import Tensor, nn
from torch.func import functional_call

from nashgrad.core.batches import split_batch
from nashgrad.core.game import Batch, Game, Losses
from nashgrad.core.krylov import Krylov
from nashgrad.core.operators import LinearOperator, MappedOperator
from nashgrad.core.space import PlayerSpace

if TYPE_CHECKING:
    from nashgrad.core.engine import Engine

T = TypeVar("T")
Order: TypeAlias = Literal[1, 2]
State: TypeAlias = Any
"""What a method remembers: plain tensors, numbers and containers of them; `None` when it keeps
nothing.
"""


@dataclass(frozen=True)
class Query:
    """A question to an engine: this game, at its present parameters, on this batch.

    - `players`: those that move now.
    - `order`: 1 asks for v alone, 2 for v and its Jacobian.
    - `create_graph`: whether v and products are to be differentiable themselves.
    - `update_buffers`: the players in whose buffers the forward pass may leave its traces (batch
      norm's statistics).
    - `autocast`: the type in which the forward pass runs, `None` for the parameters' own.
    - `scale`: the loss scale of half precision.
    - `step_sizes`: gives, at a field v, the optimisers' effective step per coordinate.
    - `values`: tensors that stand for parameters and buffers, by name; None for the game's own.
    """

    game: Game
    space: PlayerSpace
    batch: Batch
    players: tuple[str, ...]
    order: Order = 1
    create_graph: bool = False
    update_buffers: tuple[str, ...] = ()
    autocast: torch.dtype | None = None
    scale: Tensor | None = None
    step_sizes: Callable[[Tensor], Tensor] | None = None
    values: Mapping[str, Tensor] | None = None

    @property
    def evaluated(self) -> tuple[str, ...]:
        """Whose losses are needed: J^T u feels everyone's, v alone only the movers'."""
        return self.players if self.order == 1 else self.space.players

    @property
    def share(self) -> float:
        """What answering costs, in evaluations of the whole field."""
        return self.game.evaluations * len(self.evaluated) / len(self.space.players)

    def losses(self) -> Losses:
        """Runs the game forward.

        Raises:
            ValueError: When the game does not return one scalar with a graph for each player it was
                asked for; `TypeError` when it returns no dict.
        """
        losses: Losses = self.run(self.game, self.batch, self.evaluated)
        _check_losses(losses, self.evaluated)
        return losses

    def scaled(self, losses: Losses) -> Losses:
        """The losses times the loss scale, if there is one."""
        if self.scale is None:
            return losses
        return {player: self.scale * loss for player, loss in losses.items()}

    def run(self, part: Callable[..., T], *arguments: Any) -> T:
        """Calls the game, or a method of it, with buffers and precision as this query has them."""
        # A context that does nothing still costs a few percent of a small step.
        if self.autocast is None:
            return self._called(part, arguments)
        with torch.autocast(self.space.device.type, self.autocast):
            return self._called(part, arguments)

    def _called(self, part: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        frozen = self.space.buffers_of_others(self.update_buffers)
        if self.values is None and not frozen:
            return part(*arguments)
        values = dict(self.values or {})
        # Copies take the traces, so that what a graph needs is never overwritten.
        values |= {n: values.get(n, self.game.get_buffer(n)).clone() for n in frozen}
        held = {f"game.{name}": value for name, value in values.items()}
        found: T = functional_call(_Held(self.game), held, (part, *arguments))
        return found


class _Held(nn.Module):
    """A game in which `functional_call` puts copies of buffers while any method of it is called."""

    def __init__(self, game: Game) -> None:
        super().__init__()
        self.game = game

    def forward(self, part: Callable[..., T], *arguments: Any) -> T:
        return part(*arguments)


def _check_losses(losses: Any, players: tuple[str, ...]) -> None:
    if not isinstance(losses, dict):
        raise TypeError(
            f"losses: expected a dict such as {{{players[0]!r}: ...}}, got {type(losses).__name__}"
        )
    for player in players:
        if player not in losses:
            names = ", ".join(map(repr, losses)) or "none"
            raise ValueError(f"player {player!r}: has no loss; there are losses of {names}")
        loss = losses[player]
        if not isinstance(loss, Tensor) or loss.dim() != 0:
            shaped = isinstance(loss, Tensor)
            found = f"shape {tuple(loss.shape)}" if shaped else type(loss).__name__
            raise ValueError(f"player {player!r}: its loss must be one scalar tensor, got {found}")


@dataclass
class Cost:
    """What a step has spent, and how well its linear systems were solved.

    - `evaluations`: of the field; one of P players' gradients alone counts 1/P.
    - `products`: with J or J^T, those of linear solves included; on a part of the batch its share,
      and of a game that wraps another one as many as an evaluation is.
    - `solves`, `unconverged`: linear systems, and those that did not converge.
    - `residual`: the largest relative residual of those.
    """

    evaluations: float = 1
    products: float = 0
    solves: int = 0
    unconverged: int = 0
    residual: float = 0.0


@dataclass(frozen=True)
class Linearization:
    """Everything that is known at x: the losses, v(x), and v'(x) when it was asked for."""

    query: Query
    engine: Engine
    losses: Losses
    value: Tensor
    """v(x) = (-dl_i/dx_i)_i, `(n,)`: averaged over micro-batches and ranks, zero for players not
    evaluated.
    """
    operator: LinearOperator | None = None
    gradient_of: Callable[[str], Tensor] | None = None
    cost: Cost = field(default_factory=Cost)
    share: float = 1.0
    """The part of the batch that this is; products on it count as much."""

    def __repr__(self) -> str:
        """A line: the losses and the size of v, which are what one looks at."""
        losses = ", ".join(f"{p} {loss.item():.6g}" for p, loss in self.losses.items())
        known = "" if self.operator is None else ", with its Jacobian"
        return f"Linearization(losses: {losses}; |v| = {self.value.norm().item():.6g}{known})"

    @property
    def space(self) -> PlayerSpace:
        """The space that x lives in."""
        return self.query.space

    @property
    def players(self) -> tuple[str, ...]:
        """Those that move now."""
        return self.query.players

    @property
    def jacobian(self) -> LinearOperator:
        """J = v'(x). Its products are counted. Raises `ValueError` when it was not asked for."""
        if self.operator is None:
            raise ValueError("the Jacobian was not asked for: linearize with order=2")
        return MappedOperator(self.operator, self._count)

    @property
    def norms(self) -> dict[str, Tensor]:
        """The Euclidean norm of each evaluated player's block of v."""
        norms = self.space.norms(self.value.detach())
        return {player: norms[player] for player in self.query.evaluated}

    @property
    def step_sizes(self) -> Tensor | None:
        """The optimisers' step per coordinate, `(n,)`; `None` without a GameOptimizer."""
        steps = self.query.step_sizes
        return None if steps is None else steps(self.value.detach())

    def steps(self, rate: float | None) -> Tensor:
        """The step per coordinate that a method reckons with, `(n,)`: a rate, or the optimisers'.

        Raises:
            ValueError: When no rate is given and no GameOptimizer knows one.
        """
        if rate is not None:
            return torch.full_like(self.value.detach(), rate)
        if (steps := self.step_sizes) is None:
            raise ValueError(
                "the step size is not known here: give the method a rate, or use a GameOptimizer"
            )
        return steps

    def solve(
        self, operator: LinearOperator, b: Tensor, krylov: Krylov, guess: Tensor | None = None
    ) -> Tensor:
        """The x with A x = b, `(n,)`, as far as the Krylov method came; that is kept in the cost.

        Raises:
            ValueError: When the result would have to be differentiable.
        """
        if self.query.create_graph:
            raise ValueError("a linear solve has no graph: w' of this method is not available")
        found = krylov.solve(operator, b, guess)
        self.cost.solves += 1
        self.cost.unconverged += not found.converged
        self.cost.residual = max(self.cost.residual, found.residual)
        return found.x

    def gradient(self, player: str) -> Tensor:
        """dl_i/dx, `(n,)`: one player's loss by *all* parameters, which v does not hold."""
        if self.gradient_of is None:
            raise ValueError(
                "gradients by all parameters are not known here: linearize a GameField with order=2"
            )
        whole = self.query.game.evaluations / len(self.space.players)
        self.cost.evaluations += self.share * whole
        return self.gradient_of(self.space.named(player)[0])

    def parts(self, n: int) -> list[Linearization]:
        """The same point on n disjoint parts of the batch, whose sizes differ by one at most."""
        self.cost.evaluations += self.query.share
        return [
            replace(self._on(part), cost=self.cost, share=self.share / n)
            for part in split_batch(self.query.batch, n)
        ]

    def subsampled(self, n: int) -> Linearization:
        """The same v, of all players, with the Jacobian of the first n-th of the batch.

        Raises:
            ValueError: When the batch has fewer samples than n.
        """
        value, others = (
            self.value,
            tuple(p for p in self.space.players if p not in self.query.evaluated),
        )
        if others:
            rest = replace(self.query, players=others, order=1, update_buffers=())
            value = value + self.engine.linearize(rest).value
            self.cost.evaluations += rest.share
        part = self._on(split_batch(self.query.batch, n)[0], order=2)
        share = self.share / n
        self.cost.evaluations += part.query.share * share
        return replace(part, value=value, losses=self.losses, cost=self.cost, share=share)

    def _on(self, batch: Batch, **asked: Any) -> Linearization:
        return self.engine.linearize(replace(self.query, batch=batch, update_buffers=(), **asked))

    def _count(self, product: Tensor) -> Tensor:
        self.cost.products += self.share * self.query.game.evaluations
        return product


class Evaluation(NamedTuple):
    """An adjusted field w at x, and what it took to get it."""

    w: Tensor
    losses: Losses
    norms: dict[str, Tensor]
    state: State
    cost: Cost
