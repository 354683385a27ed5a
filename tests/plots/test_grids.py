"""Grids of images: places, levels, enlargement."""

import numpy as np
import pytest
import torch

from nashgrad.plots import image_grid, new_figure, show_grid, to_pil


def test_levels() -> None:
    images = torch.tensor([-1.0, 0.0, 1.0, 9.0, torch.nan]).reshape(5, 1, 1, 1)
    sheet = image_grid(images, rows=1, columns=5, gap=0, smallest=1)
    assert sheet.tolist() == [[0, 128, 255, 255, 0]]


def test_images_run_left_to_right_with_gaps() -> None:
    images = torch.linspace(-1, 1, 6).reshape(6, 1, 1, 1).expand(6, 1, 2, 2)
    sheet = image_grid(images, rows=2, columns=3, gap=1, smallest=1)
    assert sheet.shape == (5, 8)
    assert sheet[::3, ::3].tolist() == [[0, 51, 102], [153, 204, 255]]
    assert (sheet[2] == 255).all()


def test_pixels_are_repeated_by_a_whole_number() -> None:
    digit = torch.rand(1, 1, 8, 8) * 2 - 1
    small = image_grid(digit, rows=1, columns=1, smallest=1)
    large = image_grid(digit, rows=1, columns=1, smallest=30)
    np.testing.assert_array_equal(large, small.repeat(4, axis=0).repeat(4, axis=1))


def test_colours_stay_in_place() -> None:
    red = torch.tensor([1.0, -1.0, -1.0]).reshape(1, 3, 1, 1)
    assert image_grid(red, rows=1, columns=1, smallest=1).tolist() == [[[255, 0, 0]]]


def test_missing_images_stay_white_and_more_are_left_out() -> None:
    black = -torch.ones(3, 1, 32, 32)
    sheet = image_grid(black, rows=2, columns=2, gap=0)
    assert [(sheet[y, x]) for y in (0, 40) for x in (0, 40)] == [0, 0, 0, 255]
    assert image_grid(black, rows=1, columns=2, gap=0).shape == (32, 64)


@pytest.mark.parametrize("shape", [(4, 8, 8), (4, 2, 8, 8), (64,)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"must have the shape \(N, 1 or 3, height, width\)"):
        image_grid(torch.zeros(shape))


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_pillow_and_axis(channels: int, mode: str) -> None:
    images = torch.zeros(64, channels, 8, 8)
    assert to_pil(images).mode == mode
    assert to_pil(images).size == (270, 270)
    _, ((ax,),) = new_figure()
    show_grid(ax, images)
    assert len(ax.images) == 1
