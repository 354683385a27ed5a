"""Clipping and chains of adjustments."""

import pytest
import torch
from torch import nn

import nashgrad as ng
from references import error, mlp_gan, parameters


def evaluate(case, adjustment: ng.Adjustment, players=None):
    return ng.GameField(case.game).evaluate(case.batch, players, adjustment, None)


@pytest.mark.parametrize("bound", [1e-3, 0.3, 1e3])
def test_norms_are_clipped_player_by_player(bound: float) -> None:
    case = mlp_gan()
    w = evaluate(case, ng.ClipNorm(bound)).w
    for player, expected in zip(case.game.players, case.value.split(case.sizes), strict=True):
        net = getattr(case.game, player)
        for p, piece in zip(
            net.parameters(), expected.split([p.numel() for p in net.parameters()]), strict=True
        ):
            p.grad = -piece.view(p.shape).clone()
        nn.utils.clip_grad_norm_(net.parameters(), bound)  # adds 1e-6 to the norm
        by_torch = -torch.cat([p.grad.flatten() for p in net.parameters()])
        block = ng.GameField(case.game).space.block(player)
        assert error(w[block], by_torch) < 1e-4
        assert error(w[block], expected * min(1.0, bound / expected.norm().item())) < 1e-12


def test_values_are_clipped() -> None:
    case = mlp_gan()
    w = evaluate(case, ng.ClipValue(0.05)).w
    assert error(w, case.value.clamp(-0.05, 0.05)) < 1e-12
    assert w.abs().max() == 0.05


def test_zero_stays_zero_and_differentiable() -> None:
    game = ng.Quadratic(-torch.eye(2, dtype=torch.float64), {"x": 2}, start=torch.zeros(2).double())
    at = ng.AdjustedField(ng.GameField(game), ng.ClipNorm(1.0)).linearize(None)
    assert not at.value.any()
    assert torch.equal(at.jacobian.to_dense(), -torch.eye(2, dtype=torch.float64))


def test_terms_made_of_v_add_up() -> None:
    case = mlp_gan()
    both = evaluate(case, ng.Chain(ng.Consensus(1.0), ng.Consensus(2.0))).w
    assert error(both, evaluate(case, ng.Consensus(3.0)).w) < 1e-12


def test_clipping_sees_what_came_before() -> None:
    case = mlp_gan()
    w = evaluate(case, ng.Consensus(1.0)).w
    clipped = evaluate(case, ng.Chain(ng.Consensus(1.0), ng.ClipNorm(0.1))).w
    space = ng.GameField(case.game).space
    for player in space.players:
        assert clipped[space.block(player)].norm().item() == pytest.approx(0.1)
        cosine = torch.cosine_similarity(clipped[space.block(player)], w[space.block(player)], 0)
        assert cosine.item() == pytest.approx(1.0)
    before = evaluate(case, ng.Chain(ng.ClipNorm(1e-6), ng.Consensus(1.0))).w
    assert error(before, w - case.value) < 1e-3


def test_empty_and_nested_chains() -> None:
    case = mlp_gan()
    assert torch.equal(evaluate(case, ng.Chain()).w, evaluate(case, ng.Identity()).w)
    nested = ng.Chain(ng.Chain(ng.Consensus(1.0)), ng.Chain())
    assert torch.equal(evaluate(case, nested).w, evaluate(case, ng.Consensus(1.0)).w)


def test_order_of_a_chain_is_the_largest() -> None:
    chain = ng.Chain(ng.ClipValue(1.0), ng.Consensus(1.0, target="a"), ng.ClipNorm(1.0))
    assert chain.order(("a", "b"), None) == 2
    assert chain.order(("b",), None) == 1
    assert ng.Chain().order(("a",), None) == 1
    assert chain.pure


def test_adjustments_are_frozen_values() -> None:
    assert ng.Chain(ng.Consensus(1.0), ng.ClipNorm(2.0)) == ng.Chain(
        ng.Consensus(1.0), ng.ClipNorm(2.0)
    )
    assert len({ng.Chain(ng.Identity()), ng.Chain(ng.Identity()), ng.Identity()}) == 2
    with pytest.raises(AttributeError):
        ng.Consensus(1.0).gamma = 2.0


def test_clipping_moves_nothing() -> None:
    case = mlp_gan()
    before = parameters(case.game)
    evaluate(case, ng.ClipNorm(0.1), "generator")
    assert torch.equal(parameters(case.game), before)


@pytest.mark.parametrize("bound", [0.0, -1.0, float("inf"), float("nan")])
def test_bad_bounds(bound: float) -> None:
    with pytest.raises(ValueError, match=rf"^max_norm must be positive and finite, got {bound}$"):
        ng.ClipNorm(bound)
    with pytest.raises(ValueError, match=rf"^max_abs must be positive and finite, got {bound}$"):
        ng.ClipValue(bound)
