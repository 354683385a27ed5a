"""Many runs at once: what is made, what is skipped, what goes on, what fails alone."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.common.interrupt import Interrupt
from nashgrad.lab.config import Config, load
from nashgrad.lab.runs.records import Run
from nashgrad.lab.studies.runner import Job, _Begun, _outcome, log_of, run_jobs
from nashgrad.lab.training.train import train

CONFIG = """
game: ring
model: {name: mlp, latent: 2, generator: [4], discriminator: [4]}
data: {batch: 8}
steps: 6
evaluate: {every: 0, samples: 16, pictures: false}
checkpoint: {every: 3}
threads: 1
"""
ENDLESS = 10**8


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "ring.yaml"
    path.write_text(CONFIG)
    return load(path)


def job(config: Config, folder: Path, name: str = "a", **changes: object) -> Job:
    return Job(name, replace(config, out=str(folder / "runs" / name), **changes))


def play(jobs: list[Job], **options: object) -> tuple[list[str], str]:
    """How each job ended, and what was told."""
    console = Console(file=io.StringIO(), highlight=False, width=200)
    outcomes = run_jobs(jobs, workers=2, console=console, **options)
    assert [outcome.job for outcome in outcomes] == jobs
    return [outcome.status for outcome in outcomes], console.file.getvalue()


def stopped() -> Interrupt:
    """A signal that came before: what is there is looked at, and nothing begins."""
    interrupt = Interrupt()
    interrupt.signal = signal.SIGTERM
    return interrupt


def test_each_job_is_a_run_of_its_own(tmp_path: Path, config: Config) -> None:
    jobs = [job(config, tmp_path, f"seed {seed}", seed=seed) for seed in range(3)]
    statuses, told = play(jobs)
    assert statuses == ["finished"] * 3
    assert "[3/3] seed" in told
    for seed, done in enumerate(jobs):
        assert (done.run.summary()["status"], done.run.summary()["steps"]) == ("finished", 6)
        assert load(done.run.config).seed == seed
        assert "finished" in log_of(done).read_text()


def test_a_run_in_a_process_is_the_run_of_train(tmp_path: Path, config: Config) -> None:
    done = job(config, tmp_path)
    play([done])
    train(replace(config, out=str(tmp_path / "alone")))
    alone = Run(tmp_path / "alone")
    values = [
        [line["losses"] for line in run.metrics() if "losses" in line] for run in (alone, done.run)
    ]
    assert values[0] == values[1] != []


def test_what_is_done_is_not_done_again(tmp_path: Path, config: Config) -> None:
    done = job(config, tmp_path)
    play([done])
    before = (done.run.path / "summary.json").stat().st_mtime_ns
    assert play([done])[0] == ["finished"]
    assert (done.run.path / "summary.json").stat().st_mtime_ns == before


def test_what_was_begun_goes_on(tmp_path: Path, config: Config) -> None:
    begun = job(config, tmp_path)
    train(begun.config)
    begun.run.summarize("interrupted", 6)
    begun.run.rewind(3)
    (begun.run.checkpoints / "00000006.pt").unlink()
    assert play([begun])[0] == ["finished"]
    assert begun.run.summary()["steps"] == 6
    assert (begun.run.checkpoints / "00000006.pt").exists()


def cut(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def spoil(path: Path) -> None:
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0][:-5], *lines[1:]]) + "\n")


def without_costs(path: Path) -> None:
    path.write_text(path.read_text().replace('"spent"', '"spend"'))


@pytest.mark.parametrize("damage", [cut, spoil, without_costs, Path.unlink])
def test_a_finished_run_with_damaged_metrics_is_made_again(
    tmp_path: Path, config: Config, damage: Callable[[Path], None]
) -> None:
    done = job(config, tmp_path)
    train(done.config)
    assert play([done], interrupt=stopped()) == (["finished"], "")
    damage(done.run.path / "metrics.jsonl")
    statuses, told = play([done], interrupt=stopped())
    assert statuses == ["interrupted"]
    assert told == f"{done.run.path}: its metrics are damaged; made again\n"
    assert not done.run.path.exists()


def test_what_was_damaged_is_made_again_as_it_was(tmp_path: Path, config: Config) -> None:
    done = job(config, tmp_path)
    train(done.config)
    before = [line["scores"] for line in done.run.metrics() if "scores" in line]
    cut(done.run.path / "metrics.jsonl")
    assert play([done])[0] == ["finished"]
    assert [line["scores"] for line in done.run.metrics() if "scores" in line] == before


def test_a_run_whose_configuration_is_damaged_is_told_of(tmp_path: Path, config: Config) -> None:
    done = job(config, tmp_path)
    train(done.config)
    done.run.config.write_text("game: [ring")
    with pytest.raises(UsageError) as error:
        play([done])
    assert str(error.value).startswith(f"{done.run.config}:1: ")
    again = f"; remove the folder {done.run.path} to make this run again"
    assert str(error.value).endswith(again)
    assert "\n" not in str(error.value)


def outcome(ended: Job, code: int, stopped: bool = False) -> tuple[str, str]:
    """How a job is told to have ended whose process left an exit code."""
    begun = _Begun(SimpleNamespace(exitcode=code), ended, 0)  # type: ignore[arg-type]
    found = _outcome(begun, stopped)
    return found.status, found.reason


def test_a_run_counts_more_than_its_process(tmp_path: Path, config: Config) -> None:
    done = job(config, tmp_path)
    train(done.config)
    for code in (0, 1, 255, -signal.SIGKILL):
        assert outcome(done, code) == ("finished", "")
    cut(done.run.path / "metrics.jsonl")
    assert outcome(done, 0) == ("failed", "its metrics are damaged")


def test_progress_is_no_reason(tmp_path: Path, config: Config) -> None:
    begun = job(config, tmp_path)
    log = log_of(begun)
    log.parent.mkdir(parents=True)
    progress = "a: step 3 of 1,000, 9 s left, 10 steps/s  generator 0.4  |v| 1.09\n"
    log.write_text(f"{progress}a: unit 5 of 10, 9 s left\nwarning: torch was 1\n")
    assert outcome(begun, 255) == ("failed", "exit code 255")
    assert outcome(begun, -signal.SIGKILL) == ("failed", "killed by signal 9")
    assert outcome(begun, -signal.SIGTERM) == ("failed", "killed by signal 15")
    assert outcome(begun, -signal.SIGTERM, stopped=True) == ("interrupted", "")
    log.write_text(f"Traceback\nRuntimeError: out of memory\n{progress}\n")
    assert outcome(begun, 1) == ("failed", "RuntimeError: out of memory")
    log.write_text("terminate called\n")
    assert outcome(begun, -signal.SIGABRT) == ("failed", "killed by signal 6; terminate called")


def test_what_was_logged_before_is_no_reason(tmp_path: Path, config: Config) -> None:
    bad = job(config, tmp_path, device="cuda")
    log_of(bad).parent.mkdir(parents=True)
    log_of(bad).write_text("RuntimeError: of last time\n")
    begun = _Begun(SimpleNamespace(exitcode=1), bad, log_of(bad).stat().st_size)  # type: ignore[arg-type]
    assert _outcome(begun, False).reason == "exit code 1"


def test_nothing_begins_after_a_signal(tmp_path: Path, config: Config) -> None:
    assert play([job(config, tmp_path)], interrupt=stopped()) == (["interrupted"], "")
    assert not (tmp_path / "runs").exists()


def test_a_run_of_another_configuration_is_refused(tmp_path: Path, config: Config) -> None:
    play([job(config, tmp_path)])
    with pytest.raises(UsageError, match="holds a run of another configuration"):
        play([job(config, tmp_path, steps=7)])
    with pytest.raises(UsageError, match="holds a run of another configuration"):
        play([job(config, tmp_path, seed=1)])


def test_a_job_that_fails_does_not_stop_the_others(tmp_path: Path, config: Config) -> None:
    bad = job(config, tmp_path, "bad", device="cuda")
    if __import__("torch").cuda.is_available():
        pytest.skip("this machine has a card")
    statuses, told = play([bad, job(config, tmp_path, "good")])
    assert statuses == ["failed", "finished"]
    assert "bad: failed: device" in told


def test_a_loss_that_is_not_finite_is_an_end(tmp_path: Path, config: Config) -> None:
    section = replace(config.optimizer.generator, lr=1e30)
    wild = replace(config.optimizer, generator=section, discriminator=section)
    lost = job(config, tmp_path, optimizer=wild)
    assert play([lost])[0] == ["not_finite"]
    told = run_jobs([lost], console=Console(file=io.StringIO()))[0]
    assert (told.status, "not finite" in told.reason) == ("not_finite", True)


SCRIPT = """
import sys
from dataclasses import replace
from nashgrad.lab.config import load
from nashgrad.lab.studies.runner import Job, run_jobs

