"""`nashgrad score`: scores with their extractor, and one line for what is wrong."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nashgrad.data import ring
from nashgrad.lab.commands.cli import main
from nashgrad.lab.runs.records import Run
from nashgrad.lab.scoring import extractors
from nashgrad.lab.scoring.extractors import FeatureScores
from nashgrad.metrics import Features, Identity, Pixels

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


def scores_of(run: Path, step: int, extractor: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(Run(run).scoring(step, extractor).read_text())
    return values


def test_each_step_and_extractor_keeps_its_scores(run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(run, tmp_path / "run", ignore=lambda *_: ["scores"])
    for step, extractor in ((1, "pixels"), (2, "pixels"), (2, "pixels8"), (2, "pixels")):
        words = ["--checkpoint", str(step), "--extractor", extractor, "--samples", "40"]
        assert main(["score", str(run), *words]) == 0
    names = {path.name for path in (run / "scores").iterdir()}
    assert names == {"00000001-pixels.json", "00000002-pixels.json", "00000002-pixels8.json"}


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_stands_where_scores_go_is_named_at_once(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    copy = shutil.copytree(run, tmp_path / "run", ignore=lambda *_: ["scores"])
    if kind == "file":
        (copy / "scores").write_text("mine")
    else:
        (tmp_path / "elsewhere").mkdir()
        (copy / "scores").symlink_to(tmp_path / "elsewhere")
    assert main(["score", str(copy), "--extractor", "pixels", "--samples", "40"]) == 2
    said = capsys.readouterr()
    assert said.err == f"{copy}/scores: is no folder, and scores go there; move it away\n"
    assert said.out == ""


def test_scores_go_with_the_run_that_is_replaced(run: Path, tmp_path: Path) -> None:
    words = ["train", str(run / "config.yaml"), "--out", str(tmp_path / "run")]
    assert main(words) == 0
    assert main(["score", str(tmp_path / "run"), "--extractor", "pixels", "--samples", "40"]) == 0
    assert main([*words, "--overwrite"]) == 0
    assert not list((tmp_path / "run" / "scores").iterdir())


def test_scores_of_a_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["score", str(run), "--extractor", "pixels", "--samples", "90", "--checkpoint", "1"]
    assert main(words) == 0
    found = scores_of(run, 1, "pixels")
    assert (found["step"], found["extractor"], found["samples"], found["ema"]) == (
        1,
        "pixels",
        90,
        False,
    )
    assert found["scores"].keys() == {
        "frechet_distance",
        "kernel_distance",
        "precision",
        "recall",
        "density",
        "coverage",
    }
    said = capsys.readouterr().out.replace("\n", " ")
    assert "extractor pixels" in said
    assert "no inception score: pixels knows no classes" in said


class Counting(Pixels):
    """Pixels that count the images they are taken from."""

    looked = 0

    def extract(self, images: torch.Tensor) -> Features:
        self.looked += len(images)
        return super().extract(images)


def test_scores_of_several_runs(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Real images are looked at once while they are the same; each run scores as alone."""
    other, judged_by_others = tmp_path / "[other]", tmp_path / "others"
    for folder, key in ((other, "--seed"), (judged_by_others, "--evaluate.seed")):
        words = ["train", str(run / "config.yaml"), "--out", str(folder), key, "5"]
        assert main(words) == 0
    folders = (run, other, judged_by_others)
    options = ["--extractor", "pixels", "--samples", "40"]
    alone = []
    for folder in folders:
        assert main(["score", str(folder), *options]) == 0
        alone.append(scores_of(folder, 2, "pixels"))
        Run(folder).scoring(2, "pixels").unlink()
    pixels = Counting()
    monkeypatch.setattr(extractors, "OF_IMAGES", {"pixels": lambda *_: pixels})
    capsys.readouterr()
    assert main(["score", *map(str, folders), *options]) == 0
    assert pixels.looked == (3 + 2) * 40
    said = capsys.readouterr().out.splitlines()
    for folder, known in zip(folders, alone, strict=True):
        assert scores_of(folder, 2, "pixels") == known
        assert str(folder) in said
        assert any(line.startswith(f"| {folder} | 2 | {known['scores']['frechet_distance']:.4g} |")
                   for line in said)  # fmt: skip
    assert "Scores rest on: extractor pixels, samples 40, real 40, ema False." in said
    assert alone[0] != alone[1]


def test_all_runs_are_looked_for_before_the_first_is_scored(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(run / "scores", ignore_errors=True)
    shutil.copytree(run, tmp_path / "bare", ignore=lambda *_: ["checkpoints"])
    for folder, complaint in {
        "none": "holds no run; name the folder that has its config.yaml",
        "bare": "no checkpoint yet",
    }.items():
        other = tmp_path / folder
        assert main(["score", str(run), str(other), "--extractor", "pixels"]) == 2
        assert capsys.readouterr().err == f"{other}: {complaint}\n"
    assert not (run / "scores").exists()


def test_no_run_to_score(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score"]) == 2
    assert capsys.readouterr().err.startswith("nashgrad score: needs a run's folder")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--samples", "1"], "--samples: these scores need at least 6, got 1"),
        (["--samples=many"], "--samples: expected an integer, got 'many'"),
        (["--checkpoint", "last"], "--checkpoint: expected an integer, got 'last'"),
    ],
)
def test_numbers_that_are_none(
    run: Path, capsys: pytest.CaptureFixture[str], words: list[str], complaint: str
) -> None:
    assert main(["score", str(run), *words]) == 2
    assert capsys.readouterr().err == f"{complaint}\n"


