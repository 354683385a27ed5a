"""Judges and draws what a session generates."""

from __future__ import annotations

from itertools import chain
from typing import Any

import torch

from nashgrad.lab.common.errors import file_errors
from nashgrad.lab.runs.records import Run
from nashgrad.lab.training.session import Session
from nashgrad.plots import lines, loss_curves, new_figure, norm_curves, save_png, series

ACROSS = 4  # pictures of scores beside each other


def judge(session: Session, run: Run | None, *, picture: bool = True) -> None:
    """Scores generated samples and leaves a picture of them; training's randomness is not touched.

    Samples that are not finite are not scored: the line then says so.
    """
    if run is None:
        return
    samples = session.samples()
    finite = bool(torch.isfinite(samples).all())
    scores: dict[str, Any] = session.task.scores(samples) if finite else {"samples": "not finite"}
    costs = {"seconds": session.seconds, "spent": session.spent}
    facts = session.task.facts(len(samples), ema=session.ema is not None)
    run.log({"step": session.step, **costs, "scores": scores, "scored": facts})
    if not picture:
        return
    with file_errors(run.samples):
        save_png(session.task.picture(samples), run.samples / f"{session.step:08d}.png")


def last_scores(run: Run) -> dict[str, Any]:
    """The newest scores of a run, and what they rest on, for its summary."""
    judged = [line for line in run.metrics() if "scores" in line]
    return {**judged[-1]["scores"], "scored": judged[-1].get("scored", {})} if judged else {}


def draw_curves(run: Run) -> None:
    """Losses, norm of v and scores over steps, into `plots/`."""
    records = run.metrics()
    figure, [[losses, norms]] = new_figure(columns=2)
    loss_curves(losses, records)
    norm_curves(norms, records)
    save_png(figure, run.plots / "losses.png")
    scores = series([r for r in records if "scores" in r], "scores")
    if scores:
        columns = min(len(scores), ACROSS)
        rows = -(-len(scores) // columns)
        figure, axes = new_figure(rows, columns, width=3)
        places = list(chain(*axes))
        for ax, (name, curve) in zip(places, scores.items(), strict=False):
            lines(ax, {name: curve}, ylabel=name, smooth=1)
        for ax in places[len(scores) :]:
            ax.set_axis_off()
        save_png(figure, run.plots / "scores.png")
