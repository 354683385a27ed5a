"""The whole evaluation, adjustment and all, as one compiled graph."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from nashgrad.core.adjustment import Adjustment
from nashgrad.core.engine import Eager, Engine, adjust
from nashgrad.core.game import Game
from nashgrad.core.linearization import Cost, Evaluation, Linearization, Query, State


class Compiled(Engine):
    """Traces what an engine and the adjustment do into one pure graph, and compiles it.

    v, the products with J and J^T, and w come out of one call. Small networks gain most: their
    steps are bound by Python and by kernel launches. Results are those of the engine but for
    rounding. The first step takes tens of seconds; torch keeps what it compiled on disk.

    A graph is made for each shape of batch, set of movers and mode (`train()`, `eval()`) of the
    modules; `EveryK` takes two. What cannot be traced runs eagerly, and a warning says why, once:
    losses that read values (`item()`, `if loss > 0`) or close over tensors which are neither
    parameters nor buffers, methods that solve linear systems, that ask for the optimisers' steps,
    or whose memory has numbers that change. Other shapes keep their graphs. `linearize` and
    micro-batches run eagerly.

    Args:
        engine: what is traced, [`Eager`][nashgrad.Eager] by default; `Score()` and `ZeroSum()` make
            smaller graphs.
        backend: of `torch.compile`; "eager" runs the traced graph as it is.
        graphs: the most graphs to try; what needs more runs with `engine`.

    Source: H. He, R. Zou: functorch: JAX-like composable function transforms for PyTorch, 2021
    (`make_fx`); J. Ansel et al.: PyTorch 2: Faster Machine Learning Through Dynamic Python Bytecode
    Transformation and Graph Compilation, 2024.
    """

    def __init__(
        self, engine: Engine | None = None, *, backend: str = "inductor", graphs: int = 8
    ) -> None:
        self.engine, self.backend, self.graphs = engine or Eager(), backend, graphs
        self.differentiable = self.engine.differentiable
        self._made: dict[Hashable, _Graph] = {}
        self._places: _Places | None = None
        self._eager: set[Hashable] = set()
        self._told: set[str] = set()

    def linearize(self, query: Query) -> Linearization:
        return self.engine.linearize(query)

    def vouch(self, query: Query) -> None:
        self.engine.vouch(query)

    def unchecked(self, query: Query) -> Linearization:
        return self.engine.unchecked(query)

    def evaluate(self, query: Query, adjustment: Adjustment, state: State) -> Evaluation:
        self.engine.vouch(query)
        turn, memory, after = adjustment.turn(query.players, state)
        found = self._evaluated(query, turn, memory)
        return found._replace(state=after(found.state))

    def _evaluated(self, query: Query, adjustment: Adjustment, state: State) -> Evaluation:
        if self._places is None or self._places.game is not query.game:
            self._places = _Places(query.game)
        inputs = _Inputs.of(self._places, query, state)
        key = (
            id(query.game),
            inputs.key,
            adjustment,
            query.players,
            query.order,
            tuple(query.space.buffers_of(query.update_buffers)),
        )
        if key in self._eager:
            return adjust(self.engine.unchecked(query), adjustment, state)
        try:
            return self._graph(key, query, adjustment, inputs)(query, inputs)
        except Exception as error:  # tracing and compiling raise anything
            found = adjust(self.engine.unchecked(query), adjustment, state)  # as do true errors
            self._fall_back(key, error)
            return found

    def _graph(
        self, key: Hashable, query: Query, adjustment: Adjustment, inputs: _Inputs
    ) -> _Graph:
        if key not in self._made:
            if len(self._made) + len(self._eager) >= self.graphs:
                raise _TooManyError(f"it would take more than {self.graphs} graphs")
            self._made[key] = _Graph(self.engine, query, adjustment, inputs, self.backend)
        return self._made[key]

    def _fall_back(self, key: Hashable, error: Exception) -> None:
        """Never tries again what failed, and tells a reason once."""
        self._made.pop(key, None)
        if not isinstance(error, _TooManyError):
            self._eager.add(key)
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        if reason not in self._told:
            self._told.add(reason)
            name = type(self.engine).__name__
            warnings.warn(f"Compiled runs with {name}: {reason}", stacklevel=6)


class _TooManyError(Exception):
    pass


class _NotTraceableError(Exception):
    pass


class _Unchecked(Engine):
    """Never looks at numbers, which a trace does not have."""

    def __init__(self, engine: Engine) -> None:
        self._inner, self.differentiable = engine, engine.differentiable

    def linearize(self, query: Query) -> Linearization:
        return replace(self._inner.unchecked(query), engine=self)


TENSOR = object()
"""Stands for a tensor among leaves."""


class _Places:
    """Where a game's parameters and buffers are; to look for them anew costs a tenth of a step."""

    def __init__(self, game: Game) -> None:
        self.game, self.modules = game, list(game.modules())
        self.names = [name for name, _ in (*game.named_parameters(), *game.named_buffers())]
        self._owners = [_owner(game, name) for name in self.names]

    @property
    def tensors(self) -> list[Tensor]:
        return [owner[key] for owner, key in self._owners]

    @property
    def modes(self) -> tuple[bool, ...]:
        return tuple([module.training for module in self.modules])