if __name__ == "__main__":
    config, folder, *steps = sys.argv[1:]
    jobs = [
        Job(f"job {i}", replace(load(config), steps=int(n), out=f"{folder}/{i}"))
        for i, n in enumerate(steps)
    ]
    for outcome in run_jobs(jobs, workers=2):
        print("ended", outcome.job.name, outcome.status, flush=True)
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Runs jobs in a session of their own, as a terminal does; none outlives its test."""
    (tmp_path / "script.py").write_text(SCRIPT)
    started: list[subprocess.Popen[str]] = []

    def begin(*steps: int) -> "subprocess.Popen[str]":
        words = [sys.executable, "script.py", "ring.yaml", "runs", *map(str, steps)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        started.append(
            subprocess.Popen(words, cwd=tmp_path, text=True, start_new_session=True, **pipes)
        )
        return started[-1]

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def wait_for(folder: Path, pattern: str = "checkpoints/*[1-9].pt") -> None:
    """Until a file is there; checkpoints come and go, the first one is of step 0."""
    end = time.monotonic() + 120
    while not any(folder.glob(pattern)):
        assert time.monotonic() < end, f"{folder}/{pattern} never came"
        time.sleep(0.02)


def steps_of(run: Path) -> int:
    return int(Run(run).summary().get("steps", 0))


def ended(told: str) -> list[str]:
    return [line for line in told.splitlines() if line.startswith("ended")]


def the_job(run: Path) -> int:
    """The process that trains in a folder: it holds the folder's lock."""
    inode = f":{run.stat().st_ino} "
    for line in Path("/proc/locks").read_text().splitlines():
        if inode in line:
            return int(line.split()[4])
    raise AssertionError("nobody trains there")


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.mark.slow
def test_a_killed_job_is_told_of_and_the_others_end_well(
    tmp_path: Path, config: Config, start: Start
) -> None:
    process = start(ENDLESS, 6)
    wait_for(tmp_path / "runs/0")
    os.kill(the_job(tmp_path / "runs/0"), signal.SIGKILL)
    told = process.communicate(timeout=120)[0]
    assert "job 0: failed: killed by signal 9\n" in told
    assert "ended job 1 finished" in told
    before = steps_of(tmp_path / "runs/0")
    again = start(ENDLESS, 6)  # goes on where the killed one was
    end = time.monotonic() + 120
    while steps_of(tmp_path / "runs/0") <= before:
        assert time.monotonic() < end, "it does not go on"
        time.sleep(0.02)
    again.send_signal(signal.SIGTERM)
    assert "ended job 0 interrupted" in again.communicate(timeout=120)[0]


