"""Schedules against loops written by hand with stock optimisers, and their theory."""

import copy
import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, Optimizer, RMSprop

import nashgrad as ng
from nashgrad.schedules.base import Draw
from references import Case, error, grad_or_zero, identical, mlp_gan, parameters, points, quadratic

G, D = "generator", "discriminator"
OPTIMIZERS: dict[str, Callable[[list[nn.Parameter]], Optimizer]] = {
    "sgd": lambda p: SGD(p, 0.1),
    "momentum": lambda p: SGD(p, 0.05, momentum=0.9, weight_decay=1e-2),
    "adam": lambda p: Adam(p, 1e-2, betas=(0.5, 0.999)),
    "rmsprop": lambda p: RMSprop(p, 1e-3),
    "rmsprop-tf": lambda p: ng.RMSPropTF(p, 1e-2),
}
STEPS = 20


def losses_of(game: ng.GAN, batch: dict, players: tuple[str, ...]) -> dict:
    """The standard loss by hand, fakes never detached."""
    sp = nn.functional.softplus
    fake = game.discriminator(game.generator(batch["latent"]))
    losses = {G: sp(-fake).mean()}
    if D in players:
        losses[D] = sp(-game.discriminator(batch["real"])).mean() + sp(fake).mean()
    return losses


def own(game: ng.GAN, player: str) -> list[nn.Parameter]:
    return list(getattr(game, player).parameters())


def by_hand(game: ng.GAN, batch: dict, players: tuple[str, ...], gamma: float) -> None:
    """Writes the gradients of l_i + gamma/2 |v|^2 for these players, as everyone would."""
    losses = losses_of(game, batch, (G, D))
    gradients = {p: torch.autograd.grad(losses[p], own(game, p), create_graph=True) for p in (G, D)}
    norm = sum(g.square().sum() for p in gradients for g in gradients[p]) / 2
    for player in players:
        total = losses[player] + gamma * norm
        for p, g in zip(
            own(game, player),
            torch.autograd.grad(total, own(game, player), retain_graph=True),
            strict=True,
        ):
            p.grad = g


def optimizers(game: ng.GAN, name: str, shared: bool) -> dict[str, Optimizer]:
    if shared:
        return dict.fromkeys((G, D), OPTIMIZERS[name](list(game.parameters())))
    return {p: OPTIMIZERS[name](own(game, p)) for p in (G, D)}


TURNS: dict[str, tuple[ng.Schedule, list[tuple[str, ...]]]] = {
    "simultaneous": (ng.Simultaneous(), [(G, D)]),
    "alternating": (ng.Alternating(), [(G,), (D,)]),
    "d-d-g": (ng.Alternating((D, D, G)), [(D,), (D,), (G,)]),
    "g-then-both": (ng.Alternating([G, (D, G)]), [(G,), (G, D)]),
}


