"""Promises of a game that its first batch can break: means, and no random numbers of its own."""

import copy
import warnings

import pytest
import torch
from torch import nn
from torch.optim import SGD

import nashgrad as ng
from references import mlp_gan, parameters, points


def summed(player: str, batch_of: int = 20) -> tuple[ng.Game, dict]:
    """A GAN whose named loss is a sum over samples."""
    case = mlp_gan(batch=batch_of)

    def losses(batch, players):
        both = case.game(batch, players)
        return {p: loss * (len(batch["real"]) if p == player else 1) for p, loss in both.items()}

    nets = {p: getattr(case.game, p) for p in case.game.players}
    return ng.FunctionGame(nets, losses), case.batch


@pytest.mark.parametrize("player", ["generator", "discriminator"])
@pytest.mark.parametrize("options", [{"microbatches": 2}, {"reduce": lambda v, samples: v}])
def test_sums_are_found(player: str, options: dict) -> None:
    game, batch = summed(player)
    message = (
        rf"^player '{player}': its loss is no mean over the batch \(\S+ on some samples, \S+ on "
        r"the same samples twice\), which micro-batches and ranks rest on$"
    )
    field = ng.GameField(game, **options)
    for _ in range(2):  # not only once
        with pytest.raises(ValueError, match=message):
            field.linearize(batch)


def test_sums_are_fine_where_nothing_rests_on_means() -> None:
    game, batch = summed("generator")
    ng.GameField(game).linearize(batch)


@pytest.mark.parametrize("options", [{"norm": True}, {"r1": 1.0, "r2": 3.0}])
def test_means_pass(options: dict) -> None:
    case = mlp_gan(batch=20, **options)
    before = {n: b.clone() for n, b in case.game.named_buffers()}
    ng.GameField(case.game, microbatches=2).linearize(case.batch, order=1)
    assert all(torch.equal(b, before[n]) for n, b in case.game.named_buffers())


def test_games_are_checked_once() -> None:
    case, calls = mlp_gan(batch=4), []
    case.game.register_forward_pre_hook(lambda *hook: calls.append(1))
    field = ng.GameField(case.game, microbatches=2)
    field.linearize(case.batch, order=1)
    calls.clear()
    field.linearize(case.batch, order=1)
    assert len(calls) == 2


class Again(ng.Simultaneous):
    """A schedule that would evaluate one batch at several points."""

    revisits = True


def noisy() -> ng.Game:
    g = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    d = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5), nn.Linear(8, 1))
    return ng.GAN(g, d)


def optimizer(game: ng.Game, schedule: ng.Schedule, **options: int) -> ng.GameOptimizer:
    field = ng.GameField(game, **options)
    return ng.GameOptimizer(field, SGD(game.parameters(), 0.1), schedule=schedule)


MESSAGE = (
    r"^player 'generator': its loss draws random numbers outside of the batch; put them into the "
    r"batch \(latents, noise\), or switch dropout off"
)


@pytest.mark.parametrize("schedule", [ng.Simultaneous(), ng.Alternating()], ids=str)
def test_random_losses_are_warned_of_once(schedule: ng.Schedule) -> None:
    opt = optimizer(noisy(), schedule)
    with pytest.warns(UserWarning, match=MESSAGE + "$"):
        opt.step(points(6, dtype=torch.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opt.step(points(6, dtype=torch.float32))


@pytest.mark.parametrize(
    ("schedule", "parts", "reason"),
    [
        (Again(), 1, "this schedule evaluates one batch several times"),
        (ng.Simultaneous(), 2, "the batch is evaluated several times"),
    ],
)
@pytest.mark.filterwarnings("ignore:player")
def test_random_losses_are_refused_where_a_batch_is_used_again(
    schedule: ng.Schedule, parts: int, reason: str
) -> None:
    game = noisy()
    before = [p.clone() for p in game.parameters()]
    opt = optimizer(game, schedule, microbatches=parts)
    for _ in range(2):  # not only once
        with pytest.raises(ValueError, match=f"{MESSAGE}: {reason}$"):
            opt.step(points(6, dtype=torch.float32))
    assert all(torch.equal(p, q) for p, q in zip(game.parameters(), before, strict=True))


@pytest.mark.parametrize("schedule", [ng.Simultaneous(), Again()])
def test_checks_leave_no_trace(schedule: ng.Schedule) -> None:
    game, seen = mlp_gan(norm=True).game, []
    opt, batch = optimizer(game, schedule), points(4)
    before = [b.clone() for b in game.buffers()]
    state = torch.get_rng_state()
    opt.evaluate(batch, "discriminator")
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(b, old) for b, old in zip(game.buffers(), before, strict=True))
    game.register_forward_hook(lambda *hook: seen.append(1))
    opt.step(batch)
    assert seen == [1]


@pytest.mark.filterwarnings("ignore:player")
def test_checks_put_random_numbers_back() -> None:
    """A run with dropout does not depend on when it was checked."""
    torch.manual_seed(3)
    game = noisy()
    twin = copy.deepcopy(game)
    opts = [optimizer(g, ng.Simultaneous()) for g in (game, twin)]
    batch = points(6, dtype=torch.float32)
    opts[0].field.linearize(batch)  # checked already
    for opt in opts:
        torch.manual_seed(4)
        opt.step(batch)
    assert torch.equal(parameters(game), parameters(twin))


def test_all_checks_look_at_one_micro_batch() -> None:
    game, sizes = mlp_gan().game, []
    game.generator.register_forward_hook(lambda *hook: sizes.append(len(hook[2])))
    optimizer(game, ng.Simultaneous(), microbatches=5).step(points(20))
    assert max(sizes) == 8  # a part, taken twice
    assert sizes.count(8) == 1


def test_modules_that_the_losses_use_and_the_game_does_not_hold() -> None:
    hidden = nn.Linear(2, 2)
    x = nn.Linear(2, 2)

    def losses(batch, players):
        return {"x": (hidden(x(batch))).square().mean()}

    message = (
        r"^player 'x': its loss uses a trainable parameter of shape \(2,( 2)?\) that no player "
        r"owns; give its module to a player, or to the context and freeze it$"
    )
    for _ in range(2):
        with pytest.raises(ValueError, match=message):
            ng.GameField(ng.FunctionGame({"x": x}, losses)).linearize(torch.randn(3, 2))
    hidden.requires_grad_(False)
    ng.GameField(ng.FunctionGame({"x": x}, losses)).linearize(torch.randn(3, 2))