TO_ALL = [
    (signal.SIGINT, True),  # as a terminal does
    (signal.SIGINT, False),
    (signal.SIGTERM, True),  # as `timeout` does
    (signal.SIGTERM, False),
]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "to_all"), TO_ALL)
def test_a_signal_saves_all_runs(
    tmp_path: Path, config: Config, start: Start, number: signal.Signals, to_all: bool
) -> None:
    process = start(ENDLESS, ENDLESS, 6)
    for i in (0, 1):
        wait_for(tmp_path / f"runs/{i}")
    process.send_signal(number)
    if to_all:
        os.killpg(process.pid, number)
    told = process.communicate(timeout=120)[0]
    assert ended(told) == [f"ended job {i} interrupted" for i in range(3)]
    assert "failed" not in told
    assert "Traceback" not in told
    for i in (0, 1):
        summary = Run(tmp_path / f"runs/{i}").summary()
        assert summary["status"] == "interrupted"
        assert (tmp_path / f"runs/{i}/checkpoints/{summary['steps']:08d}.pt").exists()
    assert not (tmp_path / "runs/2").exists()


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 0.5, 2.0])
def test_a_signal_to_all_while_the_first_job_starts(
    tmp_path: Path, config: Config, start: Start, seconds: float
) -> None:
    process = start(ENDLESS, ENDLESS)
    wait_for(tmp_path, "runs")  # is made just before the processes
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGTERM)
    told = process.communicate(timeout=120)[0]
    assert ended(told) == [f"ended job {i} interrupted" for i in range(2)]
    assert "Traceback" not in told


@pytest.mark.slow
def test_jobs_save_when_the_process_that_started_them_is_killed(
    tmp_path: Path, config: Config, start: Start
) -> None:
    process = start(ENDLESS)
    wait_for(tmp_path / "runs/0")
    process.kill()
    process.communicate(timeout=120)
    end = time.monotonic() + 60
    while Run(tmp_path / "runs/0").summary()["status"] == "running":
        assert time.monotonic() < end, "the job is still running"
        time.sleep(0.05)
    assert Run(tmp_path / "runs/0").summary()["status"] == "interrupted"
