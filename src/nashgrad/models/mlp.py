"""The multilayer perceptron."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from nashgrad.models.activation import activation as find_activation
from nashgrad.models.initialization import initialize
from nashgrad.models.labels import with_label


def dense(sizes: Sequence[int], activation: str) -> list[nn.Module]:
    """Linear layers of these sizes, each followed by the activation."""
    return [
        module
        for inputs, outputs in pairwise(sizes)
        for module in (nn.Linear(inputs, outputs), find_activation(activation))
    ]


class MLP(nn.Module):
    """A multilayer perceptron on flattened samples.

    h <- activation(W h + b) for every layer but the last, whose activation is `output`.

    Example:
        >>> generator = MLP([16, 16, 16, 16, 16, 2])
        >>> discriminator = MLP([2, 16, 16, 16, 16, 1])
        >>> sum(p.numel() for net in (generator, discriminator) for p in net.parameters())
        2003

    Args:
        sizes: Features of the input, of each hidden layer and of the output.
        activation: Of the hidden layers: `relu`, `leaky_relu` (slope 0.2), `tanh` or `none`.
        output: Of the output layer, by the same names.
        initialization: `paper`, `torch` or `he`; see `initialize`.
        labels: Number of classes; with more than 0, `forward` needs the samples' labels.
        shape: Shape of one output sample where it is not (sizes[-1],), such as (1, 8, 8).
        generator: Where the initial weights come from; torch's global generator when None.

    Raises:
        ValueError: A size is not positive, or a name is unknown.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: str = "relu",
        output: str = "none",
        initialization: str = "paper",
        labels: int = 0,
        shape: Sequence[int] | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"sizes {tuple(sizes)}: give at least two positive sizes")
        self.labels = labels
        *inner, outputs = (sizes[0] + labels, *sizes[1:])
        self.layers = nn.Sequential(*dense(inner, activation), *dense([inner[-1], outputs], output))
        if shape is not None:
            self.layers.append(nn.Unflatten(1, tuple(shape)))
        initialize(self, initialization, generator)

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        """Samples (n, ...) of sizes[0] numbers each, and labels (n,) -> (n, sizes[-1]) or shape."""
        out: Tensor = self.layers(with_label(x.flatten(1), label, self.labels))
        return out
