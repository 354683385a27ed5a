"""Micro-batches and ranks: means of the field, then products with the mean Jacobian."""

import copy
import weakref
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import nashgrad as ng
from nashgrad.core.batches import split_batch
from references import Case, conv_gan, error, mlp_gan, parameters, points, trio

CASES = {
    "mlp": lambda: mlp_gan(batch=10),
    "mlp-r1-r2": lambda: mlp_gan("js", batch=10, r1=1.0, r2=2.0, activation=nn.Softplus),
    "conv": conv_gan,
    "three-players": trio,
}


@pytest.mark.parametrize("parts", [2, 4])
@pytest.mark.parametrize("name", CASES)
def test_micro_batches_equal_the_batch(name: str, parts: int) -> None:
    case = CASES[name]()  # 10, 4 and 5 samples: parts of unequal sizes among them
    whole = ng.GameField(case.game).linearize(case.batch)
    at = ng.GameField(case.game, microbatches=parts).linearize(case.batch)
    assert error(at.value, whole.value) < 1e-12
    u = torch.randn(len(case.x), dtype=torch.float64)
    assert error(at.jacobian @ u, whole.jacobian @ u) < 1e-12
    assert error(at.jacobian.T @ u, whole.jacobian.T @ u) < 1e-12
    for player in case.game.players:
        assert error(at.losses[player], whole.losses[player]) < 1e-12
        assert error(at.gradient(player), whole.gradient(player)) < 1e-12
    assert at.cost.evaluations == pytest.approx(2)  # v, and the gradient of each player
    assert at.cost.products == 2


def test_micro_batches_of_some_players() -> None:
    case = mlp_gan(batch=10)
    for order in (1, 2):
        whole = ng.GameField(case.game).linearize(case.batch, "generator", order=order)
        field = ng.GameField(case.game, microbatches=4)
        at = field.linearize(case.batch, "generator", order=order)
        assert at.losses.keys() == whole.losses.keys()
        assert error(at.value, whole.value) < 1e-12


def test_parts_averaged_afterwards_are_another_method() -> None:
    case = mlp_gan(batch=10)
    field = ng.GameField(case.game)
    whole = field.evaluate(case.batch, None, ng.Consensus(10.0), None, update_buffers=()).w
    parts = [
        field.evaluate(b, None, ng.Consensus(10.0), None, update_buffers=()).w
        for b in split_batch(case.batch, 2)
    ]
    assert error(sum(parts) / 2, whole) > 1e-2


SCHEDULES = [ng.Simultaneous(), ng.Alternating(("discriminator", "discriminator", "generator"))]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("adjustment", [ng.Identity(), ng.Consensus(1.0)], ids=str)
def test_training_with_micro_batches(schedule: ng.Schedule, adjustment: ng.Adjustment) -> None:
    game = mlp_gan().game
    games = [game, copy.deepcopy(game)]
    opts = [
        ng.GameOptimizer(
            ng.GameField(g, microbatches=parts),
            {
                "generator": SGD(g.generator.parameters(), 0.1),
                "discriminator": Adam(g.discriminator.parameters()),
            },
            adjustment=adjustment,
            schedule=schedule,
        )
        for g, parts in zip(games, (1, 4), strict=True)
    ]
    for _ in range(5):
        batch = points(10)
        first, second = (opt.step(batch) for opt in opts)
        for player in game.players:
            assert error(second.losses[player], first.losses[player]) < 1e-12
            assert error(second.norms[player], first.norms[player]) < 1e-12
    assert error(parameters(games[1]), parameters(games[0])) < 1e-12


def test_one_part_at_a_time() -> None:
    case, sizes = mlp_gan(batch=10), []
    case.game.generator.register_forward_hook(lambda *hook: sizes.append(len(hook[2])))
    field = ng.GameField(case.game, microbatches=4)
    field.linearize(case.batch, order=1)
    # The checks of the first batch look at one part, and once at its samples taken twice.
    assert max(sizes) == 6
    sizes.clear()
    at = field.linearize(case.batch)
    assert sizes == [3, 3, 2, 2]
    at.jacobian.T @ at.value
    assert sizes == [3, 3, 2, 2] * 2


