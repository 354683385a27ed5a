"""`nashgrad score`: scores with their extractor, and one line for what is wrong."""

import json
from pathlib import Path

import pytest
import torch

from nashgrad.lab.cli import main
from nashgrad.lab.score import scores_of
from nashgrad.metrics import Pixels

CONFIG = """
game: digits
model: {name: mlp, latent: 4, generator: [8], discriminator: [8], output: tanh}
data: {batch: 8}
steps: 2
evaluate: {samples: 32}
checkpoint: {every: 1}
threads: 1
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("score")
    (folder / "a.yaml").write_text(CONFIG)
    assert main(["train", str(folder / "a.yaml"), "--out", str(folder / "run")]) == 0
    return folder / "run"


def test_scores_of_a_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["score", str(run), "--extractor", "pixels", "--samples", "90", "--checkpoint", "1"]
    assert main(words) == 0
    found = json.loads((run / "scores.json").read_text())
    assert (found["step"], found["extractor"], found["samples"], found["ema"]) == (
        1,
        "pixels",
        90,
        False,
    )
    assert found["scores"].keys() == {
        "frechet_distance",
        "kernel_distance",
        "kernel_distance_deviation",
        "precision",
        "recall",
        "density",
        "coverage",
    }
    assert "extractor pixels" in capsys.readouterr().out.replace("\n", " ")


def test_real_images_beat_noise() -> None:
    draw = torch.Generator().manual_seed(0)
    real, more = torch.rand(2, 200, 1, 4, 4, generator=draw)
    good = scores_of(Pixels(), real, more, 10)
    bad = scores_of(Pixels(), real, 3 * more - 2, 10)
    assert good["frechet_distance"] < bad["frechet_distance"] / 10
    assert good["coverage"] > 0.9 > bad["coverage"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--extractor", "pixel"], "--extractor: unknown extractor 'pixel', did you mean pixels?"),
        (["--samples", "0"], "--samples: must be at least 1, got 0"),
        (["--samples", "4", "--extractor", "pixels"], "neighbour 5 needs more than 5 of each"),
        (["--checkpoint", "77"], "no checkpoint of step 77; there are"),
    ],
)
def test_what_is_wrong_is_one_line(
    run: Path, words: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["score", str(run), *words]) == 2
    err = capsys.readouterr().err
    assert text in err
    assert err.count("\n") == 1


def test_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(tmp_path / "none")]) == 2
    assert "holds no run" in capsys.readouterr().err
