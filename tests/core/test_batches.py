"""Batches as trees of tensors."""

import pytest
import torch

from nashgrad.core.batches import batch_size, head_twice, split_batch

BATCH = {
    "real": torch.arange(10.0).view(10, 1),
    "more": [torch.arange(10), (torch.arange(20).view(10, 2),)],
    "temperature": torch.tensor(2.0),
    "name": "ring",
    "nothing": None,
}


@pytest.mark.parametrize(
    ("batch", "size"),
    [(BATCH, 10), (None, 1), ({}, 1), (torch.zeros(7, 2), 7), (torch.tensor(1.0), 1), ("x", 1)],
)
def test_size(batch, size: int) -> None:
    assert batch_size(batch) == size


def test_different_sizes() -> None:
    message = r"^batch: tensors have different numbers of samples \[3, 4\]$"
    with pytest.raises(ValueError, match=message):
        batch_size({"real": torch.zeros(4), "latent": torch.zeros(3)})


def test_parts_are_disjoint_in_order_and_even() -> None:
    parts = split_batch(BATCH, 4)
    assert [batch_size(p) for p in parts] == [3, 3, 2, 2]
    assert torch.equal(torch.cat([p["real"] for p in parts]), BATCH["real"])
    assert torch.equal(torch.cat([p["more"][0] for p in parts]), BATCH["more"][0])
    assert torch.equal(torch.cat([p["more"][1][0] for p in parts]), BATCH["more"][1][0])
    assert all(p["temperature"] is BATCH["temperature"] for p in parts)
    assert all(p["name"] == "ring" and p["nothing"] is None for p in parts)


def test_too_many_parts() -> None:
    message = r"^batch: 10 samples cannot be cut into 11 parts; use fewer parts$"
    with pytest.raises(ValueError, match=message):
        split_batch(BATCH, 11)


def test_head_twice() -> None:
    once, twice = head_twice(BATCH, 4)
    assert once["real"].flatten().tolist() == [0, 1, 2, 3]
    assert twice["real"].flatten().tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    assert twice["more"][1][0].shape == (8, 2)
    assert twice["temperature"].item() == 2
