"""Training: the loop, from a configuration to a run folder."""

from __future__ import annotations

import os
import time
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from nashgrad.data import named_seed
from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.common.interrupt import Interrupt
from nashgrad.lab.common.wording import counted
from nashgrad.lab.config import Config, dump, fingerprint, load
from nashgrad.lab.runs.checkpoint import save
from nashgrad.lab.runs.environment import describe_environment, peak_memory
from nashgrad.lab.runs.events import check_tensorboard, events
from nashgrad.lab.runs.records import Run, Status, create_run, open_run
from nashgrad.lab.training.evaluation import draw_curves, judge, last_scores
from nashgrad.lab.training.progress import Reporter
from nashgrad.lab.training.ranks import Ranks, is_first_rank, local_device
from nashgrad.lab.training.restore import restore
from nashgrad.lab.training.session import Session
from nashgrad.lab.training.tally import NotFiniteError, Tally
from nashgrad.lab.training.tasks import build_task
from nashgrad.lab.training.watch import Watch

NOT_FINITE = 3
MOST_RECORDS = 1_000  # kept before a loss that is not finite is looked for


def train(config: Config, *, overwrite: bool = False) -> int:
    """Trains from scratch, into the folder `config.out`.

    Returns:
        The exit code: 0 when finished, 3 when a loss was not finite, 128 + signal when interrupted.

    Raises:
        UsageError: For data that does not fit, or a folder that holds something already.
    """
    if Path(str(config.out)).is_file():
        raise UsageError(f"{config.out}: is a file; --out names a folder")
    if config.data.path is not None:  # so that the run can be resumed from another folder
        path = str(Path(config.data.path).resolve())
        config = replace(config, data=replace(config.data, path=path))
    session = prepare(config)
    run = None
    if session.ranks.first:
        environment = describe_environment(session.device)
        run = create_run(str(config.out), dump(config), environment, overwrite=overwrite)
    return loop(session, run)


def resume(folder: str | Path) -> int:
    """Continues a run from its last checkpoint; returns as `train` does.

    On the same machine it goes on bit for bit; on CUDA with `deterministic: true` only.
    """
    # The first rank clears the folder of what a killed process left; the others only read.
    run = open_run(folder) if is_first_rank() else Run(Path(folder))
    config = replace(load(run.config), out=str(folder))
    session = prepare(config)
    for warning in _restore(session, run):
        if session.ranks.first:
            print(f"warning: {warning}")  # noqa: T201
    if session.ranks.first:
        run.rewind(session.step)
        run.summarize("running", session.step, seconds=session.seconds, spent=session.spent)
    return loop(session, run if session.ranks.first else None)


def _restore(session: Session, run: Run) -> list[str]:
    """Loads the last good checkpoint, if the run came that far; tells what may matter."""
    warnings = [
        f"{change}, so the run may go on differently"
        for change in _changes(run.environment(), describe_environment(session.device))
    ]
    # A run that was killed before its first checkpoint starts over; one that lost them does not.
    if any(run.checkpoints.glob("*.pt")) or any(line["step"] > 0 for line in run.metrics()):
        passed_over = restore(session, run)
        warnings += [f"{text}; going back to step {session.step}" for text in passed_over]
    return warnings


def prepare(config: Config) -> Session:
    """Builds all that training needs; nothing is written before this has succeeded."""
    device = local_device(config.device)
    check_tensorboard(config)
    if config.precision == "fp16" and device.type == "cpu":
        raise UsageError("precision: fp16 needs device cuda; use bf16 or fp32 on the CPU")
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # deterministic mode asks for it
    torch.use_deterministic_algorithms(config.deterministic)
    torch.manual_seed(named_seed(config.seed, "torch"))  # for what draws without being told to
    ranks = Ranks.join(device)
    if config.data.batch // ranks.world < config.microbatches:
        raise UsageError(
            f"microbatches: a rank's share of the batch is {config.data.batch // ranks.world} "
            f"samples, fewer than {config.microbatches}"
        )
    task = build_task(config)
    try:
        session = Session(config, task, device, ranks)  # a method may refuse its optimisers
        _try(session)
    except ValueError as error:
        raise UsageError(f"this game cannot be trained: {error}") from error
    return session


def _try(session: Session) -> None:
    """Evaluates the method once, on a batch that training will not see; changes nothing."""
    method, field = session.opt.adjustment, session.opt.field
    batch = session.ranks.share(next(session.new_stream()))
    order = method.order(field.space.players, method.init(field.space))
    field.linearize(batch, order=order)


