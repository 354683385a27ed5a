"""Base optimisers: TensorFlow's RMSProp, and the effective steps of all that are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop
from torch.utils.hooks import RemovableHandle


class RMSPropTF(Optimizer):
    """RMSProp as TensorFlow 1 has it, which the paper's experiments use.

    m <- decay m + (1 - decay) g^2,  x <- x - lr g / sqrt(m + epsilon),  with m = 1 at the start.

    torch's `RMSprop` is another optimiser: its m starts at zero, so first steps are large, and its
    epsilon stands outside of the root.

    Args:
        params: parameters or parameter groups.
        lr: step size; positive.
        decay: of the second moment m, in [0, 1).
        epsilon: inside of the root; positive.

    Raises:
        ValueError: For constants out of range.

    References:
        T. Tieleman, G. Hinton: Lecture 6.5, RMSProp, 2012; the constants are TensorFlow 1's.
    """

    def __init__(
        self, params: Any, lr: float = 1e-4, decay: float = 0.9, epsilon: float = 1e-10
    ) -> None:
        if not lr > 0:
            raise ValueError(f"lr must be positive, got {lr}")
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be in [0, 1), got {decay}")
        if not epsilon > 0:
            raise ValueError(f"epsilon must be positive, got {epsilon}")
        super().__init__(params, {"lr": lr, "decay": decay, "epsilon": epsilon})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step on all parameters that have a gradient."""
        if closure is None:
            loss = None
        else:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._step_group(group)
        return loss

    def _step_group(self, group: dict[str, Any]) -> None:
        params = [p for p in group["params"] if p.grad is not None]
        if not params:
            return
        gradients = [p.grad for p in params]
        moments = [self._moment(p) for p in params]
        torch._foreach_mul_(moments, group["decay"])
        torch._foreach_addcmul_(moments, gradients, gradients, 1 - group["decay"])
        roots = torch._foreach_add(moments, group["epsilon"])
        torch._foreach_sqrt_(roots)
        torch._foreach_addcdiv_(params, gradients, roots, -group["lr"])

    def _moment(self, p: nn.Parameter) -> Tensor:
        state = self.state[p]
        if not state:
            state["moment"] = torch.ones_like(p)
        moment: Tensor = state["moment"]
        return moment


def _over(denominator: Tensor, group: dict[str, Any]) -> Tensor:
    lr: float = group["lr"]
    return lr / denominator


def _sgd(state: dict[str, Any], group: dict[str, Any], gradient: Tensor) -> Tensor:
    return torch.full_like(gradient, group["lr"])


def _rmsprop_tf(state: dict[str, Any], group: dict[str, Any], gradient: Tensor) -> Tensor:
    moment: Tensor = state.get("moment", torch.ones_like(gradient))
    return _over((moment + group["epsilon"]).sqrt(), group)


def _rmsprop(state: dict[str, Any], group: dict[str, Any], gradient: Tensor) -> Tensor:
    square = state.get("square_avg", gradient**2)
    if group["centered"] and "grad_avg" in state:
        square = square - state["grad_avg"] ** 2
    return _over(square.sqrt() + group["eps"], group)


def _adam(state: dict[str, Any], group: dict[str, Any], gradient: Tensor) -> Tensor:
    key = "max_exp_avg_sq" if group["amsgrad"] else "exp_avg_sq"
    square = state.get(key, gradient**2)
    if "step" in state:
        step = torch.as_tensor(state["step"], dtype=torch.float64, device=square.device)
        square = square / (1 - group["betas"][1] ** step)
    return _over(square.sqrt() + group["eps"], group)


_EFFECTIVE: dict[type[Optimizer], Callable[[dict[str, Any], dict[str, Any], Tensor], Tensor]] = {
    SGD: _sgd,
    RMSPropTF: _rmsprop_tf,
    RMSprop: _rmsprop,
    Adam: _adam,
    AdamW: _adam,
}


def extras(optimizer: Optimizer) -> tuple[str, ...]:
    """What an optimiser does beside steps per unit of gradient: momentum, weight decay."""
    groups = optimizer.param_groups
    found = {
        "momentum": any(g.get("momentum") or g.get("betas", (0.0,))[0] for g in groups),
        "weight decay": any(g.get("weight_decay") for g in groups),
    }
    return tuple(name for name, there in found.items() if there)


def effective_steps(
    optimizer: Optimizer, gradients: Mapping[nn.Parameter, Tensor] | None = None
) -> Iterable[tuple[Tensor, Tensor]]:
    """Each parameter with its coordinates' step per unit of gradient, momentum aside.

    lr for SGD; lr / sqrt(m + epsilon) for TensorFlow's RMSProp; lr / (sqrt(m) + eps) for torch's
    RMSprop and, with m corrected for its start, for Adam and AdamW. Before the first step, an m
    that would start at zero is the square of the gradient about to come, zero where it is not
    given.

    Raises:
        ValueError: For an optimiser that is not known.
    """
    if type(optimizer) not in _EFFECTIVE:
        known = ", ".join(sorted(kind.__name__ for kind in _EFFECTIVE))
        raise ValueError(
            f"the effective step of {type(optimizer).__name__} is not known; known are {known}"
        )
    effective = _EFFECTIVE[type(optimizer)]
    for group in optimizer.param_groups:
        for p in group["params"]:
            gradient = torch.zeros_like(p) if gradients is None else gradients[p]
            yield p, effective(optimizer.state.get(p, {}), group, gradient)


def is_plain_sgd(optimizer: Optimizer) -> bool:
    """Whether its step is lr times the gradient and nothing else."""
    return type(optimizer) is SGD and not any(
        group["momentum"] or group["weight_decay"] for group in optimizer.param_groups
    )


def clip_weights(optimizer: Optimizer, limit: float) -> RemovableHandle:
    """Weight clipping: after each step all of its parameters are put into [-limit, limit].

    x <- min(limit, max(-limit, x)), the projection that keeps a Wasserstein critic Lipschitz. It
    is part of the optimiser's step, so that schedules which step several times project each time.

    Args:
        optimizer: the discriminator's.
        limit: largest absolute value of a parameter; 0.01 in the paper.

    Returns:
        A handle whose `remove()` ends it.

    Raises:
        ValueError: For a limit that is not positive.

    References:
        M. Arjovsky, S. Chintala, L. Bottou: Wasserstein GAN, 2017.
    """
    if not limit > 0:
        raise ValueError(f"limit must be positive, got {limit}")

    @torch.no_grad()
    def project(stepped: Optimizer, *_: Any) -> None:
        for group in stepped.param_groups:
            for parameter in group["params"]:
                parameter.clamp_(-limit, limit)

    return optimizer.register_step_post_hook(project)
