"""Figure 3: the spectrum of the mixture of Gaussians, before and after training."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from nashgrad.analysis.updates import consensus_jacobian
from nashgrad.core.field import GameField
from nashgrad.lab.common.atomic import replacing, write_json
from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.config import Config
from nashgrad.lab.figures.rings import ring_config
from nashgrad.lab.runs.records import Run
from nashgrad.lab.studies.runner import Job
from nashgrad.lab.studies.stage import Stage
from nashgrad.lab.training.restore import restore
from nashgrad.lab.training.session import Session
from nashgrad.lab.training.train import prepare
from nashgrad.plots import new_figure, save_png, spectra_side_by_side

GAMMA = 10.0
BATCHES = 10
ROTATING = 0.01
"""|Im| above which an eigenvalue is one of those that q is taken over: below, it is noise."""


def runs_of(folder: Path, seeds: range) -> dict[int, Config]:
    """The runs whose spectra are looked at, by seed."""
    return {seed: _ring(folder, seed) for seed in seeds}


def play(configs: Mapping[int, Config], folder: Path, stage: Stage) -> bool:
    """J and J - gamma J^T J of the mixture, gamma 10, after the first step and the last.

    J is the mean over ten batches of 512, in float64, on the networks of `ring_paper.yaml` trained
    by consensus. The numbers are left in `fig3.json`, all eigenvalues in `fig3.npz`.
    """
    outcomes = stage.play([Job(f"ring, seed {s}", config) for s, config in configs.items()])
    if outcomes is None:
        return False
    if lost := [o for o in outcomes if o.status != "finished"]:
        raise UsageError(f"{lost[0].job.name}: {lost[0].status} {lost[0].reason}")
    rows: list[dict[str, Any]] = []
    figure, axes = new_figure(len(configs), 4, width=3.2, height=3.2)
    behind: dict[str, Any] = {}
    for line, (seed, config) in zip(axes, configs.items(), strict=True):
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
            pair = line[:2] if moment == "before" else line[2:]
            titles = (f"J, seed {seed}, {moment} training", f"J - {GAMMA:g} J'J, {moment}")
            spectra_side_by_side(pair, *spectra, titles=titles)
            took = time.perf_counter() - began
            stage.console.print(f"{_line(row)}   ({took:.0f} s)", soft_wrap=True, markup=False)
    save_png(figure, folder / "fig3.png", dpi=90, max_bytes=400_000)
    write_json(folder / "fig3.json", {"rows": rows})
    with replacing(folder / "fig3.npz") as file:
        np.savez(file, **behind)
    stage.console.print(str(folder), soft_wrap=True, markup=False)
    return True


def _ring(folder: Path, seed: int) -> Config:
    return replace(ring_config(), seed=seed, threads=1, out=str(folder / "runs" / f"seed{seed}"))


def mean_jacobian(config: Config, step: int) -> Tensor:
    """J of a run after a step, the mean over ten further batches, `(n, n)` in float64.

    Step 1 is trained anew, which takes no time; others are read from checkpoints.
    """
    session = prepare(config)
    if step == 1:
        session.advance()
    else:
        restore(session, Run(Path(str(config.out))), step)
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
