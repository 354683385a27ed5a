"""`nashgrad sweep`: every point with every seed, resumable, honest about failures."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nashgrad.adjustments import Consensus
from nashgrad.lab.commands.cli import main
from nashgrad.lab.config import Config, load
from nashgrad.lab.config.files import read, validate
from nashgrad.lab.config.lists import SET_BY_STUDIES
from nashgrad.lab.config.sweep import Sweep
from nashgrad.lab.figures.cells import Cell
from nashgrad.lab.figures.sizes import DIGITS, SMALL, Size
from nashgrad.lab.report.groups import flat
from nashgrad.lab.studies import stage
from nashgrad.lab.studies.points import Point, looking
from nashgrad.lab.studies.runner import Job, Outcome, run_jobs
from nashgrad.lab.studies.sweep import points_of
from nashgrad.lab.training.train import prepare

SWEEPS = Path(__file__).parents[2] / "experiments" / "sweeps"
BASE = """
game: ring
model: {name: mlp, latent: 2, generator: [4], discriminator: [4]}
data: {batch: 8}
steps: 8
method: {name: consensus, gamma: 1}
evaluate: {samples: 16}
"""
PLAN = """
base: base.yaml
seeds: [0, 1]
score: sw2
points: 4
grid: {gamma: [0.1, 10], lr: [1e-3]}
variants: {narrow: {}, wide: {model.generator: [8]}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "base.yaml").write_text(BASE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sweep(folder: Path, text: str, code: int = 0) -> dict[str, Any]:
    (folder / "plan.yaml").write_text(text)
    assert main(["sweep", "plan.yaml", "--out", "out"]) == code
    values: dict[str, Any] = json.loads((folder / "out/results.json").read_text())
    return values


def test_a_gamma_of_one_player_in_a_grid(folder: Path) -> None:
    plan = PLAN.replace("gamma: [0.1, 10]", "gamma.generator: [0, 2]").replace("[0, 1]", "[0]", 1)
    assert len(sweep(folder, plan)["points"]) == 4
    config = load(folder / "out/runs/narrow, gamma.generator 2, lr 0.001/seed0/config.yaml")
    assert config.method.gamma == {"generator": 2, "discriminator": 1}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--data", "x"], "--data: the ring game of base.yaml brings its own data; leave it out\n"),
        (["--out", "run"], "run: holds a run; choose another --out\n"),
    ],
)
def test_what_a_sweep_refuses(
    folder: Path, words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "plan.yaml").write_text(PLAN)
    (folder / "run").mkdir()
    for name in ("config.yaml", "environment.json"):
        (folder / "run" / name).touch()
    assert main(["sweep", "plan.yaml", *words]) == 2
    assert capsys.readouterr().err == complaint
    assert len(list((folder / "run").iterdir())) == 2


def test_every_point_with_every_seed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = sweep(folder, PLAN)["points"]
    assert list(values) == [
        f"{v}, gamma {g}, lr 0.001" for v in ("narrow", "wide") for g in ("0.1", "10")
    ]
    for value in values.values():
        assert value["scores"].keys() == {"0", "1"}
        assert value["curves"]["1"]["step"] == [0, 2, 4, 6, 8]
        assert value["scores"]["0"] == value["curves"]["0"]["score"][-1]
    config = load(folder / "out/runs/wide, gamma 10, lr 0.001/seed1/config.yaml")
    assert (config.method.gamma, config.seed) == (10, 1)  # type: ignore[union-attr]
    assert config.optimizer.generator.lr == config.optimizer.discriminator.lr == 1e-3
    assert config.model.generator == (8,)  # type: ignore[union-attr]
    facts = {"extractor": "identity", "samples": 16, "real": 16, "ema": False}
    assert all(v["scored"] == {"0": facts, "1": facts} for v in values.values())
    table = (folder / "out/results.md").read_text()
    rest = "extractor identity, samples 16, real 16, ema False."
    assert f"\n\nScores rest on: {rest}\n" in table
    assert table in capsys.readouterr().out
    assert all((folder / "out" / f"{n}.png").exists() for n in ("sweep", "curves", "scores"))
    capsys.readouterr()
    sweep(folder, PLAN)
    assert ": finished" not in capsys.readouterr().out  # nothing is run twice


