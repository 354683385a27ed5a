"""The folder that a run leaves behind.

config.yaml        the whole configuration
environment.json   versions, device, threads, command line
metrics.jsonl      one line per log interval
summary.json       status, steps, seconds, scores
samples/*.png  plots/*.png  checkpoints/*.pt
diagnosis/*.json  scores/*.json  tensorboard/events.*
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nashgrad.lab.common.atomic import TEMPORARY, remove_leftovers, write_json, write_text
from nashgrad.lab.common.errors import UsageError, file_errors
from nashgrad.lab.common.locks import locked
from nashgrad.lab.runs.metrics import append_metrics, read_metrics, rewind_metrics

Status = Literal["running", "finished", "interrupted", "failed", "not_finite"]

FILES = ("config.yaml", "environment.json", "metrics.jsonl", "summary.json")
PICTURES = ("*.png", "*.svg", "*.pdf")
FOLDERS = {"samples": PICTURES, "plots": PICTURES, "checkpoints": ("*.pt",)}
LATER = {
    "diagnosis": ("*.json", *PICTURES),
    "scores": ("*.json",),
    "tensorboard": ("events.out.tfevents.*",),
}
"""Folders that only some runs have; what they hold is of the run and goes with it."""


@dataclass(frozen=True)
class Run:
    """A run folder; all its state is in its files. Listeners hear of each line of its metrics."""

    path: Path
    listeners: tuple[Callable[[Mapping[str, Any]], None], ...] = ()

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.path / "config.yaml"

    @property
    def samples(self) -> Path:
        """The folder of sample grids and densities."""
        return self.path / "samples"

    @property
    def plots(self) -> Path:
        """The folder of curves and spectra."""
        return self.path / "plots"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def scores(self) -> Path:
        """The folder of scores by features of a network."""
        return self.path / "scores"

    def scoring(self, step: int, extractor: str) -> Path:
        """The file of a checkpoint's scores by an extractor."""
        return self.scores / f"{step:08d}-{extractor}.json"

    def environment(self) -> dict[str, Any]:
        """What the run was started with."""
        return _read_json(self.path / "environment.json")

    def log(self, metrics: Mapping[str, Any]) -> None:
        """Adds a line to `metrics.jsonl`; it holds `step`."""
        append_metrics(self.path / "metrics.jsonl", metrics)
        for listener in self.listeners:
            listener(metrics)

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of `metrics.jsonl`."""
        return read_metrics(self.path / "metrics.jsonl")

    def rewind(self, step: int) -> None:
        """Forgets the metrics after a step, from which the run goes on."""
        rewind_metrics(self.path / "metrics.jsonl", step)

    def summarize(self, status: Status, steps: int, **values: Any) -> None:
        """Replaces `summary.json`: how the run stands, with seconds, speed and scores."""
        write_json(self.path / "summary.json", {"status": status, "steps": steps, **values})

    def summary(self) -> dict[str, Any]:
        """The content of `summary.json`; empty when it is missing or damaged."""
        return _read_json(self.path / "summary.json")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes from training in this folder; a dead process holds no lock."""
        with locked(self.path, "another process is training this run"):
            yield


def create_run(
    path: str | Path, config: str, environment: Mapping[str, Any], *, overwrite: bool = False
) -> Run:
    """A new run in a folder that is missing or empty, or in place of an earlier run.

    Args:
        path: The folder.
        config: The text of `config.yaml`.
        environment: The content of `environment.json`.
        overwrite: Remove what an earlier run wrote there, and nothing else.

    Raises:
        UsageError: The folder holds a run, or something that no run wrote.
    """
    run = Run(Path(path))
    with file_errors(run.path):
        _refuse_occupied(run, overwrite)
        if is_run(run.path):
            with run.locked():
                _remove_run(run.path)
        for name in FOLDERS:
            (run.path / name).mkdir(parents=True, exist_ok=True)
    write_text(run.config, config)
    write_json(run.path / "environment.json", environment)
    run.summarize("running", 0)
    return run


def open_run(path: str | Path) -> Run:
    """The run in a folder, cleared of what a killed process was writing.

    Raises:
        UsageError: The folder holds no run, or another process is training it.
    """
    run = Run(Path(path))
    if not is_run(run.path):
        raise UsageError(f"{path}: holds no run")
    with run.locked(), file_errors(run.path):
        for folder in (run.path, *(run.path / name for name in FOLDERS)):
            folder.mkdir(exist_ok=True)
            remove_leftovers(folder)
    return run


