"""The demo, on shortened games."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from nashgrad.lab.commands import demo as module
from nashgrad.lab.commands.demo import SHOWS, demo


def shortened(monkeypatch: pytest.MonkeyPatch, *, reached: bool) -> None:
    load = module.c.load

    def answer(scores: object) -> bool:
        return reached

    def short(path: Path) -> object:
        config = load(path)
        small = replace(config.model, generator=(8,), discriminator=(8,))
        few = replace(config.evaluate, samples=200)
        return replace(config, steps=8, model=small, evaluate=few)

    monkeypatch.setattr(module.c, "load", short)
    shows = tuple(
        replace(show, evaluate_every=4, watch_every=4, steps_shown=(0, 4, 8), reached=answer)
        for show in SHOWS
    )
    monkeypatch.setattr(module, "SHOWS", shows)


@pytest.mark.parametrize("reached", [True, False])
def test_the_demo_compares_and_leaves_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reached: bool
) -> None:
    shortened(monkeypatch, reached=reached)
    said, out = io.StringIO(), tmp_path / "demo"
    code = demo(out=str(out), console=Console(file=said, width=200))
    assert code == (0 if reached else 1)
    text = said.getvalue()
    assert text.splitlines()[-1] == str(out / "report.html")
    assert str(out) in text.splitlines()
    assert (out / "report.html").stat().st_size > 1_000_000  # with plotly in it
    assert all((out / "ring" / run / "diagnosis").is_dir() for run in ("simultaneous", "consensus"))
    assert text.count("After equal steps") == text.count("After equal seconds") == 2
    assert ("MISSED" in text) is not reached
    pictures = {p.name for p in out.glob("*.png")}
    assert pictures == {f"{s.preset}_{what}.png" for s in SHOWS for what in ("over_time", "curves")}
    summary = json.loads((out / "summary.json").read_text())
    assert {game["game"] for game in summary["games"]} == {s.title for s in SHOWS}
    assert len(summary["missed"]) == (0 if reached else 2)


def test_what_consensus_has_to_reach() -> None:
    ring, digits = SHOWS
    assert ring.reached({"modes_covered": 8, "hq_005": 0.85})
    assert not ring.reached({"modes_covered": 7, "hq_005": 0.99})
    assert not ring.reached({"modes_covered": 8, "hq_005": 0.84})
    assert digits.reached({"frechet_pixels": 0.55})
    assert not digits.reached({"frechet_pixels": 0.56})
