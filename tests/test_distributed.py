"""Two processes with unequal shares of a batch against one process with all of it."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.multiprocessing as mp

import ranks
from nashgrad.distributed import share
from references import error, points

SIZES = (5, 3)
STEPS = 4


@pytest.fixture(scope="module")
def batches() -> list[dict[str, torch.Tensor]]:
    torch.manual_seed(7)
    return [points(sum(SIZES)) for _ in range(STEPS)]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, batches: Any) -> list[dict[str, Any]]:
    folder: Path = tmp_path_factory.mktemp("ranks")
    mp.spawn(ranks.rank, (str(folder), SIZES, batches), nprocs=len(SIZES))
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(len(SIZES))]


@pytest.mark.parametrize("name", ranks.CASES)
def test_training_equals_one_process(results, batches, name: str) -> None:
    alone = ranks.train(ranks.build(seed=0), batches, name)
    start = ranks.parameters(ranks.build(seed=0))
    assert error(alone["x"], start) > 1e-2
    for result in results:
        assert error(result[name]["x"], alone["x"]) < 1e-12
        for kind in ("losses", "norms"):
            for player, expected in alone[kind].items():
                assert error(result[name][kind][player], expected) < 1e-12
    assert torch.equal(results[0][name]["x"], results[1][name]["x"])


@pytest.mark.parametrize("kind", ["products", "parts"])
def test_fields_and_products_equal_one_process(results, batches, kind: str) -> None:
    alone = ranks.products(ranks.build(seed=0), batches[0], results[0]["u"])
    for result in results:
        for actual, expected in zip(result[kind], alone, strict=True):
            assert error(actual, expected) < 1e-12


def test_broadcast_overwrites_parameters_and_buffers(results) -> None:
    (x, buffers), (other, others) = (r["broadcast"] for r in results)
    assert torch.equal(x, other)
    assert buffers.keys() == {"1.running_mean", "1.running_var", "1.num_batches_tracked"}
    assert all(torch.equal(buffers[n], others[n]) for n in buffers)


def test_shares_are_disjoint_and_whole(results, batches) -> None:
    for key, whole in batches[0].items():
        assert torch.equal(torch.cat([r["share"][key] for r in results]), whole)
        assert [len(r["share"][key]) for r in results] == [4, 4]


def test_a_single_process_has_all() -> None:
    batch = points(3)
    assert share(batch) is batch
