"""`nashgrad reproduce`: figures of the paper, each with the numbers behind it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.resources import as_file, files
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from nashgrad.analysis.updates import consensus_jacobian
from nashgrad.core.field import GameField
from nashgrad.lab.atomic import replacing, write_json
from nashgrad.lab.checkpoint import load_at
from nashgrad.lab.config import Config, fingerprint, load
from nashgrad.lab.errors import UsageError, did_you_mean, file_errors
from nashgrad.lab.records import Run
from nashgrad.lab.runner import Job, run_jobs
from nashgrad.lab.session import Session
from nashgrad.lab.train import prepare
from nashgrad.plots import figure_one, new_figure, save_png, spectra_side_by_side

GAMMA = 10.0
BATCHES = 10
ROTATING = 0.01
"""|Im| above which an eigenvalue is one of those that q is taken over: below, it is noise."""


def reproduce(figure: str, *, out: str | None = None, seeds: int = 4) -> int:
    """Draws a figure of the paper into a folder, and prints its numbers.

    Args:
        figure: "fig1": eigenvalues on their rays, without and with consensus. "fig3": the spectrum
            of the mixture of Gaussians before and after training, one row for each seed.
        out: the folder; `runs/<figure>` by default. Runs that are there are gone on with.
        seeds: of fig3: how many, from 0.

    Raises:
        UsageError: For another figure, and a folder that cannot be written.
    """
    if figure not in FIGURES:
        hint = did_you_mean(figure, FIGURES) or f"; known: {', '.join(FIGURES)}"
        raise UsageError(f"nashgrad reproduce: unknown figure {figure!r}{hint}")
    if seeds < 1:
        raise UsageError(f"--seeds: must be at least 1, got {seeds}")
    folder = Path(out or f"runs/{figure}")
    with file_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    code = FIGURES[figure](folder, seeds)
    print(folder)  # noqa: T201
    return code


def figure_1(folder: Path, seeds: int) -> int:
    """A negative semi-definite A with much rotation, and A - gamma A^T A, gamma 1, at two steps."""
    A = rotating_matrix()
    before = torch.linalg.eigvals(A)
    after = torch.linalg.eigvals(A - A.T @ A)
    limits = [float((-2 * x.real / x.abs().square()).min()) for x in (before, after)]
    picture, [axes] = new_figure(columns=2, width=4, height=4)
    figure_one(axes, before, after, 0.3)
    save_png(picture, folder / "fig1.png")
    write_json(folder / "fig1.json", {"largest_step": dict(zip(("A", "B"), limits, strict=True))})
    print(  # noqa: T201
        f"largest stable step: {limits[0]:.3g} for A, {limits[1]:.3g} for A - gamma A^T A"
    )
    return 0


def rotating_matrix() -> Tensor:
    """Ten dimensions: a little damping, and four times as much rotation."""
    draw = torch.Generator().manual_seed(0)
    R = torch.randn(10, 10, generator=draw, dtype=torch.float64) / 10**0.5
    return -0.05 * torch.eye(10, dtype=torch.float64) - 0.1 * R @ R.T + 0.7 * (R - R.T)


def figure_3(folder: Path, seeds: int) -> int:
    """J and J - gamma J^T J of the mixture, gamma 10, after the first step and the last.

    J is the mean over ten batches of 512, in float64, on the networks of `ring_paper.yaml` trained
    by consensus. The numbers are left in `fig3.json`, all eigenvalues in `fig3.npz`.
    """
    configs = {seed: _ring(folder, seed) for seed in range(seeds)}
    ended = run_jobs([Job(f"ring, seed {s}", config) for s, config in configs.items()])
    if lost := [o for o in ended if o.status != "finished"]:
        print(f"{lost[0].job.name}: {lost[0].status} {lost[0].reason}", file=sys.stderr)  # noqa: T201
        return 130 if lost[0].status == "interrupted" else 3
    rows: list[dict[str, Any]] = []
    figure, axes = new_figure(seeds, 4, width=3.2, height=3.2)
    behind: dict[str, Any] = {}
    for seed, config in configs.items():
        for moment, step in (("before", 1), ("after", config.steps)):
            began = time.perf_counter()
            J = mean_jacobian(config, step)
            spectra = [torch.linalg.eigvals(M) for M in (J, consensus_jacobian(J, [len(J)], GAMMA))]
            row = {"seed": seed, "step": step, **_numbers(*spectra)}
            rows.append(row)
            behind |= {
                f"seed{seed}_{moment}_{side}": x.numpy()
                for side, x in zip("vw", spectra, strict=True)
            }
            pair = axes[seed][:2] if moment == "before" else axes[seed][2:]
            titles = (f"J, seed {seed}, {moment} training", f"J - {GAMMA:g} J'J, {moment}")
            spectra_side_by_side(pair, *spectra, titles=titles)
            print(f"{_line(row)}   ({time.perf_counter() - began:.0f} s)", flush=True)  # noqa: T201
    save_png(figure, folder / "fig3.png", dpi=90, max_bytes=400_000)
    write_json(folder / "fig3.json", {"rows": rows})
    with replacing(folder / "fig3.npz") as file:
        np.savez(file, **behind)
    return 0


def _ring(folder: Path, seed: int) -> Config:
    with as_file(files("nashgrad.lab") / "presets" / "ring_paper.yaml") as preset:
        config = load(preset)
    return replace(config, seed=seed, threads=1, out=str(folder / "runs" / f"seed{seed}"))


def mean_jacobian(config: Config, step: int) -> Tensor:
    """J of a run after a step, the mean over ten further batches, `(n, n)` in float64.

    Step 1 is trained anew, which takes no time; others are read from checkpoints.
    """
    session = prepare(config)
    if step == 1:
        session.advance()
    else:
        run = Run(Path(str(config.out)))
        found = load_at(run.checkpoints, step, fingerprint(config))
        session.load_state_dict(found.step, found.state)
    return _mean_jacobian(session)


def _mean_jacobian(session: Session) -> Tensor:
    field = GameField(session.opt.field.game.double())
    total = torch.zeros((), dtype=torch.float64)
    for batch in islice(session.stream, BATCHES):
        at = field.linearize(tree_map(torch.Tensor.double, batch))
        total = total + at.jacobian.to_dense()
    return total / BATCHES


def _numbers(v: Tensor, w: Tensor) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for name, values in (("v", v), ("w", w)):
        turning = values[values.imag.abs() > ROTATING]
        ratio = turning.imag.abs() / turning.real.abs()
        every = values.imag.abs() / values.real.abs().clamp(min=1e-300)
        numbers |= {
            f"{name}_rotating": len(turning),
            f"{name}_q": float(ratio.max()) if len(turning) else 0.0,
            f"{name}_median": float(ratio.median()) if len(turning) else 0.0,
            f"{name}_q_of_all": float(every.max()),
            f"{name}_neutral": int((values.abs() <= 1e-6 * values.abs().max()).sum()),
            f"{name}_largest_real": float(values.real.max()),
        }
    return numbers


def _line(row: Mapping[str, Any]) -> str:
    parts = [
        f"{label} {row[f'{n}_rotating']} rotating: max |Im/Re| {row[f'{n}_q']:.3g}, median "
        f"{row[f'{n}_median']:.3g}"
        for n, label in (("v", "J"), ("w", "J - gamma J'J"))
    ]
    return f"seed {row['seed']}, step {row['step']:,}: {'; '.join(parts)}"


FIGURES: dict[str, Callable[[Path, int], int]] = {"fig1": figure_1, "fig3": figure_3}