def loop(session: Session, run: Run | None) -> int:
    """Trains to the end, a signal or a loss that is not finite; only the first rank has a run."""
    config = session.config
    label = Path(str(config.out)).name
    reporter = Reporter(
        config.budget or config.steps,
        label=label,
        done=session.progress,
        unit="unit" if config.budget else "step",
        quiet=run is None,
    )
    hearing = events(config, run, session.step) if run else nullcontext()
    with (
        run.locked() if run else nullcontext(),
        hearing as run,
        Interrupt() as interrupt,
        reporter,
    ):
        try:
            _steps(session, run, reporter, interrupt)
        except NotFiniteError as failure:
            _close(session, run, "not_finite", reason=str(failure))
            reporter.say(f"stopped: {failure}; the last good checkpoint is kept")
            return NOT_FINITE
        except KeyboardInterrupt:
            _close(session, run, "interrupted")
            raise
        except BaseException:
            _close(session, run, "failed")
            raise
        if not session.is_finished():
            _close(session, run, "interrupted")
            reporter.say(
                f"interrupted after step {session.step:,}; go on with: nashgrad resume {config.out}"
            )
            return interrupt.exit_code
        _close(session, run, "finished")
        reporter.say(f"finished: {config.out}")
    return 0


def _steps(session: Session, run: Run | None, reporter: Reporter, interrupt: Interrupt) -> None:
    config, tally = session.config, Tally()
    watch = Watch(session) if config.diagnose.every and run is not None else None
    if session.step == 0:
        judge(session, run)
        _save(session, run)
        _look(watch, session, run)
    while not session.is_finished():
        started, before = time.perf_counter(), session.spent
        tally.add(session.advance())
        last, stop = session.is_finished(), session.ranks.any(interrupt.signal is not None)
        judged = (
            last
            or _due(session.step, config.evaluate.every)
            or _passed(before, session.spent, config.evaluate.spent)
        )
        saved = (
            last
            or stop
            or _due(session.step, config.checkpoint.every)
            or _passed(before, session.spent, config.checkpoint.spent)
        )
        noted = (
            judged or saved or _due(session.step, config.log.every) or len(tally) >= MOST_RECORDS
        )
        # The means wait for the device, and refuse a loss that was not finite before it is saved.
        means = tally.means(session.step) if noted else None
        session.seconds += time.perf_counter() - started
        if means is not None:
            _note(session, run, reporter, means)
        if judged:
            judge(session, run, picture=last or config.evaluate.pictures)
        _look(watch, session, run)
        if saved:
            _save(session, run)
        if stop:
            return
    if watch is not None and watch.skipped:
        left = f"{counted(watch.skipped, 'look')} at eigenvalues left out, to stay within"
        reporter.say(f"{left} diagnose.share: {config.diagnose.share:g} of the time")


def _look(watch: Watch | None, session: Session, run: Run | None) -> None:
    if watch is not None and run is not None and watch.is_due(session.step, session.seconds):
        run.log({"step": session.step, "spectra": watch.look()})


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _passed(before: float, now: float, every: int) -> bool:
    """Whether a multiple of `every` lies in (before, now]."""
    return every > 0 and now // every > before // every


def _note(session: Session, run: Run | None, reporter: Reporter, means: dict[str, Any]) -> None:
    speed = session.progress / session.seconds
    reporter.update(session.progress, speed, means["losses"], means["field_norm"])
    if run is not None:
        rates = [float(o.param_groups[0]["lr"]) for o in session.opt.optimizers.values()]
        lr = dict(zip(session.opt.space.players, rates, strict=True))
        costs = {"seconds": session.seconds, "spent": session.spent}
        run.log({"step": session.step, **costs, **means, "lr": lr})


def _save(session: Session, run: Run | None) -> None:
    """A checkpoint, if the parameters are worth one: a loss shows what is wrong one step late."""
    space, config = session.opt.space, session.config
    for player, block in zip(space.players, space.split(space.get()), strict=True):
        if not block.isfinite().all():
            raise NotFiniteError(
                f"the parameters of the {player} are not finite after step {session.step:,}"
            )
    if run is not None:
        state, mark = session.state_dict(), fingerprint(config)
        save(run.checkpoints, session.step, state, mark, keep=config.checkpoint.keep)
        run.summarize("running", session.step, seconds=session.seconds, spent=session.spent)


def _close(session: Session, run: Run | None, status: Status, **values: Any) -> None:
    """Leaves the summary and the curves."""
    if run is None:
        return
    speed = session.step / session.seconds if session.seconds else 0.0
    run.summarize(
        status,
        session.step,
        seconds=session.seconds,
        spent=session.spent,
        **session.costs,
        steps_per_second=speed,
        peak_memory_mb=peak_memory(session.device),
        averaged_generator=session.ema is not None,
        **values,
        **last_scores(run),
    )
    with suppress(Exception):  # curves must not hide why a run ended
        draw_curves(run)


def _changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    keys = ("torch", "device", "device_name", "ranks", "threads", "deterministic")
    return [
        f"{key} was {before[key]} and is {now[key]}"
        for key in keys
        if key in before and before[key] != now[key]
    ]