@pytest.mark.parametrize("shared", [False, True], ids=["each", "one"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("turns", TURNS)
@pytest.mark.parametrize("gamma", [0.0, 0.5])
def test_loops_by_hand(gamma: float, turns: str, optimizer: str, shared: bool) -> None:
    schedule, moves = TURNS[turns]
    game = mlp_gan().game
    twin = copy.deepcopy(game)
    mine = optimizers(twin, optimizer, shared)
    given = optimizers(game, optimizer, shared)
    opt = ng.GameOptimizer(
        ng.GameField(game),
        given[G] if shared else given,
        adjustment=ng.Consensus(gamma),
        schedule=schedule,
    )
    batches = [points(4) for _ in range(STEPS * len(moves))]
    stream, again = iter(batches), iter(batches)
    for _ in range(STEPS):
        opt.step(stream)
        for players in moves:
            twin.zero_grad()
            by_hand(twin, next(again), players, gamma)
            for o in {id(mine[p]): mine[p] for p in players}.values():
                o.step()
    assert error(parameters(game), parameters(twin)) < 1e-12
    assert next(stream, None) is None
    assert all(p.grad is None for p in game.parameters())


def test_one_batch_serves_every_turn() -> None:
    batch = points(4)
    results = []
    for batches in (batch, itertools.repeat(batch)):
        torch.manual_seed(0)
        game = mlp_gan().game
        opt = ng.GameOptimizer(
            ng.GameField(game), SGD(game.parameters(), 0.1), schedule=ng.Alternating((D, G))
        )
        opt.step(batches)
        results.append(parameters(game))
    assert torch.equal(*results)


def test_turns_without_an_adjustment_evaluate_the_movers_only() -> None:
    case, asked = mlp_gan(), []
    opt = ng.GameOptimizer(
        ng.GameField(case.game), SGD(case.game.parameters(), 0.1), schedule=ng.Alternating((D, G))
    )
    opt.step(case.batch)
    case.game.register_forward_pre_hook(lambda module, arguments: asked.append(arguments[1]))
    opt.step(case.batch)
    assert asked == [(D,), (G,)]


def test_records() -> None:
    case = mlp_gan()
    options = {"adjustment": ng.Consensus(1.0)}
    first, last = [], []
    for schedule in (ng.Simultaneous(), ng.Alternating((D, D, G))):
        game = copy.deepcopy(case.game)
        opt = ng.GameOptimizer(
            ng.GameField(game), SGD(game.parameters(), 0.1), schedule=schedule, **options
        )
        record = opt.step(case.batch)
        first.append((record.evaluations, record.products, record.solves))
        last.append(record)
    assert first == [(1, 1, 0), (3, 3, 0)]
    expected = dict(zip((G, D), case.losses(case.x), strict=True))
    for player, block in zip((G, D), case.value.split(case.sizes), strict=True):
        assert error(last[0].losses[player], expected[player]) < 1e-12
        assert error(last[0].norms[player], block.norm()) < 1e-10
        assert not last[0].losses[player].requires_grad
        # The last evaluation counts, and the players had moved before it.
        assert error(last[1].losses[player], expected[player]) > 1e-6


def test_a_record_holds_each_players_latest() -> None:
    case = mlp_gan()
    opt = ng.GameOptimizer(
        ng.GameField(case.game), SGD(case.game.parameters(), 0.1), schedule=ng.Alternating((D, G))
    )
    before = dict(zip((G, D), case.losses(case.x), strict=True))
    record = opt.step(case.batch)
    assert error(record.losses[D], before[D]) < 1e-12
    assert error(record.losses[G], before[G]) > 1e-6
    assert set(record.norms) == {G, D}


@pytest.mark.parametrize("given", [0, 1, 2])
def test_an_iterator_that_ends_changes_nothing(given: int) -> None:
    game = mlp_gan(norm=True).game
    opt = ng.GameOptimizer(
        ng.GameField(game),
        Adam(game.parameters()),
        adjustment=ng.Consensus(1.0),
        schedule=ng.Alternating((D, D, G)),
    )
    opt.step(points(4))
    before, state = copy.deepcopy(game.state_dict()), copy.deepcopy(opt.state_dict())
    batches = iter([points(4) for _ in range(given)])
    with pytest.raises(StopIteration):
        opt.step(batches)
    assert all(torch.equal(value, before[n]) for n, value in game.state_dict().items())
    assert identical(opt.state_dict(), state)
    opt.step(points(4))


def test_buffers_move_once_a_step() -> None:
    for schedule in (ng.Simultaneous(), ng.Alternating((D, D, G))):
        game = mlp_gan(norm=True).game
        opt = ng.GameOptimizer(
            ng.GameField(game),
            SGD(game.parameters(), 0.1),
            adjustment=ng.Consensus(1.0),
            schedule=schedule,
        )
        for step in range(1, 3):
            opt.step(points(4))
            assert game.generator[1].num_batches_tracked == step
            assert game.discriminator[1].num_batches_tracked == 2 * step


@pytest.mark.parametrize("gamma", [0.0, 0.3])
def test_a_round_is_a_product_of_turns(gamma: float) -> None:
    """eq. 45: F' = (I + h w_2')(I + h w_1')."""
    h, game = 0.1, quadratic({"x": 2, "y": 3})
    J, b = game.matrix, game.offset
    w, eye = J - gamma * J.T @ J, torch.eye(5, dtype=torch.float64)
    P = torch.diag(torch.tensor([1.0, 1, 0, 0, 0], dtype=torch.float64))
    for turns, first, second in ((None, P, eye - P), (("y", "x"), eye - P, P)):
        opt = ng.GameOptimizer(
            ng.GameField(game),
            SGD(game.parameters(), h),
            adjustment=ng.Consensus(gamma),
            schedule=ng.Alternating(turns),
        )
        columns = []
        star = torch.linalg.solve(J, -b)
        for k in range(5):
            opt.space.set_(star + eye[k])
            opt.step(None)
            columns.append(opt.space.get() - star)
        F = (eye + h * second @ w) @ (eye + h * first @ w)
        torch.testing.assert_close(torch.stack(columns, 1), F)


def test_simultaneous_ascent_diverges_and_consensus_converges_on_a_bilinear_game() -> None:
    """|x_k| grows by sqrt(1 + h^2 s^2) and falls by |1 - h gamma s^2 + i h s| a step."""
    h, gamma, s = 0.1, 0.5, 2.0
    steps = 100
    M = s * torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64)).Q
    for adjustment, rate in (
        (ng.Identity(), math.hypot(1, h * s)),
        (ng.Consensus(gamma), math.hypot(1 - h * gamma * s**2, h * s)),
    ):
        game = ng.bilinear(M)
        opt = ng.GameOptimizer(ng.GameField(game), SGD(game.parameters(), h), adjustment=adjustment)
        start = opt.space.get().norm()
        for _ in range(steps):
            opt.step(None)
        assert (opt.space.get().norm() / start).item() == pytest.approx(rate**steps, rel=1e-10)
        assert (rate > 1) == isinstance(adjustment, ng.Identity)


