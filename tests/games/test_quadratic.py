"""Quadratic and bilinear games: errors, equilibria, sign conventions."""

import pytest
import torch

import nashgrad as ng
from references import quadratic


def test_losses_by_hand() -> None:
    J = torch.tensor([[-2.0, 1, 0.5], [1, -3, 2], [-1, 4, -1]], dtype=torch.float64)
    b = torch.tensor([1.0, -1, 2], dtype=torch.float64)
    x = torch.tensor([0.5, -1, 2], dtype=torch.float64)
    losses = ng.Quadratic(J, {"a": 2, "c": 1}, b, x)(None, ("a", "c"))
    a, c = x[:2], x[2:]
    own = a @ J[:2, :2] @ a / 2
    assert losses["a"].item() == pytest.approx(-(own + a @ J[:2, 2:] @ c + a @ b[:2]).item())
    assert losses["c"].item() == pytest.approx(-(c * (-c / 2 + J[2, :2] @ a + b[2])).item())


def test_equilibrium() -> None:
    game = quadratic({"x": 2, "y": 3}, seed=5)
    field = ng.GameField(game)
    field.space.set_(game.equilibrium())
    assert field.linearize(None).value.abs().max() < 1e-12


def test_no_equilibrium() -> None:
    with pytest.raises(torch.linalg.LinAlgError):
        ng.Quadratic(torch.zeros(2, 2), {"x": 1, "y": 1}).equilibrium()


def test_defaults() -> None:
    game = ng.Quadratic(-torch.eye(3), {"x": 1, "y": 2})
    assert ng.GameField(game).space.get().tolist() == [1, 1, 1]
    assert game.equilibrium().tolist() == [0, 0, 0]
    assert game.jacobian() is game.matrix


def test_only_the_losses_asked_for() -> None:
    assert set(quadratic({"x": 1, "y": 1, "z": 1})(None, ("z", "x"))) == {"x", "z"}


def test_bilinear_is_zero_sum_and_rotates() -> None:
    M = torch.tensor([[1.0, 2], [0, 1], [3, -1]], dtype=torch.float64)
    game = ng.bilinear(M, torch.arange(1.0, 6.0, dtype=torch.float64))
    x, y = torch.arange(1.0, 4.0).double(), torch.tensor([4.0, 5]).double()
    losses = game(None, ("x", "y"))
    assert losses["x"].item() == pytest.approx((x @ M @ y).item())
    assert losses["y"].item() == pytest.approx(-(x @ M @ y).item())
    eigenvalues = torch.linalg.eigvals(game.jacobian())
    singular = torch.linalg.svdvals(M)
    assert eigenvalues.real.abs().max() < 1e-12
    imaginary = eigenvalues.imag.sort(descending=True).values[:2]
    torch.testing.assert_close(imaginary, singular)


def test_sizes_that_do_not_add_up() -> None:
    with pytest.raises(ValueError, match=r"^jacobian must have shape \(3, 3\), got \(2, 2\)$"):
        ng.Quadratic(torch.eye(2), {"x": 1, "y": 2})


def test_asymmetric_diagonal_blocks() -> None:
    message = r"^player 'y': its diagonal block of the Jacobian is not symmetric$"
    J = torch.tensor([[1.0, 5, 6], [7, 1, 2], [8, 3, 1]])
    with pytest.raises(ValueError, match=message):
        ng.Quadratic(J, {"x": 1, "y": 2})
    ng.Quadratic(J, {"x": 1, "y": 1, "z": 1})
