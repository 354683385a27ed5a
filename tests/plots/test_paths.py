"""Along a way: cosines and norms on a line, spectra over steps, rays into the unit disc."""

from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from nashgrad.analysis.paths import PathAngle
from nashgrad.plots.discs import figure_one, unit_disc
from nashgrad.plots.history import SpectrumHistory, spectra_over_time
from nashgrad.plots.layout import new_figure
from nashgrad.plots.paths import path_cosines, path_norms, path_picture

ALPHAS = torch.linspace(-0.5, 1.5, 41, dtype=torch.float64)
SWITCH = PathAngle(ALPHAS, torch.where(ALPHAS < 1, 1.0, -1.0).double(), (ALPHAS - 1).abs())
BUMP = PathAngle(ALPHAS, torch.exp(-((ALPHAS - 1) ** 2) / 0.01), (ALPHAS - 1).abs() + 1)


@pytest.fixture
def ax() -> Axes:
    return new_figure()[1][0][0]


@pytest.fixture
def four() -> list[Axes]:
    _, rows = new_figure(2, 2)
    return [*rows[0], *rows[1]]


def legend(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def named(ax: Axes, name: str) -> Line2D:
    (line,) = (line for line in ax.lines if str(line.get_label()).startswith(name))
    return line


# The field on a line.


def test_cosines_and_what_they_say(ax: Axes) -> None:
    path_cosines(ax, {"damped": SWITCH, "turning": BUMP})
    assert legend(ax) == ["damped: attraction", "turning: rotation"]
    np.testing.assert_array_equal(named(ax, "turning").get_ydata(), BUMP.cosines)
    assert ax.get_xlim() == (-0.5, 1.5)
    assert ax.get_ylim()[0] < -1 < 1 < ax.get_ylim()[1]


def test_cosines_without_words(ax: Axes) -> None:
    path_cosines(ax, {"damped": SWITCH}, say=False)
    assert legend(ax) == ["damped"]


def test_start_and_end_are_marked(ax: Axes) -> None:
    path_norms(ax, SWITCH)
    marks = [line.get_xdata()[0] for line in ax.lines if list(line.get_ydata()) == [0, 1]]
    assert marks == [0, 1]


def test_norms(ax: Axes) -> None:
    path_norms(ax, {"turning": BUMP, "too": BUMP})
    np.testing.assert_array_equal(named(ax, "turning").get_ydata(), BUMP.norms)
    assert ax.get_yscale() == "linear"
    assert ax.get_ylim()[0] == 0


def test_norms_of_many_decades_are_logarithmic_with_a_gap_at_zero(ax: Axes) -> None:
    norms = 10 ** (-6 * (1 - (ALPHAS - 1).abs()))
    norms[30] = 0
    path_norms(ax, PathAngle(ALPHAS, SWITCH.cosines, norms))
    assert ax.get_yscale() == "log"
    assert np.isnan(named(ax, "path").get_ydata()[30])


def test_what_is_not_finite_leaves_gaps(ax: Axes) -> None:
    nothing = ALPHAS * np.nan
    path_cosines(ax, PathAngle(ALPHAS, nothing, nothing))
    assert legend(ax) == ["path: nothing seen"]
    path_picture(PathAngle(ALPHAS, nothing, nothing)).draw_without_rendering()


def test_the_picture_has_angle_above_norm() -> None:
    figure = path_picture({"a": SWITCH, "b": BUMP}, title="from 0 to 5,000")
    above, below = figure.axes
    assert above.get_ylabel().startswith("cosine")
    assert below.get_ylabel() == "norm of v"
    assert below.get_legend() is None
    assert above.get_xlim() == below.get_xlim()
    assert figure.get_suptitle() == "from 0 to 5,000"


@pytest.mark.parametrize("draw", [path_cosines, path_norms])
def test_no_paths(ax: Axes, draw: Any) -> None:
    with pytest.raises(ValueError, match="no paths"):
        draw(ax, {})


# Spectra over steps.

SPECTRA = [[-1 + 2j, -1 - 2j, -3, 0], [0.5, -2 + 1j, -2 - 1j, 1e-9]]


def test_extremes_over_steps(four: list[Axes]) -> None:
    spectra_over_time(four, SpectrumHistory([0, 100], SPECTRA))
    values = [named(ax, "run").get_ydata() for ax in four]
    np.testing.assert_allclose(values, [[-1, 0.5], [-3, -2], [2, 1], [2, 0.5]])
    assert [ax.get_legend() for ax in four] == [None] * 4
    assert four[0].get_ylabel() == "greatest real part"


def test_tensors_and_gaps(four: list[Axes]) -> None:
    spectra = [torch.tensor(SPECTRA[0]), None, [np.nan], [], [0.0, 0.0], SPECTRA[1]]
    spectra_over_time(four, SpectrumHistory(range(6), spectra))
    greatest = named(four[0], "run").get_ydata()
    np.testing.assert_array_equal(np.isnan(greatest), [False, True, True, True, True, False])


def test_without_a_stable_eigenvalue_there_is_no_ratio(four: list[Axes]) -> None:
    spectra_over_time(four, SpectrumHistory([0, 1], [[1 + 1j, 1 - 1j], SPECTRA[0]]))
    np.testing.assert_array_equal(named(four[3], "run").get_ydata(), [np.nan, 2])


def test_methods_are_named_once(four: list[Axes]) -> None:
    history = SpectrumHistory([0, 1], SPECTRA)
    spectra_over_time(four, {"consensus": history, "simultaneous": history})
    assert legend(four[0]) == ["consensus", "simultaneous"]
    assert [ax.get_legend() for ax in four[1:]] == [None] * 3


def test_parts_of_spectra_are_hollow(four: list[Axes]) -> None:
    spectra_over_time(four, SpectrumHistory([0, 1, 2], [*SPECTRA, SPECTRA[0]], [True, False, True]))
    hollow = [line for line in four[0].lines if line.get_markerfacecolor() == "white"]
    filled = [line for line in four[0].lines if line.get_marker() == "o" and line not in hollow]
    assert [list(line.get_xdata()) for line in hollow] == [[1]]
    assert [list(line.get_xdata()) for line in filled] == [[0, 2]]


@pytest.mark.parametrize(
    ("histories", "message"),
    [
        ({}, "no spectra"),
        ({"a": SpectrumHistory([0], SPECTRA)}, "history 'a': 1 steps, but 2 spectra"),
        ({"a": SpectrumHistory([0, 1], [None, [0.0]])}, "history 'a' has no finite eigenvalue"),
        ({"a": SpectrumHistory([], [])}, "history 'a' has no finite eigenvalue"),
    ],
)
def test_histories_that_cannot_be_drawn(
    four: list[Axes], histories: dict[str, SpectrumHistory], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        spectra_over_time(four, histories)


# The unit disc.


def dots(ax: Axes, name: str) -> np.ndarray:
    (found,) = (c for c in ax.collections if str(c.get_label()).endswith(name))
    return np.sort_complex(found.get_offsets().data @ [1, 1j])


def said(ax: Axes) -> list[str]:
    return ax.texts[-1].get_text().split("\n")


def test_inside_and_outside(ax: Axes) -> None:
    unit_disc(ax, [-1, -0.1 + 1j, -0.1 - 1j, 0], 0.5, title="I + h A")
    np.testing.assert_allclose(dots(ax, "inside"), [0.5])
    np.testing.assert_allclose(dots(ax, "outside"), [0.95 - 0.5j, 0.95 + 0.5j])
    np.testing.assert_allclose(dots(ax, "neutral"), [1])
    assert legend(ax) == ["1 inside", "2 outside", "1 neutral"]
    assert ax.get_title(loc="left") == "I + h A"


@pytest.mark.parametrize("factor", [0.999, 1.001])
def test_the_largest_step_is_sharp(ax: Axes, factor: float) -> None:
    values = np.array([-0.2 + 1.1j, -0.2 - 1.1j, -1.4, -0.7 + 0.3j, -0.7 - 0.3j])
    limit = min(-2 * values.real / np.abs(values) ** 2)
    unit_disc(ax, values, factor * limit)
    assert ("outside" in " ".join(legend(ax))) == (factor > 1)
    assert said(ax)[1:] == ["contracts for", f"h < {limit:.2g}"]


def test_rays_go_from_one_to_the_disc_and_on(ax: Axes) -> None:
    unit_disc(ax, [-0.5 + 1j, -0.5 - 1j], 1.0)
    rays = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_zorder() == 1]
    ends = np.array([line.get_xydata() @ [1, 1j] for line in rays])
    assert len(rays) == 4
    np.testing.assert_allclose(ends[::2, 0], 1)
    np.testing.assert_allclose(np.abs(ends[::2, 1]), 1)  # h = 0.8 is on the rim
    np.testing.assert_allclose(ends[::2, 1], ends[1::2, 0])
    np.testing.assert_allclose(np.sort_complex(ends[1::2, 1]), [0.5 - 1j, 0.5 + 1j])


def test_of_one_direction_the_longest_ray_is_drawn(ax: Axes) -> None:
    unit_disc(ax, [-0.2, -0.9, -0.4], 1.0, rays=3)
    ends = [line.get_xdata()[1] for line in ax.lines if line.get_zorder() == 1]
    np.testing.assert_allclose(ends, 0.1)


def test_a_ray_that_never_enters(ax: Axes) -> None:
    unit_disc(ax, [0.3, -1], 0.5)
    assert said(ax) == ["h = 0.5", "no h contracts:", "1 not left of 1"]


@pytest.mark.parametrize(("rays", "drawn"), [(0, 0), (1, 1), (5, 5)])
def test_the_number_of_rays(ax: Axes, rays: int, drawn: int) -> None:
    angles = np.linspace(-1.5, 1.5, 60)
    unit_disc(ax, -np.exp(1j * angles), 0.1, rays=rays)
    lines = [line for line in ax.lines if line.get_zorder() == 1]
    assert len(lines) == 2 * drawn


def test_several_steps(ax: Axes) -> None:
    unit_disc(ax, [-1 + 0.5j, -1 - 0.5j], [1.0, 0.25, 0.5])
    assert said(ax)[0] == "h = 0.25, 0.5, 1"
    np.testing.assert_allclose(dots(ax, "inside"), [-0.5j, 0.5j])
    pale = [c for c in ax.collections if c.get_alpha()]
    assert [len(c.get_offsets()) for c in pale] == [2, 2]
    assert pale[0].get_alpha() < pale[1].get_alpha()


def test_far_away_eigenvalues_stand_at_the_border(ax: Axes) -> None:
    unit_disc(ax, [-50.0, -0.5], 1.0)
    assert ax.texts[0].get_text() == "1 at \N{MINUS SIGN}49"


def test_nothing_moves(ax: Axes) -> None:
    unit_disc(ax, [0, 0], 1.0)
    assert legend(ax) == ["2 neutral"]
    assert said(ax) == ["h = 1"]


@pytest.mark.parametrize(
    ("values", "h", "message"),
    [
        ([], 1.0, "no finite eigenvalues"),
        ([-1], [], "h is empty"),
        ([-1], [1.0, -1.0], "h must be positive"),
    ],
)
def test_discs_that_cannot_be_drawn(ax: Axes, values: Any, h: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        unit_disc(ax, values, h)


def test_figure_one_repeats_what_was_before() -> None:
    figure, [axes] = new_figure(columns=2)
    before, after = np.array([-0.1 + 1j, -0.1 - 1j]), np.array([-0.7 + 1j, -0.7 - 1j])
    figure_one(axes, before, after, 0.5)
    figure.draw_without_rendering()
    assert legend(axes[0]) == ["2 outside"]
    assert legend(axes[1]) == ["before", "2 inside"]
    np.testing.assert_allclose(dots(axes[1], "before"), dots(axes[0], "outside"))
    assert [ax.get_title(loc="left") for ax in axes] == ["without consensus", "with consensus"]
    assert [said(ax)[-1] for ax in axes] == ["h < 0.2", "h < 0.94"]
