"""v, products with v' and gradients against dense automatic differentiation in float64."""

import copy
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import nashgrad as ng
import references
from nashgrad.objectives import DIVERGENCES
from references import Case, buffers, conv_gan, error, mlp_gan, quadratic, trio

CASES: dict[str, Callable[[], Case]] = {
    **{f"mlp-{loss}": lambda loss=loss: mlp_gan(loss) for loss in DIVERGENCES},
    "mlp-tanh": lambda: mlp_gan("js", activation=nn.Tanh),
    "mlp-batchnorm": lambda: mlp_gan("standard", norm=True),
    "mlp-r1": lambda: mlp_gan("standard", r1=3.0, activation=nn.Tanh),
    "mlp-r1-r2": lambda: mlp_gan("js", r1=0.7, r2=2.0, activation=nn.Softplus),
    "conv": lambda: conv_gan("standard"),
    "conv-js-paper-norm": lambda: conv_gan("js", norm="paper"),
    "conv-torch-norm": lambda: conv_gan("standard", norm="torch"),
    "conv-r1": lambda: conv_gan("standard", r1=10.0),
    "three-players": trio,
}


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    torch.manual_seed(1)
    return CASES[request.param]()


def test_the_flat_vector_is_the_parameters_in_order(case: Case) -> None:
    assert torch.equal(ng.GameField(case.game).space.get(), case.x)


def test_losses_and_v(case: Case) -> None:
    at = ng.GameField(case.game).linearize(case.batch)
    for player, expected in zip(
        case.game.players, case.losses(case.x.requires_grad_()), strict=True
    ):
        assert error(at.losses[player], expected) < 1e-12
    assert error(at.value, case.value) < 1e-10


def test_products_with_the_jacobian(case: Case) -> None:
    J = ng.GameField(case.game).linearize(case.batch).jacobian
    for u in torch.randn(3, len(case.x), dtype=torch.float64):
        assert error(J @ u, case.jacobian @ u) < 1e-10
        assert error(J.T @ u, case.jacobian.T @ u) < 1e-10


def test_gradients_by_all_parameters(case: Case) -> None:
    at = ng.GameField(case.game).linearize(case.batch)
    for player in case.game.players:
        expected = case.gradient(player)
        assert error(at.gradient(player), expected) < 1e-10
        assert (
            error(-at.gradient(player)[at.space.block(player)], at.value[at.space.block(player)])
            < 1e-10
        )
    # Something beyond the player's own block, or the test would be about v again.
    assert any(
        at.gradient(p)[at.space.block(q)].norm() > 0
        for p in case.game.players
        for q in case.game.players
        if p != q
    )


def test_products_with_a_graph_are_the_same_and_differentiable() -> None:
    case = mlp_gan("js", activation=nn.Tanh)
    at = ng.GameField(case.game).linearize(case.batch, create_graph=True)
    u = torch.randn(len(case.x), dtype=torch.float64)
    x = case.x.clone().requires_grad_()
    expected = torch.autograd.grad(case.v(x), x, u, create_graph=True)[0].square().sum()
    actual = (at.jacobian.T @ u).square().sum()
    assert error(actual.detach(), expected.detach()) < 1e-10
    by_hand = torch.autograd.grad(expected, x)[0]
    pieces = torch.autograd.grad(actual, at.space.parameters, retain_graph=True, allow_unused=True)
    assert error(at.space.flatten(pieces), by_hand) < 1e-10
    forward = (at.jacobian @ u).square().sum()
    dense = torch.autograd.functional.jacobian(case.v, x, create_graph=True)
    expected = torch.autograd.grad((dense @ u).square().sum(), x)[0]
    pieces = torch.autograd.grad(forward, at.space.parameters, allow_unused=True)
    assert error(at.space.flatten(pieces), expected) < 1e-10


@pytest.mark.parametrize("name", ["mlp-standard", "mlp-batchnorm", "mlp-r1-r2", "three-players"])
def test_players_alone_give_their_own_block(name: str) -> None:
    case = CASES[name]()
    field = ng.GameField(case.game)
    for player in case.game.players:
        at = field.linearize(case.batch, player, order=1)
        block = at.space.block(player)
        assert at.players == (player,)
        assert set(at.losses) == {player}
        assert error(at.value[block], case.value[block]) < 1e-10
        assert torch.equal(at.space.restrict(at.value, player), at.value)
        assert at.value.count_nonzero() <= block.stop - block.start


def test_second_order_evaluates_everyone_whoever_moves() -> None:
    case = mlp_gan()
    at = ng.GameField(case.game).linearize(case.batch, "discriminator")
    assert at.players == ("discriminator",)
    assert set(at.losses) == {"generator", "discriminator"}
    assert error(at.value, case.value) < 1e-10


