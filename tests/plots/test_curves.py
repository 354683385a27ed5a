"""Curves: what is read from records, scales, smoothing."""

import numpy as np
import pytest
from matplotlib.axes import Axes

from nashgrad.plots import lines, loss_curves, new_figure, norm_curves, series
from nashgrad.plots.curves import choose_scale, running_median

RECORDS = [
    {"step": 0, "losses": {"g": 0.7, "d": 1.4}, "field_norm": 1.0},
    {"step": 10, "losses": {"g": 0.8, "d": 1.3}, "field_norm": 0.5},
    {"step": 20, "fid": 3.0},
]


@pytest.fixture
def ax() -> Axes:
    return new_figure()[1][0][0]


def names(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_series_per_player() -> None:
    assert series(RECORDS, "losses") == {"g": ([0, 10], [0.7, 0.8]), "d": ([0, 10], [1.4, 1.3])}


def test_series_of_a_number() -> None:
    assert series(RECORDS, "fid") == {"fid": ([20], [3.0])}
    assert series(RECORDS, "fid", run="consensus") == {"consensus": ([20], [3.0])}
    assert series(RECORDS, "missing") == {}


def test_one_run(ax: Axes) -> None:
    loss_curves(ax, RECORDS)
    assert names(ax) == ["d", "g"]  # by name, however the records order them
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "loss (nats)")


def test_several_runs(ax: Axes) -> None:
    loss_curves(ax, {"a": RECORDS, "b": RECORDS})
    assert names(ax) == ["a, d", "a, g", "b, d", "b, g"]


def test_norms_are_logarithmic(ax: Axes) -> None:
    norm_curves(ax, {"a": RECORDS, "b": RECORDS})
    assert names(ax) == ["a", "b"]
    assert ax.get_yscale() == "log"


def test_curves_differ_without_colour(ax: Axes) -> None:
    lines(ax, {str(k): ([0, 1], [k, k]) for k in range(6)}, ylabel="value", smooth=1)
    dashes = {str(line._dash_pattern) for line in ax.lines}  # type: ignore[attr-defined]
    assert len(dashes) == 6


def test_references_are_named(ax: Axes) -> None:
    lines(ax, {"a": ([0, 1], [0, 1])}, ylabel="value", references={"ln 2": 0.693})
    assert [text.get_text() for text in ax.texts] == ["ln 2"]


def test_nothing_to_draw(ax: Axes) -> None:
    loss_curves(ax, [])
    assert ax.get_legend() is None


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1.0, 2.0], "linear"),
        ([1.0, 1e4], "log"),
        ([-1.0, 1e4], "symlog"),
        ([0.0, 1.0, 1e4], "symlog"),
        ([np.nan, np.inf], "linear"),
        ([], "linear"),
    ],
)
def test_scale_follows_the_values(values: list[float], scale: str) -> None:
    assert choose_scale([np.array(values)]) == scale


def test_median_passes_over_spikes_and_keeps_gaps() -> None:
    values = np.array([1, 1, 99, 1, np.nan, 1, 1.0])
    np.testing.assert_array_equal(running_median(values, 3), [1, 1, 1, 1, np.nan, 1, 1])


@pytest.mark.parametrize(("xlabel", "whole"), [("step", True), ("training time (s)", False)])
def test_ticks_tell_the_truth_of_short_runs(ax: Axes, xlabel: str, whole: bool) -> None:
    lines(ax, {"a": ([0.0, 1.0, 2.0], [1.0, 2.0, 3.0])}, ylabel="loss", xlabel=xlabel)
    ax.figure.canvas.draw()
    ticks = ax.get_xticks()
    labels = [text.get_text() for text in ax.get_xticklabels()]
    assert [float(label.replace(",", "")) for label in labels] == pytest.approx(ticks)
    assert all(tick == int(tick) for tick in ticks) is whole
