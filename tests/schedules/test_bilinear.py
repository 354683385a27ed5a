"""The touchstone of all dynamics: which methods contract on bilinear games, and how fast."""

import math

import pytest
import torch
from torch import Tensor
from torch.optim import SGD

import nashgrad as ng
from methods import momentum, plain
from methods.case import Method
from methods.table import BY_NAME as ROWS
from references import error

M = 0.9 * torch.tensor([[0.8, 0.6], [-0.6, 0.8]], dtype=torch.float64)
"""One singular value, so that one pair of eigenvalues sets the rate."""
SIZES = (2, 2)


def radius(F: Tensor) -> float:
    return torch.linalg.eigvals(F).abs().max().item()


def predicted_rate(method: Method, J: Tensor, h: float) -> float:
    """The spectral radius of the formula: its operator, or two steps by hand close to zero."""
    if method.operator is not None:
        return radius(method.operator(J, SIZES, h))
    assert method.hand is not None
    tiny = 1e-8 * torch.eye(len(J), dtype=J.dtype)
    columns = [method.hand(lambda x: J @ x, J, SIZES, h, e) for e in tiny]
    return math.sqrt(radius(torch.stack(columns, 1) / 1e-8))


def rate(opt: ng.GameOptimizer, steps: int) -> float:
    """The factor by which |x| changes a step: the slope of its logarithm, late in these steps."""
    norms = []
    for _ in range(steps):
        opt.step(None)
        norms.append(opt.space.get().norm())
    late = torch.stack(norms[steps // 2 :]).log()
    k = torch.arange(len(late), dtype=late.dtype)
    k = k - k.mean()
    return math.exp((k @ late / (k @ k)).item())


def both(name: str, h: float, steps: int = 160) -> tuple[float, float]:
    """The rate by the formula written by hand, and the observed one."""
    method, game = ROWS[name], ng.bilinear(M)
    opt = ng.GameOptimizer(
        ng.GameField(game),
        SGD(game.parameters(), h),
        adjustment=method.adjustment(),
        schedule=method.schedule(),
    )
    assert h * torch.linalg.svdvals(M).max() < 2
    return predicted_rate(method, game.jacobian(), h), rate(opt, steps)


@pytest.mark.parametrize("h", [0.1, 0.5])
@pytest.mark.parametrize("name", ["simultaneous", "Heun", "heavy ball", "negative momentum"])
def test_methods_that_diverge(name: str, h: float) -> None:
    predicted, observed = both(name, h)
    assert observed == pytest.approx(predicted, abs=1e-3)
    assert min(predicted, observed) > 1


@pytest.mark.parametrize(
    ("name", "h"),
    [
        ("extragradient", 0.2),
        ("extragradient", 0.6),
        ("extrapolation from the past", 0.2),
        ("extrapolation from the past", 0.5),
        ("optimistic", 0.2),
        ("optimistic", 0.5),
        ("optimistic step", 0.4),
        ("Runge-Kutta 4", 0.6),
        ("Runge-Kutta 4", 1.2),
        ("negative momentum, alternating", 0.2),
        ("negative momentum, alternating", 0.7),
        ("complex momentum", 0.04),
        ("consensus", 0.3),
        ("smoothing", 0.3),
        ("smoothing, code", 0.3),
        ("Nagarajan-Kolter", 0.3),
        ("JARE", 0.3),
        ("Hamiltonian descent", 0.3),
        ("SGA", 0.3),
        ("SGA, aligned", 0.3),
        ("CGD", 0.3),
        ("CGD", 1.5),
        ("LookAhead", 0.3),
        ("LOLA", 0.3),
        ("SOS", 0.3),
        ("linearly implicit", 1.5),
        ("implicit Euler", 1.5),
    ],
)
def test_methods_that_contract(name: str, h: float) -> None:
    predicted, observed = both(name, h)
    assert observed == pytest.approx(predicted, abs=1e-3)
    assert max(predicted, observed) < 1


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("extragradient", 1.0),
        ("extrapolation from the past", 1 / math.sqrt(3)),
        ("optimistic", 1 / math.sqrt(3)),
        ("optimistic step", 1 / math.sqrt(3)),
        ("Runge-Kutta 4", 2 * math.sqrt(2)),
    ],
)
def test_the_step_sizes_up_to_which_they_contract(name: str, limit: float) -> None:
    """As the docstrings have them: h sigma_max, and that game observed on both sides."""
    unit = M / 0.9
    for h, contracts in ((0.98 * limit, True), (1.02 * limit, False)):
        method, game = ROWS[name], ng.bilinear(unit)
        opt = ng.GameOptimizer(
            ng.GameField(game),
            SGD(game.parameters(), h),
            adjustment=method.adjustment(),
            schedule=method.schedule(),
        )
        assert (predicted_rate(method, game.jacobian(), h) < 1) == contracts
        assert (rate(opt, 100) < 1) == contracts


