"""Eigenvalues in the plane: what is shown, how it is told apart, and what is said of the rest."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.text import Annotation

from nashgrad.plots.layout import new_figure
from nashgrad.plots.spectra import (
    STABLE,
    UNSTABLE,
    Region,
    eigenvalue_plane,
    region_of,
    spectra_side_by_side,
)

MIXED = [-1 + 2j, -1 - 2j, 0.5, -3.0, 0.0, 1e-9]


@pytest.fixture
def ax() -> Axes:
    return new_figure()[1][0][0]


def legend(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def notes(ax: Axes) -> list[str]:
    found = [text.get_text() for text in ax.texts if isinstance(text, Annotation)]
    return [text.replace("\N{MINUS SIGN}", "-") for text in found]


def shown(ax: Axes, name: str) -> np.ndarray:
    """The eigenvalues that are drawn under a name in the legend, sorted."""
    (dots,) = (c for c in ax.collections if str(c.get_label()).endswith(f" {name}"))
    return np.sort_complex(dots.get_offsets().data @ [1, 1j])


def bulk(seed: int = 0) -> np.ndarray:
    """200 eigenvalues of a random stable matrix."""
    matrix = np.random.default_rng(seed).normal(size=(200, 200)) / np.sqrt(200)
    return np.linalg.eigvals(matrix - 1.5 * np.eye(200))


def test_stable_unstable_and_neutral(ax: Axes) -> None:
    eigenvalue_plane(ax, MIXED, title="v'")
    assert legend(ax) == ["2 neutral", "3 stable", "1 unstable"]
    np.testing.assert_array_equal(shown(ax, "stable"), [-3, -1 - 2j, -1 + 2j])
    np.testing.assert_array_equal(shown(ax, "unstable"), [0.5])
    np.testing.assert_array_equal(shown(ax, "neutral"), [0, 1e-9])
    assert ax.get_title(loc="left") == "v'"


def test_colours_and_hollow_marks(ax: Axes) -> None:
    eigenvalue_plane(ax, MIXED)
    faces = {str(c.get_label()).split()[-1]: c.get_facecolor() for c in ax.collections}
    assert to_hex(faces["stable"][0]).upper() == STABLE
    assert to_hex(faces["unstable"][0]).upper() == UNSTABLE
    assert len(faces["neutral"]) == 0


def test_rotation_alone_is_neither_stable_nor_neutral(ax: Axes) -> None:
    eigenvalue_plane(ax, [1e-17 + 1j, 1e-17 - 1j])
    assert legend(ax) == ["2 on the axis"]


def test_the_threshold_of_neutral_ones(ax: Axes) -> None:
    eigenvalue_plane(ax, [-1.0, -0.09, 0.05j], neutral=0.1)
    assert legend(ax) == ["2 neutral", "1 stable"]


@pytest.mark.parametrize(
    ("total", "said"),
    [
        (None, "4 eigenvalues, not all"),
        (2003, "4 of 2,003 eigenvalues"),
        (99_999, "4 of 99,999 eigenvalues"),
        (340_000, "4 of 340 k eigenvalues"),
        (1_200_345, "4 of 1.2 M eigenvalues"),
        (25_400_000, "4 of 25 M eigenvalues"),
    ],
)
def test_a_part_of_the_spectrum_is_said_to_be_one(ax: Axes, total: int | None, said: str) -> None:
    eigenvalue_plane(ax, [-1, -2, 1, 0], complete=False, total=total)
    assert ax.get_xlabel() == f"real part\n{said}"


def test_a_complete_spectrum_says_nothing(ax: Axes) -> None:
    eigenvalue_plane(ax, MIXED, total=6)
    assert ax.get_xlabel() == "real part"
    assert notes(ax) == []


def test_what_is_not_finite_is_counted(ax: Axes) -> None:
    eigenvalue_plane(ax, torch.tensor([-1.0, np.nan, np.inf, -2.0]).requires_grad_())
    assert legend(ax) == ["2 stable"]
    assert ax.get_xlabel() == "real part\n2 not finite"


@pytest.mark.parametrize("values", [[], [np.nan], [complex(np.inf, 1)]])
def test_nothing_to_draw(ax: Axes, values: list[complex]) -> None:
    with pytest.raises(ValueError, match="no finite eigenvalues"):
        eigenvalue_plane(ax, values)


def test_a_negative_threshold(ax: Axes) -> None:
    with pytest.raises(ValueError, match="neutral must be finite and not negative"):
        eigenvalue_plane(ax, MIXED, neutral=-1)


def test_outliers_stand_at_the_border_with_their_number(ax: Axes) -> None:
    values = np.concatenate([bulk(), [-40, -90, 30, -2 + 25j, -2 - 25j]])
    eigenvalue_plane(ax, values)
    assert sorted(notes(ax)) == ["1 at -25", "1 at 25", "1 at 30", "2, farthest -90"]
    left, right = ax.get_xlim()
    assert -6 < left < -2
    assert 0 < right < 3
    assert legend(ax) == ["204 stable", "1 unstable"]
    assert len(shown(ax, "stable")) == 200
    corners = np.concatenate([c.get_offsets().data for c in ax.collections if not c.get_clip_on()])
    borders = np.array([left, right, *ax.get_ylim()])
    assert len(corners) == 5
    assert all(np.isin(corner, borders).any() for corner in corners)


def test_unstable_outliers_keep_their_colour(ax: Axes) -> None:
    eigenvalue_plane(ax, np.concatenate([bulk(), [30]]))
    (triangle,) = (c for c in ax.collections if not c.get_clip_on())
    assert to_hex(triangle.get_facecolor()[0]).upper() == UNSTABLE


@pytest.mark.parametrize("away", [-9, 9, 9j, -9j])
def test_triangles_point_outwards(ax: Axes, away: complex) -> None:
    eigenvalue_plane(ax, [away, 0.5, -0.5], region=Region(-1, 1, 1))
    (triangle,) = (c for c in ax.collections if not c.get_clip_on())
    corners = triangle.get_paths()[0].vertices[:3] @ [1, 1j]
    tip = corners[np.abs(corners.real * corners.imag).argmin()]
    assert tip / abs(tip) == pytest.approx(away / abs(away))


def test_few_eigenvalues_are_all_shown(ax: Axes) -> None:
    eigenvalue_plane(ax, [-1.0, -1.2, -1.3, -60 + 1j, -60 - 1j])
    assert notes(ax) == []


def test_many_decades_are_logarithmic(ax: Axes) -> None:
    values = -np.logspace(-5, 2, 300)
    eigenvalue_plane(ax, values)
    assert (ax.get_xscale(), ax.get_yscale()) == ("symlog", "symlog")
    assert ax.get_xlim()[0] < -100
    assert len(shown(ax, "stable")) + len(shown(ax, "neutral")) == 300
    ticks = ax.get_xticks()
    assert 3 <= len(ticks) <= 8
    assert 0 in ticks


complexes = st.complex_numbers(max_magnitude=1e6, allow_nan=False, allow_infinity=False)


@given(st.lists(complexes, min_size=1, max_size=60))
def test_a_region_has_both_axes_inside_and_holds_nearly_all(values: list[complex]) -> None:
    region = region_of(values)
    assert region.left < 0 < region.right
    assert region.height > 0
    # A twentieth of the parts in each direction may be outliers.
    outside = (~region.holds(np.array(values))).sum()
    assert outside <= 2 * (len(values) // 20 + 1) * (len(values) > 20)


@given(st.lists(complexes, min_size=1, max_size=40), st.floats(1e-3, 1e3))
def test_a_region_follows_the_unit(values: list[complex], unit: float) -> None:
    # Not of logarithmic axes: their decades stay.
    one, other = region_of(values), region_of(np.array(values) * unit)
    if one.threshold is None and other.threshold is None and np.abs(values).max() > 1e-6:
        np.testing.assert_allclose(
            [other.left, other.height], np.array([one.left, one.height]) * unit
        )


def test_a_region_of_neutral_eigenvalues_only() -> None:
    assert region_of([0.0, 0.0]) == region_of([5e-324]) == Region(-1, 1, 1)


def test_the_nearest_of_a_region() -> None:
    near = Region(-1, 2, 3).nearest(np.array([-5 + 1j, 9 - 9j, 1 + 1j]))
    np.testing.assert_array_equal(near, [-1 + 1j, 2 - 3j, 1 + 1j])


def test_a_given_region_is_kept(ax: Axes) -> None:
    eigenvalue_plane(ax, MIXED, region=Region(-0.5, 0.6, 1))
    assert (ax.get_xlim(), ax.get_ylim()) == ((-0.5, 0.6), (-1, 1))
    assert sorted(notes(ax)) == ["3, farthest -3"]


@pytest.mark.parametrize("options", [{}, {"complete": False, "total": 1000}])
def test_side_by_side(options: dict[str, Any]) -> None:
    _, [axes] = new_figure(columns=2)
    spectra_side_by_side(axes, bulk(), 3 * bulk(1), titles=("v'", "w'"), **options)
    assert axes[0].get_xlim() == axes[1].get_xlim()
    assert axes[0].get_ylim() == axes[1].get_ylim()
    assert [ax.get_title(loc="left") for ax in axes] == ["v'", "w'"]
    assert [ax.get_ylabel() for ax in axes] == ["imaginary part", ""]
    assert all(("200 of 1,000" in ax.get_xlabel()) == bool(options) for ax in axes)
    assert [notes(ax) for ax in axes] == [[], []]


def test_words_do_not_overlap() -> None:
    figure, [[ax]] = new_figure()
    eigenvalue_plane(ax, [*MIXED, 3j, -3j], complete=False, total=2003, title="spectrum of v'")
    figure.draw_without_rendering()
    title = ax._left_title.get_window_extent()  # type: ignore[attr-defined]
    key, frame = ax.get_legend().get_window_extent(), ax.get_window_extent()
    assert title.y0 >= key.y1 - 2
    assert key.y0 >= frame.y1 - 2
    assert key.x1 <= figure.bbox.width
    assert title.y1 <= figure.bbox.height
