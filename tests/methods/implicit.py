"""Rows of implicit steps and Newton's method."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from methods.case import Method
from nashgrad.adjustments import KrylovDescent, LinearlyImplicit, Newton
from nashgrad.analysis.updates import implicit_euler, newton
from nashgrad.core.krylov import Krylov
from nashgrad.schedules import ImplicitEuler


def krylov_descent(
    v: Callable[[Tensor], Tensor],
    J: Tensor,
    sizes: Sequence[int],
    h: float,
    x: Tensor,
    *,
    dimension: int,
    damping: float,
) -> Tensor:
    """The minimum over a space as that of stacked least squares."""
    for _ in range(2):
        here = v(x)
        K = torch.stack([torch.matrix_power(J.T, k) @ here for k in range(dimension)], 1)
        K = torch.linalg.svd(K, full_matrices=False).U
        stacked = torch.cat([J @ K, damping**0.5 * torch.eye(K.shape[1], dtype=J.dtype)])
        target = torch.cat([-here, here.new_zeros(K.shape[1])])
        x = x + h * K @ torch.linalg.lstsq(stacked, target[:, None]).solution[:, 0]
    return x


GMRES, CG = Krylov("gmres", 1e-12, 100), Krylov("cg", 1e-12, 400)

METHODS = [
    Method("linearly implicit", partial(LinearlyImplicit, solver=GMRES), operator=implicit_euler),
    Method(
        "linearly implicit, warm",
        partial(LinearlyImplicit, 0.05, GMRES, True),
        operator=partial(implicit_euler, rate=0.05),
    ),
    Method(
        "Newton, damped", partial(Newton, 0.3, solver=CG), operator=partial(newton, damping=0.3)
    ),
    Method(
        "Krylov descent",
        partial(KrylovDescent, 3, 1e-2),
        hand=partial(krylov_descent, dimension=3, damping=1e-2),
    ),
    Method(
        "Krylov descent, two directions",
        partial(KrylovDescent, 2, 0.5),
        hand=partial(krylov_descent, dimension=2, damping=0.5),
    ),
    Method("implicit Euler", schedule=partial(ImplicitEuler, 1e-12), operator=implicit_euler),
]