def test_without_a_split_no_splits_are_stated(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["score", str(run), "--extractor", "pixels", "--samples", "15", "--splits", "10"]
    assert main(words) == 0
    assert "splits" not in capsys.readouterr().out
    assert "splits" not in scores_of(run, 2, "pixels")


@pytest.mark.parametrize(("size", "extractor"), [(8, "pixels"), (16, "pixels8")])
def test_distances_of_pixels_name_the_pixels(tmp_path: Path, size: int, extractor: str) -> None:
    pixels = torch.randint(0, 256, (12, size, size, 1), dtype=torch.uint8)
    np.savez(tmp_path / "images.npz", images=pixels.numpy())
    game = f"game: {{name: images, size: {size}, channels: 1}}"
    (tmp_path / "a.yaml").write_text(CONFIG.replace("game: digits", game))
    words = ["--data.path", str(tmp_path / "images.npz"), "--out", str(tmp_path / "run")]
    assert main(["train", str(tmp_path / "a.yaml"), *words]) == 0
    facts = {"extractor": extractor, "samples": 32, "real": 12, "ema": False}
    written = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    judged = [line for line in map(json.loads, written) if "scores" in line]
    assert judged
    assert all(line["scored"] == facts for line in judged)
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["scored"] == facts


RING = """
game: {name: ring, sigma: 0.3}
model: {name: mlp, latent: 2, generator: [4], discriminator: [4]}
data: {batch: 8}
steps: 2
evaluate: {samples: 64, extractor: identity, splits: 4}
threads: 1
"""


@pytest.mark.parametrize("game", ["ring", "grid"])
def test_points_of_the_plane_are_their_own_features(
    tmp_path: Path, game: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(RING.replace("ring", game))
    out = tmp_path / "run"
    assert main(["train", str(tmp_path / "a.yaml"), "--out", str(out)]) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["scored"] == {
        "extractor": "identity", "samples": 64, "real": 64, "ema": False,
        "own_extractor": "identity", "own_real": 64,
    }  # fmt: skip
    assert not [name for name in summary if "inception" in name]
    capsys.readouterr()
    assert main(["score", str(out), "--extractor", "identity", "--samples", "64"]) == 0
    said = capsys.readouterr().out
    assert "no inception score: identity knows no classes" in said
    assert "splits" not in said
    found = scores_of(out, 2, "identity")
    assert (found["extractor"], found["samples"], found["real"]) == ("identity", 64, 64)
    for name, value in found["scores"].items():  # of the same samples as in training
        assert summary[f"{name}_identity"] == pytest.approx(value)
    assert {"frechet_distance", "kernel_distance", "recall", "coverage"} <= set(found["scores"])
    for name in ("pixels", "efficientnet_lite0"):
        assert main(["score", str(out), "--extractor", name]) == 2
        assert capsys.readouterr().err == (
            f"{out}: extractor {name}: needs images, and this game makes points; use identity\n"
        )


def test_points_of_the_target_beat_others() -> None:
    draw = torch.Generator().manual_seed(0)
    mixture = ring()
    real, good = (mixture.sample(500, draw) for _ in range(2))
    scores = [FeatureScores(Identity(), real, 10)(x) for x in (good, 1.5 * good)]
    assert scores[0]["frechet_distance"] < scores[1]["frechet_distance"] / 10
    assert scores[0]["coverage"] > 0.9
    assert scores[1]["coverage"] < 0.1


class Failing(Pixels):
    """Pixels whose first is not a number where it is negative."""

    def extract(self, images: torch.Tensor) -> Features:
        features = super().extract(images).features.clone()
        features[:, 0] = features[:, 0].sqrt()
        return Features(features, None)


@pytest.mark.parametrize("command", ["score", "train"])
def test_features_that_are_not_finite_are_one_line(
    run: Path,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(extractors, "OF_IMAGES", {"pixels": lambda *_: Failing()})
    words = {
        "score": ["score", str(run), "--extractor", "pixels", "--samples", "40"],
        "train": ["train", str(run / "config.yaml"), "--out", str(tmp_path / "run"),
                  "--evaluate.extractor", "pixels"],
    }[command]  # fmt: skip
    assert main(words) == 2
    err = capfd.readouterr().err
    assert "extractor pixels: features of " in err
    assert err.endswith(" images are not finite\n")
    assert err.count("\n") == 1


def test_real_images_beat_noise() -> None:
    draw = torch.Generator().manual_seed(0)
    real, more = torch.rand(2, 200, 1, 4, 4, generator=draw)
    good = FeatureScores(Pixels(), real, 10)(more)
    bad = FeatureScores(Pixels(), real, 10)(3 * more - 2)
    assert good["frechet_distance"] < bad["frechet_distance"] / 10
    assert good["coverage"] > 0.9 > bad["coverage"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--extractor", "pixel"], "--extractor: unknown extractor 'pixel', did you mean pixels?"),
        (["--samples", "0"], "--samples: must be at least 1, got 0"),
        (["--extractor", "identity"], "extractor identity: is for points in the plane; use pixels"),
        (
            ["--samples", "4", "--extractor", "pixels"],
            "--samples: these scores need at least 6, got 4",
        ),
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


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "nashgrad" / "classifiers"


def test_the_classifier_of_a_data_set(
    run: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, score = str(run / "config.yaml"), ["score", str(run), "--extractor", "classifier"]
    assert main(score) == 2
    assert capsys.readouterr().err == (
        "no classifier of these images yet; train it: nashgrad classifier CONFIG\n"
    )
    words = ["--epochs", "4", "--seed", "3", "--evaluate.extractor", "classifier"]
    assert main(["classifier", config, *words, "--evaluate.samples", "20"]) == 0
    [kept] = cache.iterdir()
    said = capsys.readouterr().out
    assert said.startswith(f"{kept}: trained for 4 epochs, right on ")
    assert main(["classifier", config]) == 0  # at once: it is there
    assert capsys.readouterr().out == said
    assert main([*score, "--samples", "40", "--splits", "2"]) == 0
    found = scores_of(run, 2, "classifier")
    assert f"right on {found['accuracy']:.1%} of" in said
    assert found["accuracy"] > 0.5
    assert 1 <= found["scores"]["inception_score"] <= 10
    assert found["scores"]["inception_score_of_real"] > 3
    [file] = kept.iterdir()
    file.write_bytes(file.read_bytes()[:-100])
    capsys.readouterr()
    assert main(score) == 2
    assert capsys.readouterr().err.endswith(
        "is truncated or damaged; train it again: nashgrad classifier CONFIG\n"
    )
    file.unlink()
    assert main(["classifier", config, "--epochs", "1"]) == 0  # in place of what is no use
    assert "trained for 1 epochs" in capsys.readouterr().out


def test_scores_by_features_while_training(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(CONFIG.replace("32}", "32, every: 1, extractor: pixels8}"))
    words = ["--evaluate.splits", "4", "--ema", "0.9"]
    assert main(["train", str(tmp_path / "a.yaml"), "--out", str(tmp_path / "run"), *words]) == 0
    written = (tmp_path / "run" / "metrics.jsonl").read_text()
    lines = [json.loads(line) for line in written.splitlines()]
    judged = [line for line in lines if "scores" in line]
    assert [line["step"] for line in judged] == [0, 1, 2]
    assert {"frechet_pixels", "frechet_distance_pixels8", "coverage_pixels8"} <= set(
        judged[-1]["scores"]
    )
    facts = {"extractor": "pixels8", "samples": 32, "real": 32, "ema": True}  # nothing is split
    facts |= {"own_extractor": "pixels", "own_real": 1_797}
    facts |= {"own_classes_by": "logistic regression (right on 99.6% of the data)"}
    assert judged[-1]["scored"] == facts
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["scored"] == facts
    assert (tmp_path / "run" / "plots" / "scores.png").exists()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--evaluate.extractor", "pixel"], "evaluate.extractor: "),
        (
            ["--evaluate.extractor", "pixels", "--evaluate.samples", "19"],
            "need at least 20, got 19",
        ),
        (
            ["--evaluate.extractor", "inception_2015", "--evaluate.weights", "nowhere.pth"],
            "extractor inception_2015: nowhere.pth: no such file; get the weights from https://",
        ),
        (
            ["--evaluate.extractor", "pixels", "--evaluate.weights", "a.pth"],
            "weights: pixels reads none; only inception_2015 does",
        ),
        (["--game", "ring", "--evaluate.extractor", "pixels"], "needs a game of images, got ring"),
        (["--evaluate.extractor", "identity"], "identity is for points in the plane, got digits"),
    ],
)
def test_extractors_that_cannot_be(
    tmp_path: Path, words: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(CONFIG)
    out = tmp_path / "run"
    assert main(["train", str(tmp_path / "a.yaml"), "--out", str(out), *words]) == 2
    err = capsys.readouterr().err
    assert text in err
    assert err.count("\n") == 1
    assert not out.exists()


class Logits(Pixels):
    """Pixels with two classes, by the sign of the first."""

    def extract(self, images: torch.Tensor) -> Features:
        features = super().extract(images).features
        return Features(features, torch.stack([features[:, 0], -features[:, 0]], 1))


def test_real_images_too_few_for_the_splits_have_no_inception_score() -> None:
    samples = torch.randn(64, 1, 4, 4).clamp(-1, 1)
    few, enough = (FeatureScores(Logits(), samples[:n], 10)(samples) for n in (15, 20))
    assert enough.keys() - few.keys() == {
        "inception_score_of_real",
        "inception_score_of_real_deviation",
    }
    assert few["inception_score"] == enough["inception_score"]
