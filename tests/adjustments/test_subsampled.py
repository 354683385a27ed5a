"""A part's dense Jacobian against the whole field; its mean by exact enumeration; what it costs."""

import itertools
import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

import nashgrad as ng
from references import Case, error, mlp_gan

Batch = dict[str, Tensor]


def cut(batch: Batch, index: Any) -> Batch:
    return {k: v[index] for k, v in batch.items()}


def jacobian_on(case: Case, batch: Batch) -> Tensor:
    """v' on another batch than the case's, by automatic differentiation of its losses."""
    kept = dict(case.batch)
    case.batch.update(batch)
    try:
        return torch.autograd.functional.jacobian(case.v, case.x)
    finally:
        case.batch.update(kept)


def expected(case: Case, parts: int, gamma: float) -> Tensor:
    size = -(-len(case.batch["real"]) // parts)  # the first part is one of the larger ones
    head = cut(case.batch, slice(size))
    return case.value - gamma * jacobian_on(case, head).T @ case.value


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
@pytest.mark.parametrize("microbatches", [1, 2])
@pytest.mark.parametrize("engine", [ng.Eager, ng.Score])
def test_the_dense_formula(parts: int, microbatches: int, engine: Any) -> None:
    case = mlp_gan(batch=14)
    field = ng.GameField(case.game, microbatches=microbatches, engine=engine())
    method = ng.Subsampled(ng.Consensus(3.0), parts)
    for _ in range(2):
        here = field.evaluate(case.batch, None, method, None)
        assert error(here.w, expected(case, parts, 3.0)) < 1e-10
        assert here.cost.evaluations == pytest.approx(1 + 1 / parts)
        assert here.cost.products == pytest.approx(1 / parts)


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_a_player_alone_has_its_block_of_the_whole(player: str) -> None:
    """It feels the field of the one that rests."""
    case = mlp_gan(batch=6)
    field = ng.GameField(case.game)
    method = ng.Subsampled(ng.Consensus(3.0), 3)
    whole = field.evaluate(case.batch, None, method, None).w
    here = field.evaluate(case.batch, player, method, None)
    block = field.space.block(player)
    assert error(here.w[block], whole[block]) < 1e-12
    assert here.cost.evaluations == pytest.approx(1 + 1 / 3)


def test_the_mean_is_that_of_consensus() -> None:
    """Over all batches that can be drawn, with replacement, from three samples."""
    case = mlp_gan(batch=3, activation=nn.Tanh)
    field = ng.GameField(case.game)
    methods = {
        "consensus": ng.Consensus(2.0),
        "subsampled": ng.Subsampled(ng.Consensus(2.0), 3),
        "plain": ng.Identity(),
    }
    means: dict[str, Tensor] = {}
    draws = list(itertools.product(range(3), repeat=3))
    for draw in draws:
        batch = cut(case.batch, list(draw))
        for name, method in methods.items():
            w = field.evaluate(batch, None, method, None).w
            means[name] = means.get(name, torch.zeros_like(w)) + w / len(draws)
    assert error(means["subsampled"], means["consensus"]) < 1e-12
    assert error(means["subsampled"], means["plain"]) > 1e-2


def test_traced_it_is_the_same() -> None:
    case = mlp_gan(batch=8)
    method = ng.Subsampled(ng.Consensus(3.0), 4)
    traced = ng.GameField(case.game, engine=ng.Compiled(backend="eager"))
    w = traced.evaluate(case.batch, None, method, None).w
    assert error(w, expected(case, 4, 3.0)) < 1e-10


def test_its_own_jacobian() -> None:
    """w' = v' - gamma (J_S^T v)', by differences of w."""
    case = mlp_gan(batch=6, activation=nn.Tanh)
    field = ng.GameField(case.game)
    method = ng.Subsampled(ng.Consensus(0.5), 3)
    u = torch.randn_like(case.x)
    product = ng.AdjustedField(field, method).linearize(case.batch).jacobian @ u
    x, h = field.space.get(), 1e-6
    sides = []
    for sign in (1, -1):
        field.space.set_(x + sign * h * u)
        sides.append(field.evaluate(case.batch, None, method, None).w)
    assert error(product, (sides[0] - sides[1]) / (2 * h)) < 1e-7


def test_what_the_inner_one_does_not_need_is_not_computed() -> None:
    case = mlp_gan(batch=4)
    method = ng.Subsampled(ng.Consensus({"discriminator": 1.0}), 4)
    field = ng.GameField(case.game)
    generator = field.evaluate(case.batch, "generator", method, None)
    assert (generator.cost.evaluations, generator.cost.products) == (0.5, 0)


def test_memory_is_the_inner_ones() -> None:
    case = mlp_gan(batch=4)
    inner = ng.EveryK(ng.Consensus(1.0), 2)
    opt = ng.GameOptimizer(
        ng.GameField(case.game),
        SGD(case.game.parameters(), 1e-3),
        adjustment=ng.Subsampled(inner, 2),
    )
    costs = [(r.evaluations, r.products) for r in (opt.step(case.batch) for _ in range(4))]
    assert costs == [(1.5, 0.5), (1, 0)] * 2
    assert opt.state_dict()["adjustment"]["moves"] == {"generator": 0, "discriminator": 0}


def test_batch_norm_keeps_no_traces_of_the_part() -> None:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    discriminator = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    batch = {"real": torch.randn(16, 2), "latent": torch.randn(16, 2)}
    opt = ng.GameOptimizer(
        ng.GameField(ng.GAN(generator, discriminator)),
        SGD([*generator.parameters(), *discriminator.parameters()], 0.0),
        adjustment=ng.Subsampled(ng.Consensus(1.0), 8),
    )
    opt.step(batch)
    assert generator[1].num_batches_tracked == 1
    seen = 0.1 * generator[0](batch["latent"]).mean(0)
    assert error(generator[1].running_mean, seen) < 1e-5


@pytest.mark.parametrize(
    ("arguments", "error_type", "message"),
    [
        ((ng.Consensus(1.0), 0), ValueError, "parts must be a whole number of at least 1, got 0"),
        ((3.0, 2), TypeError, "inner: expected an Adjustment, got 3.0"),
    ],
)
def test_what_is_refused(arguments: Any, error_type: type[Exception], message: str) -> None:
    with pytest.raises(error_type, match=re.escape(message)):
        ng.Subsampled(*arguments)


def test_a_batch_too_small_is_named() -> None:
    case = mlp_gan(batch=4)
    method = ng.Subsampled(ng.Consensus(1.0), 5)
    with pytest.raises(ValueError, match="4 samples cannot be cut into 5 parts"):
        ng.GameField(case.game).evaluate(case.batch, None, method, None)