CLOSED = {
    "two players": lambda: quadratic({"x": 3, "y": 2}),
    "four players": lambda: quadratic({"a": 1, "b": 3, "c": 2, "d": 1}, seed=3),
    "bilinear": lambda: ng.bilinear(torch.randn(3, 2, dtype=torch.float64)),
    **{
        f"dirac-{name}": lambda d=d: ng.DiracGAN(d, start=(0.7, -1.1))
        for name, d in DIVERGENCES.items()
    },
}


@pytest.mark.parametrize("name", CLOSED)
def test_closed_form_games(name: str) -> None:
    game = CLOSED[name]()
    at = ng.GameField(game).linearize(None)
    J = game.jacobian()
    assert error(at.jacobian.to_dense(), J) < 1e-12
    assert error(at.jacobian.T.to_dense(), J.T) < 1e-12


@pytest.mark.parametrize("name", [n for n in CLOSED if "dirac" not in n])
def test_quadratic_fields(name: str) -> None:
    game = CLOSED[name]()
    x = torch.cat([getattr(game, p).detach() for p in game.players])
    at = ng.GameField(game).linearize(None)
    assert error(at.value, game.matrix @ x + game.offset) < 1e-12
    start = 0
    for (
        player
    ) in game.players:  # dl_i/dx_j = -J_ij^T x_i, and -(J_ii x_i + ... + b_i) for the own block
        own = slice(start, start + getattr(game, player).numel())
        expected = -game.matrix[own].T @ x[own]
        expected[own] = -at.value[own]
        assert error(at.gradient(player), expected) < 1e-12
        start = own.stop


