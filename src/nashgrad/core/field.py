"""The gradient field of a game."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.amp import GradScaler
from torch.func import functional_call

from nashgrad.core.adjustment import Adjustment
from nashgrad.core.averages import Microbatched, Reduce, Reduced
from nashgrad.core.batches import split_batch
from nashgrad.core.checks import check_game, check_third_derivatives, random_players
from nashgrad.core.engine import Eager, Engine
from nashgrad.core.game import Batch, FunctionGame, Game, Losses
from nashgrad.core.linearization import Evaluation, Linearization, Order, Query, State
from nashgrad.core.space import Names, PlayerSpace


class GameField:
    """The field v(x) = (-dl_i/dx_i)_i of a game, and its Jacobian v'(x).

    Args:
        game: the game.
        engine: how the field is computed; default is the game's own engine, or `Eager()`.
        microbatches: number of parts a batch is cut into, to bound the memory; results are those of
            the whole batch, but for batch norm, which sees parts.
        reduce: the mean over ranks, [`all_reduce_mean`][nashgrad.distributed.all_reduce_mean].
        autocast: the type of the forward pass, `torch.bfloat16` or `torch.float16`; v and products
            stay in the parameters' type.
        scaler: `torch.amp.GradScaler` for float16. All players share its one decision on an
            overflow.

    Raises:
        `ValueError` and `TypeError` as [`PlayerSpace`][nashgrad.PlayerSpace] does; `ValueError` for
        `microbatches` below 1.
    """

    def __init__(
        self,
        game: Game,
        *,
        engine: Engine | None = None,
        microbatches: int = 1,
        reduce: Reduce | None = None,
        autocast: torch.dtype | None = None,
        scaler: GradScaler | None = None,
    ) -> None:
        if microbatches < 1:
            raise ValueError(f"microbatches must be at least 1, got {microbatches}")
        _check_engine(engine)
        self.game, self.space = game, PlayerSpace(game)
        self.microbatches, self.reduce = microbatches, reduce
        self.autocast, self.scaler = autocast, scaler
        engine = engine or game.engine() or Eager()
        if microbatches > 1:
            engine = Microbatched(engine, microbatches)
        self.engine = engine if reduce is None else Reduced(engine, reduce)
        self._checked = False

    def linearize(
        self,
        batch: Batch,
        players: Names = None,
        *,
        order: Order = 2,
        create_graph: bool = False,
        update_buffers: bool = False,
    ) -> Linearization:
        """The field v at the present parameters, and with `order=2` its Jacobian.

        Args:
            batch: the sample.
            players: those that move; all by default. With `order=1` only their losses are computed;
                J^T v needs everyone's.
            order: 1 for v alone, 2 for v and v'.
            create_graph: whether v and products with v' are differentiable themselves.
            update_buffers: whether the movers' buffers (batch norm's statistics) may be updated;
                frozen by default.

        Raises:
            ValueError: For an unknown player, a loss that is no scalar or does not reach its
            player's parameters, or a batch with fewer samples than `microbatches`.
        """
        moving = self.space.named(players)
        return self.engine.linearize(
            self.query(
                batch,
                moving,
                order=order,
                create_graph=create_graph,
                update_buffers=moving if update_buffers else (),
            )
        )

    def evaluate(
        self,
        batch: Batch,
        players: Names,
        adjustment: Adjustment,
        state: State,
        *,
        update_buffers: Names = (),
        step_sizes: Callable[[Tensor], Tensor] | None = None,
    ) -> Evaluation:
        """The adjusted field on a batch; the step of training that everything goes through.

        Args:
            batch: the sample.
            players: those that move.
            adjustment: makes w of v.
            state: what the adjustment remembers.
            update_buffers: the players whose buffers are updated; none by default.
            step_sizes: gives, at v, the optimisers' step per coordinate.
        """
        moving = self.space.named(players)
        query = self.query(
            batch,
            moving,
            order=adjustment.order(moving, state),
            update_buffers=self.space.named(update_buffers),
            step_sizes=step_sizes,
        )
        return self.engine.evaluate(query, adjustment, state)

    def losses(self, x: Tensor, batch: Batch) -> Losses:
        """The losses at any x, `(n,)`: pure, and differentiable in x (for unrolling).

        Raises:
            ValueError: When x has another size, or when a `FunctionGame`'s losses close over bare
            parameters, whose place x could not take.
        """
        if isinstance(self.game, FunctionGame) and self.game.bare:
            raise ValueError(
                f"player {self.game.bare[0]!r} is a bare parameter that the losses close over, "
                "so they cannot be evaluated at another x; wrap it in a module"
            )
        if x.shape != (self.space.size,):
            raise ValueError(f"x must have shape ({self.space.size},), got {tuple(x.shape)}")
        buffers = {n: b.clone() for n, b in self.game.named_buffers()}
        arguments = (batch, self.space.players)
        losses: Losses = functional_call(
            self.game, {**self.space.named_pieces(x), **buffers}, arguments
        )
        return losses

    def random_players(self, batch: Batch) -> list[str]:
        """The players whose loss, evaluated twice, draws random numbers of its own.

        Of several micro-batches the first one tells.
        """
        return random_players(self._part(self.query(batch, None, order=1)))

    def query(
        self,
        batch: Batch,
        players: Names,
        *,
        order: Order,
        create_graph: bool = False,
        update_buffers: tuple[str, ...] = (),
        step_sizes: Callable[[Tensor], Tensor] | None = None,
    ) -> Query:
        """A query at the present parameters, after the checks that come before any evaluation."""
        self.space.check_unchanged()
        if order == 2 or create_graph:
            self.game.check_jacobian()
        if order == 2 and create_graph:
            check_third_derivatives(self.game)
        query = Query(
            self.game,
            self.space,
            batch,
            self.space.named(players),
            order,
            create_graph,
            update_buffers,
            self.autocast,
            self._scale(),
            step_sizes,
        )
        if not self._checked:
            averages = self.microbatches > 1 or self.reduce is not None
            check_game(self._part(query), means=averages, repeats=self.microbatches > 1)
            self._checked = True
        return query

    def _part(self, query: Query) -> Query:
        """What a check may hold in memory at once: a micro-batch."""
        if self.microbatches == 1:
            return query
        return replace(query, batch=split_batch(query.batch, self.microbatches)[0])

    def _scale(self) -> Tensor | None:
        if self.scaler is None:
            return None
        scale: Tensor = self.scaler.scale(torch.ones((), device=self.space.device))
        return scale


def _check_engine(engine: object) -> None:
    if engine is None or isinstance(engine, Engine):
        return
    hint = f"; write {engine.__name__}()" if isinstance(engine, type) else ""
    raise TypeError(f"engine: expected an engine such as Score(), got {engine!s:.80}{hint}")
