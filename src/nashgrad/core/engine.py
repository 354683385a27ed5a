"""Engines: how a field is computed. The default is eager automatic differentiation."""

from __future__ import annotations

import abc
from collections.abc import Callable

import torch
from torch import Tensor

from nashgrad.core.adjustment import Adjustment
from nashgrad.core.game import Losses
from nashgrad.core.jacobian import GraphJacobian
from nashgrad.core.linearization import Cost, Evaluation, Linearization, Query, State
from nashgrad.core.operators import LinearOperator


class Engine(abc.ABC):
    """A way to compute v and products with v', of any game or of those that it knows."""

    differentiable: bool = False
    """Whether it answers a query with `create_graph`."""

    @abc.abstractmethod
    def linearize(self, query: Query) -> Linearization:
        """Answers a query. Writes nothing but buffers, and those only when allowed to."""

    def vouch(self, query: Query) -> None:  # noqa: B027 (most engines claim nothing)
        """Looks at numbers where the answer rests on a claim; before the first one, or rarely.

        Raises:
            ValueError: The claim does not hold.
        """

    def unchecked(self, query: Query) -> Linearization:
        """The answer of `linearize` without `vouch`; pure, so that it can be traced."""
        return self.linearize(query)

    def evaluate(self, query: Query, adjustment: Adjustment, state: State) -> Evaluation:
        """Linearizes, then adjusts.

        All training goes through here, so an engine may instead trace the adjustment into its
        graph.
        """
        return adjust(self.linearize(query), adjustment, state)


def adjust(at: Linearization, adjustment: Adjustment, state: State) -> Evaluation:
    """The adjusted field at a point."""
    w, state = adjustment.update(at.value, at, state)
    return Evaluation(w, at.losses, at.norms, state, at.cost)


def answer(
    engine: Engine,
    query: Query,
    losses: Losses,
    raw: Tensor,
    jacobian: LinearOperator | None,
    gradient: Callable[[str], Tensor] | None,
) -> Linearization:
    """What an engine answers that has the field with its graph.

    Args:
        engine: the one that answers.
        query: what was asked.
        losses: as the game gave them.
        raw: v, `(n,)`, times the loss scale, with the graph that `create_graph` asks for.
        jacobian: v', or None.
        gradient: one player's loss by all parameters, or None.
    """
    value = raw if query.create_graph else raw.detach()
    return Linearization(
        query,
        engine,
        {player: loss.detach() for player, loss in losses.items()},
        value if query.scale is None else value / query.scale,
        jacobian,
        gradient,
        Cost(query.share),
    )


class Eager(Engine):
    """Plain automatic differentiation, for every game."""

    differentiable = True

    def linearize(self, query: Query) -> Linearization:
        losses = query.losses()
        scaled = query.scaled(losses)
        raw = _field(query, scaled)
        return answer(self, query, losses, raw, _jacobian(query, raw), gradient_of(query, scaled))


def _field(query: Query, losses: Losses) -> Tensor:
    """The field v = (-dl_i/dx_i)_i over the players evaluated; zero for the others."""
    space, second = query.space, query.order == 2 or query.create_graph
    blank: list[Tensor | None] = [None]
    blocks = {p: blank * len(space.parameters_of(p)) for p in space.players}
    for player in query.evaluated:
        own = space.parameters_of(player)
        more = second or player != query.evaluated[-1]
        try:
            gradient = torch.autograd.grad(
                losses[player], own, retain_graph=more, create_graph=second, allow_unused=True
            )
        except RuntimeError as error:
            if losses[player].requires_grad:
                raise
            raise ValueError(_unreachable(player)) from error
        if all(g is None for g in gradient):
            raise ValueError(_unreachable(player))
        blocks[player] = list(gradient)
    flat = space.flatten(piece for player in space.players for piece in blocks[player])
    # A flat vector of a large net is worth the memory of a second one.
    return -flat if second or len(space.parameters) == 1 else flat.neg_()


def _unreachable(player: str) -> str:
    return (
        f"player {player!r}: its loss does not depend on its parameters; "
        "it may be because (a) something on the way is detached, (b) the loss uses other modules "
        "than the game holds, (c) torch.no_grad is on"
    )


def _jacobian(query: Query, raw: Tensor) -> GraphJacobian | None:
    if query.order == 1:
        return None
    return GraphJacobian(query.space, raw, create_graph=query.create_graph, scale=query.scale)


def gradient_of(query: Query, losses: Losses) -> Callable[[str], Tensor] | None:
    """Gives dl_i/dx, `(n,)`, of losses with their graphs; None where only v was asked for."""
    if query.order == 1:
        return None

    def gradient(player: str) -> Tensor:
        pieces = torch.autograd.grad(
            losses[player],
            query.space.parameters,
            retain_graph=True,
            create_graph=query.create_graph,
            allow_unused=True,
        )
        raw = query.space.flatten(pieces)
        return raw if query.scale is None else raw / query.scale

    return gradient
