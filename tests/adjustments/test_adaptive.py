"""Adjustments that wrap another one: by hand, in turns, what they cost, and where they go."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.optim import SGD, Adam

import nashgrad as ng
from nashgrad.adjustments import DualAscent, EveryK, NormRatio
from references import error, mlp_gan, quadratic

G, D = "generator", "discriminator"
H = 0.05


def optimizer(
    game: ng.Game, adjustment: ng.Adjustment, schedule: ng.Schedule | None = None
) -> ng.GameOptimizer:
    return ng.GameOptimizer(
        ng.GameField(game),
        SGD(game.parameters(), H),
        adjustment=adjustment,
        schedule=schedule or ng.Simultaneous(),
    )


@dataclass(frozen=True)
class Counting(ng.Adjustment):
    """Adds 1 to the first coordinate of w, and counts its calls."""

    @property
    def pure(self) -> bool:
        return False

    def order(self, players: tuple[str, ...], state: Any) -> int:
        return 1 + (len(players) > 1)

    def init(self, space: ng.PlayerSpace) -> Any:
        return 0

    def update(self, w: Tensor, at: ng.Linearization, state: Any) -> tuple[Tensor, Any]:
        return w + torch.eye(len(w), dtype=w.dtype)[0], state + 1


# Every k-th step


@pytest.mark.parametrize("k", [1, 3])
def test_every_k_by_hand(k: int) -> None:
    game = quadratic({"a": 2, "b": 3})
    J, b = game.matrix, game.offset
    opt = optimizer(game, EveryK(ng.Consensus(0.3), k))
    x, products = opt.space.get(), []
    for step in range(7):
        v = J @ x + b
        x = x + H * (v - (k * 0.3 if step % k == 0 else 0.0) * J.T @ v)
        record = opt.step(None)
        products.append(record.products)
        assert error(opt.space.get(), x) < 1e-12
    assert products == [int(step % k == 0) for step in range(7)]


TURNS: dict[str, tuple[Any, list[tuple[str, ...]]]] = {
    "one each": (None, [("x",), ("y",)]),
    "two and one": (("y", "y", "x"), [("y",), ("y",), ("x",)]),
    "one turn of both": ((("x", "y"), "y"), [("x", "y"), ("y",)]),
}


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("turns", TURNS)
def test_every_player_feels_its_own_kth_turn(turns: str, k: int) -> None:
    given, moves = TURNS[turns]
    game = quadratic({"x": 2, "y": 3})
    J, b = game.matrix, game.offset
    opt = optimizer(game, EveryK(ng.Consensus(0.3), k), ng.Alternating(given))
    x, blocks = opt.space.get(), {"x": slice(0, 2), "y": slice(2, 5)}
    made, felt = {"x": 0, "y": 0}, {"x": 0, "y": 0}
    for _ in range(6):
        opt.step(None)
        for players in moves:
            v = J @ x + b
            changed = v - k * 0.3 * J.T @ v
            for p in players:
                due = made[p] % k == 0
                felt[p] += due
                made[p] += 1
                x[blocks[p]] += H * (changed if due else v)[blocks[p]]
    assert error(opt.space.get(), x) < 1e-12
    assert all(felt[p] == math.ceil(made[p] / k) for p in felt)


def test_turns_that_are_not_due_cost_what_they_cost_without() -> None:
    case = mlp_gan()
    opt = ng.GameOptimizer(
        ng.GameField(case.game),
        SGD(case.game.parameters(), 1e-3),
        adjustment=EveryK(ng.Consensus(1.0), 2),
        schedule=ng.Alternating(),
    )
    costs = [(r.evaluations, r.products) for r in (opt.step(case.batch) for _ in range(4))]
    assert costs == [(2, 2), (1, 0), (2, 2), (1, 0)]


def test_the_inner_memory_moves_with_the_changes() -> None:
    game = quadratic({"a": 2, "b": 3})
    opt = optimizer(game, EveryK(Counting(), 3))
    for _ in range(7):
        opt.step(None)
    state = opt.state_dict()["adjustment"]
    assert state == {"moves": {"a": 1, "b": 1}, "inner": 3}


def test_counts_of_an_older_version_go_on() -> None:
    """They grew without end; where they stood in their period counts."""
    ends = []
    for moves in ({"a": 7, "b": 8}, {"a": 1, "b": 2}):
        game = quadratic({"a": 2, "b": 3})
        opt = optimizer(game, EveryK(Counting(), 3))
        opt.step(None)
        opt.load_state_dict(opt.state_dict() | {"adjustment": {"moves": moves, "inner": 4}})
        costs = [opt.step(None).products for _ in range(5)]
        ends.append((costs, opt.space.get().tolist(), opt.state_dict()["adjustment"]))
    assert ends[0] == ends[1]
    assert ends[0][2] == {"moves": {"a": 0, "b": 1}, "inner": 7}


@pytest.mark.parametrize(("k", "seen"), [(2, [True, False]), (3, [True, True])])
def test_with_extragradient_an_odd_k_is_needed(k: int, seen: list[bool]) -> None:
    """Whether looks ahead, and steps, are ever adjusted."""
    game = quadratic({"a": 2, "b": 3})
    opt = optimizer(game, EveryK(ng.Consensus(0.3), k), ng.Extragradient())
    products: list[int] = []
    evaluate = opt.evaluate

    def counted(*arguments: Any) -> ng.Evaluation:
        here = evaluate(*arguments)
        products.append(here.cost.products)
        return here

    opt.evaluate = counted  # type: ignore[method-assign]
    for _ in range(6):
        opt.step(None)
    assert [any(products[i::2]) for i in range(2)] == seen


# The ratio of norms


@pytest.mark.parametrize("ratio", [0.5, 1.0])
@pytest.mark.parametrize("strength", [1e-6, 1.0, 1e6])
def test_the_norm_ratio_is_exact_on_nets(ratio: float, strength: float) -> None:
    case = mlp_gan()
    adjustment = NormRatio(ng.Consensus(strength), ratio)
    w = ng.GameField(case.game).evaluate(case.batch, None, adjustment, None).w
    pulled = case.jacobian.T @ case.value
    gamma = ratio * case.value.norm() / pulled.norm()
    assert error(w, case.value - gamma * pulled) < 1e-9
    assert (w - case.value).norm() / case.value.norm() == pytest.approx(ratio)


def test_the_norm_ratio_over_those_who_move() -> None:
    case = mlp_gan()
    adjustment = NormRatio(ng.Consensus(1.0), 0.7)
    field = ng.GameField(case.game)
    w = field.evaluate(case.batch, D, adjustment, None).w
    own = field.space.block(D)
    v, pulled = case.value[own], (case.jacobian.T @ case.value)[own]
    assert error(w[own], v - 0.7 * v.norm() / pulled.norm() * pulled) < 1e-10


def test_the_norm_ratio_has_a_limit() -> None:
    case = mlp_gan()
    adjustment = NormRatio(ng.Consensus(1.0), 1.0, maximum=0.2)
    w = ng.GameField(case.game).evaluate(case.batch, None, adjustment, None).w
    assert case.value.norm() / (case.jacobian.T @ case.value).norm() > 0.2
    assert error(w, case.value - 0.2 * case.jacobian.T @ case.value) < 1e-10


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "inner", [ng.Identity(), ng.Consensus(1e-30), ng.ClipNorm(1e6), ng.Consensus(1.0, source="b")]
)
def test_no_change_stays_none(inner: ng.Adjustment, dtype: torch.dtype) -> None:
    """Nor is rounding blown up. (b's v is zero here.)"""
    J = torch.tensor([[-1.0, 0.0], [0.0, 0.0]], dtype=dtype)
    game = ng.Quadratic(J, {"a": 1, "b": 1}, start=torch.tensor([1.1, 0.3], dtype=dtype))
    field = ng.GameField(game)
    w = field.evaluate(None, None, NormRatio(inner, 1.0), None).w
    assert torch.equal(w, field.linearize(None).value)


@dataclass(frozen=True)
class Rounding(ng.PureAdjustment):
    """Leaves w as it is, but for the last digits."""

    def order(self, players: tuple[str, ...], state: Any) -> int:
        return 1

    def __call__(self, w: Tensor, at: ng.Linearization) -> Tensor:
        return w * (1 + 2 * torch.finfo(w.dtype).eps)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rounding_is_no_change(dtype: torch.dtype) -> None:
    game = ng.bilinear(torch.eye(3, dtype=dtype))
    field = ng.GameField(game)
    v = field.linearize(None).value
    assert not torch.equal(field.evaluate(None, None, Rounding(), None).w, v)
    assert torch.equal(field.evaluate(None, None, NormRatio(Rounding()), None).w, v)


def test_at_a_fixed_point_the_norm_ratio_stays() -> None:
    game = ng.Quadratic(-torch.eye(2).double(), {"a": 1, "b": 1}, start=torch.zeros(2).double())
    w = ng.GameField(game).evaluate(None, None, NormRatio(ng.Consensus(1.0)), None).w
    assert not w.any()


def test_a_ratio_of_one_vanishes_along_an_unstable_line() -> None:
    game = ng.Quadratic(torch.tensor([[0.5]]).double(), {"a": 1})
    field = ng.GameField(game)
    for ratio, expected in ((1.0, 0.0), (0.9, 0.05)):
        w = field.evaluate(None, None, NormRatio(ng.Consensus(7.0), ratio), None).w
        assert w.item() == pytest.approx(expected)


def test_the_norm_ratio_is_as_pure_as_its_inner() -> None:
    case = mlp_gan()
    assert NormRatio(ng.Consensus(1.0)).pure
    assert not NormRatio(Counting()).pure
    assert NormRatio(ng.Consensus(1.0)).order((G,), None) == 2
    assert NormRatio(ng.Identity()).order((G,), None) == 1
    at = ng.backward(ng.GameField(case.game), case.batch, adjustment=NormRatio(ng.Consensus(1.0)))
    assert at.cost.products == 1


# Dual ascent


def test_dual_ascent_by_hand() -> None:
    game = ng.bilinear(torch.tensor([[1.5]], dtype=torch.float64))
    J = game.matrix
    adjustment = DualAscent(ng.Consensus(1.0), 0.3, target=0.5, initial=0.1, maximum=1.0)
    opt = optimizer(game, adjustment)
    x, gamma, gammas = opt.space.get(), 0.1, []
    for _ in range(60):
        v = J @ x
        gamma = min(max(gamma + 0.3 * ((v @ v).item() / 2 - 0.5), 0.0), 1.0)
        x = x + H * (v - gamma * J.T @ v)
        opt.step(None)
        found = opt.state_dict()["adjustment"]["gamma"]
        assert found.item() == pytest.approx(gamma)
        gammas.append(gamma)
    assert error(opt.space.get(), x) < 1e-10
    assert max(gammas) == 1.0
    assert min(gammas) < 0.9


def test_dual_ascent_on_nets() -> None:
    case = mlp_gan()
    adjustment = DualAscent(ng.Consensus(1.0), rate=2.0, target=1e-3, initial=0.5)
    field = ng.GameField(case.game)
    here = field.evaluate(case.batch, None, adjustment, adjustment.init(field.space))
    gamma = 0.5 + 2.0 * (case.value @ case.value / 2 - 1e-3)
    assert error(here.w, case.value - gamma * case.jacobian.T @ case.value) < 1e-10
    assert here.state["gamma"].item() == pytest.approx(gamma.item())
    assert here.cost.products == 1


def test_gamma_waits_where_not_everyone_is_evaluated() -> None:
    case = mlp_gan()
    field = ng.GameField(case.game)
    adjustment = DualAscent(ng.Consensus(1.0, target=D), rate=2.0, initial=0.5)
    state = adjustment.init(field.space)
    other = field.evaluate(case.batch, G, adjustment, state)
    assert other.cost.evaluations == 0.5
    assert other.state["gamma"] == 0.5
    assert field.evaluate(case.batch, D, adjustment, state).state["gamma"] > 0.5


# All of them


ADAPTIVE: dict[str, Callable[[ng.Adjustment], ng.Adjustment]] = {
    "every fourth": lambda inner: EveryK(inner, 4),
    "norm ratio": lambda inner: NormRatio(inner, 0.5),
    "dual ascent": lambda inner: DualAscent(inner, 0.5),
}


@pytest.mark.parametrize("name", ADAPTIVE)
def test_they_converge_on_the_bilinear_game(name: str) -> None:
    game = ng.bilinear(torch.tensor([[1.5]], dtype=torch.float64))
    opt = optimizer(game, ADAPTIVE[name](ng.Consensus(0.5)))
    for _ in range(300):
        opt.step(None)
    assert opt.space.get().norm() < 1e-3


def test_every_k_has_the_predicted_radius() -> None:
    """k steps multiply by (I + h J)^(k-1) (I + h (J - k gamma J^T J)); all are c I + s J here."""
    sigma, gamma, k = 1.5, 0.5, 4
    game = ng.bilinear(torch.tensor([[sigma]], dtype=torch.float64))
    opt = optimizer(game, EveryK(ng.Consensus(gamma), k))
    start = opt.space.get().norm()
    for _ in range(10 * k):
        opt.step(None)
    plain = math.hypot(1, H * sigma)
    due = math.hypot(1 - H * k * gamma * sigma**2, H * sigma)
    expected = (due * plain ** (k - 1)) ** 10
    assert (opt.space.get().norm() / start).item() == pytest.approx(expected)
    assert expected < 0.2


@pytest.mark.parametrize("name", ADAPTIVE)
def test_the_inner_one_is_asked(name: str) -> None:
    """Its checks, its demands on optimisers, and its own memory."""

    class Demanding(Counting):
        @property
        def base(self) -> str:
            return "plain"

        def init(self, space: ng.PlayerSpace) -> Any:
            raise ValueError("not this game")

    wrapped = ADAPTIVE[name](Demanding())
    assert wrapped.base == "plain"
    space = ng.GameField(quadratic({"a": 1})).space
    with pytest.raises(ValueError, match=r"^not this game$"):
        wrapped.init(space)
    game = quadratic({"a": 2, "b": 3})
    opt = optimizer(game, ADAPTIVE[name](Counting()))
    opt.step(None)
    state = opt.state_dict()["adjustment"]
    assert (state["inner"] if isinstance(state, dict) else state) == 1
    assert ADAPTIVE[name](ng.Consensus(1.0)).base == "any"
    with pytest.raises(ValueError, match=r"^unknown player 'critic'"):
        ADAPTIVE[name](ng.Consensus(1.0, target="critic")).init(space)


def test_they_nest() -> None:
    game = quadratic({"a": 2, "b": 3})
    J, b = game.matrix, game.offset
    adjustment = ng.Chain(EveryK(NormRatio(ng.Consensus(1.0), 0.3), 2), ng.ClipNorm(1e6))
    opt = ng.GameOptimizer(ng.GameField(game), Adam(game.parameters(), 0.01), adjustment=adjustment)
    x = opt.space.get()
    here = opt.evaluate(None)
    v = J @ x + b
    pulled = J.T @ v
    assert error(here.w, v - 2 * 0.3 * v.norm() / pulled.norm() * pulled) < 1e-10
    assert [opt.step(None).products for _ in range(4)] == [1, 0, 1, 0]


@pytest.mark.parametrize("name", ["every", "ratio", "dual"])
def test_what_is_no_adjustment(name: str) -> None:
    make = {"every": lambda i: EveryK(i, 2), "ratio": NormRatio, "dual": DualAscent}[name]
    with pytest.raises(TypeError, match=r"^inner: expected an Adjustment, got 10\.0$"):
        make(10.0)


@pytest.mark.parametrize(
    ("kind", "numbers", "message"),
    [
        (EveryK, {"k": 0}, "k must be a whole number of at least 1, got 0"),
        (EveryK, {"k": 2.0}, "k must be a whole number of at least 1, got 2.0"),
        (NormRatio, {"ratio": 0.0}, "ratio must be positive and finite, got 0.0"),
        (NormRatio, {"maximum": -1.0}, "maximum must be positive and finite, got -1.0"),
        (DualAscent, {"rate": 0.0}, "rate must be positive and finite, got 0.0"),
        (DualAscent, {"target": -1.0}, "target must be finite and not negative, got -1.0"),
        (DualAscent, {"initial": -1.0}, "initial must be finite and not negative, got -1.0"),
        (DualAscent, {"maximum": 0.0}, "maximum must be positive and finite, got 0.0"),
        (DualAscent, {"initial": 200.0}, "initial must be at most maximum 100.0, got 200.0"),
    ],
)
def test_numbers_out_of_range(kind: Any, numbers: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 (the message is compared whole)
        kind(ng.Consensus(1.0), **numbers)
    assert str(raised.value) == message
