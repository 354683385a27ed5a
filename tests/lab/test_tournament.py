"""Tournaments: fair, resumable, honest about failures, and clear about bad files."""

import json
import math
import signal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from nashgrad.lab.commands.cli import main
from nashgrad.lab.config import load
from nashgrad.lab.runs.records import Run
from nashgrad.lab.studies import stage
from nashgrad.lab.studies.runner import Job, Outcome, run_jobs

BASE = """
game: ring
model: {name: mlp, latent: 2, generator: [4], discriminator: [4]}
data: {batch: 8}
steps: 1000
method: {name: consensus, gamma: 1}
evaluate: {samples: 32}
"""
PLAN = """
base: base.yaml
budget: 30
seeds: [0, 1]
score: sw2
points: 5
baseline: plain
entrants:
  plain: {method: none}
  consensus: {method.gamma: 2}
"""
TUNED = PLAN + "tuning: {seeds: [7, 8], factors: [0.5, 1, 2], share: 0.5}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "base.yaml").write_text(BASE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def play(folder: Path, text: str, *arguments: str, code: int = 0) -> dict[str, Any]:
    (folder / "plan.yaml").write_text(text)
    assert main(["tournament", "plan.yaml", "--out", "out", *arguments]) == code
    values: dict[str, Any] = json.loads((folder / "out/results.json").read_text())
    return values