def is_run(path: Path) -> bool:
    """Whether a folder has the two files that every run starts with."""
    return all((path / name).is_file() for name in ("config.yaml", "environment.json"))


def is_held(folder: Path, held: frozenset[str] | None = None) -> bool | None:
    """Whether a process of this machine holds the lock of a folder; None where nobody can tell.

    It is read off the kernel's table: trying the lock could keep a training from its own folder.

    Args:
        folder: of a run.
        held: `held_places()`, for many folders.
    """
    held = held_places() if held is None else held
    try:
        if _place(os.stat(folder)) in held:
            return True
        return False if _shows_locks(folder / "config.yaml") else None
    except OSError:
        return None


def held_places() -> frozenset[str]:
    """The files and folders that are locked, as the kernel's table names them."""
    try:
        table = Path("/proc/locks").read_text(encoding="ascii")
    except OSError:
        return frozenset()
    return frozenset(
        word for line in table.splitlines() if "FLOCK" in line for word in line.split()
    )


_SHOWN: dict[int, bool] = {}


def _shows_locks(file: Path) -> bool:
    """Whether the table names the locks on a file's file system, whoever holds them.

    The processes of other containers and machines are missing in it, and some file systems are
    named otherwise there: a lock of our own, on a file that nobody locks, shows it.
    """
    device = os.stat(file).st_dev
    if device not in _SHOWN:
        _SHOWN[device] = _sees_all_processes() and _is_local(device) and _sees_own_lock(file)
    return _SHOWN[device]


def _sees_all_processes() -> bool:
    return os.stat("/proc/self/ns/pid").st_ino == 0xEFFFFFFC  # that of the machine, in the kernel


def _is_local(device: int) -> bool:
    """Whether only this machine mounts it: others lock by tables of their own."""
    name = f"{os.major(device)}:{os.minor(device)}"
    lines = Path("/proc/self/mountinfo").read_text(errors="replace").splitlines()
    kinds = {line.split(" - ")[1].split()[0] for line in lines if line.split()[2] == name}
    return bool(kinds) and kinds <= {"ext2", "ext3", "ext4", "xfs", "f2fs", "tmpfs"}


def _sees_own_lock(file: Path) -> bool:
    # A link or a pipe is none of a run's; a pipe would wait for a writer.
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return _place(os.fstat(descriptor)) in held_places()
    finally:
        os.close(descriptor)


def _place(told: os.stat_result) -> str:
    """A file as the kernel's table of locks names it."""
    return f"{os.major(told.st_dev):02x}:{os.minor(told.st_dev):02x}:{told.st_ino}"


def _refuse_occupied(run: Run, overwrite: bool) -> None:
    path = run.path
    if is_run(path):
        if not overwrite:
            summary = run.summary()
            state = f"{summary.get('status', 'unknown')}, {summary.get('steps', 0)} steps"
            raise UsageError(
                f"{path}: already holds a run ({state}); use --overwrite, or nashgrad resume {path}"
            )
    elif path.exists() and not path.is_dir():
        raise UsageError(f"{path}: is a file, not a folder")
    elif path.is_dir() and not _is_beginning(path):
        raise UsageError(f"{path}: is not empty and holds no run; choose another --out")


def _is_beginning(path: Path) -> bool:
    """Whether a folder is empty, or holds what a run that was killed as it began leaves."""
    names = {entry.name.removesuffix(TEMPORARY) for entry in path.iterdir()}
    return names <= set(FOLDERS) or set(FOLDERS) <= names <= {*FOLDERS, *FILES}


def _remove_run(path: Path) -> None:
    """Removes the files that a run writes; what somebody else put there stays."""
    for name, patterns in (FOLDERS | LATER).items():
        folder = path / name
        # A link may lead to files that are not this run's.
        if folder.is_dir() and not folder.is_symlink():
            remove_leftovers(folder)
            for file in (file for pattern in patterns for file in folder.glob(pattern)):
                file.unlink()
    remove_leftovers(path)
    for name in reversed(FILES):
        (path / name).unlink(missing_ok=True)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
