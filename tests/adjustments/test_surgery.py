"""Local symplectic surgery against dense solves; what it attracts to, and what it does not."""

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

import nashgrad as ng
from nashgrad.adjustments import LocalSymplecticSurgery
from nashgrad.core.krylov import Krylov
from references import Case, error, mlp_gan, trio

EXACT = Krylov("cg", 1e-13, 400)


def w(game: ng.Game, adjustment: ng.Adjustment, x: Tensor | None = None) -> Tensor:
    field = ng.GameField(game)
    if x is not None:
        field.space.set_(x)
    return field.evaluate(None, None, adjustment, None).w


@pytest.mark.parametrize(("damping", "bound"), [(1.0, 0.0), (0.1, 0.5)])
@pytest.mark.parametrize("loss", ["standard", "js"])
def test_the_dense_formula(loss: str, damping: float, bound: float) -> None:
    """In the paper's own signs: -h with omega = -v, and D = -J."""
    torch.manual_seed(4)
    case = mlp_gan(loss, activation=nn.Tanh)
    omega, D = -case.value, -case.jacobian
    weight = damping * (1 - torch.exp(-omega @ omega))
    u = torch.linalg.solve(D.T @ D + weight * torch.eye(len(D), dtype=D.dtype), D.T @ omega)
    expected = -(omega + torch.exp(-bound * u @ u) * D.T @ u) / 2
    adjustment = LocalSymplecticSurgery(damping, bound, EXACT)
    here = ng.GameField(case.game).evaluate(case.batch, None, adjustment, None)
    assert error(here.w, expected) < 1e-9
    assert error(case.value, expected) > 1e-2
    assert here.cost.unconverged == 0


def zero_sum(a: float, b: float, rotation: float) -> ng.Quadratic:
    J = torch.tensor([[a, -rotation], [rotation, b]], dtype=torch.float64)
    return ng.Quadratic(J, {"x": 1, "y": 1})


def jacobian(game: ng.Game, adjustment: ng.Adjustment) -> Tensor:
    """w' at zero, by central differences: a solve has no graph."""
    n, h = ng.PlayerSpace(game).size, 1e-4
    steps = h * torch.eye(n, dtype=torch.float64)
    return torch.stack(
        [(w(game, adjustment, s) - w(game, adjustment, -s)) / (2 * h) for s in steps], 1
    )


def test_near_a_fixed_point_the_rotation_is_gone() -> None:
    J = torch.randn(5, 5, dtype=torch.float64)
    J[:2, :2], J[2:, 2:] = J[:2, :2] + J[:2, :2].T, J[2:, 2:] + J[2:, 2:].T
    game = ng.Quadratic(J, {"a": 2, "b": 3})
    found = jacobian(game, LocalSymplecticSurgery(1e-2, 1e-2, EXACT))
    assert error(found, (J + J.T) / 2) < 1e-6


@pytest.mark.parametrize(("curvature", "attracts"), [(-0.5, True), (0.5, False)])
def test_only_nash_equilibria_attract(curvature: float, attracts: bool) -> None:
    """Rotation keeps both points stable for plain ascent; y's curvature tells them apart."""
    for adjustment, closer in ((ng.Identity(), True), (LocalSymplecticSurgery(), attracts)):
        game = zero_sum(-1.0, curvature, 3.0)
        opt = ng.GameOptimizer(
            ng.GameField(game), SGD(game.parameters(), 0.02), adjustment=adjustment
        )
        start = opt.space.get().norm()
        for _ in range(150):
            opt.step(None)
        assert (opt.space.get().norm() < start) == closer


def test_bilinear_games_stand_still() -> None:
    coupling = torch.tensor([[1.0, 0.5], [-0.5, 2.0]], dtype=torch.float64)
    adjustment = LocalSymplecticSurgery(1e-3, solver=EXACT)
    assert jacobian(ng.bilinear(coupling), adjustment).abs().max() < 1e-6
    game = ng.bilinear(coupling)
    opt = ng.GameOptimizer(ng.GameField(game), SGD(game.parameters(), 0.1), adjustment=adjustment)
    start = opt.space.get()
    for _ in range(100):
        opt.step(None)
    norm = opt.space.get().norm()
    assert abs(norm / start.norm() - 1) < 1e-4  # neither inwards nor, but for lambda, outwards
    assert error(opt.space.get(), start) < 2e-2
    assert norm != start.norm()


def test_one_mover_has_the_block_of_the_whole() -> None:
    case = mlp_gan()
    field, adjustment = ng.GameField(case.game), LocalSymplecticSurgery(1.0, solver=EXACT)
    whole = field.evaluate(case.batch, None, adjustment, None).w
    block = field.space.block("generator")
    one = field.evaluate(case.batch, "generator", adjustment, None).w
    assert error(one[block], whole[block]) < 1e-9


def step(case: Case, solver: Krylov) -> ng.StepRecord:
    opt = ng.GameOptimizer(
        ng.GameField(case.game),
        SGD(case.game.parameters(), 0.1),
        adjustment=LocalSymplecticSurgery(0.1, solver=solver),
    )
    return opt.step(case.batch)


def test_costs() -> None:
    case = mlp_gan()
    adjustment = LocalSymplecticSurgery(0.1, solver=Krylov("cg", 1e-12, 7))
    here = ng.GameField(case.game).evaluate(case.batch, None, adjustment, None)
    assert (here.cost.evaluations, here.cost.solves, here.cost.unconverged) == (1, 1, 1)
    assert here.cost.products == 2 * 7 + 2
    assert here.cost.residual > 1e-12


def test_a_solve_that_runs_out_is_said() -> None:
    with pytest.warns(UserWarning, match="^a linear solve did not converge"):
        record = step(mlp_gan(), Krylov("cg", 1e-12, 1))
    assert record.unconverged == 1
    assert step(mlp_gan(), EXACT).unconverged == 0


def test_other_numbers_of_players() -> None:
    case = trio()
    message = (
        r"^local symplectic surgery needs two players, and there are 3: use Consensus or "
        r"Symplectic, which allow any number$"
    )
    with pytest.raises(ValueError, match=message):
        ng.backward(ng.GameField(case.game), case.batch, adjustment=LocalSymplecticSurgery())
    lone = ng.Quadratic(-torch.eye(2), {"x": 2})
    with pytest.raises(ValueError, match=r"needs two players, and there are 1\b"):
        LocalSymplecticSurgery().init(ng.PlayerSpace(lone))


def test_no_jacobian_of_its_own() -> None:
    case = mlp_gan()
    field = ng.AdjustedField(ng.GameField(case.game), LocalSymplecticSurgery())
    with pytest.raises(ValueError, match=r"^a linear solve has no graph"):
        field.linearize(case.batch)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["damping", "bound"])
def test_bad_numbers(name: str, value: float) -> None:
    with pytest.raises(
        ValueError, match=rf"^{name} must be finite and not negative, got {value!r}$"
    ):
        LocalSymplecticSurgery(**{name: value})
