"""`nashgrad reproduce`: every figure's runs, pictures and numbers, at a tiny size."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from nashgrad.data import digits
from nashgrad.lab import config as c
from nashgrad.lab.cli import main
from nashgrad.lab.figures import images, rings, sizes
from nashgrad.lab.figures.cells import Cell
from nashgrad.lab.figures.changes import changes_of
from nashgrad.lab.figures.reproduce import KNOWN
from nashgrad.lab.figures.sizes import DIGITS, FULL, SMALL
from nashgrad.lab.figures.table import image_figures
from nashgrad.lab.records import Run

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
    assert set(KNOWN) == {f"fig{n}" for n in range(1, 15)}


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


def test_figures_of_digits_share_their_runs(
    tiny: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
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
    assert capsys.readouterr().out.count(": finished") == 1
    assert len(list((tmp_path / "runs").glob("*/seed0"))) == 3


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
    from nashgrad.lab.checkpoint import load_at
    from nashgrad.lab.train import prepare

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
        size = replace(sizes.FACES_FULL if name == "fig10" else FULL)
        config = cell.config(size, size.base("x"))
        assert config.steps == 150_000
        assert config.optimizer.generator.name == "rmsprop_tf"
        if cell.lr is None:
            assert config.optimizer.generator.lr == 1e-4
        if isinstance(config.method, c.Consensus) and cell.gamma is None:
            assert config.method.gamma == (0.1 if "3" in cell.network else 10.0)
    assert config.data.batch == (128 if name == "fig10" else 64)


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
