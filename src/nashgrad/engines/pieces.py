"""Kinked functions: what to keep of a call, and the smooth piece that this chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

Kept = tuple[Tensor, ...]
"""Masks or weights of one call."""

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


def _sign(x: Tensor) -> Kept:
    return (x.sign(),)


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


def _upper(x: Tensor, max: Any) -> Kept:
    return (x > max,)


def _lower(x: Tensor, min: Any) -> Kept:
    return (x < min,)


def _at_most(kept: Kept, x: Tensor, max: Any) -> Tensor:
    return torch.where(kept[0], max, x)


def _at_least(kept: Kept, x: Tensor, min: Any) -> Tensor:
    return torch.where(kept[0], min, x)


def _first(kept: Kept, a: Tensor, b: Tensor) -> Tensor:
    return torch.where(kept[0], a, b)


def _beyond(x: Tensor, threshold: float, value: float) -> Kept:
    return (x > threshold,)


def _threshold(kept: Kept, x: Tensor, threshold: float, value: float) -> Tensor:
    return torch.where(kept[0], x, value)


def _elu(kept: Kept, x: Tensor, alpha: float = 1.0) -> Tensor:
    return torch.where(kept[0], x, alpha * torch.expm1(torch.where(kept[0], 0.0, x)))


def _hardsigmoid(kept: Kept, x: Tensor) -> Tensor:
    return _between(kept, x, -3.0, 3.0) / 6 + 0.5


def _hardswish(kept: Kept, x: Tensor) -> Tensor:
    return x * _hardsigmoid(kept, x)


def _three_sides(x: Tensor) -> Kept:
    return _tanh_sides(x, -3.0, 3.0)


FROZEN: Mapping[str, Freeze] = {
    "relu": (_positive, _relu),
    "leaky_relu": (_positive, _leaky),
    "prelu": (_positive, _prelu),
    "selu": (_positive, _selu),
    "abs": (_sign, _abs),
    "absolute": (_sign, _abs),
    "hardtanh": (_tanh_sides, _hardtanh),
    "relu6": (
        lambda x: _tanh_sides(x, 0.0, 6.0),
        lambda kept, x: _between(kept, x, 0.0, 6.0),
    ),
    "clamp": (_sides, _between),
    "clip": (_sides, _between),
    "maximum": (_wins, _mix),
    "minimum": (lambda a, b: _wins(b, a), _mix),
    "clamp_min": (_lower, _at_least),
    "clamp_max": (_upper, _at_most),
    "fmax": (lambda a, b: (a >= b,), _first),
    "fmin": (lambda a, b: (a <= b,), _first),
    "threshold": (_beyond, _threshold),
    "_threshold": (_beyond, _threshold),  # the name of F.threshold
    "elu": (_positive, _elu),
    "hardsigmoid": (_three_sides, _hardsigmoid),
    "hardswish": (_three_sides, _hardswish),
}
"""By the function's name; the same with an underscore works in place."""

TRUSTED = frozenset({"normalize", "cosine_similarity", "softsign", "isfinite"})
"""Functions that call kinked ones, and are smooth but for vectors of length zero."""