@pytest.mark.parametrize("h", [0.1, 1.0, 1.8])
def test_alternating_neither_contracts_nor_grows(h: float) -> None:
    """Its operator has all eigenvalues on the unit circle."""
    game = ng.bilinear(M)
    F = plain.alternating(game.jacobian(), SIZES, h)
    assert torch.linalg.eigvals(F).abs().sub(1).abs().max() < 1e-10
    opt = ng.GameOptimizer(ng.GameField(game), SGD(game.parameters(), h), schedule=ng.Alternating())
    norms = []
    for _ in range(200):
        opt.step(None)
        norms.append(opt.space.get().norm().item())
    late, early = norms[100:], norms[:100]
    assert max(late) == pytest.approx(max(early), rel=0.02)
    assert min(late) > 0.5 * min(early) > 0


def test_two_turns_of_one_player() -> None:
    """F' = (I + h J_x) (I + h J_y)^2, the last turn on the left."""
    game, h = ng.bilinear(M), 0.3
    J, x = game.jacobian(), torch.arange(1.0, 5.0, dtype=torch.float64)
    opt = ng.GameOptimizer(
        ng.GameField(game), SGD(game.parameters(), h), schedule=ng.Alternating(("y", "y", "x"))
    )
    opt.space.set_(x)
    opt.step(None)
    I = torch.eye(4, dtype=torch.float64)  # noqa: E741
    Jx, Jy = (plain.rows(J, SIZES, i) for i in (0, 1))
    assert error(opt.space.get(), (I + h * Jx) @ (I + h * Jy) @ (I + h * Jy) @ x) < 1e-12


@pytest.mark.parametrize("grouped", [False, True], ids=["optimisers", "groups"])
def test_two_time_scales_diverge_all_the_same(grouped: bool) -> None:
    """F' = I + diag(h) J: another learning rate for each player cures nothing."""
    game, rates = ng.bilinear(M), {"x": 0.05, "y": 0.4}
    h = torch.tensor([0.05, 0.05, 0.4, 0.4], dtype=torch.float64)
    groups = [{"params": [getattr(game, p)], "lr": lr} for p, lr in rates.items()]
    optimizer = (
        SGD(groups) if grouped else {p: SGD([getattr(game, p)], lr) for p, lr in rates.items()}
    )
    opt = ng.GameOptimizer(ng.GameField(game), optimizer)
    F = torch.eye(4, dtype=torch.float64) + torch.diag(h) @ game.jacobian()
    x = opt.space.get()
    opt.step(None)
    assert error(opt.space.get(), F @ x) < 1e-12
    observed = rate(opt, 160)
    assert observed == pytest.approx(radius(F), abs=1e-3)
    assert min(observed, radius(F)) > 1


@pytest.mark.parametrize(
    ("modulus", "angle"),
    [(0.9, math.pi / 8), (0.7, 0.39), (0.7, 0.6), (0.5, 1.2), (0.5, 2.0), (0.9, 2.5), (0.9, 0.0)],
)
def test_which_complex_momenta_contract(modulus: float, angle: float) -> None:
    """The docstring's condition against the operator, for a small step."""
    b, c = modulus * math.cos(angle), modulus * math.sin(angle)
    condition = c**2 * (3 - b) > (1 - b) ** 2 * (1 + b)
    game = ng.bilinear(M)
    F = momentum.complex_momentum(game.jacobian(), SIZES, 0.004, modulus=modulus, angle=angle)
    assert (radius(F) < 1) == condition
