"""Many runs on all cores, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from nashgrad.lab.common.errors import UsageError, file_errors
from nashgrad.lab.common.interrupt import STOPPING, Interrupt
from nashgrad.lab.common.wording import seconds
from nashgrad.lab.config import Checkpoint, Config, load
from nashgrad.lab.runs.records import Run, is_run

ENDED = ("finished", "not_finite")
SECONDS_BETWEEN_LOOKS = 0.5
PRELOADED = (  # the last ones are imported when a run needs them, some by torch's optimisers
    "nashgrad.lab.training.train",
    "matplotlib.backends.backend_agg",
    "torch._dynamo",
    "torch._inductor",
    "scipy.ndimage",
    "scipy.stats",
)
# What training prints while all goes well: no reason of a failure.
ORDINARY = re.compile(
    r".*: (step|unit) [\d,]+ of |interrupted after step |finished: |warning: |skipped "
)


@dataclass(frozen=True)
class Job:
    """A run to make in the folder `config.out`."""

    name: str
    config: Config

    @property
    def run(self) -> Run:
        """The run's folder."""
        return Run(Path(str(self.config.out)))


@dataclass(frozen=True)
class Outcome:
    """How a job ended; `reason` says why, where it is not finished."""

    job: Job
    status: Literal["finished", "not_finite", "failed", "interrupted"]
    reason: str = ""


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def run_jobs(
    jobs: Sequence[Job],
    *,
    workers: int | None = None,
    console: Console | None = None,
    interrupt: Interrupt | None = None,
) -> list[Outcome]:
    """Makes all runs that are not there yet, and goes on with those that were begun.

    One that fails, or whose process is killed, is told of, and the others go on. On Ctrl-C and
    SIGTERM all running jobs save and stop. A finished run whose metrics are damaged is made again.

    Args:
        jobs: what to run.
        workers: how many at once; one for each core by default.
        console: where progress is shown.
        interrupt: the signals of a caller who has more to do than this; one that came already
            lets nothing begin.

    Returns:
        How each job ended, in the order of `jobs`.

    Raises:
        UsageError: A folder holds a run of another configuration, or one that cannot be read.
    """
    console = console or Console(highlight=False)
    outcomes = {job.name: _ended(job, console) for job in jobs}
    todo = [job for job in jobs if outcomes[job.name] is None]
    with nullcontext(interrupt) if interrupt else Interrupt() as stop:
        pool = _Pool(workers or cores(), console, stop, len(jobs), len(todo))
        for outcome in pool.run(todo):
            outcomes[outcome.job.name] = outcome
    return [outcomes[job.name] or Outcome(job, "interrupted", "not begun") for job in jobs]


def _ended(job: Job, console: Console) -> Outcome | None:
    """The outcome of a run that is there and has ended; a damaged one is removed."""
    path = job.run.path
    if not is_run(path):
        return None
    if _essence(_config(job)) != _essence(job.config):
        raise UsageError(
            f"{path}: holds a run of another configuration; choose another --out, or remove it"
        )
    ended = _told(job)
    if ended is None and job.run.summary().get("status") == "finished":
        text = f"{path}: its metrics are damaged; made again"
        console.print(text, soft_wrap=True, markup=False)
        with file_errors(path):
            shutil.rmtree(path)
    return ended


def _config(job: Job) -> Config:
    try:
        return load(job.run.config)
    except UsageError as error:
        again = f"remove the folder {job.run.path} to make this run again"
        raise UsageError(f"{error}; {again}") from error


def _told(job: Job) -> Outcome | None:
    """What a run's own files say of how it ended; None where it has not, or they are damaged."""
    summary = job.run.summary()
    status = summary.get("status")
    if status not in ENDED or (status == "finished" and not _is_whole(job.run, summary)):
        return None
    return Outcome(job, status, str(summary.get("reason", "")))


def _is_whole(run: Run, summary: dict[str, Any]) -> bool:
    """Whether all metrics of a finished run can be read, to the scores of its last step."""
    path = run.path / "metrics.jsonl"
    lines = run.metrics()
    judged = [line for line in lines if "scores" in line]
    if not judged or len(lines) < len(path.read_text("utf-8", "replace").splitlines()):
        return False
    return judged[-1]["step"] == summary.get("steps") and all(map(_is_judged, judged))


def _is_judged(line: dict[str, Any]) -> bool:
    costs = (line.get("seconds"), line.get("spent"))
    return isinstance(line["scores"], dict) and all(isinstance(c, int | float) for c in costs)


def _essence(config: Config) -> Config:
    """What two configurations of one run agree in: all but where it lies and how it is saved."""
    path = config.data.path
    resolved = None if path is None else str(Path(path).resolve())
    data = replace(config.data, path=resolved)
    return replace(config, out=None, data=data, checkpoint=Checkpoint())


class _Begun(NamedTuple):
    """A job's process, and the size that its log had before."""

    process: ForkServerProcess
    job: Job
    logged: int


