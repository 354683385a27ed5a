"""Activation patterns: the piece of a kinked function that each number fell on, used again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from nashgrad.engines.operations import Kind, choice, kind_of
from nashgrad.engines.pieces import FROZEN, TRUSTED

T = TypeVar("T")


class Patterns:
    """Inside of `with patterns:`, kinked functions keep to the pieces of the first such block.

    The first block records on which side of its kink every number lies; later ones replay that,
    call by call, as functions that are smooth. A network is then smooth in its parameters around
    the point of the first block, and has the same value and gradient there.

    Two nets catch what a game calls. Functions by name, such as `relu`, become x times a mask. Of
    what comes out below autograd, operations whose derivative is zero (comparisons, rounding, draws
    of random numbers) give what they gave, those that choose numbers (sorting, pooling) choose the
    same, and all that is not known to be smooth is refused, however it was spelled. Operations that
    are not torch's own, and `torch.autograd.Function`s with a backward pass of their own, are taken
    to be smooth.

    Compiled modules run as they are written: what a graph does inside cannot be seen.

    Args:
        allow: whether operations that are not known to be smooth run as they are.

    Raises:
        ValueError: Such an operation is called, unless that is allowed.
        RuntimeError: A later block calls other functions than the first one.
    """

    def __init__(self, *, allow: bool = False) -> None:
        self._record = _Record()
        self._below = _Below(self._record, allow)
        self._above = _Above(self._record, self._below)
        self._open: ExitStack | None = None

    def __enter__(self) -> Patterns:
        with ExitStack() as stack:
            stack.enter_context(_uncompiled())
            stack.enter_context(self._above)
            if self._below.needed:
                stack.enter_context(self._below)
            self._open = stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        assert self._open is not None
        self._open.__exit__(*error)
        self._record.rewind(complete=error[0] is None)


def _uncompiled() -> AbstractContextManager[Any]:
    """Compiled modules run as they are written."""
    # To import dynamo takes seconds; where nobody has, nothing is compiled.
    compiles = "torch._dynamo" in sys.modules
    return torch.compiler.set_stance("force_eager") if compiles else nullcontext()


class _Record:
    """What was kept of each call, in order; written once, then read."""

    def __init__(self) -> None:
        self._kept: list[tuple[str, Any]] = []
        self._next: int | None = None  # None while recording

    @property
    def replays(self) -> bool:
        return self._next is not None

    def take(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives, or gave at this call in the first block."""
        if self._next is None:
            made = make()
            self._kept.append((name, made))
            return made
        if self._next >= len(self._kept) or self._kept[self._next][0] != name:
            raise RuntimeError(_OTHER)
        self._next += 1
        kept: T = self._kept[self._next - 1][1]
        return kept

    def rewind(self, *, complete: bool) -> None:
        if complete and self._next is not None and self._next != len(self._kept):
            raise RuntimeError(_OTHER)
        self._next = 0


_OTHER = "the game calls other functions on the same batch than it did before"


class _Above(TorchFunctionMode):
    """Puts smooth pieces in the place of functions that are called by name."""

    def __init__(self, record: _Record, below: _Below) -> None:
        super().__init__()
        self._record, self._below = record, below

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        name = getattr(function, "__name__", "")
        freeze = FROZEN.get(name.removesuffix("_"))
        frozen = freeze is not None and args and not args[0].is_complex()
        if not frozen and name not in TRUSTED:
            return function(*args, **named)
        self._below.paused = True
        try:
            return self._frozen(name, args, dict(named)) if frozen else function(*args, **named)
        finally:
            self._below.paused = False

    def _frozen(self, name: str, args: tuple[Any, ...], named: dict[str, Any]) -> Tensor:
        in_place = bool(named.pop("inplace", False)) or name.endswith("_")
        keep, piece = FROZEN[name.removesuffix("_")]
        x, *rest = args
        with torch.no_grad():
            kept = self._record.take(name, lambda: keep(x, *rest, **named))
        # A graph may need the x that is written over.
        out = piece(kept, x.clone() if in_place else x, *rest, **named)
        return x.copy_(out) if in_place else out


class _Below(TorchDispatchMode):
    """Holds what does not vary, and refuses what may have kinks, whatever has called it."""

    def __init__(self, record: _Record, allow: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._record, self._allow = record, allow
        self.paused, self._held = False, False

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # to be skipped would double what a call costs, and nothing compiles here

    @property
    def needed(self) -> bool:
        """Whether there is anything to look at; it would cost a few microseconds a call."""
        return self._held or not self._record.replays

    def __torch_dispatch__(
        self,
        op: OpOverload,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        kind = Kind.SMOOTH if self.paused else kind_of(op, args, named)
        if kind is Kind.SMOOTH:
            return op(*args, **named)
        if kind is Kind.KINKED:
            return self._kinked(op, args, named)
        self._held = True
        return (self._same if kind is Kind.CONSTANT else self._chosen)(op, args, named)

    def _kinked(self, op: OpOverload, args: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        if not self._allow:
            raise ValueError(
                f"{op._opname} may have kinks and cannot be frozen, and differences across kinks "
                "mean nothing; use another engine, or kinks=True if they do not matter"
            )
        return op(*args, **named)

    def _same(self, op: OpOverload, args: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        # Copies, since a game may write on what it gets.
        kept = self._record.take(str(op), lambda: _copied(op(*args, **named)))
        return args[0].copy_(kept) if op._schema.is_mutable else _copied(kept)

    def _chosen(self, op: OpOverload, args: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        if self._record.replays:
            indices = self._record.take(str(op), lambda: args[0])
            return choice(op, args, named, indices), indices.clone()
        values, indices = op(*args, **named)
        self._record.take(str(op), indices.clone)
        return values, indices


def _copied(tree: T) -> T:
    copied: T = tree_map(lambda x: x.clone() if isinstance(x, Tensor) else x, tree)
    return copied
