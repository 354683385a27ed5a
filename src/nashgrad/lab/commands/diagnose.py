"""`nashgrad diagnose`: a run's checkpoint, its spectrum and a verdict."""

from __future__ import annotations

import copy
import json
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from nashgrad.analysis import DENSE, Diagnosis, diagnose, path_angle
from nashgrad.core.field import GameField
from nashgrad.lab.commands.spectra_pictures import along_training, of_diagnosis
from nashgrad.lab.common.atomic import write_json
from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.config import load
from nashgrad.lab.runs.records import Run, open_run
from nashgrad.lab.training.restore import restore
from nashgrad.lab.training.session import Session
from nashgrad.lab.training.train import prepare
from nashgrad.plots import path_picture, save_png


def diagnose_run(
    folder: str,
    *,
    checkpoint: int | None = None,
    k: int | None = None,
    batches: int = 8,
    since: int | None = None,
    as_json: bool = False,
) -> int:
    """Prints a diagnosis of a run, and leaves it and pictures in the run's folder `diagnosis`.

    Small networks are looked at in float64. Batches are those that training would see next.

    Args:
        folder: the run.
        checkpoint: the step; the last one by default.
        k: how many eigenvalues; by default all of small games.
        batches: how many are averaged.
        since: an earlier checkpoint: draws the field on the line from there.
        as_json: prints JSON and nothing else.

    Returns:
        The verdict's exit code: 0 stable, 10 not stable, 11 unsure, 3 not finite.

    Raises:
        UsageError: For a folder without a run or without that checkpoint, and a game whose losses
            draw random numbers.
    """
    run = open_run(folder)
    start = None if since is None else restored(run, since)[0].opt.space.get()
    session, step = restored(run, checkpoint)
    if step == since:
        raise UsageError(f"--since {since}: is the diagnosed checkpoint; name an earlier one")
    say = _quiet if as_json else _progress
    found = look(session, k=k, batches=batches, say=say)
    page = f"step {step:,} of {run.path}\n{found}"
    print(json.dumps(finite(found.to_dict()), indent=2) if as_json else page, flush=True)  # noqa: T201
    leave(run, found, step)
    if start is not None:
        leave_path(run, session, start, f"{since:08d}-{step:08d}")
    if not as_json:
        print(f"\n{run.path / 'diagnosis'}")  # noqa: T201
    return found.verdict.exit_code


def restored(run: Run, step: int | None) -> tuple[Session, int]:
    """A run's session at a checkpoint; its folder is only read."""
    config = replace(load(run.config), out=str(run.path))
    session = prepare(config)
    for warning in restore(session, run, step):
        sys.stderr.write(f"warning: {warning}; looking at step {session.step}\n")
    return session, session.step


def look(
    session: Session,
    *,
    k: int | None = None,
    batches: int = 8,
    say: Callable[[str], None] | None = None,
) -> Diagnosis:
    """The diagnosis of a session where it stands."""
    opt, played = session.opt, session.opt.field.game
    small = opt.space.size <= DENSE and k is None and session.device.type == "cpu"
    seen = [session.ranks.share(b) for b in islice(session.stream, batches)]
    if small:
        played = copy.deepcopy(played).double()
        seen = [torch.utils._pytree.tree_map(_double, b) for b in seen]
    try:
        return diagnose(
            GameField(played),
            seen if len(seen) > 1 else seen[0],
            opt,
            k=k,
            progress=say,
        )
    except ValueError as error:
        raise UsageError(f"this game cannot be diagnosed: {error}") from error


def _double(x: Any) -> Any:
    return x.double() if isinstance(x, torch.Tensor) and x.is_floating_point() else x


def leave(run: Run, found: Diagnosis, step: int) -> None:
    """Writes the diagnosis and its pictures beside the run's other files."""
    folder = run.path / "diagnosis"
    folder.mkdir(exist_ok=True)
    name = f"{step:08d}"
    write_json(folder / f"{name}.json", finite(found.to_dict()))
    if found.verdict.name == "not finite":
        return
    if len(found.v.spectrum.eigenvalues):
        save_png(of_diagnosis(found), folder / f"{name}.png")
    if (figure := along_training(run.metrics())) is not None:
        save_png(figure, folder / "spectra.png")


def leave_path(run: Run, session: Session, start: Tensor, name: str) -> None:
    """Draws the field on the line from an earlier point to the present one."""
    batch = session.ranks.share(next(session.stream))
    try:
        path = path_angle(GameField(session.opt.field.game), batch, start, session.opt.space.get())
    except ValueError as error:
        raise UsageError(f"--since: {error}") from error
    save_png(path_picture(path), run.path / "diagnosis" / f"path-{name}.png")


def finite(value: Any) -> Any:
    """The same with a text in place of numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _progress(text: str) -> None:
    sys.stderr.write(f"... {text}\n")
    sys.stderr.flush()


def _quiet(text: str) -> None:
    pass
