"""Figure 1: eigenvalues on their rays, without and with consensus."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from nashgrad.lab.common.atomic import write_json
from nashgrad.plots import figure_one, new_figure, save_png


def figure_1(folder: Path) -> str:
    """A negative semi-definite A with much rotation, and A - gamma A^T A, gamma 1, at two steps."""
    A = rotating_matrix()
    before = torch.linalg.eigvals(A)
    after = torch.linalg.eigvals(A - A.T @ A)
    limits = [float((-2 * x.real / x.abs().square()).min()) for x in (before, after)]
    picture, [axes] = new_figure(columns=2, width=4, height=4)
    figure_one(axes, before, after, 0.3)
    save_png(picture, folder / "fig1.png")
    write_json(folder / "fig1.json", {"largest_step": dict(zip(("A", "B"), limits, strict=True))})
    return f"largest stable step: {limits[0]:.3g} for A, {limits[1]:.3g} for A - gamma A^T A"


def rotating_matrix() -> Tensor:
    """Ten dimensions: a little damping, and four times as much rotation."""
    draw = torch.Generator().manual_seed(0)
    R = torch.randn(10, 10, generator=draw, dtype=torch.float64) / 10**0.5
    return -0.05 * torch.eye(10, dtype=torch.float64) - 0.1 * R @ R.T + 0.7 * (R - R.T)
