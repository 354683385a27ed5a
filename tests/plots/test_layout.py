"""Figures over time and their files."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nashgrad.plots import density, new_figure, over_time, save_png, show_grid, to_pil


def test_a_row_per_method_a_column_per_step() -> None:
    drawn = []
    panels = {
        "a": {1000: lambda _: drawn.append("a1"), 0: lambda _: drawn.append("a0")},
        "b": {"target": lambda _: drawn.append("bt"), 0: lambda _: drawn.append("b0")},
    }
    figure = over_time(panels, title="both")
    titles = [ax.get_title() for ax in figure.axes]
    assert titles == ["step 0", "step 1,000", "target", "", "", ""]
    assert drawn == ["a0", "a1", "b0", "bt"]
    assert [figure.axes[k].texts[0].get_text() for k in (0, 3)] == ["a", "b"]


def test_densities_are_small_files(tmp_path: Path) -> None:
    samples = torch.randn(2560, 2)
    row = {step: partial(density, samples=samples, target=samples / 3) for step in range(5)}
    path = save_png(over_time({"simultaneous": row, "consensus": row}), tmp_path / "densities.png")
    assert path.stat().st_size <= 150_000


def test_grids_are_small_files(tmp_path: Path) -> None:
    noise = torch.rand(64, 1, 8, 8) * 2 - 1
    row = {step: partial(show_grid, images=noise) for step in range(5)}
    path = save_png(over_time({"simultaneous": row, "consensus": row}), tmp_path / "grids.png")
    assert path.stat().st_size <= 150_000


@pytest.mark.parametrize("side", [32, 64])
def test_noise_in_colour_is_a_small_file(tmp_path: Path, side: int) -> None:
    path = save_png(to_pil(torch.rand(64, 3, side, side) * 2 - 1), tmp_path / "noise.png")
    assert path.stat().st_size <= 150_000


def test_small_images_keep_every_level(tmp_path: Path) -> None:
    image = to_pil(torch.linspace(-1, 1, 64).reshape(64, 1, 1, 1).expand(64, 3, 8, 8))
    path = save_png(image, tmp_path / "levels.png")
    with Image.open(path) as saved:
        np.testing.assert_array_equal(np.asarray(saved), np.asarray(image))


def test_a_figure_has_the_size_asked_for(tmp_path: Path) -> None:
    figure, _ = new_figure(2, 3, width=1.0, height=0.5)
    path = save_png(figure, tmp_path / "empty.png", dpi=100)
    with Image.open(path) as saved:
        assert saved.size == (300, 100)


def test_pyplot_and_displays_are_not_touched() -> None:
    script = (
        "import sys, nashgrad.plots as p; assert 'matplotlib' not in sys.modules; "
        "p.new_figure(); assert 'matplotlib.pyplot' not in sys.modules"
    )
    environment = {k: v for k, v in os.environ.items() if k != "DISPLAY"}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
