"""`nashgrad reproduce`: every figure's runs, pictures and numbers, at a tiny size."""

import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from nashgrad.data import digits
from nashgrad.lab import config as c
from nashgrad.lab.commands.cli import main
from nashgrad.lab.figures import images, rings, sizes, spectra, table
from nashgrad.lab.figures.cells import Cell
from nashgrad.lab.figures.changes import changes_of
from nashgrad.lab.figures.reproduce import KNOWN, OF_FACES
from nashgrad.lab.figures.sizes import DIGITS, FULL, SMALL
from nashgrad.lab.figures.table import image_figures
from nashgrad.lab.runs.checkpoint import load_at
from nashgrad.lab.runs.records import Run
from nashgrad.lab.studies import stage
from nashgrad.lab.studies.runner import Job, Outcome, run_jobs
from nashgrad.lab.training.train import prepare

TINY = {"steps": 4, "evaluate": {"samples": 16}, "threads": 1}


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Presets of four steps, of two filters, with batches of four."""
    read = sizes.read

    def small(path: Path) -> dict[str, Any]:
        values = read(path)
        model = values["model"] | {"filters": 2, "latent": 2}
        return values | TINY | {"model": model, "data": values["data"] | {"batch": 4}}

    monkeypatch.setattr(sizes, "read", small)


def test_there_is_every_figure() -> None:
    assert set(KNOWN) == {"fig4b", *(f"fig{n}" for n in range(1, 15))}


def test_figure_1(tmp_path: Path) -> None:
    assert main(["reproduce", "fig1", "--out", str(tmp_path / "one")]) == 0
    limits = json.loads((tmp_path / "one" / "fig1.json").read_text())["largest_step"]
    assert limits["B"] > 2 * limits["A"] > 0
    assert (tmp_path / "one" / "fig1.png").exists()


def test_figure_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = rings.ring_config()
    short = replace(
        config,
        steps=8,
        data=replace(config.data, batch=16),
        evaluate=replace(config.evaluate, samples=64),
    )
    monkeypatch.setattr(rings, "ring_config", lambda: short)
    assert main(["reproduce", "fig2", "--out", str(tmp_path), "--seeds", "1"]) == 0
    points = json.loads((tmp_path / "fig2" / "fig2.json").read_text())["points"]
    assert points.keys() == {"simultaneous", "consensus"}
    with Image.open(tmp_path / "fig2" / "fig2_seed0.png") as picture:
        assert picture.width > 1.8 * picture.height


def small_ring(config: c.Config) -> c.Config:
    model = replace(config.model, latent=2, generator=(3,), discriminator=(4,))
    data = replace(config.data, batch=16)
    return replace(
        config, model=model, steps=3, data=data, evaluate=replace(config.evaluate, samples=16)
    )


def test_figure_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eigenvalues of J and of J - gamma J^T J, by hand from the runs that it leaves."""
    monkeypatch.setattr(spectra, "ring_config", lambda: small_ring(rings.ring_config()))
    assert main(["reproduce", "fig3", "--out", str(tmp_path), "--seeds", "2"]) == 0
    folder = tmp_path / "fig3"
    rows = json.loads((folder / "fig3.json").read_text())["rows"]
    assert [(row["seed"], row["step"]) for row in rows] == [(0, 1), (0, 3), (1, 1), (1, 3)]
    with Image.open(folder / "fig3.png") as picture:  # a line a seed, two panels a moment
        assert picture.width > 1.5 * picture.height
    eigenvalues = np.load(folder / "fig3.npz")
    assert len(eigenvalues.files) == 8
    config = c.load(folder / "runs" / "seed1" / "config.yaml")
    J = jacobian_by_autograd(replace(config, out=str(folder / "runs" / "seed1")), step=3)
    for side, matrix in (("v", J), ("w", J - 10 * J.T @ J)):
        found = eigenvalues[f"seed1_after_{side}"]
        expected = np.linalg.eigvals(matrix)
        for power in (1, 2, 3):  # equal power sums: the same eigenvalues in any order
            assert (found**power).sum() == pytest.approx((expected**power).sum(), rel=1e-6)
        assert rows[3][f"{side}_largest_real"] == pytest.approx(found.real.max())
        turning = found[abs(found.imag) > 0.01]
        assert rows[3][f"{side}_rotating"] == len(turning)
        q = abs(turning.imag / turning.real).max() if len(turning) else 0
        assert rows[3][f"{side}_q"] == pytest.approx(q)
    assert not np.allclose(eigenvalues["seed1_before_v"], eigenvalues["seed1_after_v"])


