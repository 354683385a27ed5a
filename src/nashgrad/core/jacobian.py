"""The Jacobian of a differentiable field, from the field's own graph."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nashgrad.core.operators import LinearOperator
from nashgrad.core.space import PlayerSpace

HINT = (
    "A product with the Jacobian differentiates the game twice. It may be because (a) attention "
    "runs on a fused kernel: use torch.nn.attention.sdpa_kernel(SDPBackend.MATH); (b) a module is "
    "compiled: compile nothing inside of the game; (c) a custom operation has no second derivative."
)

CHUNKS = {"cpu": 16}
"""Products in one batched pass: what fits into a processor's caches."""
CHUNK = 128
"""The same on other devices, where the number of launches counts."""


class GraphJacobian(LinearOperator):
    """J = v'(x) of a field v whose graph reaches back to the parameters.

    J^T u is one backward pass. J u is the derivative of <J^T z, u> by z, two passes, and needs no
    forward-mode rules, which many of torch's operations lack.

    Args:
        space: the parameters x.
        value: v(x), `(n,)`, with its graph.
        create_graph: whether products are differentiable themselves, by x and through u.
        scale: a loss scale s: `value` is then s v(x) in half precision's range, and products are
            divided by s after the pass, so that cotangents keep their magnitude within it.
    """

    def __init__(
        self,
        space: PlayerSpace,
        value: Tensor,
        *,
        create_graph: bool = False,
        scale: Tensor | None = None,
    ) -> None:
        self.size, self.dtype, self.device = space.size, space.dtype, space.device
        self._space, self._value = space, value
        self._create_graph, self._scale = create_graph, scale

    def rmatvec(self, u: Tensor) -> Tensor:
        return self._pull(u, self._create_graph)

    def matvec(self, u: Tensor) -> Tensor:
        z, pulled = self._pulled()
        if not pulled.requires_grad:
            return torch.zeros_like(u)
        (pushed,) = torch.autograd.grad(pulled, z, u, create_graph=self._create_graph)
        return pushed

    def rmatmat(self, U: Tensor) -> Tensor:
        if self._create_graph or not self._value.requires_grad:
            return super().rmatmat(U)
        batched = _batched(self._value, self._space.parameters, U)
        return super().rmatmat(U) if batched is None else self._unscaled(batched)

    def matmat(self, U: Tensor) -> Tensor:
        if self._create_graph:
            return super().matmat(U)
        z, pulled = self._pulled()
        if not pulled.requires_grad:
            return torch.zeros_like(U)
        batched = _batched(pulled, [z], U)
        return super().matmat(U) if batched is None else batched

    def to_dense(self) -> Tensor:
        # Rows of J cost one pass, its columns two.
        eye = torch.eye(self.size, dtype=self.dtype, device=self.device)
        return self.rmatmat(eye).T

    def _pulled(self) -> tuple[Tensor, Tensor]:
        """A z, and J^T z with its graph, in which z is linear."""
        z = torch.zeros_like(self._value, requires_grad=True)
        return z, self._pull(z, create_graph=True)

    def _pull(self, u: Tensor, create_graph: bool) -> Tensor:
        if not self._value.requires_grad:  # a constant field
            return torch.zeros_like(u)
        try:
            pieces = torch.autograd.grad(
                self._value,
                self._space.parameters,
                u,
                retain_graph=True,
                create_graph=create_graph,
                allow_unused=True,
            )
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{HINT}") from error
        return self._unscaled(self._space.flatten(pieces))

    def _unscaled(self, pulled: Tensor) -> Tensor:
        return pulled if self._scale is None else pulled / self._scale


def _batched(output: Tensor, inputs: Sequence[Tensor], U: Tensor) -> Tensor | None:
    """The pull of each column of U from an output back to its inputs, `(n, k)`, by batched passes.

    `None` where an operation cannot be batched: a custom one, or one that reads values.
    """

    def pull(u: Tensor) -> Tensor:
        pieces: Sequence[Tensor | None] = torch.autograd.grad(
            output, inputs, u, retain_graph=True, allow_unused=True
        )
        filled = [
            torch.zeros_like(x) if piece is None else piece
            for piece, x in zip(pieces, inputs, strict=True)
        ]
        return torch.cat([piece.flatten() for piece in filled])

    chunks = U.T.split(CHUNKS.get(U.device.type, CHUNK))
    try:
        return torch.cat([torch.func.vmap(pull)(chunk) for chunk in chunks]).T
    except Exception:  # custom operations raise anything; one by one, a true error comes again
        return None
