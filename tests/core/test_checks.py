"""Promises of a game that its first batch can break: means, and no random numbers of its own."""

import warnings

import pytest
import torch
from torch import nn
from torch.optim import SGD

import nashgrad as ng
from references import mlp_gan, points


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


def test_means_are_checked_once() -> None:
    case, calls = mlp_gan(batch=4), []
    case.game.register_forward_pre_hook(lambda *hook: calls.append(1))
    field = ng.GameField(case.game, microbatches=2)
    field.linearize(case.batch, order=1)
    field.linearize(case.batch, order=1)
    assert len(calls) == 2 + 2 + 2


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


@pytest.mark.parametrize(("schedule", "parts"), [(Again(), 1), (ng.Simultaneous(), 2)])
def test_random_losses_are_refused_where_a_batch_is_used_again(
    schedule: ng.Schedule, parts: int
) -> None:
    game = noisy()
    before = [p.clone() for p in game.parameters()]
    opt = optimizer(game, schedule, microbatches=parts)
    for _ in range(2):  # not only once
        with pytest.raises(
            ValueError, match=MESSAGE + ": this method evaluates one batch several times$"
        ):
            opt.step(points(6, dtype=torch.float32))
    assert all(torch.equal(p, q) for p, q in zip(game.parameters(), before, strict=True))


def test_deterministic_losses_pass_without_a_trace() -> None:
    game, seen = mlp_gan(norm=True).game, []
    game.register_forward_hook(lambda *hook: seen.append(1))
    opt, batch = optimizer(game, Again()), points(4)
    state = torch.get_rng_state()
    opt.step(batch)
    opt.step(batch)
    assert torch.equal(torch.get_rng_state(), state)
    assert len(seen) == 2 + 2  # the check is one evaluation more, twice on first use


def test_random_losses_are_looked_for_in_one_micro_batch() -> None:
    game, sizes = mlp_gan().game, []
    game.generator.register_forward_hook(lambda *hook: sizes.append(len(hook[2])))
    optimizer(game, ng.Simultaneous(), microbatches=5).step(points(20))
    # Whether losses are means, whether they are random, and the five parts.
    assert sizes == [4, 8] + [4, 4] + [4] * 5
