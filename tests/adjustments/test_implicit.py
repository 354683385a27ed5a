"""Linearly implicit Euler against dense solves and theory; and what a poor solve says."""

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, RMSprop

import nashgrad as ng
from nashgrad.adjustments import LinearlyImplicit
from nashgrad.core.krylov import Krylov
from nashgrad.schedules import ImplicitEuler
from references import Case, error, mlp_gan, quadratic, trio

G, D = "generator", "discriminator"
F64 = torch.float64
TIGHT = {"gmres": Krylov("gmres", 1e-12, 200), "cg": Krylov("cg", 1e-13, 1000)}


def case_of(name: str) -> Case:
    torch.manual_seed(7)
    return trio() if name == "three players" else mlp_gan(name, activation=nn.Tanh)


def dense(case: Case, steps: Tensor) -> Tensor:
    return torch.linalg.solve(torch.eye(len(steps), dtype=F64) - case.jacobian * steps, case.value)


@pytest.mark.parametrize("method", TIGHT)
@pytest.mark.parametrize("name", ["standard", "js", "three players"])
@pytest.mark.parametrize("rate", [0.1, 2.0])
def test_against_a_dense_solve(name: str, method: str, rate: float) -> None:
    case = case_of(name)
    adjustment = LinearlyImplicit(rate, TIGHT[method], warm=False)
    here = ng.GameField(case.game).evaluate(case.batch, None, adjustment, None)
    expected = dense(case, torch.full_like(case.value, rate))
    assert error(here.w, expected) < 1e-9
    assert error(case.value + rate * case.jacobian @ case.value, expected) > 1e-4


@pytest.mark.parametrize("warm", [False, True])
def test_steps_of_the_optimisers(warm: bool) -> None:
    case = case_of("standard")
    opt = ng.GameOptimizer(
        ng.GameField(case.game),
        RMSprop(case.game.parameters(), 1e-2),
        adjustment=LinearlyImplicit(None, TIGHT["gmres"], warm),
    )
    for _ in range(3):
        opt.step(case.batch)
    case = Case(case.game, case.batch, case.losses, case.sizes)
    steps = opt.step_sizes()
    assert steps.max() / steps.min() > 10
    assert error(opt.evaluate(case.batch).w, dense(case, steps)) < 1e-9


# What it is near to: the paper's section 6, and its third review


def test_to_first_order_it_is_v_plus_h_j_v() -> None:
    case = case_of("standard")
    field, v = ng.GameField(case.game), case.value
    left = []
    for h in (1e-2, 5e-3):
        adjustment = LinearlyImplicit(h, TIGHT["gmres"], warm=False)
        w = field.evaluate(case.batch, None, adjustment, None).w
        left.append((w - (v + h * case.jacobian @ v)).norm())
    assert left[0] / left[1] == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize(("part", "sign"), [("antisymmetric", 1), ("symmetric", -1)])
def test_consensus_is_implicit_on_the_antisymmetric_part_alone(part: str, sign: int) -> None:
    """On the symmetric part consensus does to first order the opposite of implicit Euler."""
    draw = torch.Generator().manual_seed(0)
    R = torch.randn(4, 4, generator=draw, dtype=F64)
    J = R - R.T if part == "antisymmetric" else R + R.T
    if part == "antisymmetric":
        J[:2, :2] = 0
        J[2:, 2:] = 0
    game, h = ng.Quadratic(J, {"x": 2, "y": 2}), 1e-5
    field = ng.GameField(game)
    v = field.linearize(None).value

    def correction(adjustment: ng.Adjustment) -> Tensor:
        return (field.evaluate(None, None, adjustment, None).w - v) / h

    implicit = correction(LinearlyImplicit(h, TIGHT["gmres"], warm=False))
    consensus = correction(ng.Consensus(h))
    assert error(implicit, J @ v) < 1e-3
    assert error(sign * consensus, implicit) < 1e-3


@pytest.mark.parametrize("h", [0.1, 1.0, 10.0])
def test_on_linear_games_it_is_implicit_euler(h: float) -> None:
    ends = []
    for adjustment, schedule in (
        (LinearlyImplicit(solver=TIGHT["gmres"]), ng.Simultaneous()),
        (ng.Identity(), ImplicitEuler(1e-12)),
    ):
        game = ng.bilinear(torch.tensor([[1.5]], dtype=F64))
        opt = ng.GameOptimizer(
            ng.GameField(game),
            SGD(game.parameters(), h),
            adjustment=adjustment,
            schedule=schedule,
        )
        before = opt.space.get().norm()
        opt.step(None)
        ends.append(opt.space.get())
        assert ends[-1].norm() / before == pytest.approx((1 + (1.5 * h) ** 2) ** -0.5, rel=1e-9)
    assert error(*ends) < 1e-9


