"""The endless, resumable stream of batches."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from nashgrad.data.batches import Batch
from nashgrad.data.draws import Draws
from nashgrad.data.epochs import Epochs
from nashgrad.data.seeds import named_generator

Latent = int | Callable[[int, torch.Generator], Tensor]
Augment = Callable[[Tensor, torch.Generator], Tensor]
Further = Callable[[Tensor, torch.Generator, int], dict[str, Tensor]]


NAMES = ("latent", "augmentation", "noise")
"""What draws from a generator of its own."""


class Source(Protocol):
    """Where real batches come from, without end."""

    def draw(self) -> Batch:
        """The next batch, with the key "real"."""

    def state_dict(self) -> dict[str, Any]:
        """The position, as plain tensors and numbers."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from that position."""


class Stream(Iterator[Batch]):
    """Batches {"real", "latent", ["label"]} without end: all the randomness of a game's step.

    Everything is drawn on the CPU and then moved, so a run is the same on every device. Latents
    and augmentation have generators of their own: neither disturbs the other or the data.

    Args:
        source: Where the real samples come from.
        latent: Dimension of standard normal latents (n, latent), or a function that draws them
            from the number of samples and a generator.
        device: Where the batches go.
        seed: Fixes everything drawn here.
        augment: Changes the real samples of a batch, with a generator; see `random_flip`.
        draws: Further entries of the batch, from its real samples, a generator and the number of
            batches before it; such as `GAN.draws`.

    Raises:
        ValueError: The dimension of the latents isn't positive.
    """

    def __init__(
        self,
        source: Source,
        latent: Latent,
        device: torch.device | str = "cpu",
        seed: int = 0,
        *,
        augment: Augment | None = None,
        draws: Further | None = None,
    ) -> None:
        if not isinstance(latent, int) and not callable(latent):
            raise TypeError(f"latent: expected a number or a function, got {latent!r:.80}")
        if isinstance(latent, int) and latent < 1:
            raise ValueError(f"latent={latent}: must be at least 1")
        self._source, self._augment, self._device = source, augment, torch.device(device)
        self._draws, self._count = draws, 0
        self._latent = partial(_normal, latent) if isinstance(latent, int) else latent
        self._generators = {name: named_generator(seed, name) for name in NAMES}

    def __next__(self) -> Batch:
        batch = self._source.draw()
        real = batch["real"]
        if self._augment is not None:
            batch["real"] = self._augment(real, self._generators["augmentation"])
        batch["latent"] = self._latent(len(real), self._generators["latent"])
        if self._draws is not None:
            batch |= self._draws(batch["real"], self._generators["noise"], self._count)
        self._count += 1
        return {name: value.to(self._device, non_blocking=True) for name, value in batch.items()}

    def state_dict(self) -> dict[str, Any]:
        """The position, as plain tensors and numbers: `torch.load` reads it with weights_only."""
        states = {name: generator.get_state() for name, generator in self._generators.items()}
        return {"source": self._source.state_dict(), "count": self._count, **states}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from that position, bit for bit, whatever this stream's seed was."""
        self._source.load_state_dict(state["source"])
        self._count = state.get("count", 0)  # states of before anything else was drawn lack it
        for name in self._generators.keys() & state.keys():
            self._generators[name].set_state(state[name])


def _normal(dimension: int, n: int, generator: torch.Generator) -> Tensor:
    return torch.randn(n, dimension, generator=generator)


def stream(
    loader: DataLoader[Any],
    latent: Latent,
    device: torch.device | str = "cpu",
    seed: int = 0,
    *,
    augment: Augment | None = None,
    draws: Further | None = None,
) -> Stream:
    """Any `DataLoader` as an endless stream.

    Its batches may be a tensor, a pair (tensor, label) or a dict with the key "real". The order
    of an epoch depends on the seed and the epoch alone (see `Epochs`), so that resuming gives the
    same batches, with shuffling and workers too.

    Example:
        >>> loader = DataLoader(torch.zeros(10, 2), batch_size=4, shuffle=True)
        >>> {name: tuple(x.shape) for name, x in next(stream(loader, latent=16)).items()}
        {'real': (4, 2), 'latent': (4, 16)}

    Args:
        loader: Where the real samples come from.
        latent: Dimension of standard normal latents, or a function (n, generator) -> latents.
        device: Where the batches go.
        seed: Fixes the order of the data, the latents and the augmentation.
        augment: Changes the real samples of a batch, with a generator; see `random_flip`.
        draws: Further entries of a batch, which penalties need; such as `GAN.draws`.

    Raises:
        TypeError: `loader` is no DataLoader, `latent` neither a number nor a function.
        ValueError: The loader yields no batch, or `latent` isn't positive.
    """
    _check_loader(loader)
    return Stream(Epochs(loader, seed), latent, device, seed, augment=augment, draws=draws)


def sample_stream(
    draw: Callable[[torch.Generator], Any],
    latent: Latent,
    device: torch.device | str = "cpu",
    seed: int = 0,
    *,
    draws: Further | None = None,
) -> Stream:
    """Samples drawn from a distribution as an endless stream.

    Example:
        >>> from nashgrad.data import ring
        >>> batches = sample_stream(lambda generator: ring().sample(512, generator), latent=16)
        >>> {name: tuple(x.shape) for name, x in next(batches).items()}
        {'real': (512, 2), 'latent': (512, 16)}

    Args:
        draw: Draws a batch of real samples from a generator: a tensor, a pair or a dict.
        latent: Dimension of standard normal latents, or a function (n, generator) -> latents.
        device: Where the batches go.
        seed: Fixes the samples and the latents.
        draws: Further entries of a batch, which penalties need; such as `GAN.draws`.

    Raises:
        ValueError: `latent` isn't positive.
    """
    return Stream(Draws(draw, seed), latent, device, seed, draws=draws)


def _check_loader(loader: object) -> None:
    if not isinstance(loader, DataLoader):
        kind = type(loader).__name__
        raise TypeError(f"loader: expected a DataLoader, got {kind}: DataLoader(dataset, 64)")
