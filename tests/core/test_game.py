"""Who the players of a game are, and games made of functions."""

import copy
import pickle

import pytest
import torch
from torch import nn

import nashgrad as ng
from references import Trio, error, mlp_gan, quadratic


def test_players_are_the_trainable_children_in_order() -> None:
    nets = [nn.Linear(1, 1), nn.Linear(1, 1), nn.Linear(1, 1)]
    nets[1].requires_grad_(False)
    assert Trio(*nets).players == ("a", "c")


def test_players_are_fixed_at_first_use() -> None:
    game = Trio(*[nn.Linear(1, 1) for _ in range(3)])
    assert game.players == ("a", "b", "c")
    game.b.requires_grad_(False)
    assert game.players == ("a", "b", "c")


def test_a_subclass_may_name_its_players() -> None:
    class Named(Trio):
        players = ("c", "a", "b")

    assert ng.GameField(Named(*[nn.Linear(1, 1) for _ in range(3)])).space.players == (
        "c",
        "a",
        "b",
    )


def test_an_encoder_and_a_generator_as_one_player() -> None:
    case = mlp_gan()
    pair = nn.ModuleDict({"encoder": nn.Linear(2, 3).double(), "decoder": case.game.generator})
    game = ng.FunctionGame(
        {"maker": pair, "critic": case.game.discriminator},
        lambda batch, players: {
            "maker": -game.critic(pair["decoder"](pair["encoder"](batch))).mean(),
            "critic": game.critic(pair["decoder"](pair["encoder"](batch))).square().mean(),
        },
    )
    at = ng.GameField(game).linearize(case.batch["real"])
    assert at.space.size == 9 + len(case.x)
    assert at.losses["maker"].isfinite()


def test_function_game_equals_the_class() -> None:
    case = mlp_gan("js", norm=True)
    g, d = case.game.generator, case.game.discriminator

    def losses(batch, players):
        real, fake = d(batch["real"]), d(g(batch["latent"]))
        sp = nn.functional.softplus
        return {
            "generator": -sp(fake).mean(),
            "discriminator": sp(-real).mean() + sp(fake).mean(),
        }

    game = ng.FunctionGame({"generator": g, "discriminator": d}, losses)
    at = ng.GameField(game).linearize(case.batch)
    assert error(at.value, case.value) < 1e-10
    u = torch.randn(len(case.x), dtype=torch.float64)
    assert error(at.jacobian.T @ u, case.jacobian.T @ u) < 1e-10
    assert (
        error(ng.GameField(game).losses(case.x, case.batch)["generator"], at.losses["generator"])
        < 1e-12
    )


def test_function_game_freezes_the_buffers_of_its_context() -> None:
    norm, x = nn.BatchNorm1d(1, affine=False), nn.Linear(2, 1)
    game = ng.FunctionGame(
        {"x": x}, lambda batch, players: {"x": norm(x(batch)).square().mean()}, {"norm": norm}
    )
    ng.GameField(game).linearize(torch.randn(3, 2))
    assert norm.num_batches_tracked == 0
    ng.GameField(game).linearize(torch.randn(3, 2), update_buffers=True)
    assert norm.num_batches_tracked == 0
    norm(torch.zeros(3, 1))
    assert norm.num_batches_tracked == 1


def test_function_game_of_bare_parameters() -> None:
    x, y = (nn.Parameter(torch.randn(2, dtype=torch.float64)) for _ in range(2))
    game = ng.FunctionGame(
        {"x": x, "y": y}, lambda batch, players: {"x": (x * y).sum(), "y": -(x * y).sum()}
    )
    at = ng.GameField(game).linearize(None)
    assert torch.equal(at.value, torch.cat([-y, x]).detach())
    eye, zero = torch.eye(2, dtype=torch.float64), torch.zeros(2, 2, dtype=torch.float64)
    J = torch.cat([torch.cat([zero, -eye], 1), torch.cat([eye, zero], 1)])
    assert torch.equal(at.jacobian.to_dense(), J)


@pytest.mark.parametrize(
    "name", ["forward", "players", "bare", "_losses", "two words", "a.b", "1st"]
)
def test_unusable_names(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^player '{name}': not a usable name; choose another"):
        ng.FunctionGame({name: nn.Linear(1, 1)}, lambda batch, players: {})


def test_a_player_cannot_be_context_too() -> None:
    with pytest.raises(
        ValueError, match=r"^player 'x': not a usable name; choose another identifier$"
    ):
        ng.FunctionGame({"x": nn.Linear(1, 1)}, lambda batch, players: {}, {"x": nn.ReLU()})


def test_bare_parameters_cannot_be_replaced() -> None:
    x = nn.Parameter(torch.ones(2))
    game = ng.FunctionGame({"x": x}, lambda batch, players: {"x": x.square().sum()})
    message = (
        r"^player 'x' is a bare parameter that the losses close over, so they cannot be evaluated "
        r"at another x; wrap it in a module$"
    )
    with pytest.raises(ValueError, match=message):
        ng.GameField(game).losses(torch.zeros(2), None)


def test_games_are_modules_that_copy_and_pickle() -> None:
    game = quadratic({"x": 2, "y": 1})
    assert game.players == ("x", "y")
    for twin in (copy.deepcopy(game), pickle.loads(pickle.dumps(game))):
        assert twin.players == game.players
        assert torch.equal(ng.GameField(twin).space.get(), ng.GameField(game).space.get())
    assert set(game.state_dict()) == {"matrix", "offset", "x", "y"}
