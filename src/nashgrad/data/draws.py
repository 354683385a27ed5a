"""Batches drawn from a distribution."""

from collections.abc import Callable
from typing import Any

import torch

from nashgrad.data.batches import Batch, named
from nashgrad.data.seeds import named_generator


class Draws:
    """Batches drawn from a distribution by a function.

    Args:
        draw: Draws real samples from a generator: a tensor, a pair (tensor, label) or a dict.
        seed: Seeds the generator.
    """

    def __init__(self, draw: Callable[[torch.Generator], Any], seed: int) -> None:
        self._draw, self._generator = draw, named_generator(seed, "samples")

    def draw(self) -> Batch:
        """The next batch."""
        return named(self._draw(self._generator))

    def state_dict(self) -> dict[str, Any]:
        """The generator's state."""
        return {"generator": self._generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from that state."""
        self._generator.set_state(state["generator"])
