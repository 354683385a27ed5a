"""Activation patterns: the piece of a kinked function that each number fell on, used again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

Kept = tuple[Tensor, ...]
"""Masks, indices or weights of one call."""


class Patterns(TorchFunctionMode):
    """Inside of `with patterns:`, kinked functions keep to the pieces of the first such block.

    The first block records, for each call of a function such as `relu`, on which side of its kink
    every number lies; later ones replay that, call by call, as a function that is smooth. A network
    is then smooth in its parameters around the point of the first block, and has the same value and
    gradient there.

    Args:
        allow: whether functions with kinks that are not known how to freeze run as they are.

    Raises:
        ValueError: Such a function is called, unless that is allowed.
        RuntimeError: A later block calls other functions than the first one.
    """

    def __init__(self, *, allow: bool = False) -> None:
        super().__init__()
        self._allow = allow
        self._kept: list[tuple[str, Kept]] = []
        self._next: int | None = None  # None while recording

    def __enter__(self) -> Patterns:
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        if error[0] is None and self._next is not None and self._next != len(self._kept):
            raise RuntimeError(_OTHER)
        self._next = 0

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        name = getattr(function, "__name__", "")
        freeze = FROZEN.get(name.removesuffix("_"))
        if freeze is None:
            if name.removesuffix("_") in KINKED and not self._allow:
                raise ValueError(
                    f"{name} has kinks that cannot be frozen, so that differences across them mean "
                    "nothing; use another engine, or kinks=True if they do not matter"
                )
            return function(*args, **named)
        in_place = name.endswith("_") or named.get("inplace", False)
        if self._next is None:
            x = args[0].detach()
            x = x.clone() if in_place else x
            out = function(*args, **named)
            named.pop("inplace", None)
            self._kept.append((name, freeze[0](x, *args[1:], **named)))
            return out
        named.pop("inplace", None)
        out = freeze[1](self._replayed(name), *args, **named)
        return args[0].copy_(out) if in_place else out

    def _replayed(self, name: str) -> Kept:
        assert self._next is not None
        if self._next >= len(self._kept) or self._kept[self._next][0] != name:
            raise RuntimeError(_OTHER)
        self._next += 1
        return self._kept[self._next - 1][1]


_OTHER = "the game calls other functions on the same batch than it did before"

Freeze = tuple[Callable[..., Kept], Callable[..., Tensor]]
"""What to keep of a call's arguments, and the smooth piece that this chooses."""


class _Masked(torch.autograd.Function):
    """x where the mask holds, and slope times x elsewhere; differentiable any number of times.

    The mask stays boolean, a quarter of the memory of x; torch's fused kernel takes it as numbers.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor, slope: float) -> Tensor:
        ctx.mask, ctx.slope = mask, slope
        out: Tensor = torch.ops.aten.leaky_relu_backward(x, mask.to(x.dtype), slope, False)
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _masked(gradient, ctx.mask, ctx.slope), None, None


def _masked(x: Tensor, mask: Tensor, slope: float) -> Tensor:
    out: Tensor = _Masked.apply(x, mask, slope)  # type: ignore[no-untyped-call]
    return out


def _relu(kept: Kept, x: Tensor) -> Tensor:
    return _masked(x, kept[0], 0.0)


def _leaky(kept: Kept, x: Tensor, negative_slope: float = 0.01) -> Tensor:
    return _masked(x, kept[0], negative_slope)


def _positive(x: Tensor, *_: Any, **__: Any) -> Kept:
    return (x > 0,)


def _prelu(kept: Kept, x: Tensor, weight: Tensor) -> Tensor:
    shape = (1, -1, *[1] * (x.ndim - 2)) if weight.numel() > 1 else (-1,)
    return torch.where(kept[0], x, weight.reshape(shape) * x)


def _abs(kept: Kept, x: Tensor) -> Tensor:
    return kept[0] * x


def _selu(kept: Kept, x: Tensor, *_: Any) -> Tensor:
    negative = 1.7580993408473766 * torch.expm1(torch.where(kept[0], 0.0, x))
    return torch.where(kept[0], 1.0507009873554805 * x, negative)


def _sides(x: Tensor, min: Any = None, max: Any = None, *_: Any) -> Kept:
    nowhere = torch.zeros_like(x, dtype=torch.bool)
    return nowhere if min is None else x < min, nowhere if max is None else x > max


def _between(kept: Kept, x: Tensor, min: Any = None, max: Any = None, *_: Any) -> Tensor:
    x = x if min is None else torch.where(kept[0], min, x)
    return x if max is None else torch.where(kept[1], max, x)


def _tanh_sides(x: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Kept:
    return x <= min_val, x >= max_val


def _hardtanh(kept: Kept, x: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    return _between(kept, x, min_val, max_val)


def _wins(a: Tensor, b: Tensor) -> Kept:
    """The weight of a: 1 where it is larger, a half where both are the same, as torch has it."""
    return (0.5 * (1 + (a - b).sign()),)


def _mix(kept: Kept, a: Tensor, b: Tensor) -> Tensor:
    return kept[0] * a + (1 - kept[0]) * b


def _best(x: Tensor, *args: Any, **named: Any) -> Kept:
    named.pop("return_indices", None)
    return (F.max_pool2d(x, *args, **named, return_indices=True)[1],)


def _pooled(kept: Kept, x: Tensor, *_: Any, **__: Any) -> Tensor:
    (at,) = kept
    return x.flatten(-2).gather(-1, at.flatten(-2)).view(at.shape)


FROZEN: Mapping[str, Freeze] = {
    "relu": (_positive, _relu),
    "leaky_relu": (_positive, _leaky),
    "prelu": (_positive, _prelu),
    "selu": (_positive, _selu),
    "abs": (lambda x: (x.sign(),), _abs),
    "hardtanh": (_tanh_sides, _hardtanh),
    "relu6": (
        lambda x: _tanh_sides(x, 0.0, 6.0),
        lambda kept, x: _between(kept, x, 0.0, 6.0),
    ),
    "clamp": (_sides, _between),
    "clip": (_sides, _between),
    "maximum": (_wins, _mix),
    "minimum": (lambda a, b: _wins(b, a), _mix),
    "max_pool2d": (_best, _pooled),
}
"""By the function's name; the same with an underscore works in place."""

KINKED = frozenset(
    {
        *("max", "min", "amax", "amin", "median", "sort", "topk", "kthvalue", "cummax", "cummin"),
        *("max_pool1d", "max_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d"),
        *("adaptive_max_pool3d", "fractional_max_pool2d", "fractional_max_pool3d"),
        *("hardshrink", "softshrink", "hardswish", "hardsigmoid", "threshold", "rrelu"),
        *("sign", "round", "floor", "ceil", "trunc", "frac", "fmod", "remainder"),
        *("l1_loss", "smooth_l1_loss", "huber_loss", "hinge_embedding_loss", "margin_ranking_loss"),
        *("multi_margin_loss", "multilabel_margin_loss", "triplet_margin_loss"),
    }
)
"""Kinked functions that nobody froze yet."""
