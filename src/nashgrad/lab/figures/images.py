"""Runs, pictures and numbers of the paper's image figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nashgrad.lab.common.atomic import write_json, write_text
from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.figures.changes import changes_of
from nashgrad.lab.figures.sizes import Scored, Size
from nashgrad.lab.figures.table import ImageFigure, image_figures
from nashgrad.lab.studies.points import Point, check, found, jobs_of, looking, tabulated
from nashgrad.lab.studies.runner import Outcome
from nashgrad.lab.studies.stage import Stage
from nashgrad.lab.studies.sweep_pictures import pictures
from nashgrad.plots import lines, loss_curves, new_figure, save_png, show_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class ImagePlan:
    """Figures of one size, with the runs that they share.

    Args:
        size: at which they are made.
        figures: by name.
        points: each figure's points by (row, column).
        folder: all runs and figures.
    """

    size: Size
    figures: Mapping[str, ImageFigure]
    points: Mapping[str, Mapping[tuple[str, Any], Point]]
    folder: Path

    @property
    def scored(self) -> Scored:
        return self.size.scored

    @property
    def all_points(self) -> list[Point]:
        """Every run once, whatever number of figures it stands in."""
        return list(
            {p.name: p for points in self.points.values() for p in points.values()}.values()
        )


def check_source(name: str, size: Size, data: str | None) -> None:
    """Raises a UsageError where a size needs images and none are named."""
    if size.source and data is None:
        option = {"data": "--data PATH of CIFAR-10, or --digits for digits that come along"}
        need = option.get(size.source, "--faces PATH of a folder or zip of images")
        raise UsageError(f"nashgrad reproduce {name}: needs {need}")


def plan(names: Sequence[str], size: Size, data: str | None, folder: Path) -> ImagePlan:
    """What has to run for some figures; everything is tried before anything runs.

    Raises:
        UsageError: The images do not fit.
    """
    table, values = image_figures(size.gamma_lr), size.base(data)
    figures = {name: table[name] for name in names}
    points = {
        name: {at: _point(size, values, figure, at) for at in figure.cells}
        for name, figure in figures.items()
    }
    made = ImagePlan(size, figures, points, folder)
    source = f"--{size.source} {data}" if size.source else size.name
    check(made.all_points, folder, size.seeds[0], made.scored, source)
    return made


def _point(
    size: Size, values: Mapping[str, Any], figure: ImageFigure, at: tuple[str, Any]
) -> Point:
    cell = figure.cells[at]
    config = looking(cell.config(size, values), size.points)
    if figure.faces:  # figure 10 measures what changes between checkpoints
        config = replace(config, checkpoint=replace(config.checkpoint, keep=size.points))
    return Point(cell.name(config), config, dict(zip(figure.keys, at, strict=True)))


def play(ended: list[Outcome], made: ImagePlan, stage: Stage) -> bool:
    """Trains what is not there, then draws.

    Args:
        ended: how its runs ended is added there.
        made: the figures.
        stage: shared with other studies.

    Returns:
        Whether it came to its end.
    """
    jobs = jobs_of(made.all_points, made.folder, made.size.seeds)
    outcomes = stage.play(jobs)
    if outcomes is None:
        return False
    ended += outcomes
    for name, figure in made.figures.items():
        points = made.points[name]
        values = found(list(points.values()), made.folder, made.size.seeds, made.scored, outcomes)
        extra = {"changes": _changes(points, made)} if figure.changes else {}
        shown = f"{name}: {figure.title} ({made.size.name})\n\n{tabulated(values, made.scored)}"
        folder = made.folder / name
        folder.mkdir(exist_ok=True)
        write_json(folder / f"{name}.json", {"size": made.size.name, "points": values, **extra})
        write_text(folder / f"{name}.md", shown)
        for file, picture in _drawn(figure, points, values, made).items():
            save_png(picture, folder / file, max_bytes=400_000)
        stage.console.print(f"\n{shown}\n{folder}", soft_wrap=True, markup=False)
    return True


def _changes(points: Mapping[tuple[str, Any], Point], made: ImagePlan) -> dict[str, Any]:
    """By run and seed: how much its samples change between checkpoints."""
    return {
        point.name: {
            str(job.config.seed): changes_of(job.config, job.run)
            for job in jobs_of([point], made.folder, made.size.seeds)
        }
        for point in points.values()
    }


def _drawn(
    figure: ImageFigure,
    points: Mapping[tuple[str, Any], Point],
    values: Mapping[str, Any],
    made: ImagePlan,
) -> dict[str, Figure]:
    named = {_label(*at): values[point.name] for at, point in points.items()}
    drawn = {"samples.png": _samples(points, made), **pictures(named, made.scored.score)}
    if figure.losses:
        drawn["losses.png"] = _losses(points, made)
    return drawn


def _samples(points: Mapping[tuple[str, Any], Point], made: ImagePlan) -> Figure:
    """The last samples of the first seed: a line for each of the figure's rows."""
    rows = {row: [at for at in points if at[0] == row] for row, _ in points}
    figure, axes = new_figure(len(rows), max(map(len, rows.values())), width=2.3, height=2.5)
    for line, places in zip(axes, rows.values(), strict=True):
        for ax in line:
            ax.set_axis_off()
        for ax, at in zip(line, places, strict=False):
            _last_samples(ax, points[at], made)
            ax.set_title(_label(*at), fontsize=8)
    return figure


def _label(row: str, column: Any) -> str:
    """A cell's name among the others of its figure."""
    return f"{row}, {column:g}" if isinstance(column, float) else f"{row}, {column}"


def _last_samples(ax: Any, point: Point, made: ImagePlan) -> None:
    run = point.job(made.folder, made.size.seeds[0]).run
    if there := sorted(run.samples.glob("*.png")):
        show_png(ax, there[-1])


def _losses(points: Mapping[tuple[str, Any], Point], made: ImagePlan) -> Figure:
    """A panel of losses for each run of the first seed, and the scores of all of them."""
    runs = {
        _label(*at): point.job(made.folder, made.size.seeds[0]).run.metrics()
        for at, point in points.items()
    }
    figure, [axes] = new_figure(columns=len(runs) + 1, width=3.4, height=2.8)
    for ax, (name, records) in zip(axes, runs.items(), strict=False):
        loss_curves(ax, records)
        ax.set_title(name, fontsize=9, pad=18)  # above the legend
    score = made.scored.score
    lines(axes[-1], {n: _curve(r, score) for n, r in runs.items()}, ylabel=score, smooth=1)
    return figure


def _curve(records: Sequence[Mapping[str, Any]], score: str) -> tuple[list[float], list[float]]:
    judged = [r for r in records if score in r.get("scores", {})]
    return [r["step"] for r in judged], [r["scores"][score] for r in judged]
