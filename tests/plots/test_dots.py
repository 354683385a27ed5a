"""Scores of seeds as dots."""

import math

import numpy as np
import pytest

from nashgrad.plots import new_figure, seed_dots, seed_lines


def test_a_dot_for_each_seed_and_a_cross_for_each_lost_run() -> None:
    _, [[ax]] = new_figure()
    seed_dots(ax, {"a": [1.0, 3.0, math.inf], "b": [2.0]}, xlabel="score")
    shown = {line.get_marker(): np.asarray(line.get_xdata()) for line in ax.lines if len(ax.lines)}
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [list(np.asarray(line.get_xdata())) for line in dots] == [[1.0, 3.0], [2.0]]
    assert list(shown["x"]) in ([], [3.0])
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"]


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_line_through_medians(scale: str) -> None:
    _, [[ax]] = new_figure()
    curves = {"net": ([1.0, 10.0], [[1.0, 3.0], [math.nan, 5.0]])}
    seed_lines(ax, curves, xlabel="gamma", ylabel="score", scales=(scale, "linear"))
    assert list(np.asarray(ax.lines[-1].get_ydata())) == [2.0, 5.0]
    assert ax.get_xscale() == scale
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "10"]
    assert not ax.get_xticks(minor=True).size
