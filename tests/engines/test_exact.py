"""Engines that are exact, against dense automatic differentiation in float64."""

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import nn

import nashgrad as ng
from references import Case, buffers, conv_gan, error, mlp_gan, parameters, quadratic

ENGINES: dict[str, Callable[[], ng.Engine]] = {"zero-sum": ng.ZeroSum, "score": ng.Score}
CASES: dict[str, tuple[str, Callable[[], Case]]] = {
    **{
        f"{engine}, {loss}": (engine, lambda loss=loss: mlp_gan(loss))
        for engine, loss in itertools.product(ENGINES, ("js", "tv", "indicator", "standard", "kl"))
        if engine == "score" or loss not in ("standard", "kl")
    },
    "zero-sum, batch norm": ("zero-sum", lambda: mlp_gan("js", norm=True)),
    "zero-sum, r1": ("zero-sum", lambda: mlp_gan("js", r1=3.0, activation=nn.Tanh)),
    "zero-sum, conv": ("zero-sum", lambda: conv_gan("js", norm="paper")),
    "score, penalties": ("score", lambda: mlp_gan("kl", r1=0.7, r2=2.0, activation=nn.Softplus)),
    "score, conv": ("score", lambda: conv_gan("standard")),
}


@pytest.fixture(scope="module", params=CASES)
def made(request: pytest.FixtureRequest) -> tuple[Case, ng.Engine]:
    torch.manual_seed(1)
    name, case = CASES[request.param]
    return case(), ENGINES[name]()


def test_v_and_losses(made: tuple[Case, ng.Engine]) -> None:
    case, engine = made
    before = buffers(case.game)
    for order in (1, 2):
        at = ng.GameField(case.game, engine=engine).linearize(case.batch, order=order)
        assert error(at.value, case.value) < 1e-10
        for player, expected in zip(case.game.players, case.losses(case.x), strict=True):
            assert error(at.losses[player], expected) < 1e-12
    assert all(torch.equal(b, before[n]) for n, b in case.game.named_buffers())


def test_products(made: tuple[Case, ng.Engine]) -> None:
    case, engine = made
    J = ng.GameField(case.game, engine=engine).linearize(case.batch).jacobian
    U = torch.randn(len(case.x), 3, dtype=torch.float64)
    for u in U.T:
        assert error(J @ u, case.jacobian @ u) < 1e-10
        assert error(J.T @ u, case.jacobian.T @ u) < 1e-10
    assert error(J @ U, case.jacobian @ U) < 1e-10
    assert error(J.T @ U, case.jacobian.T @ U) < 1e-10
    assert error(J.to_dense(), case.jacobian) < 1e-10


def test_gradients_by_all_parameters(made: tuple[Case, ng.Engine]) -> None:
    case, engine = made
    at = ng.GameField(case.game, engine=engine).linearize(case.batch)
    for player in case.game.players:
        assert error(at.gradient(player), case.gradient(player)) < 1e-10


def test_graphs(made: tuple[Case, ng.Engine]) -> None:
    """v and products are differentiable where that is asked for."""
    case, engine = made
    if any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in case.game.modules()):
        pytest.skip("torch's third derivative of batch norm is wrong")
    found = []
    for each in (engine, ng.Eager()):
        field = ng.GameField(case.game, engine=each)
        at = field.linearize(case.batch, create_graph=True)
        size = (at.jacobian.T @ at.value).square().sum()
        slopes = torch.autograd.grad(size, field.space.parameters, allow_unused=True)
        found.append(field.space.flatten(slopes))
    assert error(*found) < 1e-9


@pytest.mark.parametrize("microbatches", [1, 2])
@pytest.mark.parametrize("name", ["zero-sum, js", "score, standard", "score, conv"])
def test_training_is_the_same(name: str, microbatches: int) -> None:
    ends = []
    for plain in (True, False):
        torch.manual_seed(2)
        kind, make = CASES[name]
        case = make()
        engine = ng.Eager() if plain else ENGINES[kind]()
        field = ng.GameField(case.game, engine=engine, microbatches=microbatches)
        optimizer = torch.optim.Adam(case.game.parameters(), 1e-2)
        opt = ng.GameOptimizer(field, optimizer, adjustment=ng.Consensus(0.3))
        for _ in range(8):
            opt.step(case.batch)
        ends.append(parameters(case.game))
    assert error(*ends) < 1e-9


def test_one_player_moves(made: tuple[Case, ng.Engine]) -> None:
    case, engine = made
    field = ng.GameField(case.game, engine=engine)
    at = field.linearize(case.batch, "discriminator", order=1)
    block = field.space.block("discriminator")
    assert error(at.value[block], case.value[block]) < 1e-10
    assert not at.value[field.space.block("generator")].any()
    with torch.no_grad():  # the pass through the buffers of the mover
        before = buffers(case.game)
    field.linearize(case.batch, "discriminator", order=1, update_buffers=True)
    changed = [n for n, b in case.game.named_buffers() if not torch.equal(b, before[n])]
    assert all(n.startswith("discriminator") for n in changed)


