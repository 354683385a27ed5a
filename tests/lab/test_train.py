"""Training from a configuration: what it leaves, what stops it, what it must not change."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nashgrad.lab.commands.cli import main
from nashgrad.lab.config import fingerprint, load
from nashgrad.lab.runs.checkpoint import load_latest
from nashgrad.lab.runs.records import Run

RING = """
game: ring
model: {name: mlp, latent: 4, generator: [8], discriminator: [8]}
data: {batch: 16}
steps: 20
method: {name: consensus, gamma: 1}
log: {every: 5}
evaluate: {every: 10, samples: 64}
checkpoint: {every: 10}
threads: 1
"""
IMAGES = """
game: {name: images, size: 8}
model: {name: dcgan3_nobn_cf, latent: 4, filters: 4}
data: {batch: 8}
steps: 4
method: {name: consensus, gamma: 1}
evaluate: {every: 0, samples: 16}
threads: 1
"""


def run(tmp_path: Path, text: str, *arguments: str, name: str = "run") -> Run:
    config = tmp_path / f"{name}.yaml"
    config.write_text(text)
    assert main(["train", str(config), "--out", str(tmp_path / name), *arguments]) == 0
    return Run(tmp_path / name)


def parameters(run: Run) -> dict[str, torch.Tensor]:
    config = load(run.config)
    return load_latest(run.checkpoints, fingerprint(config)).state["game"]


def same(a: Run, b: Run) -> bool:
    first, second = parameters(a), parameters(b)
    return all(torch.equal(first[key], second[key]) for key in first)


def images(folder: Path, count: int = 24) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    labels = np.arange(count) % 3
    np.savez(folder / "images.npz", images=pixels, labels=labels)
    return folder / "images.npz"


def test_a_run_leaves_its_folder(tmp_path: Path) -> None:
    done = run(tmp_path, RING)
    summary = done.summary()
    assert (summary["status"], summary["steps"]) == ("finished", 20)
    scores = {"modes_covered", "hq_003", "hq_005", "hq_01", "sw2"}
    assert scores | {"seconds", "steps_per_second"} <= summary.keys()
    lines = [line for line in done.metrics() if "losses" in line]
    assert [line["step"] for line in lines] == [5, 10, 15, 20]
    assert {p.name for p in done.samples.iterdir()} == {f"{k:08d}.png" for k in (0, 10, 20)}
    assert {p.name for p in done.plots.iterdir()} == {"losses.png", "scores.png"}
    assert {p.name for p in done.checkpoints.iterdir()} == {f"{k:08d}.pt" for k in (0, 10, 20)}
    assert done.environment()["threads"] == 1


def test_evaluating_does_not_advance_training(tmp_path: Path) -> None:
    few = ("--steps", "6")
    seldom = run(tmp_path, RING, *few, "--evaluate.every", "0", name="seldom")
    often = run(tmp_path, RING, *few, "--evaluate.every", "2", "--log.every", "3", name="often")
    assert same(seldom, often)


def test_seeds_decide_a_run(tmp_path: Path) -> None:
    torch.rand(3)  # the global generator has no part in it
    first, again = run(tmp_path, RING, name="first"), run(tmp_path, RING, name="again")
    other = run(tmp_path, RING, "--seed", "1", name="other")
    assert same(first, again)
    assert not same(first, other)


def test_methods_start_from_the_same_parameters_and_batches(tmp_path: Path) -> None:
    still = ("--lr", "1e-30")  # leaves the parameters where they began
    plain = run(tmp_path, RING, "--method", "none", *still, name="plain")
    consensus = run(tmp_path, RING, *still, name="consensus")
    first, second = parameters(plain), parameters(consensus)
    for key in first:
        torch.testing.assert_close(first[key], second[key], rtol=0, atol=1e-20)
    logged = [
        [line["losses"] for line in r.metrics() if "losses" in line] for r in (plain, consensus)
    ]
    assert logged[0] == logged[1]


def test_microbatches_do_not_change_the_run(tmp_path: Path) -> None:
    whole = run(tmp_path, RING, name="whole")
    parts = run(tmp_path, RING, "--microbatches", "3", name="parts")
    first, second = parameters(whole), parameters(parts)
    for key in first:
        torch.testing.assert_close(first[key], second[key], rtol=1e-4, atol=1e-5)


MLP = "{name: mlp, latent: 4, generator: [8], discriminator: [8]}"
NORMED = "{name: dcgan4, latent: 4, filters: 2, convolutions: 3}"


@pytest.mark.parametrize(
    ("engine", "loss"), [("zero_sum", "js"), ("score", "standard"), ("finite_difference", "kl")]
)
def test_engines_do_not_change_the_run(tmp_path: Path, engine: str, loss: str) -> None:
    words = ("--loss", loss, "--method", "consensus")
    plain = run(tmp_path, RING, *words, name="plain")
    other = run(tmp_path, RING, *words, "--engine", engine, name="other")
    first, second = parameters(plain), parameters(other)
    for key in first:
        torch.testing.assert_close(first[key], second[key], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("engine", "model", "message"),
    [
        ("zero_sum", MLP, "engine: zero_sum needs a zero-sum loss such as js, got standard"),
        ("score", NORMED, "engine: score needs a discriminator without batch norm, which joins"),
    ],
)
def test_engines_that_do_not_fit(
    tmp_path: Path, engine: str, model: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"game: digits\nmodel: {model}\nsteps: 2\ndata: {{batch: 8}}\nengine: {engine}\n"
    (tmp_path / "a.yaml").write_text(text)
    assert main(["train", str(tmp_path / "a.yaml"), "--out", str(tmp_path / "a")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


METHODS = [
    ("none",),
    ("consensus", "--method.target", "discriminator"),
    ("smoothing",),
    ("smoothing_code",),
    ("jare",),
    ("nagarajan_kolter",),
    ("clip_norm",),
    ("clip_value",),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m[0])
@pytest.mark.parametrize("schedule", ["simultaneous", "alternating"])
def test_every_method_runs_under_every_schedule(
    tmp_path: Path, method: tuple[str, ...], schedule: str
) -> None:
    arguments = ("--method", *method, "--schedule", schedule, "--steps", "3")
    assert run(tmp_path, RING, *arguments, "--evaluate.every", "0").summary()["steps"] == 3


@pytest.mark.parametrize("loss", ["standard", "js", "kl", "tv", "indicator"])
def test_every_loss_runs(tmp_path: Path, loss: str) -> None:
    run(tmp_path, RING, "--loss", loss, "--steps", "2", "--evaluate.every", "0")


@pytest.mark.parametrize("name", ["rmsprop_tf", "rmsprop", "adam", "sgd"])
def test_every_optimizer_runs(tmp_path: Path, name: str) -> None:
    keys = ("--optimizer.generator.name", name, "--optimizer.discriminator.name", name)
    run(tmp_path, RING, *keys, "--steps", "2", "--evaluate.every", "0")


@pytest.mark.parametrize("name", ["constant", "cosine", "exponential", "linear", "step"])
def test_every_lr_schedule_runs(tmp_path: Path, name: str) -> None:
    run(tmp_path, RING, "--lr_schedule.name", name, "--steps", "2", "--evaluate.every", "0")


MODELS = ["dcgan3", "dcgan3_nobn", "dcgan3_nobn_cf", "conv3"]


@pytest.mark.parametrize("model", MODELS)
def test_every_small_network_trains_on_images(tmp_path: Path, model: str) -> None:
    data = ("--data.path", str(images(tmp_path)))
    done = run(tmp_path, IMAGES, *data, "--model", model, "--model.filters", "4")
    assert done.summary()["frechet_pixels"] > 0


def test_images_may_be_labelled_flipped_and_penalised(tmp_path: Path) -> None:
    text = IMAGES.replace("size: 8", "size: 8, conditional: true, flips: true")
    text += "penalties: [{name: r1, gamma: 1}, {name: r2, gamma: 1}]\nema: 0.9\n"
    done = run(tmp_path, text, "--data.path", str(images(tmp_path)))
    assert done.summary()["averaged_generator"] is True


def test_extra_layers_come_after_the_networks_own(tmp_path: Path) -> None:
    data = ("--data.path", str(images(tmp_path)), "--model", "conv3", "--model.filters", "4")
    done = run(tmp_path, IMAGES, *data, "--model.extra_fc", "[6]")
    shapes = [tuple(p.shape) for p in parameters(done).values() if p.ndim == 2]
    assert shapes[-2:] == [(6, 512), (1, 6)]


def test_bfloat16_trains_close_to_float32(tmp_path: Path) -> None:
    full = run(tmp_path, RING, name="full").metrics()[-2]["losses"]
    half = run(tmp_path, RING, "--precision", "bf16", name="half").metrics()[-2]["losses"]
    assert half != full
    assert half == pytest.approx(full, rel=0.02)


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(RING + "optimizer: {generator: {name: sgd, lr: 1e30}}\nloss: indicator\n")
    assert main(["train", str(config), "--out", str(tmp_path / "run")]) == 3
    said = " ".join(capsys.readouterr().out.split())
    assert "the loss of the generator is not finite at step" in said
    assert "Traceback" not in said
    stopped = Run(tmp_path / "run")
    assert stopped.summary()["status"] == "not_finite"
    assert all(value.isfinite().all() for value in parameters(stopped).values())


def test_parameters_that_are_not_finite_are_never_saved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(RING.replace("{every: 10}\nthreads", "{every: 1, keep: 1}\nthreads"))
    assert main(["train", str(config), "--out", str(tmp_path / "run"), "--gamma", "1e39"]) == 3
    assert "the parameters of the generator are not finite after step 1" in " ".join(
        capsys.readouterr().out.split()
    )
    stopped = Run(tmp_path / "run")
    assert [p.name for p in stopped.checkpoints.iterdir()] == ["00000000.pt"]
    assert all(value.isfinite().all() for value in parameters(stopped).values())


def test_a_game_that_cannot_be_trained_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(IMAGES + "penalties: [{name: r1, gamma: 1}]\n")
    words = ["--data.path", str(images(tmp_path)), "--out", str(tmp_path / "run")]
    assert main(["train", str(config), *words, "--model", "dcgan3", "--model.filters", "4"]) == 2
    captured = capsys.readouterr()
    assert "this game cannot be trained: module" in captured.err
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_broken_images_are_counted_when_they_may_be_skipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, config = tmp_path / "images", tmp_path / "run.yaml"
    folder.mkdir()
    for index in range(10):
        Image.new("RGB", (8, 8), (index * 20, 0, 0)).save(folder / f"{index}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    config.write_text(IMAGES)
    words = ["train", str(config), "--data.path", str(folder), "--out", str(tmp_path / "run")]
    assert main(words) == 2
    complaint = capsys.readouterr().err
    assert "broken.png" in complaint
    assert "--data.skip_unreadable true" in complaint
    assert main([*words, "--data.skip_unreadable", "true"]) == 0
    assert "skipped 1 images that cannot be decoded" in capsys.readouterr().out


def test_a_run_is_resumed_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images(tmp_path)
    monkeypatch.chdir(tmp_path)
    done = run(tmp_path, IMAGES, "--data.path", "images.npz")
    monkeypatch.chdir("/")
    assert main(["resume", str(done.path)]) == 0


def test_a_run_that_was_killed_as_it_began_can_be_started_again(tmp_path: Path) -> None:
    for name in ("samples", "plots", "checkpoints"):
        (tmp_path / "run" / name).mkdir(parents=True)
    (tmp_path / "run" / "config.yaml.writing").touch()
    run(tmp_path, RING, "--steps", "2")


BAD = {
    "missing": ("--data.path", "nowhere.npz", "nowhere.npz: no such file or folder"),
    "batch": ("--data.batch", "100", "data.batch: 100 is more than the 24 images"),
    "channels": ("--game.channels", "1", "images.npz: images of 3 channels, but channels=1"),
}


@pytest.mark.parametrize("case", BAD)
def test_data_that_does_not_fit_is_one_line_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    key, value, complaint = BAD[case]
    config = tmp_path / "run.yaml"
    config.write_text(IMAGES)
    words = ["--data.path", str(images(tmp_path)), "--out", str(tmp_path / "run"), key, value]
    assert main(["train", str(config), *words]) == 2
    captured = capsys.readouterr()
    assert complaint in captured.err
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_gamma_of_no_layer_names_the_method(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.yaml").write_text(RING)
    words = ["--method", "consensus", "--gamma.discriminator.layers.9", "3"]
    assert main(["train", str(tmp_path / "run.yaml"), *words]) == 2
    assert capsys.readouterr().err == (
        "method: gamma: no parameter's name begins with 'discriminator.layers.9'; the players are "
        "generator, discriminator, and blocks are discriminator.layers.0, discriminator.layers.2\n"
    )


def test_a_file_in_place_of_the_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, file = tmp_path / "run.yaml", tmp_path / "notes.txt"
    config.write_text(RING)
    file.write_text("mine")
    assert main(["train", str(config), "--out", str(file)]) == 2
    assert capsys.readouterr().err == f"{file}: is a file; --out names a folder\n"
    assert file.read_text() == "mine"


def test_a_folder_that_holds_a_run_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run(tmp_path, RING)
    assert main(["train", str(tmp_path / "run.yaml"), "--out", str(done.path)]) == 2
    assert "already holds a run (finished, 20 steps)" in capsys.readouterr().err
    assert run(tmp_path, RING, "--overwrite", "--steps", "10").summary()["steps"] == 10


@pytest.mark.slow
def test_two_ranks_train_as_one_process_does(tmp_path: Path) -> None:
    alone = run(tmp_path, RING, name="alone")
    config, out = tmp_path / "alone.yaml", tmp_path / "ranks"
    command = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    script = ["-m", "nashgrad", "train", str(config), "--out", str(out)]
    done = subprocess.run(
        [sys.executable, *command, *script],
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "summary.json").read_text())["status"] == "finished"
    first, second = parameters(alone), parameters(Run(out))
    for key in first:
        torch.testing.assert_close(first[key], second[key], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "words",
    [
        ["--loss", "wasserstein", "--weight-clip", "0.01"],
        ["--loss", "wasserstein", "--penalties", "[{name: wgan_gp, one_sided: true}]"],
        ["--loss", "hinge", "--spectral-norm", "true"],
        ["--loss", "relativistic_average", "--penalties", "[zero_gp, dragan]"],
        [
            "--label-smoothing",
            "0.1",
            "--instance-noise.sigma",
            "0.2",
            "--instance-noise.until",
            "3",
        ],
    ],
)
def test_losses_and_regularisers_train_and_resume(tmp_path: Path, words: list[str]) -> None:
    """Also under consensus; a resumed run draws what the whole one draws."""
    text = (
        "game: ring\nmodel: {name: mlp, latent: 2, generator: [4], discriminator: [4]}\n"
        "data: {batch: 8}\nsteps: 4\nmethod: {name: consensus, gamma: 1}\nthreads: 1\n"
        "evaluate: {samples: 8}\ncheckpoint: {every: 2, keep: 9}\n"
    )
    (tmp_path / "a.yaml").write_text(text)
    weights = []
    for name, steps in (("whole", "4"), ("halves", "2")):
        out = str(tmp_path / name)
        assert (
            main(["train", str(tmp_path / "a.yaml"), "--out", out, "--steps", steps, *words]) == 0
        )
    halves = tmp_path / "halves"
    config = (halves / "config.yaml").read_text()
    (halves / "config.yaml").write_text(config.replace("\nsteps: 2\n", "\nsteps: 4\n"))
    assert main(["resume", str(halves)]) == 0
    for name in ("whole", "halves"):
        path = tmp_path / name / "checkpoints" / "00000004.pt"
        weights.append(torch.load(path, weights_only=True)["state"]["game"])
    assert all(torch.equal(x, weights[1][key]) for key, x in weights[0].items())
    if "--weight-clip" in words:
        assert all(x.abs().max() <= 0.01 for k, x in weights[0].items() if k[0] == "d")
