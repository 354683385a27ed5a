"""Two games, each trained with simultaneous ascent and with consensus from one start."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from nashgrad.lab import config as c
from nashgrad.lab.commands.diagnose import leave, look, restored
from nashgrad.lab.common.atomic import write_json, write_text
from nashgrad.lab.common.errors import UsageError, file_errors
from nashgrad.lab.report import write_report
from nashgrad.lab.runs.records import Run
from nashgrad.lab.training.tasks import build_task
from nashgrad.lab.training.train import train
from nashgrad.plots import Panel, lines, loss_curves, new_figure, over_time, save_png, show_png

MISSED = 1
SIMULTANEOUS, CONSENSUS = "simultaneous ascent", "consensus"
Scores = Mapping[str, Any]


@dataclass(frozen=True)
class Show:
    """A game: what is told of it, what decides who is ahead, what consensus has to reach.

    Eigenvalues are watched every so many steps; all of them are found at the end where that takes
    seconds.
    """

    preset: str
    title: str
    evaluate_every: int
    watch_every: int
    diagnosed: bool
    columns: Mapping[str, str]
    distance: str
    note: str
    steps_shown: tuple[int, ...]
    demands: str
    reached: Callable[[Scores], bool]


SHOWS = (
    Show(
        "ring",
        "Ring of 8 Gaussians",
        500,
        1_000,
        True,
        {
            "modes_covered": "modes covered",
            "hq_005": "good samples",
            "sw2": "Wasserstein distance",
        },
        "sw2",
        "good samples: share within 0.05 of a mode; Wasserstein distance: sliced, W2",
        (0, 500, 2_000, 5_000, 10_000),
        "8 modes and a share of good samples of at least 0.85",
        lambda s: s["modes_covered"] == 8 and s["hq_005"] >= 0.85,
    ),
    Show(
        "digits",
        "1,797 real digits",
        250,
        1_000,
        False,
        {
            "frechet_pixels": "Frechet distance",
            "class_entropy": "class entropy",
        },
        "frechet_pixels",
        "Frechet distance: of pixels; class entropy: 2.303 when all ten are alike",
        (0, 250, 1_000, 2_500, 5_000),
        "a Frechet distance of pixels of at most 0.55",
        lambda s: s["frechet_pixels"] <= 0.55,
    ),
)


def demo(*, out: str, console: Console | None = None) -> int:
    """Trains, compares, draws; the paths of the folder and of its report come last.

    Returns:
        The exit code: 0, 1 when consensus missed what it has to reach, or the one of an interrupted
            run.

    Raises:
        UsageError: When the folder cannot be written, or holds something that is not a demo's run.
    """
    started, folder = time.perf_counter(), Path(out)
    console = console or Console(highlight=False)
    with file_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for show in SHOWS:  # what is missing is told before anything is trained
        build_task(_config(show))
    reports, missed, trained = [], [], []
    for show in SHOWS:
        runs = {}
        for name, method in ((SIMULTANEOUS, c.NoMethod()), (CONSENSUS, None)):
            console.print(f"\n{show.title}, {name}")
            code, runs[name] = _train(show, method, folder)
            if code:
                return code
            trained.append(runs[name])
        _draw(show, runs, folder)
        if show.diagnosed:
            _diagnose(show, runs, console)
        reports.append(_report(show, runs, console))
        if not show.reached(runs[CONSENSUS].summary()):
            missed.append(f"{show.title}: consensus did not reach {show.demands}")
    write_json(folder / "summary.json", {"games": reports, "missed": missed})
    write_text(folder / "summary.txt", _text(reports, missed))
    for line in missed:
        console.print(f"MISSED: {line}", soft_wrap=True)
    write_report([run.path for run in trained], folder / "report.html")
    console.print(f"\n{time.perf_counter() - started:,.0f} s in all. Pictures and summary are in:")
    console.print(str(folder), soft_wrap=True)
    console.print("All of it on one page, to open in a browser:")
    console.print(str(folder / "report.html"), soft_wrap=True)
    return MISSED if missed else 0


def _config(show: Show) -> c.Config:
    with as_file(files("nashgrad.lab") / "presets" / f"{show.preset}.yaml") as preset:
        return c.load(preset)


def _train(show: Show, method: c.NoMethod | None, folder: Path) -> tuple[int, Run]:
    """Both methods start from the same parameters and see the same batches: the seed fixes them."""
    config = _config(show)
    path = folder / show.preset / (CONSENSUS if method is None else "simultaneous")
    config = replace(
        config,
        out=str(path),
        method=method or config.method,
        evaluate=replace(config.evaluate, every=show.evaluate_every),
        diagnose=replace(config.diagnose, every=show.watch_every),
        threads=1,  # networks this small lose by sharing out their work
    )
    return train(config, overwrite=True), Run(path)


def _diagnose(show: Show, runs: Mapping[str, Run], console: Console) -> None:
    """Leaves each run's diagnosis in its folder; a demo is not lost for want of one."""
    for name, run in runs.items():
        try:
            session, step = restored(run, None)
            found = look(session)
        except (UsageError, ArithmeticError, RuntimeError, ValueError) as error:
            console.print(f"{show.title}, {name}: {error}", soft_wrap=True)
            continue
        leave(run, found, step)
        console.print(f"{show.title}, {name}: {found.verdict.name}", soft_wrap=True)


