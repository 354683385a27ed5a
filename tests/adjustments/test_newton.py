"""Newton's method against dense solves, and where it goes."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD

import nashgrad as ng
from nashgrad.adjustments import Newton
from nashgrad.core.krylov import Krylov
from references import Case, error, mlp_gan, quadratic, trio

F64 = torch.float64
TIGHT = Krylov("cg", 1e-12, 2000)


def optimizer(game: ng.Game, adjustment: Newton, lr: float = 1.0) -> ng.GameOptimizer:
    return ng.GameOptimizer(ng.GameField(game), SGD(game.parameters(), lr), adjustment=adjustment)


def case_of(name: str) -> Case:
    torch.manual_seed(5)
    return trio() if name == "three players" else mlp_gan(name, activation=nn.Tanh)


@pytest.mark.parametrize("method", ["cg", "gmres"])
@pytest.mark.parametrize("name", ["standard", "js", "three players"])
@pytest.mark.parametrize("damping", [0.1, 1.0])
def test_against_a_dense_solve(name: str, method: Any, damping: float) -> None:
    case = case_of(name)
    adjustment = Newton(damping, Krylov(method, 1e-12, 500))
    here = ng.GameField(case.game).evaluate(case.batch, None, adjustment, None)
    J, v = case.jacobian, case.value
    stacked = torch.cat([J, damping**0.5 * torch.eye(len(v), dtype=F64)])
    expected = torch.linalg.lstsq(stacked, torch.cat([-v, torch.zeros_like(v)])).solution
    assert error(here.w, expected) < 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_without_damping_it_arrives_at_once(seed: int) -> None:
    game = quadratic({"a": 2, "b": 3}, seed)
    opt = optimizer(game, Newton(0.0, TIGHT))
    opt.step(None)
    assert error(opt.space.get(), game.equilibrium()) < 1e-7
    half = quadratic({"a": 2, "b": 3}, seed)
    opt = optimizer(half, Newton(0.0, TIGHT), 0.5)
    middle = (opt.space.get() + half.equilibrium()) / 2
    opt.step(None)
    assert error(opt.space.get(), middle) < 1e-7


def test_a_singular_jacobian_has_its_shortest_step() -> None:
    """Without damping as well: J^T v lies in the range of J^T J."""
    J = torch.zeros(4, 4, dtype=F64)
    J[:2, :2] = quadratic({"a": 2, "b": 2}).matrix[:2, :2]
    game = ng.Quadratic(J, {"a": 2, "b": 2}, torch.ones(4, dtype=F64))
    w = ng.GameField(game).evaluate(None, None, Newton(0.0, TIGHT), None).w
    v = ng.GameField(game).linearize(None).value
    assert error(w, -torch.linalg.pinv(J) @ v) < 1e-9


def test_convergence_is_quadratic() -> None:
    game = ng.DiracGAN(start=(0.5, 0.3))
    opt = optimizer(game, Newton(0.0, TIGHT))
    distances = [opt.space.get().norm().item()]
    for _ in range(4):
        opt.step(None)
        distances.append(opt.space.get().norm().item())
    pairs = list(pairwise(distances))
    assert all(after < before**2 for before, after in pairs if before > 1e-7)
    assert distances[-1] < 1e-12


def test_a_large_damping_is_consensus_alone() -> None:
    case = case_of("standard")
    here = ng.GameField(case.game).evaluate(case.batch, None, Newton(1e6, TIGHT), None)
    assert error(1e6 * here.w, -case.jacobian.T @ case.value) < 1e-5


def test_unstable_points_attract_as_well() -> None:
    J = torch.diag(torch.tensor([2.0, 3.0], dtype=F64))  # both players at their worst
    game = ng.Quadratic(J, {"x": 1, "y": 1})
    opt = optimizer(game, Newton(0.1, TIGHT))
    for _ in range(20):
        opt.step(None)
    assert opt.space.get().norm() < 1e-9


def test_what_it_costs() -> None:
    case = case_of("standard")
    opt = optimizer(case.game, Newton(0.1, Krylov("cg", 1e-12, 4)))
    cost = opt.evaluate(case.batch).cost
    assert (cost.evaluations, cost.products, cost.solves, cost.unconverged) == (1, 9, 1, 1)


@pytest.mark.parametrize(
    "method", [Newton(), ng.Chain(ng.ClipNorm(1.0), Newton()), ng.EveryK(Newton(), 2)]
)
def test_it_keeps_to_plain_optimisers(method: ng.Adjustment) -> None:
    """And is named itself where it is part of another one."""
    case = case_of("standard")
    message = (
        r"^Newton makes whole steps by itself, and the SGD of 'generator' would change them again; "
        r"use torch\.optim\.SGD without momentum and weight decay$"
    )
    with pytest.raises(ValueError, match=message):
        ng.GameOptimizer(
            ng.GameField(case.game),
            SGD(case.game.parameters(), 1.0, momentum=0.9),
            adjustment=method,
        )


@pytest.mark.parametrize("damping", [-1.0, float("nan")])
def test_bad_damping(damping: float) -> None:
    message = rf"^damping must be finite and not negative, got {damping!r}$"
    with pytest.raises(ValueError, match=message):
        Newton(damping)
