"""A run that is killed anywhere and resumed ends with the parameters of one that never stopped."""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import nashgrad.lab.training.train  # noqa: F401 (before the forks, which share it)
from nashgrad.lab.commands.cli import main
from nashgrad.lab.config import fingerprint, load
from nashgrad.lab.runs.checkpoint import load_latest
from nashgrad.lab.runs.records import Run, is_run

KILLS = 20
CONFIG = """
game: {{name: ring}}
model: {{name: mlp, latent: 4, generator: [8], discriminator: [8]}}
data: {{batch: 16}}
steps: {steps}
method: {{name: consensus, gamma: 1}}
schedule: {schedule}
optimizer:
  generator: {{name: adam, lr: 1e-3}}
  discriminator: {{name: rmsprop_tf, lr: 1e-3}}
lr_schedule: {{name: cosine}}
ema: 0.99
seed: 3
log: {{every: 10}}
evaluate: {{every: 400, samples: 64}}
checkpoint: {{every: 20}}
threads: 1
out: {out}
"""


def _write(folder: Path, name: str, schedule: str, steps: int) -> tuple[Path, Path]:
    config, out = folder / f"{name}.yaml", folder / name
    config.write_text(CONFIG.format(schedule=schedule, out=out, steps=steps))
    return config, out


def _end(out: Path) -> dict[str, object]:
    run = Run(out)
    return load_latest(run.checkpoints, fingerprint(load(run.config))).state


def _flat(value: object, path: str = "") -> dict[str, object]:
    if isinstance(value, dict):
        inner = [_flat(v, f"{path}.{k}") for k, v in value.items()]
        return {k: v for part in inner for k, v in part.items()}
    if isinstance(value, list | tuple):
        return _flat(dict(enumerate(value)), path)
    return {path: value}


def assert_same(a: dict[str, object], b: dict[str, object]) -> None:
    """Everything but the clock, bit for bit."""
    first, second = _flat(a), _flat(b)
    assert first.keys() == second.keys()
    for key, value in first.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, second[key]), key
        elif key != ".seconds":
            assert value == second[key], key


def _logged(out: Path) -> int:
    """The newest step in the log, also of a run that has hardly begun."""
    return max((line["step"] for line in Run(out).metrics()), default=0)


def _child(arguments: list[str]) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os._exit(main(arguments))


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["simultaneous", "alternating"])
def test_killed_at_random_moments_and_resumed_the_parameters_are_those_of_an_unbroken_run(
    tmp_path: Path, schedule: str
) -> None:
    # A fork shares this process's imports, so that twenty processes take no minute to start.
    fork, moments = multiprocessing.get_context("fork"), random.Random(0)
    steps = 800
    config, whole = _write(tmp_path, "whole", schedule, steps)
    process = fork.Process(target=_child, args=(["train", str(config)],))
    process.start()
    process.join()
    assert process.exitcode == 0

    config, broken = _write(tmp_path, "broken", schedule, steps)
    arguments = ["train", str(config)]
    for moment in sorted(moments.sample(range(steps - 100), KILLS)):
        process = fork.Process(target=_child, args=(arguments,))
        process.start()
        while _logged(broken) < moment and process.is_alive():
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.02))
        assert process.is_alive()
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        if is_run(broken):
            arguments = ["resume", str(broken)]
    assert main(arguments) == 0
    assert_same(_end(whole), _end(broken))
    kept = [line for line in Run(broken).metrics() if "losses" in line]
    assert [line["step"] for line in kept] == list(range(10, steps + 1, 10))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_step_saves_and_says_how_to_go_on(tmp_path: Path, number: int) -> None:
    config, out = _write(tmp_path, "run", "simultaneous", 100_000)
    command = [sys.executable, "-m", "nashgrad", "train", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while not (out / "metrics.jsonl").exists() or len(Run(out).metrics()) < 5:
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.05)
    process.send_signal(number)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert f"nashgrad resume {out}" in text
    assert "Traceback" not in text
    summary = json.loads((out / "summary.json").read_text())
    assert summary["status"] == "interrupted"
    assert (out / "checkpoints" / f"{summary['steps']:08d}.pt").exists()


def test_a_damaged_checkpoint_is_passed_over_aloud(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, out = _write(tmp_path, "run", "simultaneous", 60)
    assert main(["train", str(config)]) == 0
    before = _end(out)
    newest = out / "checkpoints" / "00000060.pt"
    newest.write_bytes(newest.read_bytes()[:-100])
    assert main(["resume", str(out)]) == 0
    assert "going back to step 40" in " ".join(capsys.readouterr().out.split())
    assert_same(before, _end(out))


def test_a_run_that_finished_can_be_made_longer(tmp_path: Path) -> None:
    config, out = _write(tmp_path, "short", "alternating", 40)
    config.write_text(config.read_text().replace("lr_schedule: {name: cosine}\n", ""))
    assert main(["train", str(config)]) == 0
    run = out / "config.yaml"
    run.write_text(run.read_text().replace("steps: 40", "steps: 100"))
    assert main(["resume", str(out)]) == 0
    long, whole = _write(tmp_path, "long", "alternating", 100)
    long.write_text(long.read_text().replace("lr_schedule: {name: cosine}\n", ""))
    assert main(["train", str(long)]) == 0
    assert_same(_end(whole), _end(out))


def test_other_threads_are_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, out = _write(tmp_path, "run", "simultaneous", 20)
    assert main(["train", str(config)]) == 0
    path = out / "environment.json"
    path.write_text(path.read_text().replace('"threads": 1', '"threads": 7'))
    assert main(["resume", str(out)]) == 0
    assert "threads was 7 and is 1" in " ".join(capsys.readouterr().out.split())