def test_images_of_a_sweep_are_named_when_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pixels = torch.randint(0, 256, (8, 8, 8, 1), dtype=torch.uint8)
    np.savez("images.npz", images=pixels.numpy())
    (tmp_path / "base.yaml").write_text(
        "game: {name: images, size: 8, channels: 1}\ndata: {path: null, batch: 4}\n"
        "model: {name: mlp, latent: 2, generator: [4], discriminator: [4]}\n"
        "steps: 2\nevaluate: {samples: 8}\n"
    )
    (tmp_path / "plan.yaml").write_text(
        "base: base.yaml\nseeds: [0]\nscore: frechet_pixels\ngrid: {lr: [1e-4, 1e-3]}\n"
    )
    words = ["sweep", "plan.yaml", "--out", "out", "--jobs", "1"]
    assert main(words) == 2
    assert main([*words, "--data", "images.npz"]) == 0
    values = json.loads((tmp_path / "out" / "results.json").read_text())["points"]
    assert [set(v["status"].values()) for v in values.values()] == [{"finished"}] * 2


def test_a_run_that_is_lost_is_told_of(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = PLAN.replace("lr: [1e-3]", "lr: [1e-3, 1e30]").replace("wide: {model", "wider: {model")
    values = sweep(folder, plan)["points"]
    lost = values["narrow, gamma 10, lr 1e+30"]
    assert set(lost["status"].values()) == {"not_finite"}
    assert lost["median"] == "inf"
    assert values["narrow, gamma 10, lr 0.001"]["status"]["0"] == "finished"
    assert "Runs that did not end well" in capsys.readouterr().out


PAIR = """
base: base.yaml
seeds: [0]
score: sw2
variants: {narrow: {}, wide: {ema: 0.9, evaluate.samples: 20}}
"""


def test_a_run_that_failed_is_an_exit_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tells nothing of its point, and the same command tries it again."""

    def played(jobs: list[Job], **options: Any) -> list[Outcome]:
        outcomes = run_jobs(jobs, **options)
        return [Outcome(jobs[0], "failed", "out of memory"), *outcomes[1:]]

    monkeypatch.setattr(stage, "run_jobs", played)
    values = sweep(folder, PAIR, code=4)["points"]
    assert [v["status"]["0"] for v in values.values()] == ["failed", "finished"]
    table = (folder / "out/results.md").read_text()
    assert "narrow, seed 0: failed; out of memory" in table
    # These runs are judged in two ways.
    rest = "extractor identity, samples 16 or 20, real 16 or 20, ema False or True."
    assert f"\n\nRuns disagree on what scores rest on: {rest}\n" in table


def test_a_grid_of_names_alone(folder: Path) -> None:
    plan = "base: base.yaml\nseeds: [0]\nscore: sw2\ngrid: {schedule: [simultaneous, alternating]}"
    assert list(sweep(folder, plan)["points"]) == [
        "schedule simultaneous",
        "schedule alternating",
    ]
    assert not (folder / "out/sweep.png").exists()  # there is no number to draw it against


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("score: sw2", "score: beauty"), "plan.yaml: score: 'beauty' is none of modes_covered"),
        (("gamma: [0.1, 10]", "gama: [0.1, 10]"), "gama: unknown key, did you mean gamma?"),
        (("gamma: [0.1, 10]", "gamma: [-1]"), "must be at least 0, got -1"),
        (("gamma: [0.1, 10]", "gamma: 1"), "grid.gamma: expected a list, such as [0.1, 1, 10]"),
        (("gamma: [0.1, 10]", "gamma: [1, 1.0]"), "grid.gamma: one is given twice"),
        (("seeds: [0, 1]", "seeds: [1, 1]"), "seeds: one is given twice"),
        (("gamma: [0.1, 10]", "seed: [1, 2]"), "grid.seed: is not varied: list them in seeds"),
        (
            ("gamma: [0.1, 10]", "checkpoint.every: [1, 2]"),
            "grid.checkpoint.every: is not varied: runs are saved as often as points has it",
        ),
        (
            ("narrow: {}", "narrow: {evaluate: {samples: 20, pictures: true}}"),
            "variants.narrow.evaluate.pictures: is not varied: runs of studies draw none",
        ),
        (("wide:", "../wide:"), "variants: '../wide' names a folder as well"),
        (("base.yaml", "nobody.yaml"), "nobody.yaml: no such file or directory"),
    ],
)
def test_one_line_for_what_is_wrong(
    folder: Path, change: tuple[str, str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "plan.yaml").write_text(PLAN.replace(*change))
    assert main(["sweep", "plan.yaml", "--out", "out"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert complaint in err
    assert not (folder / "out").exists()


def shipped(path: Path) -> list[Point]:
    plan = validate(Sweep, read(path), path.name)
    base = read(path.parent / plan.base)
    if base["data"].get("path", ...) is None:  # as --data gives it
        base["data"]["path"] = "images.npz"
    return points_of(plan, base, path.name)


@pytest.mark.parametrize("path", sorted(SWEEPS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_sweeps_that_come_along(path: Path) -> None:
    points = shipped(path)
    assert len({point.name for point in points}) == len(points) >= 4


def test_the_growing_network_is_that_of_the_figures() -> None:
    figure = Cell("dcgan4_nobn").config(SMALL, SMALL.base("images.npz"))
    for point in shipped(SWEEPS / "cifar10_growing.yaml"):
        assert point.config.model == figure.model
        assert point.config.steps == figure.steps


@pytest.mark.parametrize(("sweep", "size"), [("cifar10", SMALL), ("digits", DIGITS)])
def test_the_generator_s_gamma_is_all_that_differs_from_the_figures(sweep: str, size: Size) -> None:
    base = size.base(None if size is DIGITS else "images.npz")
    for point in shipped(SWEEPS / f"{sweep}_generator.yaml"):
        network, *more = str(point.at["variant"]).split(", ")
        fc = 512 if "one more FC" in more else 0
        figure = Cell(network, loss="js" if "js" in more else "standard", extra_fc=fc)
        plain = figure.config(size, base)
        assert replace(point.config.method, gamma=1.0) == plain.method
        for key in ("game", "model", "loss", "optimizer", "schedule", "steps", "data"):
            assert getattr(point.config, key) == getattr(plain, key), key


def test_what_a_study_sets_is_what_it_refuses_to_vary(folder: Path) -> None:
    own = {
        "seed": 3,
        "threads": 2,
        "out": "mine",
        "log": {"every": 7},
        "evaluate": {"every": 7, "pictures": True, "samples": 16},
        "checkpoint": {"every": 7, "keep": 5, "spent": 0},
    }
    config = validate(Config, read("base.yaml") | own, "base.yaml")
    job = Point("point", looking(config, 4), {}).job(folder, 0)
    before, after = flat(asdict(config)), flat(asdict(job.config))
    assert {key for key in before if before[key] != after.get(key)} == set(SET_BY_STUDIES)


def test_no_layer_is_left_out_of_the_gammas_of_blocks() -> None:
    """A parameter that no key fits would have no gamma."""
    for point in shipped(SWEEPS / "digits_blocks.yaml"):
        method = prepare(point.config).opt.adjustment
        assert isinstance(method, Consensus)
        gamma = method._gamma(prepare(point.config).opt.space)
        assert (torch.as_tensor(gamma) > 0).all()
