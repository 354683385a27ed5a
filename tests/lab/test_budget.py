"""What a run spends: counted, limited, judged by, and kept over a pause."""

from pathlib import Path
from typing import Any

import pytest
import torch

from nashgrad.lab.commands.cli import main
from nashgrad.lab.config import fingerprint, load
from nashgrad.lab.runs.checkpoint import load_latest
from nashgrad.lab.runs.records import Run
from nashgrad.lab.training.tally import Tally
from nashgrad.schedules import StepRecord

CONFIG = """
game: ring
model: {name: mlp, latent: 2, generator: [4], discriminator: [4]}
data: {batch: 8}
steps: 1000
log: {every: 5}
evaluate: {every: 0, samples: 16, pictures: false}
checkpoint: {every: 0}
threads: 1
"""


def run(folder: Path, *arguments: str, name: str = "run") -> Run:
    config = folder / "ring.yaml"
    config.write_text(CONFIG)
    assert main(["train", str(config), "--out", str(folder / name), *arguments]) == 0
    return Run(folder / name)


@pytest.mark.parametrize(
    ("arguments", "each"),
    [
        (("--method", "none"), 1),
        (("--method", "consensus"), 3),
        (("--method", "none", "--schedule", "alternating"), 1),
        (("--method", "sga"), 5),
        (("--method", "none", "--unrolled.steps", "2"), 4),
    ],
)
def test_a_budget_ends_a_run(tmp_path: Path, arguments: tuple[str, ...], each: int) -> None:
    summary = run(tmp_path, *arguments, "--budget", "30").summary()
    steps = -(-30 // each)
    assert (summary["status"], summary["steps"]) == ("finished", steps)
    assert summary["spent"] == steps * each
    assert summary["spent"] == summary["evaluations"] + 2 * summary["products"]


def test_steps_end_a_run_whose_budget_is_not_spent(tmp_path: Path) -> None:
    summary = run(tmp_path, "--steps", "4", "--budget", "1000").summary()
    assert (summary["status"], summary["steps"], summary["spent"]) == ("finished", 4, 4)


def test_a_summary_tells_all_costs(tmp_path: Path) -> None:
    summary = run(tmp_path, "--method", "lss", "--steps", "3").summary()
    assert summary["solves"] == 3
    assert 0 <= summary["unconverged"] <= 3
    assert summary["peak_memory_mb"] > 0
    assert summary["seconds"] > 0


def test_a_run_is_judged_along_its_budget(tmp_path: Path) -> None:
    every = ("--method", "consensus", "--budget", "60", "--evaluate.spent", "20")
    judged = [line for line in run(tmp_path, *every).metrics() if "scores" in line]
    # A step of consensus costs three: 21 is the first that is past 20.
    assert [(line["step"], line["spent"]) for line in judged] == [
        (0, 0),
        (7, 21),
        (14, 42),
        (20, 60),
    ]


def test_lines_of_the_log_tell_what_was_spent(tmp_path: Path) -> None:
    done = run(tmp_path, "--method", "consensus", "--steps", "10")
    lines = [line for line in done.metrics() if "losses" in line]
    assert [line["spent"] for line in lines] == [15, 30]
    assert [(line["evaluations"], line["products"]) for line in lines] == [(1, 1), (1, 1)]


def record(**costs: Any) -> StepRecord:
    one = {"a": torch.tensor(1.0)}
    return StepRecord(one, one, **({"evaluations": 1, "products": 0, "solves": 0} | costs))


def test_a_tally_tells_means_of_costs_and_the_sum_of_failures() -> None:
    tally = Tally()
    tally.add(record(evaluations=2, products=3, solves=1, unconverged=1))
    tally.add(record(evaluations=1, products=0))
    tally.add(record(evaluations=1, products=3, solves=1, unconverged=1))
    means = tally.means(3)
    assert means["evaluations"] == pytest.approx(4 / 3)
    assert means["products"] == 2
    assert means["solves"] == pytest.approx(2 / 3)
    assert means["unconverged"] == 2


def end(run: Run) -> dict[str, Any]:
    return load_latest(run.checkpoints, fingerprint(load(run.config))).state


def test_a_resumed_run_has_spent_what_an_unbroken_one_has(tmp_path: Path) -> None:
    whole = ("--method", "consensus", "--budget", "60", "--evaluate.spent", "10")
    unbroken = run(tmp_path, *whole, "--checkpoint.every", "5", name="unbroken")
    broken = run(tmp_path, *whole, "--checkpoint.every", "5", name="broken")
    for path in broken.checkpoints.glob("*.pt"):
        if int(path.stem) > 10:
            path.unlink()
    assert main(["resume", str(broken.path)]) == 0
    costs = ("steps", "spent", "evaluations", "products")
    first, second = unbroken.summary(), broken.summary()
    assert {key: first[key] for key in costs} == {key: second[key] for key in costs}
    lines = [[(line["step"], line["spent"]) for line in r.metrics()] for r in (unbroken, broken)]
    assert lines[0] == lines[1]
    for key, value in end(unbroken)["game"].items():
        assert torch.equal(value, end(broken)["game"][key])


def test_a_run_is_saved_whenever_so_much_is_spent(tmp_path: Path) -> None:
    saving = ("--checkpoint.spent", "6", "--checkpoint.keep", "9")
    found = run(tmp_path, "--method", "none", "--budget", "20", *saving)
    assert sorted(int(p.stem) for p in found.checkpoints.glob("*.pt")) == [0, 6, 12, 18, 20]