def test_alternating_ascent_neither_diverges_nor_converges_on_a_bilinear_game() -> None:
    game = ng.bilinear(torch.eye(1, dtype=torch.float64))
    opt = ng.GameOptimizer(
        ng.GameField(game), SGD(game.parameters(), 0.1), schedule=ng.Alternating()
    )
    radii = []
    for _ in range(300):
        opt.step(None)
        radii.append(opt.space.get().norm().item())
    assert 0.9 < min(radii) / math.sqrt(2) < max(radii) / math.sqrt(2) < 1.1


def test_unknown_players_and_players_without_a_turn() -> None:
    field = ng.GameField(mlp_gan().game)
    optimizer = SGD(field.game.parameters(), 0.1)
    message = r"^unknown player 'critic'; the players are generator, discriminator$"
    with pytest.raises(ValueError, match=message):
        ng.GameOptimizer(field, optimizer, schedule=ng.Alternating((D, (G, "critic"))))
    with pytest.raises(ValueError, match=r"^player 'generator' has no turn; add it to turns$"):
        ng.GameOptimizer(field, optimizer, schedule=ng.Alternating((D, D)))


def test_turns_that_are_a_name() -> None:
    with pytest.raises(TypeError, match=r"^turns: expected a sequence of turns, got the name 'x'$"):
        ng.Alternating("x")


def test_draws() -> None:
    single = Draw({"real": 1})
    assert single() is single()
    message = (
        r"^this schedule needs a fresh batch for each draw: pass an iterator of batches to "
        r"step\(\), such as nashgrad\.stream\(loader, latent\)$"
    )
    with pytest.raises(ValueError, match=message):
        single.fresh()
    several = Draw(iter("abc"))
    assert [several(), several.fresh(), several()] == ["a", "b", "c"]
    for draw in (several, several.fresh):
        with pytest.raises(StopIteration):
            draw()
    assert Draw([1, 2])() == [1, 2]  # a list is one batch, a pytree


def test_reference_of_this_file() -> None:
    """The loop by hand does what the dense reference says."""
    case: Case = mlp_gan()
    by_hand(case.game, case.batch, (G, D), 0.5)
    gradient = torch.cat([p.grad.flatten() for p in case.game.parameters()])
    assert error(-gradient, case.modified([(0.5, None, None)])) < 1e-10
    x = case.x.clone().requires_grad_()
    assert grad_or_zero(case.losses(x)[0], x).norm() > 0
