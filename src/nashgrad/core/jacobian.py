"""The Jacobian of a differentiable field, from the field's own graph."""

from __future__ import annotations

import torch
from torch import Tensor

from nashgrad.core.operators import LinearOperator
from nashgrad.core.space import PlayerSpace

HINT = (
    "A product with the Jacobian differentiates the game twice. It may be because (a) attention "
    "runs on a fused kernel: use torch.nn.attention.sdpa_kernel(SDPBackend.MATH); (b) a module is "
    "compiled: compile nothing inside of the game; (c) a custom operation has no second derivative."
)


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
        z = torch.zeros_like(self._value, requires_grad=True)
        pulled = self._pull(z, create_graph=True)
        if not pulled.requires_grad:
            return torch.zeros_like(u)
        (pushed,) = torch.autograd.grad(pulled, z, u, create_graph=self._create_graph)
        return pushed

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
        pulled = self._space.flatten(pieces)
        return pulled if self._scale is None else pulled / self._scale