def _owner(game: Game, name: str) -> tuple[dict[str, Any], str]:
    path, _, key = name.rpartition(".")
    module = game.get_submodule(path)
    return (module._parameters if key in module._parameters else module._buffers), key


@dataclass(frozen=True)
class _Inputs:
    """All that an evaluation depends on: tensors by name, and a tree of tensors and values."""

    names: list[str]
    named: list[Tensor]
    leaves: list[Any]
    tree: TreeSpec
    key: Hashable

    @classmethod
    def of(cls, places: _Places, query: Query, state: State) -> _Inputs:
        named = places.tensors
        leaves, tree = tree_flatten((query.batch, state, query.scale))
        # Parameters keep their shapes.
        buffers = named[len(query.space.parameters) :]
        sorts = tuple([_sort(leaf) for leaf in (*leaves, *buffers)])
        return cls(places.names, named, leaves, tree, (str(tree), sorts, places.modes))

    @property
    def tensors(self) -> list[Tensor]:
        return [*self.named, *(leaf for leaf in self.leaves if isinstance(leaf, Tensor))]

    def filled(self, tensors: tuple[Tensor, ...]) -> Any:
        """(parameters and buffers by name, batch, state, scale), with other tensors."""
        rest = iter(tensors)
        named = {name: next(rest) for name in self.names}
        leaves = [next(rest) if isinstance(leaf, Tensor) else leaf for leaf in self.leaves]
        return named, *tree_unflatten(leaves, self.tree)


def _sort(leaf: Any) -> Hashable:
    if isinstance(leaf, Tensor):
        return leaf.shape, leaf.dtype, leaf.device, leaf.requires_grad
    return leaf if isinstance(leaf, Hashable) else id(leaf)


@dataclass
class _Traced:
    """What a trace found beside its graph."""

    tree: TreeSpec | None = None
    leaves: list[Any] = field(default_factory=list)
    cost: Cost = field(default_factory=Cost)


class _Graph:
    """One evaluation at given shapes, as a function of tensors."""

    def __init__(
        self,
        engine: Engine,
        query: Query,
        adjustment: Adjustment,
        inputs: _Inputs,
        backend: str,
    ) -> None:
        self._engine = _Unchecked(engine)
        self._updated = query.space.buffers_of(query.update_buffers)
        self._traced = _Traced()
        pure = self._pure(query, adjustment, inputs)
        graph = make_fx(pure, tracing_mode="fake")(*(t.detach() for t in inputs.tensors))
        # From C++ the hundred kernels of a small step follow each other a tenth faster.
        on_cpu = backend == "inductor" and query.space.device.type == "cpu"
        self._call = torch.compile(
            graph,
            backend=backend,
            fullgraph=True,
            dynamic=False,
            options={"cpp_wrapper": True} if on_cpu else None,
        )

    def __call__(self, query: Query, inputs: _Inputs) -> Evaluation:
        with torch.no_grad():
            found = iter(self._call(*inputs.tensors))
            leaves = [next(found) if x is TENSOR else x for x in self._traced.leaves]
            assert self._traced.tree is not None
            w, losses, norms, state, buffers = tree_unflatten(leaves, self._traced.tree)
            for name, value in buffers.items():
                query.game.get_buffer(name).copy_(value)
        return Evaluation(w, losses, norms, state, replace(self._traced.cost))

    def _pure(
        self, query: Query, adjustment: Adjustment, inputs: _Inputs
    ) -> Callable[..., list[Tensor]]:
        def pure(*tensors: Tensor) -> list[Tensor]:
            named, batch, state, scale = inputs.filled(tensors)
            parameters = [named[name].detach().requires_grad_() for name in query.space.names]
            values = named | dict(zip(query.space.names, parameters, strict=True))
            values |= {name: named[name].clone() for name in self._updated}
            inside = replace(
                query,
                space=query.space.at(parameters),
                batch=batch,
                scale=scale,
                values=values,
                step_sizes=_refuse,
            )
            found = adjust(self._engine.linearize(inside), adjustment, state)
            buffers = {name: values[name] for name in self._updated}
            out = (found.w.detach(), found.losses, found.norms, found.state, buffers)
            leaves, self._traced.tree = tree_flatten(out)
            self._traced.leaves = [TENSOR if isinstance(x, Tensor) else x for x in leaves]
            self._traced.cost = found.cost
            return [leaf for leaf in leaves if isinstance(leaf, Tensor)]

        return pure


def _refuse(value: Tensor) -> Tensor:
    raise _NotTraceableError(
        "the method asks for the optimisers' steps, which are no part of the graph"
    )
