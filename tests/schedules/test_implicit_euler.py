"""Implicit Euler: its defining equation, its rates, and what it says where it fails."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam

import nashgrad as ng
from nashgrad.schedules import ImplicitEuler
from references import error, mlp_gan, quadratic, trio

F64 = torch.float64
G, D = "generator", "discriminator"


def optimizer(
    game: ng.Game, h: Any, schedule: ng.Schedule, adjustment: ng.Adjustment | None = None
) -> ng.GameOptimizer:
    return ng.GameOptimizer(
        ng.GameField(game),
        SGD(game.parameters(), h),
        adjustment=adjustment or ng.Identity(),
        schedule=schedule,
    )


@pytest.mark.parametrize("adjustment", [ng.Identity(), ng.Consensus(0.5)], ids=["plain", "with"])
@pytest.mark.parametrize("name", ["gan", "three players"])
def test_the_end_explains_the_step(name: str, adjustment: ng.Adjustment) -> None:
    torch.manual_seed(3)
    case = trio() if name == "three players" else mlp_gan(activation=nn.Tanh)
    opt = optimizer(case.game, 0.5, ImplicitEuler(1e-11), adjustment)
    x = opt.space.get()
    first = opt.evaluate(case.batch).w
    record = opt.step(case.batch)
    after = opt.space.get()
    w = opt.evaluate(case.batch).w
    assert error(after - x, 0.5 * w) < 1e-9
    assert error(0.5 * first, 0.5 * w) > 1e-3
    assert (record.unconverged, record.solves) == (0, 1)
    assert record.residual < 1e-11
    losses = opt.evaluate(case.batch).losses
    assert error(record.losses[case.game.players[0]], losses[case.game.players[0]]) < 1e-9


def test_each_player_its_own_step() -> None:
    game = quadratic({"x": 2, "y": 3})
    space = ng.PlayerSpace(game)
    opt = ng.GameOptimizer(
        ng.GameField(game),
        {"x": SGD(space.parameters_of("x"), 0.3), "y": SGD(space.parameters_of("y"), 0.7)},
        schedule=ImplicitEuler(1e-12),
    )
    S = torch.tensor([0.3] * 2 + [0.7] * 3, dtype=F64)[:, None]
    x = opt.space.get()
    eye = torch.eye(5, dtype=F64)
    expected = torch.linalg.solve(eye - S * game.matrix, x + S[:, 0] * game.offset)
    opt.step(None)
    assert error(opt.space.get(), expected) < 1e-9


@pytest.mark.parametrize("h", [0.1, 1.0, 10.0])
def test_the_bilinear_rate(h: float) -> None:
    game = ng.bilinear(torch.tensor([[1.5]], dtype=F64))
    opt = optimizer(game, h, ImplicitEuler(1e-12))
    for _ in range(3):
        before = opt.space.get().norm()
        opt.step(None)
        shrinks = (1 + (1.5 * h) ** 2) ** -0.5
        assert opt.space.get().norm() / before == pytest.approx(shrinks, rel=1e-8)


@pytest.mark.parametrize("h", [0.5, 5.0])
def test_the_dirac_gan_is_drawn_in_where_plain_steps_spiral_out(h: float) -> None:
    ends = []
    for schedule in (ImplicitEuler(), ng.Simultaneous()):
        game = ng.DiracGAN(start=(0.3, 0.4))
        opt = optimizer(game, h, schedule)
        for _ in range(10):
            opt.step(None)
        ends.append(opt.space.get().norm())
    assert ends[0] < 0.4
    assert ends[1] > 0.5


def test_evaluations_are_counted() -> None:
    game = mlp_gan(activation=nn.Tanh)
    calls = []
    forward = game.game.forward
    game.game.forward = lambda *given: calls.append(1) or forward(*given)
    opt = optimizer(game.game, 0.1, ImplicitEuler(1e-6))
    opt.step(game.batch)  # looks at the game closely, besides
    calls.clear()
    record = opt.step(game.batch)
    assert record.evaluations == len(calls)
    assert record.evaluations > 3
    assert record.products == 0


def test_at_a_fixed_point_nothing_is_solved() -> None:
    game = quadratic({"x": 2, "y": 3})
    opt = optimizer(game, 0.5, ImplicitEuler())
    opt.space.set_(game.equilibrium())
    record = opt.step(None)
    assert (record.evaluations, record.unconverged, record.residual) == (1, 0, 0.0)
    assert error(opt.space.get(), game.equilibrium()) < 1e-12


def test_float32() -> None:
    torch.manual_seed(3)
    case = mlp_gan(activation=nn.Tanh)
    case.game.float()
    batch = {k: t.float() for k, t in case.batch.items()}
    opt = optimizer(case.game, 0.5, ImplicitEuler(1e-3))
    x = opt.space.get()
    record = opt.step(batch)
    assert record.unconverged == 0
    assert error(opt.space.get() - x, 0.5 * opt.evaluate(batch).w) < 2e-3


# Where it fails


def test_no_convergence_is_told_and_the_best_is_taken() -> None:
    torch.manual_seed(3)
    case = mlp_gan(activation=nn.Tanh)
    opt = optimizer(case.game, 2.0, ImplicitEuler(1e-10, iterations=1))
    x = opt.space.get()
    with pytest.warns(UserWarning, match=r"^a linear solve did not converge"):
        record = opt.step(case.batch)
    assert (record.unconverged, record.solves) == (1, 1)
    assert 1e-10 < record.residual < 1
    # After one Newton step it is nearer to the implicit step than the explicit one is.
    ends = [opt.space.get()]
    opt.space.set_(x)
    opt.step(case.batch)
    assert torch.equal(opt.space.get(), ends[0])
    for schedule in (ng.Simultaneous(), ImplicitEuler(1e-10)):
        opt.space.set_(x)
        optimizer(case.game, 2.0, schedule).step(case.batch)
        ends.append(opt.space.get())
    taken, explicit, implicit = ends
    assert error(taken, implicit) < error(explicit, implicit) / 5
    assert error(taken, implicit) > 1e-9


class Cliff(ng.Game):
    """A field that is 1 in most places, and another one beyond an edge."""

    players = ("x", "y")

    def __init__(self, start: float = 1.0, edge: float = 1.5, beyond: float = math.nan) -> None:
        super().__init__()
        self.edge, self.beyond = edge, beyond
        self.x = nn.Parameter(torch.tensor([start], dtype=F64))
        self.y = nn.Parameter(torch.zeros(1, dtype=F64))

    def forward(self, batch: Any, players: Sequence[str]) -> ng.Losses:
        slope = torch.where(self.x.detach() > self.edge, self.beyond, 1.0)
        losses = {"x": -(self.x * slope).sum(), "y": -self.y.sum()}
        return {p: losses[p] for p in players}


def test_a_step_into_nowhere_is_told_and_taken_from_where_the_field_is() -> None:
    opt = optimizer(Cliff(), 1.0, ImplicitEuler())
    with pytest.warns(UserWarning, match=r"^a linear solve did not converge"):
        record = opt.step(None)
    assert (record.unconverged, record.residual) == (1, pytest.approx(1.0))
    # The explicit step: of all points that were tried, x is the one with a finite F.
    torch.testing.assert_close(opt.space.get(), torch.tensor([2.0, 1.0], dtype=F64))


def test_a_worse_point_is_not_taken_for_its_being_the_last() -> None:
    opt = optimizer(Cliff(1.0, 1.0, 100.0), 1.0, ImplicitEuler(iterations=1))
    with pytest.warns(UserWarning, match=r"^a linear solve did not converge"):
        record = opt.step(None)
    assert (record.unconverged, record.residual) == (1, pytest.approx(1.0))
    torch.testing.assert_close(opt.space.get(), torch.tensor([2.0, 1.0], dtype=F64))


def test_no_finite_field_at_all() -> None:
    opt = optimizer(Cliff(2.0), 1.0, ImplicitEuler())
    with pytest.warns(UserWarning, match=r"^a linear solve did not converge"):
        record = opt.step(None)
    assert (record.unconverged, record.evaluations) == (1, 1)
    assert record.residual == math.inf
    assert opt.space.get()[0].isnan()  # as a plain step has it


def test_an_error_moves_nothing() -> None:
    torch.manual_seed(3)
    case = mlp_gan(activation=nn.Tanh)
    opt = optimizer(case.game, 0.5, ImplicitEuler(), Counting())
    opt.step(case.batch)
    x, state, calls = opt.space.get(), opt.state_dict()["adjustment"], []
    forward = case.game.forward

    def failing(*given: Any) -> ng.Losses:
        calls.append(1)
        if len(calls) > 3:
            raise ValueError("no more")
        return forward(*given)

    case.game.forward = failing
    with pytest.raises(ValueError, match=r"^no more$"):
        opt.step(case.batch)
    assert torch.equal(opt.space.get(), x)
    assert torch.equal(opt.state_dict()["adjustment"], state)


# Memory


@dataclass(frozen=True)
class Counting(ng.Adjustment):
    """Remembers how often it was kept, and the last field."""

    pure: ClassVar[bool] = False

    def order(self, players: tuple[str, ...], state: Any) -> Any:
        return 1

    def init(self, space: ng.PlayerSpace) -> Tensor:
        return torch.zeros(space.size + 1, dtype=F64)

    def update(self, w: Tensor, at: ng.Linearization, state: Tensor) -> tuple[Tensor, Tensor]:
        return w, torch.cat([w, state[-1:] + 1])


def test_the_memory_kept_is_that_of_the_end_point() -> None:
    torch.manual_seed(3)
    case = mlp_gan(activation=nn.Tanh)
    opt = optimizer(case.game, 0.5, ImplicitEuler(1e-11), Counting())
    for steps in (1, 2):
        opt.step(case.batch)
        state = opt.state_dict()["adjustment"]
        assert state[-1] == steps
        assert error(state[:-1], opt.evaluate(case.batch).w) < 1e-9


def test_batch_norm_is_updated_once() -> None:
    torch.manual_seed(3)
    case = mlp_gan(norm=True, activation=nn.Tanh)
    opt = optimizer(case.game, 0.01, ImplicitEuler(1e-6))
    opt.step(case.batch)
    assert case.game.generator[1].num_batches_tracked == 1


def test_random_losses_are_refused() -> None:
    class Noisy(ng.Quadratic):
        def forward(self, batch: Any, players: Sequence[str]) -> ng.Losses:
            return {p: loss * torch.rand(()) for p, loss in super().forward(batch, players).items()}

    game = Noisy(-torch.eye(2, dtype=F64), {"x": 1, "y": 1})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=r"this schedule evaluates one batch several times$"):
            optimizer(game, 0.1, ImplicitEuler()).step(None)


def test_it_keeps_to_plain_optimisers() -> None:
    game = quadratic({"x": 2, "y": 3})
    with pytest.raises(ValueError, match=r"^ImplicitEuler makes whole steps by itself, and the "):
        ng.GameOptimizer(ng.GameField(game), Adam(game.parameters()), schedule=ImplicitEuler())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tolerance": 0.0}, r"^tolerance must be positive and finite, got 0\.0$"),
        ({"iterations": 0}, r"^iterations must be a whole number of at least 1, got 0$"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ImplicitEuler(**arguments)
