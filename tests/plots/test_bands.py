"""Lines and bands: what is drawn, what is left out, what can be told apart."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D

from nashgrad.plots import bands, bands_apart, new_figure, save_png

X = np.array([0.0, 1.0, 2.0])


@pytest.fixture
def ax() -> Axes:
    return new_figure()[1][0][0]


def draw(ax: Axes, values: object, **options: object) -> Line2D:
    bands(ax, {"a": (X, values)}, xlabel="spent", ylabel="sw2", **options)
    return ax.lines[0]


def edges(ax: Axes) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest value of the band at each x."""
    corners = ax.collections[0].get_paths()[0].vertices
    at = [corners[corners[:, 0] == x, 1] for x in X]
    return np.array([y.min() for y in at]), np.array([y.max() for y in at])


def test_the_line_is_the_median_and_the_band_the_range(ax: Axes) -> None:
    line = draw(ax, [[1, 2, 3], [2, 4, 6], [9, 9, 9]])
    np.testing.assert_array_equal(line.get_ydata(), [2, 4, 6])
    low, high = edges(ax)
    np.testing.assert_array_equal(low, [1, 2, 3])
    np.testing.assert_array_equal(high, [9, 9, 9])
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("spent", "sw2", "log")


def test_one_run_is_a_line(ax: Axes) -> None:
    np.testing.assert_array_equal(draw(ax, [1, 2, 3]).get_ydata(), [1, 2, 3])


def test_values_that_are_not_finite_are_no_part_of_the_band(ax: Axes) -> None:
    line = draw(ax, [[1, 2, np.nan], [2, np.inf, np.nan], [3, 4, np.nan]])
    np.testing.assert_array_equal(line.get_ydata(), [2, 4, np.nan])
    high = ax.collections[0].get_paths()[0].vertices[:, 1].max()
    assert high == 4


def test_where_most_runs_failed_the_line_has_a_gap(ax: Axes) -> None:
    line = draw(ax, [[1, 2, 3], [1, np.nan, 3], [1, np.nan, 3]])
    np.testing.assert_array_equal(line.get_ydata(), [1, np.nan, 3])


def test_no_two_of_fourteen_lines_look_alike(ax: Axes) -> None:
    curves = {f"method {i}": (X, [X + i + 1]) for i in range(14)}
    bands(ax, curves, xlabel="", ylabel="")
    assert len(ax.get_legend().get_texts()) == 14
    looks = [
        (to_hex(line.get_color()), str(line._dash_pattern), line.get_marker()) for line in ax.lines
    ]
    for one, other in combinations(looks, 2):
        assert sum(a != b for a, b in zip(one, other, strict=True)) >= 1
        assert one[0] != other[0] or sum(map(str.__ne__, one, other)) >= 2


def test_the_legend_is_outside_the_axis_and_can_be_left_out(tmp_path: Path) -> None:
    figure, [[first, second]] = new_figure(columns=2)
    for axis, legend in ((first, False), (second, True)):
        bands(axis, {"a": (X, [X + 1])}, xlabel="", ylabel="", legend=legend)
    save_png(figure, tmp_path / "bands.png")
    assert first.get_legend() is None
    assert second.get_legend().get_window_extent().x0 >= second.get_window_extent().x1


def test_a_linear_scale(ax: Axes) -> None:
    draw(ax, [[-1, 0, 1]], scale="linear")
    assert ax.get_yscale() == "linear"


CURVES = {"best": (X, [X + 1, X + 3]), "plain": (X, [X + 5]), "third": (X, [X + 9])}


def test_each_has_a_panel_before_the_lines_of_all_others() -> None:
    figure = bands_apart(CURVES, xlabel="spent", ylabel="sw2", baseline="plain")
    panels = [ax for ax in figure.axes if ax.axison]
    assert [ax.get_title() for ax in panels] == ["1. best", "2. plain", "3. third"]
    assert {len(ax.lines) for ax in panels} == {3}
    assert {ax.get_ylim() for ax in panels} == {panels[0].get_ylim()}
    own = panels[0].lines[-1]
    np.testing.assert_array_equal(own.get_ydata(), X + 2)
    low, high = edges(panels[0])
    np.testing.assert_array_equal(low, X + 1)
    np.testing.assert_array_equal(high, X + 3)
    dashed = [[line.get_linestyle() for line in ax.lines].count("--") for ax in panels]
    assert dashed == [1, 0, 1]


def test_rare_values_do_not_press_all_others_together() -> None:
    values = np.full((1, 1000), 2.0)
    values[0, 7] = 1e9
    curves = {"a": (np.arange(1000.0), values), "b": (np.arange(1000.0), values + 1)}
    figure = bands_apart(curves, xlabel="", ylabel="")
    assert figure.axes[0].get_ylim()[1] < 10


def test_the_axis_may_end_early_and_may_be_linear() -> None:
    figure = bands_apart({"a": (X, [X - 1])}, xlabel="", ylabel="", scale="linear", right=1.5)
    assert figure.axes[0].get_xlim() == (0, 1.5)
    assert figure.axes[0].get_yscale() == "linear"


def test_no_panels() -> None:
    with pytest.raises(ValueError, match=r"^curves: there are none to draw$"):
        bands_apart({}, xlabel="", ylabel="")


def test_nothing_to_draw(ax: Axes) -> None:
    bands(ax, {}, xlabel="spent", ylabel="sw2")
    assert ax.get_legend() is None
