"""Figure 2: simultaneous ascent and consensus on the mixture of Gaussians, over training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from nashgrad.lab.common.atomic import write_json, write_text
from nashgrad.lab.config import Config, NoMethod, load
from nashgrad.lab.figures.sizes import Scored
from nashgrad.lab.runs.checkpoint import steps_in
from nashgrad.lab.studies.points import Point, found, jobs_of, tabulated
from nashgrad.lab.studies.runner import Outcome
from nashgrad.lab.studies.stage import Stage
from nashgrad.lab.training.restore import restore
from nashgrad.lab.training.tasks import MixtureTask
from nashgrad.lab.training.train import prepare
from nashgrad.plots import Panel, over_time, save_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = (0, 1, 2, 4)
"""Quarters of the training whose samples are drawn, as in the paper."""


def ring_config() -> Config:
    """The paper's mixture, as `ring_paper.yaml` has it."""
    with as_file(files("nashgrad.lab") / "presets" / "ring_paper.yaml") as preset:
        return load(preset)


def methods(steps: int | None = None) -> list[Point]:
    """Both methods at the paper's settings, for as many steps as asked for."""
    config = ring_config()
    config = replace(config, steps=steps or config.steps)
    every = config.steps // SHOWN[-1]
    config = replace(
        config,
        evaluate=replace(config.evaluate, every=every),
        checkpoint=replace(config.checkpoint, every=every, keep=9),
    )
    plain = replace(config, method=NoMethod())
    return [
        Point("simultaneous", plain, {"method": "simultaneous"}),
        Point("consensus", config, {"method": "consensus"}),
    ]


def play(
    ended: list[Outcome], seeds: range, folder: Path, points: list[Point], stage: Stage
) -> bool:
    """Trains both methods with every seed, draws every seed's densities.

    How the runs ended is added to `ended`; whether it came to its end is returned.
    """
    outcomes = stage.play(jobs_of(points, folder, seeds))
    if outcomes is None:
        return False
    ended += outcomes
    values = found(points, folder, seeds, Scored("sw2"), outcomes)
    shown = tabulated(values, Scored("sw2"))
    write_json(folder / "fig2.json", {"points": values})
    write_text(folder / "fig2.md", shown)
    for seed in seeds:
        rows = {point.name: densities(point, folder, seed) for point in points}
        picture = over_time(rows, size=2.0, title=f"seed {seed}")
        save_png(picture, folder / f"fig2_seed{seed}.png")
    stage.console.print(f"\n{shown}\n{folder}", soft_wrap=True, markup=False)
    return True


def densities(point: Point, folder: Path, seed: int) -> Mapping[int | str, Panel]:
    """The density of the samples at each checkpoint of the figure."""
    job = point.job(folder, seed)
    session = prepare(job.config)
    task = session.task
    assert isinstance(task, MixtureTask)
    every = job.config.checkpoint.every
    panels: dict[int | str, Panel] = {}
    there = steps_in(job.run.checkpoints)  # a run that was lost ends early
    for step in (quarter * every for quarter in SHOWN if quarter * every in there):
        restore(session, job.run, step)
        panels[step] = partial(_draw, task, session.samples())
    return panels


def _draw(task: MixtureTask, samples: Tensor, ax: Axes) -> None:
    task.draw(ax, samples)
