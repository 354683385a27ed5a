"""`nashgrad diagnose`, `doctor` and spectra along training."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from nashgrad.lab.commands.cli import main
from nashgrad.lab.commands.spectra_pictures import history
from nashgrad.lab.runs.records import Run

CONFIG = """
game: {name: ring, modes: 4}
data: {batch: 32}
model: {name: mlp, latent: 2, generator: [4], discriminator: [4]}
method: {name: consensus, gamma: 1}
optimizer:
  generator: {name: rmsprop_tf, lr: 5e-4}
  discriminator: {name: rmsprop_tf, lr: 5e-4}
steps: 20
evaluate: {every: 10, samples: 64}
checkpoint: {every: 10}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("diagnose")
    (folder / "tiny.yaml").write_text(CONFIG)
    out = folder / "run"
    assert (
        main(["train", str(folder / "tiny.yaml"), "--out", str(out), "--diagnose.every", "5"]) == 0
    )
    return Run(out)


def test_a_run_is_diagnosed_and_left_alone(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    before = {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file()}
    code = main(["diagnose", str(run.path)])
    text = capsys.readouterr().out
    assert code in (0, 10, 11)
    assert text.startswith(f"step 20 of {run.path}\nverdict: ")
    assert all(
        name in text for name in ("v': eigenvalues", "smallest gamma", "Hessian of generator")
    )
    assert all(p.read_bytes() == content for p, content in before.items())
    with Image.open(run.path / "diagnosis" / "00000020.png") as picture:
        assert picture.width > 500
    saved = json.loads((run.path / "diagnosis" / "00000020.json").read_text())
    assert saved["exit_code"] == code
    assert len(saved["v"]["eigenvalues"]) == saved["parameters"]


def test_an_older_checkpoint_in_place_of_a_damaged_one_is_told(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run.path, copy)
    last = max((copy / "checkpoints").glob("*.pt"))
    last.write_bytes(last.read_bytes()[:100])
    assert main(["diagnose", str(copy), "--k", "3"]) in (0, 10, 11)
    said = capsys.readouterr()
    assert said.out.startswith(f"step 10 of {copy}\n")
    assert "warning: " in said.err
    assert f"{last}" in said.err
    assert "looking at step 10" in said.err
    assert main(["score", str(copy), "--extractor", "identity", "--samples", "64"]) == 0
    assert "scoring step 10" in capsys.readouterr().err


def test_the_line_from_an_earlier_checkpoint_is_drawn(run: Run) -> None:
    assert main(["diagnose", str(run.path), "--since", "0", "--k", "3"]) in (0, 10, 11)
    for name in ("path-00000000-00000020.png", "spectra.png"):
        with Image.open(run.path / "diagnosis" / name) as picture:
            assert picture.width > 300


def test_histories_are_read_from_metrics(run: Run) -> None:
    kinds = {
        "LM": {"eigenvalues": [[-2.0, 1.0]], "complete": False},
        "LR": {"eigenvalues": [[0.5, 0.0]], "complete": True},
    }
    found = history([{"step": 5}, {"step": 10, "spectra": {"v": kinds}}], "v")
    assert found is not None
    assert found == ((10,), ([-2 + 1j, 0.5],), [False])
    assert history([{"step": 5}, {"step": 10, "spectra": {"v": kinds}}], "w") is None
    looks = [line for line in run.metrics() if "spectra" in line]
    seen = history(run.metrics(), "w")
    assert seen is not None
    assert list(seen.steps) == [line["step"] for line in looks]


def test_json_and_an_earlier_checkpoint(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["diagnose", str(run.path), "--checkpoint", "10", "--k", "3", "--json"])
    values = json.loads(capsys.readouterr().out)
    assert values["exit_code"] == code
    assert not values["v"]["complete"] or len(values["v"]["eigenvalues"]) <= 8
    assert (run.path / "diagnosis" / "00000010.json").exists()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["nothing"], "nothing: holds no run"),
        (["RUN", "--checkpoint", "7"], "no checkpoint of step 7; there are 0, 10, 20"),
        (["RUN", "--batches", "2"], "--batches: must be at least 6 to tell v from zero, got 2"),
        (["RUN", "--k", "0"], "--k: must be at least 1, got 0"),
        (["RUN", "--since", "20"], "--since 20: is the diagnosed checkpoint; name an earlier one"),
        (["RUN", "--since", "3"], "no checkpoint of step 3; there are 0, 10, 20"),
    ],
)
def test_bad_input(
    run: Run, words: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(run.path) if w == "RUN" else w for w in words]
    assert main(["diagnose", *words]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert text in lines[0]


def test_spectra_along_training(run: Run) -> None:
    looks = [line for line in run.metrics() if "spectra" in line]
    assert looks[0]["step"] == 0
    assert {line["step"] for line in looks} <= {0, 5, 10, 15, 20}
    for line in looks:
        spectra = line["spectra"]
        assert spectra["v"].keys() == spectra["w"].keys() == {"LM", "LR", "LI"}
        assert spectra["seconds"] > 0


def test_looking_changes_nothing_in_training(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(CONFIG)
    assert main(["train", str(tmp_path / "tiny.yaml"), "--out", str(tmp_path / "plain")]) == 0
    states = [
        torch.load(path / "checkpoints" / "00000020.pt", weights_only=True)["state"]
        for path in (run.path, tmp_path / "plain")
    ]
    one, other = (state["game"] for state in states)
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_the_doctor_of_a_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tiny.yaml").write_text(CONFIG)
    assert main(["doctor", str(tmp_path / "tiny.yaml")]) == 0
    assert "second order yes" in capsys.readouterr().out