@given(seed=st.integers(0, 2**31), sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4))
@settings(max_examples=30)
def test_random_quadratic_games(seed: int, sizes: list[int]) -> None:
    game = quadratic({f"p{i}": n for i, n in enumerate(sizes)}, seed)
    at = ng.GameField(game).linearize(None)
    x = at.space.get()
    torch.testing.assert_close(at.value, game.matrix @ x + game.offset, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(at.jacobian.to_dense(), game.matrix, rtol=1e-10, atol=1e-10)


@pytest.fixture(scope="module")
def adjoint() -> ng.LinearOperator:
    torch.manual_seed(2)
    case = mlp_gan("standard", norm=True, activation=nn.Softplus)
    return ng.GameField(case.game).linearize(case.batch).jacobian


def _vector(seed: int, n: int) -> Tensor:
    return torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(seed=st.integers(0, 2**30), scale=st.floats(1e-3, 1e3))
@settings(max_examples=30)
def test_adjoint_identity_and_linearity(
    adjoint: ng.LinearOperator, seed: int, scale: float
) -> None:
    u, w = _vector(seed, adjoint.size), scale * _vector(seed + 1, adjoint.size)
    forward, back = adjoint @ u, adjoint.T @ w
    bound = 1e-11 * w.norm() * forward.norm()
    assert abs(forward @ w - u @ back) < bound
    assert error(adjoint @ (u + w), forward + adjoint @ w) < 1e-11


@pytest.mark.parametrize("make", [lambda: mlp_gan(norm=True), lambda: conv_gan(norm="paper")])
@pytest.mark.parametrize("order", [1, 2])
def test_buffers_stay_bit_identical_when_frozen(make: Callable[[], Case], order: int) -> None:
    case = make()
    before = buffers(case.game)
    at = ng.GameField(case.game).linearize(case.batch, order=order)
    if order == 2:
        at.jacobian @ (at.jacobian.T @ at.value)
        at.gradient("generator")
    assert before
    assert all(torch.equal(b, before[n]) for n, b in case.game.named_buffers())


@pytest.mark.parametrize("make", [lambda: mlp_gan(norm=True), lambda: conv_gan(norm="paper")])
@pytest.mark.parametrize("order", [1, 2])
def test_buffers_move_once_when_allowed(make: Callable[[], Case], order: int) -> None:
    case = make()
    at = ng.GameField(case.game).linearize(case.batch, order=order, update_buffers=True)
    moved = buffers(case.game)
    if order == 2:  # products run no forward pass
        at.jacobian @ (at.jacobian.T @ at.value)
    again = make_like(case)
    again(case.batch, ("generator", "discriminator"))
    expected = buffers(again)
    assert all(torch.equal(b, expected[n]) for n, b in case.game.named_buffers())
    assert all(torch.equal(moved[n], expected[n]) for n in moved)
    steps = {n: b.item() for n, b in moved.items() if "num_batches" in n}
    # Real and fake samples pass the discriminator apart.
    assert {b for n, b in steps.items() if n.startswith("generator")} == {1}
    assert {b for n, b in steps.items() if n.startswith("discriminator")} == {2}


def make_like(case: Case) -> ng.Game:
    """The same game with the buffers of its start."""
    fresh = copy.deepcopy(case.game)
    for module in fresh.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_running_stats()
    return fresh


def test_linearizing_writes_no_gradient_and_moves_nothing() -> None:
    case = mlp_gan()
    before = case.x.clone()
    at = ng.GameField(case.game).linearize(case.batch)
    at.jacobian.T @ at.value
    assert all(p.grad is None for p in case.game.parameters())
    assert torch.equal(references.parameters(case.game), before)
    assert not at.value.requires_grad
    assert not any(loss.requires_grad for loss in at.losses.values())


@pytest.mark.parametrize("order", [1, 2])
def test_results_without_a_graph_unless_asked(order: int) -> None:
    case = mlp_gan()
    at = ng.GameField(case.game).linearize(case.batch, order=order)
    assert not at.value.requires_grad
    if order == 2:
        assert not (at.jacobian @ at.value).requires_grad
        assert not (at.jacobian.T @ at.value).requires_grad
        assert not at.gradient("generator").requires_grad
    assert ng.GameField(case.game).linearize(case.batch, create_graph=True).value.requires_grad


def test_losses_at_any_x() -> None:
    case = mlp_gan("js", norm=True)
    field, before = ng.GameField(case.game), buffers(case.game)
    x = (case.x + 0.1).requires_grad_()
    actual, expected = field.losses(x, case.batch), case.losses(x)
    for player, loss in zip(case.game.players, expected, strict=True):
        assert error(actual[player].detach(), loss.detach()) < 1e-12
        by_x = torch.autograd.grad(actual[player], x, retain_graph=True)[0]
        assert error(by_x, torch.autograd.grad(loss, x, retain_graph=True)[0]) < 1e-10
    assert torch.equal(field.space.get(), case.x)
    assert all(torch.equal(b, before[n]) for n, b in case.game.named_buffers())


def test_losses_are_twice_differentiable_in_x() -> None:
    case = mlp_gan("standard", activation=nn.Tanh)
    field = ng.GameField(case.game)

    def v(x: Tensor) -> Tensor:
        losses = field.losses(x, case.batch)
        return references.field_of(lambda _: list(losses.values()), x, case.sizes)

    assert error(torch.autograd.functional.jacobian(v, case.x), case.jacobian) < 1e-10


def test_a_constant_field_has_a_zero_jacobian() -> None:
    game = ng.FunctionGame(
        {"x": nn.Parameter(torch.ones(2)), "y": nn.Parameter(torch.ones(3))},
        lambda batch, players: {"x": game.x.sum(), "y": 2 * game.y.sum() + game.x.sum()},
    )
    at = ng.GameField(game).linearize(None)
    assert at.value.tolist() == [-1, -1, -2, -2, -2]
    assert not at.jacobian.to_dense().any()
    assert not at.jacobian.T.to_dense().any()


def test_products_are_counted() -> None:
    at = ng.GameField(quadratic({"x": 2, "y": 2})).linearize(None)
    assert (at.cost.evaluations, at.cost.products, at.cost.solves) == (1, 0, 0)
    (at.jacobian.T @ at.jacobian) @ at.value
    at.jacobian @ torch.eye(4, dtype=torch.float64)
    assert at.cost.products == 6


def test_discriminator_alone_makes_fakes_without_a_graph() -> None:
    case = mlp_gan()
    seen, field = [], ng.GameField(case.game)
    field.linearize(case.batch, order=1)  # the checks of the first batch
    case.game.generator.register_forward_hook(lambda *hook: seen.append(hook[2].requires_grad))
    field.linearize(case.batch, "discriminator", order=1)
    field.linearize(case.batch, "generator", order=1)
    field.linearize(case.batch, "discriminator", order=2)
    assert seen == [False, True, True]


def test_frozen_parameters_are_no_coordinates() -> None:
    case = mlp_gan()
    case.game.generator[0].weight.requires_grad_(False)
    at = ng.GameField(case.game).linearize(case.batch)
    free = torch.cat([torch.zeros(15), torch.ones(len(case.x) - 15)]).bool()
    assert error(at.value, case.value[free]) < 1e-10
    u = torch.randn(int(free.sum()), dtype=torch.float64)
    assert error(at.jacobian @ u, case.jacobian[free][:, free] @ u) < 1e-10


def test_context_is_no_player_but_its_buffers_are_looked_after() -> None:
    class Judged(ng.Game):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(2, affine=False)
            self.x = nn.Linear(2, 2)

        def forward(self, batch: Tensor, players: list[str]) -> ng.Losses:
            return {"x": self.norm(self.x(batch)).square().mean()}

    game = Judged()
    assert game.players == ("x",)
    before = buffers(game)
    ng.GameField(game).linearize(torch.randn(4, 2))
    assert all(torch.equal(b, before[n]) for n, b in game.named_buffers())
