import io
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from nashgrad.data import named_seed, random_flip, ring, sample_stream, stream

# Python 3.12 warns of workers forked beside torch's threads.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

DATA = torch.arange(22.0).reshape(11, 2)


class Noisy(Dataset):
    """A transform that draws from torch's global generator."""

    def __len__(self):
        return len(DATA)

    def __getitem__(self, index):
        return DATA[index] + torch.rand(2)


class Lazy(IterableDataset):
    def __iter__(self):
        return iter(DATA)


def saved(batches):
    """The state as it comes back from a file."""
    file = io.BytesIO()
    torch.save(batches.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def take(batches, n):
    return [next(batches) for _ in range(n)]


def same(first, second):
    return all(
        a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
        for a, b in zip(first, second, strict=True)
    )


def weighted():
    return DataLoader(DATA, 4, sampler=WeightedRandomSampler(torch.ones(11), 11))


def batched():
    sampler = BatchSampler(RandomSampler(DATA), 4, drop_last=True)
    return DataLoader(DATA, batch_size=None, sampler=sampler)


def distributed():
    return DataLoader(DATA, 2, sampler=DistributedSampler(DATA, num_replicas=2, rank=1))


LOADERS = {
    "shuffled": partial(DataLoader, DATA, 4, shuffle=True),
    "dropping": partial(DataLoader, DATA, 4, shuffle=True, drop_last=True),
    "ordered": partial(DataLoader, DATA, 4),
    "generator": lambda: DataLoader(DATA, 4, shuffle=True, generator=torch.Generator()),
    "labelled": partial(DataLoader, TensorDataset(DATA, torch.arange(11)), 4, shuffle=True),
    "transformed": partial(DataLoader, Noisy(), 4, shuffle=True),
    "workers": partial(DataLoader, Noisy(), 4, shuffle=True, num_workers=2),
    "persistent": partial(
        DataLoader, DATA, 4, shuffle=True, num_workers=1, persistent_workers=True, drop_last=True
    ),
    "weighted": weighted,
    "batched": batched,
    "distributed": distributed,
    "iterable": partial(DataLoader, Lazy(), 4),
}


@pytest.mark.parametrize("name", LOADERS)
def test_resuming_gives_the_same_batches(name):
    build = LOADERS[name]
    straight = stream(build(), 3, seed=5, augment=augment)
    take(straight, 4)
    state = saved(straight)
    expected = take(straight, 5)
    torch.rand(10)  # what others draw must not matter
    resumed = stream(build(), 3, seed=0, augment=augment)
    take(resumed, 2)
    resumed.load_state_dict(state)
    assert same(take(resumed, 5), expected)


def augment(real, generator):
    return real + torch.rand(real.shape, generator=generator)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 12), st.booleans(), st.integers(1, 12))
def test_every_position_can_be_resumed(position, drop_last, batch):
    def build():
        return stream(DataLoader(DATA[:12], batch, shuffle=True, drop_last=drop_last), 2, seed=1)

    if drop_last and batch > 11:
        return
    straight = build()
    take(straight, position)
    resumed = build()
    resumed.load_state_dict(saved(straight))
    assert same(take(resumed, 4), take(straight, 4))


def test_epochs_hold_every_sample_in_another_order():
    batches = stream(DataLoader(DATA, 4, shuffle=True), 1)
    first, second = (torch.cat([b["real"] for b in take(batches, 3)]) for _ in range(2))
    assert not torch.equal(first, second)
    for epoch in (first, second):
        torch.testing.assert_close(epoch.sort(dim=0).values, DATA)


def test_another_seed_gives_another_order():
    first, second = (next(stream(LOADERS["shuffled"](), 1, seed=s)) for s in (0, 1))
    assert not torch.equal(first["real"], second["real"])


def test_the_global_generator_is_left_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    take(stream(LOADERS["transformed"](), 1), 5)
    assert torch.equal(torch.rand(3), expected)


def test_latents_do_not_disturb_the_data():
    first = take(stream(LOADERS["shuffled"](), 1), 4)
    second = take(stream(LOADERS["shuffled"](), lambda n, g: torch.rand(n, 7, generator=g)), 4)
    assert all(torch.equal(a["real"], b["real"]) for a, b in zip(first, second, strict=True))
    assert second[0]["latent"].shape == (4, 7)


