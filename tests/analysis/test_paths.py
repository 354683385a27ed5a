"""Fields along a line: dense references, closed forms, and parameters that come back."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import nashgrad as ng
from nashgrad.analysis.paths import PathAngle, PathShape, field_at, path_angle
from references import mlp_gan, quadratic, trio

seeds = st.integers(0, 10_000)


def spiral(damping: float, rotation: float) -> ng.GameField:
    """x' = -damping x - rotation y, y' = rotation x - damping y."""
    J = torch.tensor([[-damping, -rotation], [rotation, -damping]], dtype=torch.float64)
    return ng.GameField(ng.Quadratic(J, {"x": 1, "y": 1}))


def past(field: ng.GameField, distance: float = 0.05, **options: Any) -> PathAngle:
    """A path whose end lies beside the equilibrium, at this distance."""
    start = torch.tensor([3.0, distance], dtype=torch.float64)
    return path_angle(field, None, start, torch.tensor([0.0, distance]).double(), **options)


@settings(max_examples=20)
@given(seeds)
def test_the_path_of_a_linear_field(seed: int) -> None:
    game = quadratic({"a": 2, "b": 3}, seed)
    start, end = torch.randn(2, 5, generator=torch.Generator().manual_seed(seed)).double()
    path = path_angle(ng.GameField(game), None, start, end, 7, span=(-1, 2))
    alphas = torch.linspace(-1, 2, 7, dtype=torch.float64)
    x = start + alphas[:, None] * (end - start)
    v = x @ game.matrix.T + game.offset
    torch.testing.assert_close(path.alphas, alphas)
    torch.testing.assert_close(path.norms, v.norm(dim=1))
    cosines = torch.cosine_similarity(v, (end - start)[None], dim=1)
    torch.testing.assert_close(path.cosines, cosines, rtol=1e-9, atol=1e-9)


def test_a_gan_against_dense_gradients() -> None:
    case = mlp_gan()
    start, end = case.x, case.x + torch.randn_like(case.x)
    path = path_angle(ng.GameField(case.game), case.batch, start, end, 5)
    for a, cosine, norm in zip(path.alphas, path.cosines, path.norms, strict=True):
        v = case.v((start + a * (end - start)).requires_grad_()).detach()
        torch.testing.assert_close(norm, v.norm())
        torch.testing.assert_close(cosine, v @ (end - start) / v.norm() / (end - start).norm())


@settings(max_examples=20)
@given(seeds)
def test_turned_round_the_path_is_mirrored_and_its_cosines_change_sign(seed: int) -> None:
    field = ng.GameField(quadratic({"a": 2, "b": 2}, seed))
    start, end = torch.randn(2, 4, generator=torch.Generator().manual_seed(seed)).double()
    there, back = path_angle(field, None, start, end, 9), path_angle(field, None, end, start, 9)
    torch.testing.assert_close(there.cosines, -back.cosines.flip(0), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(there.norms, back.norms.flip(0))


def test_the_default_path_meets_start_and_end() -> None:
    path = past(spiral(1, 0))
    assert {0.0, 1.0} <= set(path.alphas.tolist())


def test_both_ends_are_met_exactly() -> None:
    case = trio()
    field, end = ng.GameField(case.game), case.x + 1 / 3
    path = path_angle(field, case.batch, case.x, end, 2, span=(0, 1))
    field.space.set_(end)
    at_end = field.linearize(case.batch, order=1).value.norm()
    field.space.set_(case.x)
    at_start = field.linearize(case.batch, order=1).value.norm()
    assert path.norms.tolist() == [at_start.item(), at_end.item()]


@pytest.mark.parametrize(
    ("damping", "rotation", "seen"),
    [
        (1.0, 0.0, "attraction"),
        (-1.0, 0.0, "repulsion"),
        (0.0, 1.0, "rotation"),
        (0.0, -1.0, "rotation"),
        (1.0, 1.0, "attraction and rotation"),
        (-1.0, 1.0, "repulsion and rotation"),
    ],
)
def test_what_is_seen(damping: float, rotation: float, seen: str) -> None:
    assert str(past(spiral(damping, rotation)).near()) == seen


@given(st.floats(0.05, 3.0), st.floats(0.05, 3.0))
def test_switch_and_bump_in_closed_form(damping: float, rotation: float) -> None:
    alphas = torch.linspace(0.5, 1.5, 4001, dtype=torch.float64)
    x = torch.stack([1 - alphas, torch.full_like(alphas, 0.003)], 1)
    v = x @ torch.tensor([[-damping, -rotation], [rotation, -damping]]).double().T
    shape = PathAngle(alphas, -v[:, 0] / v.norm(dim=1), v.norm(dim=1)).near()
    # Far away the cosine is damping / |l|, and where the path is nearest it reaches 1.
    far = damping / math.hypot(damping, rotation)
    assert shape.before == pytest.approx(far, abs=0.03)
    assert shape.after == pytest.approx(-far, abs=0.03)
    assert shape.bump == pytest.approx(1 - far, abs=0.03)


def test_what_is_seen_elsewhere() -> None:
    field = spiral(1, 0)
    start, end = torch.tensor([0.0, 1e-3]).double(), torch.tensor([3.0, 1e-3]).double()
    path = path_angle(field, None, start, end)
    assert str(path.near(at=0.0)) == "attraction"
    assert str(path.near(at=1.0)) == "nothing seen"


def test_cosines_that_are_not_finite_are_passed_over() -> None:
    alphas = torch.linspace(0.5, 1.5, 41, dtype=torch.float64)
    cosines = torch.where(alphas < 1, 1.0, -1.0).double()
    cosines[18:23] = math.nan
    shape = PathAngle(alphas, cosines, cosines).near()
    assert (shape.before, shape.after, shape.bump) == (1.0, -1.0, 0.0)
    nothing = PathAngle(alphas, cosines * math.nan, cosines).near()
    assert math.isnan(nothing.before)
    assert str(nothing) == "nothing seen"


def test_small_numbers_are_noise() -> None:
    assert str(PathShape(0.05, -0.05, 0.09)) == "nothing seen"


def test_where_the_field_vanishes_there_is_no_cosine() -> None:
    path = path_angle(spiral(1, 0), None, torch.tensor([2.0, 0]), torch.tensor([0.0, 0]))
    there = path.alphas == 1
    assert path.cosines[there].isnan().all()
    assert path.norms[there] == 0
    assert path.cosines[~there].isfinite().all()


def test_an_overflow_leaves_a_gap() -> None:
    # |v| overflows at the second point, and v itself at the third.
    start, end = torch.tensor([[1e-200, 0], [1e9, 0]], dtype=torch.float64)
    path = path_angle(spiral(1e299, 0), None, start, end, 3, span=(0, 2))
    assert path.norms.isfinite().tolist() == [True, False, False]
    assert path.cosines.isfinite().tolist() == [True, False, False]


@pytest.mark.parametrize("norm", [False, True])
def test_parameters_buffers_and_gradients_stay(norm: bool) -> None:
    case = mlp_gan(norm=norm)
    field = ng.GameField(case.game)
    buffers = [b.clone() for b in case.game.buffers()]
    path_angle(field, case.batch, case.x + 1, case.x - 1, 3)
    field_at(field, torch.randn(2, len(case.x)), case.batch)
    assert torch.equal(field.space.get(), case.x)
    assert all(torch.equal(a, b) for a, b in zip(case.game.buffers(), buffers, strict=True))
    assert all(p.grad is None for p in case.game.parameters())


def test_parameters_come_back_after_an_error() -> None:
    case = mlp_gan()
    field, calls = ng.GameField(case.game), []

    def fail(*_: Any) -> None:
        calls.append(field.space.get())
        if len(calls) > 4:
            raise RuntimeError("out of memory")

    case.game.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        path_angle(field, case.batch, case.x + 1, case.x - 1, 9)
    assert not torch.equal(calls[-1], case.x)
    assert torch.equal(field.space.get(), case.x)


@settings(max_examples=20)
@given(seeds)
def test_the_field_at_many_points(seed: int) -> None:
    game = quadratic({"a": 2, "b": 1}, seed)
    points = torch.randn(6, 3, generator=torch.Generator().manual_seed(seed)).double()
    found = field_at(ng.GameField(game), points)
    torch.testing.assert_close(found, points @ game.matrix.T + game.offset)


def test_an_adjusted_field_has_paths_as_well() -> None:
    game = quadratic({"a": 2, "b": 2})
    w = ng.AdjustedField(ng.GameField(game), ng.Consensus(0.3))
    points = torch.randn(3, 4, dtype=torch.float64)
    v = points @ game.matrix.T + game.offset
    torch.testing.assert_close(field_at(w, points), v - 0.3 * v @ game.matrix)
    assert path_angle(w, None, points[0], points[1], 3).cosines.shape == (3,)


def test_float32_points_of_a_float64_game() -> None:
    found = field_at(spiral(1, 2), torch.ones(1, 2))
    assert found.tolist() == [[-3.0, 1.0]]
    assert found.dtype == torch.float64


X = torch.zeros(2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": torch.zeros(3)}, r"start must have shape \(2,\), got \(3,\)"),
        ({"end": X}, "the same point"),
        ({"end": X + math.nan}, "end must be finite"),
        ({"points": 1}, "2 points"),
        ({"points": 0}, "points must be a whole number"),
        ({"span": (1.0, 1.0)}, "span that increases"),
        ({"span": (0.0, math.inf)}, "span that increases"),
    ],
)
def test_refusals(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        path_angle(spiral(1, 0), None, **({"start": X, "end": X + 1} | arguments))


@pytest.mark.parametrize("points", [torch.zeros(0, 2), torch.zeros(2), torch.zeros(2, 3)])
def test_points_of_another_shape(points: Tensor) -> None:
    with pytest.raises(ValueError, match=r"points must have shape \(m, 2\)"):
        field_at(spiral(1, 0), points)


def test_a_window_needs_a_width() -> None:
    with pytest.raises(ValueError, match="width must be positive"):
        past(spiral(1, 0)).near(width=0)