class Peak(TorchDispatchMode):
    """The most bytes of tensors alive at once, of those made inside."""

    def __init__(self, *known: Tensor) -> None:
        super().__init__()
        self.peak, self._live = 0, 0
        self._alive = {x.untyped_storage()._cdata for x in known}

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = op(*args, **(kwargs or {}))
        for x in tree_leaves(out):
            if isinstance(x, Tensor) and (at := x.untyped_storage())._cdata not in self._alive:
                self._alive.add(at._cdata)
                self._live += at.nbytes()
                weakref.finalize(at, self._free, at._cdata, at.nbytes())
        self.peak = max(self.peak, self._live)
        return out

    def _free(self, key: int, size: int) -> None:
        self._alive.discard(key)
        self._live -= size


def peak_of(size: int, parts: int) -> int:
    """Of one warm consensus step on so many images."""
    torch.manual_seed(0)
    game = conv_gan().game
    batch = {"real": torch.randn(size, 1, 8, 8).double(), "latent": torch.randn(size, 3).double()}
    opt = ng.GameOptimizer(
        ng.GameField(game, microbatches=parts),
        SGD(game.parameters(), 1e-3),
        adjustment=ng.Consensus(0.1),
    )
    opt.step(batch)
    with Peak(*game.parameters(), *batch.values(), *game.buffers()) as memory:
        opt.step(batch)
    return memory.peak


def test_an_accumulated_step_needs_the_memory_of_one_micro_batch() -> None:
    alone, accumulated, whole = peak_of(32, 1), peak_of(128, 4), peak_of(128, 1)
    assert accumulated <= 1.3 * alone
    assert whole > 3 * alone  # what is counted grows with the batch


def test_buffers_are_updated_by_the_first_part_only() -> None:
    case = mlp_gan(batch=9, norm=True)
    field, alone = ng.GameField(case.game, microbatches=3), copy.deepcopy(case.game)
    at = field.linearize(case.batch, update_buffers=True)
    at.jacobian.T @ at.value
    alone(split_batch(case.batch, 3)[0], alone.players)
    expected = dict(alone.named_buffers())
    assert expected
    assert all(torch.equal(b, expected[n]) for n, b in case.game.named_buffers())


def weighted_mean(results: list[Tensor], sizes: list[int]) -> Tensor:
    return sum(s * r for s, r in zip(sizes, results, strict=True)) / sum(sizes)


def test_ranks_in_turn() -> None:
    """A reduction that knows what the other rank would say: v of all first, then J^T of all."""
    case = mlp_gan(batch=8)
    mine, other = ({k: v[s] for k, v in case.batch.items()} for s in (slice(0, 5), slice(5, 8)))
    there = ng.GameField(case.game).linearize(other)
    asked: list[Tensor] = []

    def reduce(vector: Tensor, samples: int) -> Tensor:
        assert samples == 5
        if not asked:
            theirs = torch.cat([there.value, torch.stack(list(there.losses.values()))])
        else:
            theirs = there.jacobian.T @ case.value
        asked.append(vector)
        return weighted_mean([vector, theirs], [5, 3])

    at = ng.GameField(case.game, reduce=reduce).linearize(mine)
    assert error(at.value, case.value) < 1e-12
    for player, loss in zip(case.game.players, case.losses(case.x), strict=True):
        assert error(at.losses[player], loss) < 1e-12
    assert error(at.jacobian.T @ at.value, case.jacobian.T @ case.value) < 1e-10
    assert len(asked) == 2


def test_every_product_and_gradient_is_reduced() -> None:
    case: Case = mlp_gan()
    plain = ng.GameField(case.game).linearize(case.batch)
    field = ng.GameField(case.game, reduce=lambda vector, samples: 2 * vector)
    at = field.linearize(case.batch)
    assert torch.equal(at.value, 2 * plain.value)
    assert torch.equal(at.jacobian @ plain.value, 2 * (plain.jacobian @ plain.value))
    assert torch.equal(at.jacobian.T @ plain.value, 2 * (plain.jacobian.T @ plain.value))
    assert torch.equal(at.gradient("generator"), 2 * plain.gradient("generator"))
    first = field.linearize(case.batch, "discriminator", order=1)
    assert first.losses.keys() == {"discriminator"}


def test_micro_batches_within_ranks() -> None:
    case, calls = mlp_gan(batch=7), []

    def reduce(vector: Tensor, samples: int) -> Tensor:
        calls.append((len(vector), samples))
        return vector

    at = ng.GameField(case.game, microbatches=3, reduce=reduce).linearize(case.batch)
    assert error(at.value, case.value) < 1e-10
    assert error(at.jacobian.T @ at.value, case.jacobian.T @ case.value) < 1e-10
    n = len(case.x)
    assert calls == [(n + 2, 7), (n, 7)]