def test_flips_come_from_the_stream():
    images = torch.arange(40.0).reshape(10, 1, 2, 2)
    first, second = (
        next(stream(DataLoader(images, 10), 1, augment=random_flip))["real"] for _ in range(2)
    )
    assert torch.equal(first, second)
    flipped = (first != images).flatten(1).any(dim=1)
    assert 0 < flipped.sum() < 10
    assert torch.equal(first[flipped], images.flip(-1)[flipped])


@pytest.mark.parametrize(
    "batch",
    [DATA, [DATA], (DATA, torch.arange(11)), {"real": DATA, "label": torch.arange(11)}],
    ids=["tensor", "one", "pair", "dict"],
)
def test_parts_are_named(batch):
    drawn = next(sample_stream(lambda generator: batch, 2))
    assert drawn["real"] is DATA
    assert drawn["latent"].shape == (11, 2)
    assert ("label" in drawn) == (len(batch) == 2)


def test_unknown_batches():
    with pytest.raises(ValueError, match=r"^a batch is a dict with keys image: expected a tensor"):
        next(sample_stream(lambda generator: {"image": DATA}, 2))
    with pytest.raises(ValueError, match=r"expected a tensor, .* or a dict of tensors"):
        next(sample_stream(lambda generator: {"real": DATA, "file": "a.png"}, 2))
    with pytest.raises(
        ValueError, match=r"^a batch is a str: expected a tensor, \(tensor, label\)"
    ):
        next(sample_stream(lambda generator: "x", 2))


def test_a_mixture_resumes():
    def draw(generator):
        return ring().sample(13, generator)

    straight = sample_stream(draw, 16, seed=3)
    take(straight, 3)
    resumed = sample_stream(draw, 16)
    resumed.load_state_dict(saved(straight))
    assert same(take(resumed, 3), take(straight, 3))


EMPTY = "^the loader yields no batch: its data set is empty, or smaller than one batch with drop"


@pytest.mark.parametrize("loader", [DataLoader([]), DataLoader(DATA, 64, drop_last=True)])
def test_empty_loaders(loader):
    with pytest.raises(ValueError, match=EMPTY):
        stream(loader, 2)


def test_an_empty_loader_without_length():
    with pytest.raises(ValueError, match=EMPTY):
        next(stream(DataLoader(Lazy(), 64, drop_last=True), 2))


def test_a_state_of_another_loader():
    batches = stream(DataLoader(DATA, 1), 2)
    take(batches, 9)
    other = stream(DataLoader(DATA, 4), 2)
    other.load_state_dict(batches.state_dict())
    with pytest.raises(ValueError, match=r"^the saved position is 9 batches into an epoch, but"):
        next(other)


def test_bad_latents():
    with pytest.raises(ValueError, match=r"^latent=0: must be at least 1$"):
        stream(DataLoader(DATA), 0)


def test_the_seed_of_an_epoch_is_named():
    (sampler := RandomSampler(DATA, generator=torch.Generator()))
    next(stream(DataLoader(DATA, 4, sampler=sampler), 2, seed=6))
    assert sampler.generator.initial_seed() == named_seed(6, "order", 0)


class Once(Dataset):
    """Fails once, at one index."""

    def __init__(self):
        self.broken = True

    def __len__(self):
        return 8

    def __getitem__(self, index):
        if index == 5 and self.broken:
            self.broken = False
            raise OSError("the disk is away")
        return torch.tensor([float(index)])


def test_a_batch_that_failed_is_drawn_again():
    batches = stream(DataLoader(Once(), 2), 2, seed=0)
    first = take(batches, 2)
    with pytest.raises(OSError, match="the disk is away"):
        next(batches)
    found = [*first, *take(batches, 2)]
    assert torch.cat([b["real"] for b in found]).flatten().tolist() == list(range(8))


@pytest.mark.parametrize("loader", [[torch.zeros(4, 2)], torch.zeros(4, 2), None, iter(())])
def test_what_is_no_loader_is_named(loader: Any) -> None:
    with pytest.raises(TypeError, match="loader: expected a DataLoader, got "):
        stream(loader, latent=2)


@pytest.mark.parametrize("latent", ["4", None, 2.0])
def test_what_is_no_latent_is_named(latent: Any) -> None:
    loader = DataLoader(torch.zeros(8, 2), batch_size=4)
    with pytest.raises(TypeError, match="latent: expected a number or a function, got "):
        stream(loader, latent=latent)
