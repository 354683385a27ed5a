"""Rows of symplectic gradient adjustment."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from methods.case import Method
from nashgrad.adjustments import Symplectic
from nashgrad.analysis.updates import symplectic


def antisymmetric(J: Tensor) -> Tensor:
    return (J - J.T) / 2


def aligned(
    v: Callable[[Tensor], Tensor],
    J: Tensor,
    sizes: Sequence[int],
    h: float,
    x: Tensor,
    *,
    lam: float,
    epsilon: float,
) -> Tensor:
    """Algorithm 1 of Balduzzi et al., in its own signs: xi = -v, H = -J."""
    H = -J
    A = antisymmetric(H)
    for _ in range(2):
        xi = -v(x)
        hamiltonian = H.T @ xi
        turn = A.T @ xi
        product = (xi @ hamiltonian) * (turn @ hamiltonian) / len(x)
        x = x - h * (xi + lam * torch.sign(product + epsilon) * turn)
    return x


METHODS = [
    Method("SGA", partial(Symplectic, 0.7), operator=partial(symplectic, lam=0.7)),
    Method(
        "SGA, aligned",
        partial(Symplectic, 0.7, align=True),
        hand=partial(aligned, lam=0.7, epsilon=0.1),
    ),
]
