"""Fields in the plane: arrows, trajectories and their marks."""

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.quiver import Quiver
from torch import Tensor

import nashgrad as ng
from nashgrad.analysis.paths import field_at
from nashgrad.games import DiracGAN
from nashgrad.plots.curves import COLOURS
from nashgrad.plots.fields import rest_point, trajectory, vector_field
from nashgrad.plots.layout import new_figure

LIMITS = ((-2.0, 2.0), (-1.0, 1.0))


@pytest.fixture
def ax() -> Axes:
    return new_figure()[1][0][0]


def turn(points: Tensor) -> Tensor:
    return torch.stack([-points[:, 1], points[:, 0]], 1)


def quiver(ax: Axes) -> Quiver:
    (found,) = (c for c in ax.collections if isinstance(c, Quiver))
    return found


def arrows(ax: Axes) -> tuple[np.ndarray, np.ndarray]:
    """Where the arrows are, and the arrows."""
    found = quiver(ax)
    return found.XY, np.stack([np.asarray(found.U), np.asarray(found.V)], 1)


def test_arrows_follow_the_field(ax: Axes) -> None:
    vector_field(ax, turn, *LIMITS, density=10, normalise=False)
    points, found = arrows(ax)
    expected = np.stack([-points[:, 1], points[:, 0]], 1)
    np.testing.assert_allclose(found / np.abs(found).max(), expected / np.abs(expected).max())
    assert (ax.get_xlim(), ax.get_ylim()) == LIMITS


def test_equal_arrows(ax: Axes) -> None:
    vector_field(ax, turn, *LIMITS, density=10)
    points, found = arrows(ax)
    lengths = np.hypot(*found.T)
    np.testing.assert_allclose(lengths, lengths[0])
    assert 0 < lengths[0] < 0.4  # the spacing of the grid
    np.testing.assert_allclose(
        points[:, 0] * found[:, 0] + points[:, 1] * found[:, 1], 0, atol=1e-9
    )
    shades = quiver(ax).get_array()
    assert shades is not None
    np.testing.assert_allclose(shades, np.sqrt(np.hypot(*points.T) / np.hypot(*points.T).max()))


def test_the_grid_is_even_and_inside(ax: Axes) -> None:
    vector_field(ax, turn, *LIMITS, density=10)
    points, _ = arrows(ax)
    assert len(points) == 10 * 5
    np.testing.assert_allclose(np.diff(np.unique(points[:, 0].round(9))), 0.4)
    np.testing.assert_allclose(np.diff(np.unique(points[:, 1].round(9))), 0.4)
    assert np.abs(points).max(0) == pytest.approx([1.8, 0.8])


def test_where_the_field_is_not_finite_there_is_no_arrow(ax: Axes) -> None:
    vector_field(ax, lambda p: torch.where(p[:, :1] > 0, torch.nan, 1.0) * p, *LIMITS, density=10)
    points, found = arrows(ax)
    assert len(points) == 25
    assert (points[:, 0] < 0).all()
    assert np.isfinite(found).all()


@pytest.mark.parametrize("value", [0.0, np.nan])
@pytest.mark.parametrize("normalise", [True, False])
def test_a_field_that_vanishes_or_is_nowhere_finite(value: float, normalise: bool) -> None:
    figure, [[ax]] = new_figure()
    vector_field(ax, lambda p: value * torch.ones_like(p), *LIMITS, density=3, normalise=normalise)
    figure.draw_without_rendering()
    assert ax.get_xlim() == LIMITS[0]


def test_a_game(ax: Axes) -> None:
    field = ng.GameField(DiracGAN(start=(0.3, 0.4)))
    vector_field(ax, lambda p: field_at(field, p), *LIMITS, density=4, normalise=False)
    points, found = arrows(ax)
    slope = 1 / (1 + np.exp(points.prod(1)))  # -g'(s) of -log sigmoid
    v = np.stack([slope * points[:, 1], -(1 - slope) * points[:, 0]], 1)
    np.testing.assert_allclose(found / np.abs(found).max(), v / np.abs(v).max(), rtol=1e-6)
    assert field.space.get().tolist() == [0.3, 0.4]


@pytest.mark.parametrize(
    ("xlim", "density"), [((1.0, 1.0), 5), ((2.0, 1.0), 5), ((0.0, np.inf), 5), ((0.0, 1.0), 1)]
)
def test_grids_that_are_none(ax: Axes, xlim: tuple[float, float], density: int) -> None:
    with pytest.raises(ValueError, match="limits that increase"):
        vector_field(ax, turn, xlim, (0, 1), density=density)


def test_a_field_of_another_shape(ax: Axes) -> None:
    with pytest.raises(ValueError, match=r"v must give shape \(15, 2\)"):
        vector_field(ax, lambda p: p[:, :1], (0, 5), (0, 3), density=5)


WAY = [[1.0, 0.0], [0.5, 0.5], [np.nan, 0.0], [0.0, 0.5], [0.1, 0.1]]


def test_a_trajectory_with_a_gap_and_its_ends(ax: Axes) -> None:
    trajectory(ax, torch.tensor(WAY).requires_grad_(), "consensus")
    way, start, end = ax.lines
    np.testing.assert_allclose(way.get_xydata(), WAY)
    np.testing.assert_allclose(start.get_xydata(), WAY[:1])
    np.testing.assert_allclose(end.get_xydata(), WAY[-1:])
    assert start.get_markerfacecolor() == "white"
    assert end.get_markerfacecolor() == way.get_color() == COLOURS[0]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["consensus"]


def test_a_trajectory_that_diverges_ends_where_it_was_last_finite(ax: Axes) -> None:
    trajectory(ax, [[1, 1], [9, 9], [np.inf, 0], [np.nan, np.nan]], "simultaneous")
    assert ax.lines[-1].get_xydata().tolist() == [[9, 9]]


def test_colours_follow_one_another_or_are_given(ax: Axes) -> None:
    for label, index in (("a", None), ("b", None), ("c", 5), ("d", None)):
        trajectory(ax, WAY, label, index=index)
    colours = [to_hex(line.get_color()).upper() for line in ax.lines if line.get_gid()]
    assert colours == [COLOURS[0], COLOURS[1], COLOURS[5], COLOURS[3]]


def test_trajectories_leave_the_view_as_it_is(ax: Axes) -> None:
    vector_field(ax, turn, *LIMITS)
    trajectory(ax, [[0, 0], [50, 50]], "away")
    assert (ax.get_xlim(), ax.get_ylim()) == LIMITS


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([[np.nan, 1.0]], "trajectory 'a' has no finite point"),
        (np.zeros((0, 2)), "trajectory 'a' has no finite point"),
        (np.zeros((4, 3)), r"trajectory 'a': points must have shape \(k, 2\), got \(4, 3\)"),
        ([], r"points must have shape \(k, 2\), got \(0,\)"),
    ],
)
def test_trajectories_that_cannot_be_drawn(ax: Axes, points: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trajectory(ax, points, "a")  # type: ignore[arg-type]


def test_a_rest_point_is_a_cross(ax: Axes) -> None:
    rest_point(ax, DiracGAN().equilibrium())
    assert ax.lines[0].get_marker() == "+"
    assert ax.lines[0].get_xydata().tolist() == [[0, 0]]