def _judged(run: Run) -> list[dict[str, Any]]:
    return [line for line in run.metrics() if "scores" in line]


def _at(run: Run, seconds: float) -> dict[str, Any]:
    """The last scores that a run had within so many seconds of training."""
    return [line for line in _judged(run) if line["seconds"] <= seconds][-1]


def _report(show: Show, runs: Mapping[str, Run], console: Console) -> dict[str, Any]:
    summaries = {name: run.summary() for name, run in runs.items()}
    table = Table(title=show.title, caption=show.note, title_justify="left", caption_justify="left")
    for column in ("", *show.columns.values(), "steps/s", "seconds"):
        table.add_column(column, justify="right" if column else "left")
    for name, summary in summaries.items():
        scores = [f"{summary[key]:.4g}" for key in show.columns]
        table.add_row(
            name, *scores, f"{summary['steps_per_second']:,.0f}", f"{summary['seconds']:,.1f}"
        )
    console.print(table)
    verdicts = _verdicts(show, runs, summaries)
    for verdict in verdicts:
        console.print(verdict, soft_wrap=True)
    keys = (*show.columns, "steps", "steps_per_second", "seconds")
    kept = {name: {key: summary[key] for key in keys} for name, summary in summaries.items()}
    return {"game": show.title, "runs": kept, "verdicts": verdicts}


def _verdicts(show: Show, runs: Mapping[str, Run], summaries: Mapping[str, Scores]) -> list[str]:
    """Who was ahead, after equal steps and after equal seconds."""
    shortest = min(summary["seconds"] for summary in summaries.values())
    equal_steps = {name: summary[show.distance] for name, summary in summaries.items()}
    then = {name: _at(run, shortest) for name, run in runs.items()}
    equal_seconds = {name: line["scores"][show.distance] for name, line in then.items()}
    what = show.columns[show.distance]
    steps = ", ".join(f"{line['step']:,} steps of {name}" for name, line in then.items())
    return [
        f"After equal steps {_ahead(equal_steps, what)}.",
        f"After equal seconds ({shortest:.0f} s: {steps}) {_ahead(equal_seconds, what)}.",
    ]


def _ahead(distances: Mapping[str, float], what: str) -> str:
    best, other = sorted(distances, key=lambda name: distances[name])
    return f"{best} was ahead: {what} {distances[best]:.3g} against {distances[other]:.3g}"


def _draw(show: Show, runs: Mapping[str, Run], folder: Path) -> None:
    rows: dict[str, dict[int | str, Panel]] = {
        name: {
            step: partial(show_png, path=run.samples / f"{step:08d}.png")
            for step in show.steps_shown
        }
        for name, run in runs.items()
    }
    panels = over_time(rows, size=2.2, title=show.title)
    save_png(panels, folder / f"{show.preset}_over_time.png", max_bytes=400_000)
    figure, [[losses, steps, seconds]] = new_figure(columns=3)
    loss_curves(losses, {name: run.metrics() for name, run in runs.items()})
    for ax, key, unit in ((steps, "step", "step"), (seconds, "seconds", "training time (s)")):
        curves = {name: _curve(run, key, show.distance) for name, run in runs.items()}
        lines(ax, curves, ylabel=show.columns[show.distance], xlabel=unit, scale="log", smooth=1)
    save_png(figure, folder / f"{show.preset}_curves.png")


def _curve(run: Run, x: str, score: str) -> tuple[list[float], list[float]]:
    judged = _judged(run)
    return [line[x] for line in judged], [line["scores"][score] for line in judged]


def _text(reports: list[dict[str, Any]], missed: list[str]) -> str:
    blocks = []
    for report in reports:
        rows = [
            "  ".join([f"{name}:", *(f"{key} {value:.4g}" for key, value in values.items())])
            for name, values in report["runs"].items()
        ]
        blocks.append("\n".join([report["game"], *rows, *report["verdicts"]]))
    return "\n\n".join([*blocks, *missed]) + "\n"