def jacobian_by_autograd(config: c.Config, step: int) -> np.ndarray:
    """The mean of J over the ten batches that come after a checkpoint, a row at a time."""
    session = prepare(config)
    restored = load_at(Run(Path(str(config.out))).checkpoints, step, c.fingerprint(config))
    session.load_state_dict(restored.step, restored.state)
    game, total = session.game.double(), 0
    players = {name: list(getattr(game, name).parameters()) for name in game.players}
    everything = [p for own in players.values() for p in own]
    for _ in range(10):
        batch = {k: x.double() for k, x in next(session.stream).items()}
        losses = game(batch, game.players)
        v = [
            -g.flatten()
            for name, own in players.items()
            for g in torch.autograd.grad(losses[name], own, create_graph=True)
        ]
        rows = [
            torch.cat([
                torch.zeros_like(p).flatten() if g is None else g.flatten()
                for p, g in zip(everything, grads, strict=True)
            ])
            for entry in torch.cat(v)
            for grads in [
                torch.autograd.grad(entry, everything, retain_graph=True, allow_unused=True)
            ]
        ]  # fmt: skip
        total = total + torch.stack(rows)
    return np.asarray(total / 10)


def test_figures_of_digits_share_their_runs(
    tiny: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["--digits", "--seeds", "1", "--out", str(tmp_path)]
    assert main(["reproduce", "fig5", *words]) == 0
    for file in ("samples.png", "losses.png", "curves.png", "scores.png", "fig5.md"):
        assert (tmp_path / "fig5" / file).stat().st_size > 0
    values = json.loads((tmp_path / "fig5" / "fig5.json").read_text())
    assert values["size"] == "digits"
    assert [p["at"]["method"] for p in values["points"].values()] == ["consensus", "alternating"]
    assert capsys.readouterr().out.count(": finished") == 2
    # One of figure 4's two runs stands in figure 5 already.
    assert main(["reproduce", "fig4", *words]) == 0
    said = capsys.readouterr().out
    assert said.startswith("fig4: 4b, a ResNet GAN of faces, needs --faces PATH too\n")
    assert said.count(": finished") == 1
    assert len(list((tmp_path / "runs").glob("*/seed0"))) == 3
    assert not (tmp_path / "fig4b").exists()
    by = "logistic regression (right on 99.6% of the data)"
    rest = f"extractor pixels, samples 16, real 1797, classes_by {by}, ema False."
    shown = (tmp_path / "fig4" / "fig4.md").read_text()
    assert f"\n\nScores rest on: {rest}\n" in shown
    [facts, *others] = [p["scored"]["0"] for p in values["points"].values()]
    assert (facts["extractor"], facts["samples"]) == ("pixels", 16)
    assert others == [facts]
    # A run that failed is an exit code; the figure is made all the same.
    monkeypatch.setattr(stage, "run_jobs", first_fails)
    assert main(["reproduce", "fig4", *words]) == 4
    assert "seed 0: failed; out of memory" in (tmp_path / "fig4" / "fig4.md").read_text()


def first_fails(jobs: list[Job], **options: Any) -> list[Outcome]:
    outcomes = run_jobs(jobs, **options)
    return [Outcome(jobs[0], "failed", "out of memory"), *outcomes[1:]]


def test_what_varies_is_drawn(tiny: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures 12 to 14, with two values each: figures 13 and 14 have one run in common."""
    monkeypatch.setattr(table, "LRS", (5e-4, 1e-3))
    monkeypatch.setattr(table, "GAMMAS", (1.0, 10.0))
    monkeypatch.setattr(table, "DEPTHS", ("dcgan3_nobn_cf",))
    drawn: dict[str, Any] = {}
    save = images.save_png
    monkeypatch.setattr(
        images, "save_png", lambda f, path, **k: (drawn.update({str(path): f}), save(f, path, **k))
    )
    words = ["--digits", "--seeds", "1", "--out", str(tmp_path)]
    assert main(["reproduce", "fig12", "fig13", "fig14", *words]) == 0
    assert len(list((tmp_path / "runs").glob("*/seed0"))) == 5
    for name, key in (("fig12", "lr"), ("fig13", "lr"), ("fig14", "gamma")):
        folder = tmp_path / name
        points = json.loads((folder / f"{name}.json").read_text())["points"]
        for file in ("sweep.png", "curves.png", "scores.png", "samples.png"):
            assert (folder / file).stat().st_size > 0
        [ax] = drawn[str(folder / "sweep.png")].axes
        assert ax.get_xlabel() == key
        assert ax.get_ylabel() == "frechet_pixels"
        there = {(x, y) for line in ax.lines for x, y in zip(*line.get_data(), strict=True)}
        for dots in ax.collections:
            there |= {(x, y) for x, y in dots.get_offsets()}
        for point in points.values():
            x, y = point["at"][key], point["scores"]["0"]
            assert any((x, y) == pytest.approx(at) for at in there)


@pytest.mark.parametrize(("name", "key", "count"), [("fig12", "lr", 5), ("fig14", "gamma", 5)])
def test_what_varies(tiny: None, tmp_path: Path, name: str, key: str, count: int) -> None:
    made = images.plan([name], DIGITS, None, tmp_path)
    points = list(made.points[name].values())
    assert len({point.at[key] for point in points}) == count
    assert len({point.at["network"] for point in points}) == 2
    assert len({point.name for point in points}) == 2 * count
    for point in points:
        own = point.config.method if key == "gamma" else point.config.optimizer.generator
        assert getattr(own, key) == point.at[key]


def test_figure_10_measures_what_changes(tiny: None, tmp_path: Path) -> None:
    faces = tmp_path / "faces"
    faces.mkdir()
    for i, pixels in enumerate(digits().pixels[:6]):
        Image.fromarray((pixels[0] * 15).numpy()).resize((70, 80)).save(faces / f"{i}.png")
    words = ["reproduce", "fig10", "--faces", str(faces), "--out", str(tmp_path / "out")]
    assert main(words) == 0
    found = json.loads((tmp_path / "out" / "fig10" / "fig10.json").read_text())
    assert len(found["changes"]) == 3
    for changes in found["changes"].values():
        assert len(changes["0"]) >= 1
        assert all(change > 0 for change in changes["0"].values())
    # Figure 4b is one of its runs.
    runs = sorted((tmp_path / "out" / "runs").glob("*/seed0"))
    assert main(["reproduce", "fig4b", *words[2:]]) == 0
    part = json.loads((tmp_path / "out" / "fig4b" / "fig4b.json").read_text())
    [(name, point)] = part["points"].items()
    assert point["scores"] == found["points"][name]["scores"]
    assert (tmp_path / "out" / "fig4b" / "samples.png").stat().st_size > 0
    assert sorted((tmp_path / "out" / "runs").glob("*/seed0")) == runs


def test_figure_4_with_faces_is_two(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[list[str]] = []
    monkeypatch.setattr(
        import_module("nashgrad.lab.figures.reproduce"),
        "_make",
        lambda names, *_: made.append(names),
    )
    words = ["reproduce", "fig4", "fig10", "fig6", "--faces", "a", "--data", "b"]
    assert main(words) == 0
    assert made == [["fig10", "fig4b"], ["fig4", "fig6"]]


def test_too_few_images_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = tmp_path / "few.npz"
    np.savez(few, images=np.zeros((24, 32, 32, 3), np.uint8))
    words = ["reproduce", "fig14", "--data", str(few), "--out", str(tmp_path / "out")]
    assert main(words) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"--data {few}: dcgan3_nobn_cf, ")
    assert err.endswith("32 is more than the 24 images; take more images or a smaller batch\n")
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_changes_of_a_run_are_those_of_its_samples(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "game: ring\nmodel: {name: mlp, latent: 2, generator: [4], discriminator: [4]}\n"
        "steps: 4\ndata: {batch: 8}\nevaluate: {samples: 8}\ncheckpoint: {every: 2, keep: 9}\n"
    )
    out = tmp_path / "run"
    assert main(["train", str(tmp_path / "a.yaml"), "--out", str(out)]) == 0
    config = c.load(out / "config.yaml")
    found = changes_of(config, Run(out))
    assert found.keys() == {2, 4}
    samples = []
    for step in (2, 4):
        session = prepare(config)
        restored = load_at(out / "checkpoints", step, c.fingerprint(config))
        session.load_state_dict(step, restored.state)
        samples.append(session.samples())
    assert found[4] == pytest.approx(float(torch.dist(*samples)) / samples[0].numel() ** 0.5)


@pytest.mark.parametrize("name", sorted(image_figures(1.0)))
def test_the_papers_own_size(name: str) -> None:
    """gamma is 10, and 0.1 for three convolutions, where the figure does not vary it."""
    for cell in image_figures(FULL.gamma_lr)[name].cells.values():
        size = replace(sizes.FACES_FULL if name in OF_FACES else FULL)
        config = cell.config(size, size.base("x"))
        assert config.steps == 150_000
        assert config.optimizer.generator.name == "rmsprop_tf"
        if cell.lr is None:
            assert config.optimizer.generator.lr == 1e-4
        if isinstance(config.method, c.Consensus) and cell.gamma is None:
            assert config.method.gamma == (0.1 if "3" in cell.network else 10.0)
    assert config.data.batch == (128 if name in OF_FACES else 64)


def test_a_cell() -> None:
    cell = Cell("dcgan4", "smoothing", extra_fc=512, lr=2e-4)
    config = cell.config(SMALL, SMALL.base("x"))
    assert config.method == c.SmoothingCode(gamma=1.0)
    assert config.model.extra_fc == (512,)  # type: ignore[union-attr]
    assert config.optimizer.discriminator.lr == 2e-4
    assert cell.name(config) == "dcgan4, one more FC, standard, smoothing, gamma 1, lr 0.0002"
    plain = Cell("dcgan4_nobn_cf", "alternating").config(DIGITS, DIGITS.base(None))
    assert isinstance(plain.schedule, c.Alternating)
    assert plain.model.convolutions == 3  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["fig20"], "nashgrad reproduce: unknown figure 'fig20', did you mean fig2?"),
        (["fig3", "--seeds", "0"], "--seeds: must be at least 1, got 0"),
        (["fig6"], "nashgrad reproduce fig6: needs --data PATH of CIFAR-10, or --digits"),
        (["fig6", "--digits", "--data", "x"], "--data and --digits exclude each other"),
        (["fig4b"], "nashgrad reproduce fig4b: needs --faces PATH of a folder or zip of images"),
        (["fig4", "--faces", "x"], "nashgrad reproduce fig4: needs --data PATH of CIFAR-10, or"),
        (["fig10"], "nashgrad reproduce fig10: needs --faces PATH of a folder or zip of images"),
        (["fig1", "fig4"], "nashgrad reproduce fig4: needs --data PATH of CIFAR-10"),
        (["fig6", "--digits", "--full"], "--full and --digits exclude each other"),
        (["fig6", "--data", "nowhere.npz"], "nowhere.npz: no such file or folder"),
    ],
)
def test_figures_that_are_not(
    words: list[str],
    text: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", *words]) == 2
    err = capsys.readouterr().err
    assert text in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())
