"""The batches of a loader, epoch after epoch, so that any position can be found again."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, islice
from typing import Any

import torch
from torch.utils.data import DataLoader

from nashgrad.data.batches import Batch, named
from nashgrad.data.seeds import named_seed

EMPTY = (
    "the loader yields no batch: its data set is empty, or smaller than one batch with "
    "drop_last=True"
)


END = object()


class Epochs:
    """The batches of a loader, epoch after epoch.

    Batch i of epoch e is a function of (seed, e, i) only. The loader's own generators are seeded
    anew when an epoch begins, and torch's global generator is set aside while a batch is fetched,
    so neither evaluation nor anything else moves the order. To continue within an epoch its first
    batches are fetched again and dropped, which works with any sampler, workers and random
    transforms that draw from torch (but for those in persistent workers, whose generators no
    epoch resets).

    Args:
        loader: Any `DataLoader`.
        seed: Fixes the order.

    Raises:
        ValueError: The loader yields no batch.
    """

    def __init__(self, loader: DataLoader[Any], seed: int) -> None:
        if not _length(loader):
            raise ValueError(EMPTY)
        self._loader, self._seed = loader, seed
        self._epoch = self._index = 0
        self._batches: Iterator[Any] | None = None

    def draw(self) -> Batch:
        """The next batch, of the next epoch where this one has ended."""
        if self._batches is None:
            self._batches = self._open(self._epoch, skip=self._index)
        try:
            batch = next(self._batches)
        except StopIteration:
            if not self._index:
                raise ValueError(EMPTY) from None
            self._epoch, self._index, self._batches = self._epoch + 1, 0, None
            return self.draw()
        except BaseException:
            self._batches = None  # it is over; the next draw opens the epoch again at this batch
            raise
        self._index += 1
        return named(batch)

    def state_dict(self) -> dict[str, int]:
        """Seed, epoch and the number of batches drawn of it."""
        return {"seed": self._seed, "epoch": self._epoch, "index": self._index}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue from that position, with that seed."""
        self._seed, self._epoch, self._index = state["seed"], state["epoch"], state["index"]
        self._batches = None

    def _open(self, epoch: int, skip: int) -> Iterator[Any]:
        batches = _batches(self._loader, self._seed, epoch)
        if sum(1 for _ in islice(batches, skip)) < skip:
            raise ValueError(
                f"the saved position is {skip} batches into an epoch, but the loader has fewer: "
                "it isn't the one that was saved"
            )
        return batches


def _batches(loader: DataLoader[Any], seed: int, epoch: int) -> Iterator[Any]:
    """The epoch's batches from its first one.

    No method of `Epochs`: a generator that knows its owner is left to the garbage collector,
    which stops the loader's workers only after seconds.
    """
    _begin(loader, seed, epoch)
    with _isolated(named_seed(seed, "loader", epoch)):
        batches = iter(loader)
    for index in count():
        # The batch is handed on outside: the caller must not go on with this seed.
        with _isolated(named_seed(seed, "batch", epoch, index)):
            batch = next(batches, END)
        if batch is END:
            return
        yield batch


@contextmanager
def _isolated(seed: int) -> Iterator[None]:
    """Seed torch's global CPU generator in here, and leave it as it was."""
    before = torch.default_generator.get_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.default_generator.set_state(before)


def _length(loader: DataLoader[Any]) -> int:
    """Number of batches, 1 where a data set has no length."""
    try:
        return len(loader)
    except TypeError:
        return 1


def _samplers(loader: DataLoader[Any]) -> list[Any]:
    """The loader's samplers, and those that they batch."""
    outer = [loader.sampler, loader.batch_sampler]
    inner = [getattr(sampler, "sampler", None) for sampler in outer]
    return [sampler for sampler in outer + inner if sampler is not None]


def _begin(loader: DataLoader[Any], seed: int, epoch: int) -> None:
    """Make the order of the epoch a function of the seed and the epoch."""
    for owner in (loader, *_samplers(loader)):
        if isinstance(generator := getattr(owner, "generator", None), torch.Generator):
            generator.manual_seed(named_seed(seed, "order", epoch))
        if hasattr(owner, "set_epoch"):  # a DistributedSampler shuffles by its own seed
            owner.set_epoch(epoch)