def test_all_entrants_play_all_seeds_at_one_budget(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = play(folder, PLAN)
    assert values["entrants"].keys() == {"plain", "consensus"}
    plain, consensus = values["entrants"]["plain"], values["entrants"]["consensus"]
    assert plain["scores"].keys() == consensus["scores"].keys() == {"0", "1"}
    assert (plain["costs"]["steps"], consensus["costs"]["steps"]) == (30, 10)
    assert (consensus["costs"]["evaluations"], consensus["costs"]["products"]) == (10, 10)
    assert plain["curves"]["0"]["spent"] == [0, 6, 12, 18, 24, 30]
    assert plain["differences"] == [0, 0]
    assert consensus["differences"] == pytest.approx(
        [consensus["scores"][seed] - plain["scores"][seed] for seed in ("0", "1")]
    )
    table = (folder / "out/results.md").read_text()
    assert table in capsys.readouterr().out
    assert all(name in table for name in ("plain", "consensus", "2/2", "seconds of training"))
    facts = {"extractor": "identity", "samples": 32, "real": 32, "ema": False}
    assert plain["scored"] == {"0": facts, "1": facts}
    rest = "Scores rest on: extractor identity, samples 32, real 32, ema False."
    assert f"\n\n{rest}\n\n" in table
    with Image.open(folder / "out/quality.png") as picture:
        assert picture.width > 500


def test_an_entrant_keeps_of_the_base_what_it_does_not_change(folder: Path) -> None:
    play(folder, PLAN)
    config = load(folder / "out/runs/consensus/lr1-seed1/config.yaml")
    assert (config.method.name, config.method.gamma, config.seed) == ("consensus", 2, 1)
    assert (config.budget, config.threads, config.evaluate.samples) == (30, 1, 32)


def test_learning_rates_are_chosen_on_seeds_of_their_own(folder: Path) -> None:
    values = play(folder, TUNED)
    for name, entrant in values["entrants"].items():
        assert entrant["tuning"].keys() == {"0.5", "1", "2"}
        medians = {f: sum(map(float, s)) / 2 for f, s in entrant["tuning"].items()}
        best = min(medians, key=lambda factor: medians[factor])
        assert entrant["lr_factor"] == float(best)
        assert entrant["at_the_edge_of_the_grid"] == (best != "1")
        done = load(folder / f"out/runs/{name}/lr{best}-seed0/config.yaml")
        assert done.optimizer.generator.lr == pytest.approx(1e-4 * float(best))
        tried = load(folder / f"out/tuning/{name}/lr2-seed7/config.yaml")
        assert (tried.budget, tried.seed) == (15, 7)
    assert ("*" in (folder / "out/results.md").read_text().split("\n\n")[2]) == any(
        entrant["at_the_edge_of_the_grid"] for entrant in values["entrants"].values()
    )


def test_started_again_it_does_what_is_missing(folder: Path) -> None:
    first = play(folder, PLAN)
    kept = Run(folder / "out/runs/plain/lr1-seed0").path / "summary.json"
    before = kept.stat().st_mtime_ns
    lost = Run(folder / "out/runs/consensus/lr1-seed1")
    (lost.path / "environment.json").unlink()  # as killed when it began
    (lost.path / "metrics.jsonl").unlink()
    (folder / "out/results.json").unlink()
    again = play(folder, PLAN)
    assert kept.stat().st_mtime_ns == before
    assert again["entrants"]["consensus"]["scores"] == first["entrants"]["consensus"]["scores"]


def test_a_run_that_is_not_finite_is_the_worst(folder: Path) -> None:
    wild = "  wild: {optimizer.generator.lr: 1e30, optimizer.discriminator.lr: 1e30}\n"
    wild += (
        "  wilder: {method: none, optimizer.generator.lr: 1e32, optimizer.discriminator.lr: 1e32}\n"
    )
    values = play(folder, PLAN + wild)
    for name in ("wild", "wilder"):
        assert [float(score) for score in values["entrants"][name]["scores"].values()] == [
            math.inf
        ] * 2
        assert set(values["entrants"][name]["status"].values()) == {"not_finite"}
    table = (folder / "out/results.md").read_text()
    assert "| wild | 1 | not finite |" in table
    assert "0/2" in table
    assert "Runs that did not end well:" in table


@pytest.mark.parametrize("when", ["tuning", "runs"])
def test_a_run_that_failed_is_an_exit_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    def played(jobs: list[Job], **options: Any) -> list[Outcome]:
        outcomes = run_jobs(jobs, **options)
        if f"/{when}/" in str(jobs[0].config.out):
            outcomes[0] = Outcome(jobs[0], "failed", "out of memory")
        return outcomes

    monkeypatch.setattr(stage, "run_jobs", played)
    plan = PLAN.replace("seeds: [0, 1]", "seeds: [0]").replace("budget: 30", "budget: 6")
    play(folder, plan + "tuning: {seeds: [7], factors: [1]}\n", code=4)
    told = "seed 0: failed; out of memory" in (folder / "out/results.md").read_text()
    assert told == (when == "runs")


def test_steps_in_place_of_a_budget(folder: Path) -> None:
    values = play(folder, PLAN.replace("budget: 30", "steps: 10"))
    assert [e["costs"]["steps"] for e in values["entrants"].values()] == [10, 10]
    assert values["entrants"]["consensus"]["curves"]["0"]["spent"] == [0, 6, 12, 18, 24, 30]


def test_a_larger_score_may_be_the_better_one(folder: Path) -> None:
    text = PLAN.replace("score: sw2", "score: hq_01\nhigher_is_better: true")
    values = play(folder, text)
    names = [row.split(" | ")[0].strip("| ") for row in tables_of(folder)[0]]
    medians = [values["entrants"][name]["median"] for name in names]
    assert medians == sorted(medians, reverse=True)


def tables_of(folder: Path) -> list[list[str]]:
    """The rows of each table, without the head."""
    blocks = (folder / "out/results.md").read_text().split("\n\n")
    return [block.splitlines()[2:] for block in blocks if block.startswith("|")]


BAD = {
    "an unknown key": ("points: 5", "point: 5", "point: unknown key, did you mean points?"),
    "a wrong type": ("budget: 30", "budget: many", "budget: expected an integer, got 'many'"),
    "no length": ("budget: 30\n", "", "budget: give either budget or steps"),
    "two lengths": ("budget: 30", "budget: 30\nsteps: 3", "budget: give either budget or steps"),
    "an unknown score": ("score: sw2", "score: sw3", "score: 'sw3' is none of "),
    "a single seed": ("seeds: [0, 1]", "seeds: 2", "seeds: expected a list, such as [0, 1]"),
    "no seeds": ("seeds: [0, 1]", "seeds: []", "seeds: needs at least one"),
    "a single tuning seed": (
        "points: 5", "points: 5\ntuning: {seeds: 7, factors: [1]}",
        "tuning.seeds: expected a list, such as [0, 1]",
    ),
    "a single factor": (
        "points: 5", "points: 5\ntuning: {seeds: [7], factors: 2}",
        "tuning.factors: expected a list, such as [0.5, 1, 2]",
    ),
    "no factors": (
        "points: 5", "points: 5\ntuning: {seeds: [7], factors: []}",
        "tuning.factors: needs at least one",
    ),
    "an entrant that is no section": (
        "{method: none}", "none", "entrants.plain: expected a section, got 'none'",
    ),
    "a schedule for a method": (
        "{method: none}", "{method: extragradient}",
        "entrants.plain: method: extragradient is a schedule: write schedule: extragradient",
    ),
    "an unknown baseline": ("baseline: plain", "baseline: plane", "baseline: 'plane' is no"),
    "a seed twice": ("seeds: [0, 1]", "seeds: [0, 0]", "seeds: one is given twice"),
    "an unknown method": (
        "method: none", "method: consenus",
        "entrants.plain: method.name: unknown method 'consenus', did you mean consensus?",
    ),
    "an unknown key of an entrant": (
        "{method: none}", "{method: none, methud: 3}",
        "entrants.plain: methud: unknown key, did you mean method?",
    ),
    "a key that all have in common": (
        "{method: none}", "{method: none, steps: 5}",
        "entrants.plain.steps: is not varied: all entrants have the tournament's budget or steps",
    ),
    "a key of another method": (
        "{method.gamma: 2}", "{method.lam: 2}", "method 'consensus' has no lam",
    ),
    "an entrant that cannot be": (
        "{method.gamma: 2}", "{method: acgd}", "entrants.consensus: optimizer.generator.name: acgd",
    ),
    "a base that is not there": ("base: base.yaml", "base: bass.yaml", "bass.yaml: no such file"),
    "tuning on what is reported": (
        "points: 5", "points: 5\ntuning: {seeds: [1], factors: [1]}",
        "tuning.seeds: 1 is among the seeds that are reported",
    ),
    "a folder's name": ("  plain:", "  a/b:", "entrants: 'a/b' names a folder as well"),
    "a factor twice": (
        "points: 5", "points: 5\ntuning: {seeds: [7], factors: [1, 1.0]}",
        "tuning.factors: one is given twice",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "complaint"), BAD.values(), ids=BAD)
def test_a_bad_file_is_one_line_before_anything_runs(
    folder: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, complaint: str
) -> None:
    assert old in PLAN
    text = PLAN.replace(old, new)
    if "a/b" in new:
        text = text.replace("baseline: plain", "baseline: a/b")
    (folder / "plan.yaml").write_text(text)
    assert main(["tournament", "plan.yaml", "--out", "out"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert complaint in err
    assert not (folder / "out").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_the_end_of_tuning_stops_before_the_rest(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
) -> None:
    stages = []

    def played(jobs: list[Job], **options: Any) -> list[Outcome]:
        stages.append(len(jobs))
        if len(stages) > 1:
            return run_jobs(jobs, **options)
        signal.raise_signal(number)
        return [Outcome(job, "finished") for job in jobs]

    monkeypatch.setattr(stage, "run_jobs", played)
    (folder / "plan.yaml").write_text(TUNED)
    words = ["tournament", "plan.yaml", "--out", "the out", "--jobs", "1"]
    assert main(words) == 128 + number
    assert stages == [12, 4]
    assert capsys.readouterr().out == (
        "interrupted; go on with: nashgrad tournament plan.yaml --out 'the out' --jobs 1\n"
    )
    assert not (folder / "the out/runs").exists()


def test_another_tournaments_folder_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play(folder, PLAN)
    capsys.readouterr()
    play(folder, PLAN.replace("budget: 30", "budget: 36"), code=2)
    assert "holds a run of another configuration" in capsys.readouterr().err


def test_a_file_in_place_of_the_folder_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "plan.yaml").write_text(PLAN)
    (folder / "notes.txt").write_text("mine")
    assert main(["tournament", "plan.yaml", "--out", "notes.txt"]) == 2
    assert capsys.readouterr().err == "notes.txt: is a file; --out names a folder\n"


def test_jobs_must_be_a_number_of_processes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "plan.yaml").write_text(PLAN)
    assert main(["tournament", "plan.yaml", "--jobs", "0"]) == 2
    assert capsys.readouterr().err == "--jobs: must be at least 1, got 0\n"