def batch_norm_in_d() -> Case:
    return mlp_gan("standard", norm=True)


def only_at_first() -> ng.Game:
    """Zero-sum while x is small, and general-sum later."""
    x, y = (nn.Parameter(torch.full((1,), v, dtype=torch.float64)) for v in (0.1, 0.2))

    def losses(batch: object, players: object) -> ng.Losses:
        return {"x": (x * y).sum(), "y": -(x * y).sum() + (x.relu() - 1).relu().sum() * y.sum()}

    return ng.FunctionGame({"x": x, "y": y}, losses)


@pytest.mark.parametrize(
    ("engine", "case", "text"),
    [
        (ng.ZeroSum, lambda: mlp_gan("standard"), "ZeroSum needs a field that is that of one"),
        (ng.ZeroSum, lambda: mlp_gan("kl"), "ZeroSum needs a field that is that of one"),
        (ng.ZeroSum, lambda: mlp_gan("js", r2=1.0, activation=nn.Tanh), "ZeroSum needs a field"),
        (ng.Score, batch_norm_in_d, "Score needs a discriminator that treats samples independ"),
    ],
)
def test_claims_that_do_not_hold(
    engine: type[ng.Engine], case: Callable[[], Case], text: str
) -> None:
    torch.manual_seed(0)
    made = case()
    with pytest.raises(ValueError, match=text):
        ng.GameField(made.game, engine=engine()).linearize(made.batch)


def test_a_claim_is_held_up_again_after_a_hundred_steps() -> None:
    game = only_at_first()
    field, batch = ng.GameField(game, engine=ng.ZeroSum()), torch.zeros(1)
    for _ in range(100):
        field.linearize(batch)
    field.space.set_(torch.tensor([1.5, 0.2], dtype=torch.float64))
    with pytest.raises(ValueError, match="ZeroSum needs"):
        field.linearize(batch)


def test_zero_sum_needs_two_players() -> None:
    game = quadratic({"a": 2, "b": 1, "c": 2})
    with pytest.raises(ValueError, match="a zero-sum engine needs two players, got 3: a, b, c"):
        ng.GameField(game, engine=ng.ZeroSum()).linearize(None)


def test_the_scalar_may_be_the_first_players() -> None:
    torch.manual_seed(0)
    case = mlp_gan("js")
    losses = case.game

    def swapped(batch: object, players: object) -> ng.Losses:
        both = losses(batch, ("generator", "discriminator"))
        return {"d": both["discriminator"], "g": both["generator"]}

    game = ng.FunctionGame({"d": losses.discriminator, "g": losses.generator}, swapped)
    fields = [ng.GameField(game, engine=e) for e in (ng.ZeroSum("d"), ng.Eager())]
    found = [f.linearize(case.batch) for f in fields]
    assert error(*(at.jacobian.T @ at.value for at in found)) < 1e-10


def test_scores_of_a_map_are_refused() -> None:
    g, d = nn.Linear(3, 2).double(), nn.Linear(2, 4).double()
    batch = {
        "real": torch.randn(5, 2, dtype=torch.float64),
        "latent": torch.randn(5, 3, dtype=torch.float64),
    }
    with pytest.raises(ValueError, match=r"one score a sample, got \(5, 4\) for 5 samples"):
        ng.GameField(ng.GAN(g, d), engine=ng.Score()).linearize(batch)
    with pytest.raises(ValueError, match="Score needs a GAN, got Quadratic"):
        ng.GameField(quadratic({"a": 1, "b": 1}), engine=ng.Score()).linearize(None)


@pytest.mark.parametrize("far", [50.0, 200.0, 1000.0])
def test_slopes_that_underflow(far: float) -> None:
    """Far on the right side b = sigmoid(s) is 0 in float32, and a is not."""
    torch.manual_seed(0)
    case = mlp_gan("standard")
    game = case.game.float()
    with torch.no_grad():
        game.discriminator[-1].bias.fill_(-far)  # type: ignore[index,union-attr,operator]
    batch = {k: x.float() for k, x in case.batch.items()}
    ours, plain = (ng.GameField(game, engine=e).linearize(batch) for e in (ng.Score(), ng.Eager()))
    assert error(ours.value, plain.value) < 1e-5
    pulled = [at.jacobian.T @ at.value for at in (ours, plain)]
    assert pulled[0].isfinite().all()
    assert error(*pulled) < 1e-4