@pytest.mark.parametrize("h", [0.5, 100.0])
def test_large_steps_are_stable_for_stable_points_and_some_others(h: float) -> None:
    game = ng.Quadratic(torch.diag(torch.tensor([-5.0, 0.3], dtype=F64)), {"x": 1, "y": 1})
    opt = ng.GameOptimizer(
        ng.GameField(game),
        SGD(game.parameters(), h),
        adjustment=LinearlyImplicit(solver=TIGHT["gmres"]),
    )
    opt.step(None)
    x, y = opt.space.get().abs()
    assert x < 1
    assert (y < 1) == (h * 0.3 > 2)  # |1 - h l| > 1: an unstable direction attracts


# Costs and memory


@pytest.mark.parametrize(
    ("adjustment", "products"),
    [
        (LinearlyImplicit(0.1, Krylov("gmres", 1e-14, 1), warm=False), 1),
        (LinearlyImplicit(0.1, Krylov("gmres", 1e-14, 4), warm=False), 4),
        (LinearlyImplicit(0.1, Krylov("gmres", 1e-14, 1), warm=True), 2),
        (LinearlyImplicit(0.1, Krylov("cg", 1e-14, 1), warm=False), 3),
        (LinearlyImplicit(0.1, Krylov("cg", 1e-14, 1), warm=True), 5),
        (LinearlyImplicit(0.0), 0),
    ],
)
def test_what_it_costs(adjustment: LinearlyImplicit, products: int) -> None:
    case = case_of("standard")
    opt = ng.GameOptimizer(
        ng.GameField(case.game), SGD(case.game.parameters(), 0.1), adjustment=adjustment
    )
    cost = opt.evaluate(case.batch).cost
    assert (cost.evaluations, cost.products, cost.solves) == (1, products, int(products > 0))


def test_memory_of_players_that_do_not_move_stays() -> None:
    case = case_of("standard")
    field, adjustment = ng.GameField(case.game), LinearlyImplicit(0.1, warm=True)
    state = torch.randn_like(case.x)
    here = field.evaluate(case.batch, D, adjustment, state)
    block = field.space.block
    assert torch.equal(here.state[block(G)], state[block(G)])
    assert torch.equal(here.state[block(D)], here.w[block(D)])


def test_there_is_no_jacobian_of_a_solve() -> None:
    game = quadratic({"x": 2, "y": 2})
    field = ng.AdjustedField(ng.GameField(game), LinearlyImplicit(0.1, warm=False))
    message = r"^a linear solve has no graph: w' of this method is not available$"
    with pytest.raises(ValueError, match=message):
        field.linearize(None)


@pytest.mark.parametrize("rate", [-1.0, float("inf")])
def test_bad_rates(rate: Any) -> None:
    with pytest.raises(ValueError, match=rf"^rate must be finite and not negative, got {rate!r}$"):
        LinearlyImplicit(rate)


# A solve that runs out of iterations


def test_a_poor_solve_is_counted_each_time_and_warned_of_once() -> None:
    game = quadratic({"x": 3, "y": 3})
    opt = ng.GameOptimizer(
        ng.GameField(game),
        SGD(game.parameters(), 0.5),
        adjustment=LinearlyImplicit(solver=Krylov("gmres", 1e-3, 2)),
    )
    message = (
        r"^a linear solve did not converge \(relative residual \d\.\de-\d\d\); this step went "
        r"on with what it had, and each step's record counts such solves: give the solver more "
        r"iterations or a looser tolerance, or lower the learning rate$"
    )
    with pytest.warns(UserWarning, match=message) as seen:
        record = opt.step(None)
    assert len(seen) == 1
    assert seen[0].filename == __file__
    assert (record.solves, record.unconverged) == (1, 1)
    assert 1e-3 < record.residual < 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        record = opt.step(None)
    assert record.unconverged == 1
    assert record.residual > 1e-3


def test_a_good_solve_says_so() -> None:
    game = quadratic({"x": 3, "y": 3})
    opt = ng.GameOptimizer(
        ng.GameField(game), SGD(game.parameters(), 0.5), adjustment=LinearlyImplicit()
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        record = opt.step(None)
    assert (record.solves, record.unconverged) == (1, 0)
    assert 0 < record.residual <= 1e-3