class _Pool:
    """The processes that run at present, and how they are getting on."""

    def __init__(
        self, workers: int, console: Console, interrupt: Interrupt, total: int, todo: int
    ) -> None:
        self._workers, self._console, self._interrupt = workers, console, interrupt
        self._context = multiprocessing.get_context("forkserver")
        # Imported once, by the server that all jobs are forked from.
        self._context.set_forkserver_preload([*PRELOADED])
        self._running: dict[int, _Begun] = {}
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[now]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("runs", total=total, completed=total - todo, now="")
        self._told_to_stop = False
        self._done, self._total, self._todo, self._began = total - todo, total, todo, time.time()

    def run(self, todo: Sequence[Job]) -> list[Outcome]:
        """All outcomes; those that were not begun when a signal came are missing."""
        outcomes: list[Outcome] = []
        waiting = list(reversed(todo))
        with self._bar:
            while self._running or (waiting and not self._stopped):
                while waiting and len(self._running) < self._workers and not self._stopped:
                    self._start(waiting.pop())
                if self._stopped:
                    self._stop()
                outcomes += self._finished()
        return outcomes

    @property
    def _stopped(self) -> bool:
        return self._interrupt.signal is not None

    def _start(self, job: Job) -> None:
        log = log_of(job)
        with file_errors(job.run.path):
            log.parent.mkdir(parents=True, exist_ok=True)
            logged = log.stat().st_size if log.exists() else 0
        _start_server()
        process = self._context.Process(target=_work, args=(job,), daemon=True)
        process.start()
        self._running[process.sentinel] = _Begun(process, job, logged)

    def _finished(self) -> list[Outcome]:
        self._bar.update(self._task, now=", ".join(b.job.name for b in self._running.values()))
        ended = wait(list(self._running), timeout=SECONDS_BETWEEN_LOOKS)
        outcomes: list[Outcome] = []
        for sentinel in ended:
            begun = self._running.pop(sentinel)  # type: ignore[arg-type]
            begun.process.join()
            outcomes.append(_outcome(begun, self._stopped))
            self._tell(outcomes[-1])
        return outcomes

    def _tell(self, outcome: Outcome) -> None:
        self._done += 1
        self._bar.update(self._task, completed=self._done)
        ahead = self._total - self._done
        left = (time.time() - self._began) / (self._todo - ahead) * ahead
        if self._bar.disable or outcome.status != "finished":
            still = f", {seconds(left)} s left" if ahead else ""
            reason = f": {outcome.reason}" if outcome.reason else ""
            self._console.print(
                f"[{self._done}/{self._total}{still}] {outcome.job.name}: "
                f"{outcome.status.replace('_', ' ')}{reason}",
                soft_wrap=True,
                markup=False,
            )

    def _stop(self) -> None:
        """Lets all jobs save; once, because a second signal ends them at once."""
        if not self._told_to_stop:
            self._told_to_stop = True
            for begun in self._running.values():
                begun.process.terminate()


def _start_server() -> None:
    """Starts the process that jobs are forked from, unless it runs, deaf to Ctrl-C and SIGTERM.

    One that is sent to the whole process group would kill it, at times while it still imports, and
    with it the news of how its jobs end. It ends by itself when the pool does.
    """
    resource_tracker.ensure_running()  # first: it lets these signals through when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _outcome(begun: _Begun, stopped: bool) -> Outcome:
    """How a job ended: what its run says counts more than how its process did."""
    job, code = begun.job, begun.process.exitcode
    if told := _told(job):
        return told
    status = job.run.summary().get("status")
    if status == "interrupted" or (stopped and code == -signal.SIGTERM):  # before its first step
        return Outcome(job, "interrupted")
    if status == "finished":
        return Outcome(job, "failed", "its metrics are damaged")
    last = _last_words(log_of(job), begun.logged)
    if code is None or code >= 0:
        return Outcome(job, "failed", last or f"exit code {code}")
    said = f"; {last}" if last and code == -signal.SIGABRT else ""  # others come without a word
    return Outcome(job, "failed", f"killed by signal {-code}{said}")


def log_of(job: Job) -> Path:
    """What a job printed."""
    path = job.run.path
    return path.with_name(f"{path.name}.log")


def _last_words(path: Path, start: int) -> str:
    """The last line of a log behind its first `start` bytes that is not an ordinary one."""
    try:
        lines = path.read_bytes()[start:].decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    told = (line for line in reversed(lines) if line.strip() and not ORDINARY.match(line))
    return next(told, "")


def _work(job: Job) -> None:
    """What a process does: one run, from where it is, all it prints in a file."""
    from nashgrad.lab.training.train import resume, train

    os.setsid()  # a terminal's Ctrl-C reaches the pool alone, which then stops each job once
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # drops one that came before
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    with log_of(job).open("a", encoding="utf-8") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    try:
        code = resume(job.run.path) if is_run(job.run.path) else train(job.config)
    except UsageError as error:
        print(error)  # noqa: T201
        code = 2
    sys.exit(code)


def _stop_with_parent() -> None:
    """Nobody would know of a run whose pool was killed, and it would keep its folder locked."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
