"""TensorBoard's event files hold what metrics.jsonl holds."""

from pathlib import Path
from typing import Any

import pytest

from nashgrad.lab.commands.cli import main
from nashgrad.lab.runs import events as module
from nashgrad.lab.runs.events import scalars
from nashgrad.lab.runs.records import Run
from pages.runs import make_run

LOG = {"every": 5, "tensorboard": True}


def written(run: Path) -> dict[str, list[tuple[int, float]]]:
    """Step and value of everything in the event files, as TensorBoard reads them."""
    reader: Any = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = reader.EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    return {
        tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]
    }


def logged(run: Path) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for line in Run(run).metrics():
        for name, value in scalars(line).items():
            found.setdefault(name, []).append((line["step"], pytest.approx(value, rel=1e-6)))
    return found


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_event_files_hold_the_metrics_also_after_a_resume(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", log=LOG, steps=20, checkpoint={"every": 20})
    assert written(run) == logged(run)
    assert {"losses/generator", "scores/sw2", "field_norm"} <= set(written(run))
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("steps: 20", "steps: 30"))
    assert main(["resume", str(run)]) == 0
    assert written(run) == logged(run)


def test_without_the_package_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    config = Path(__file__).parents[2] / "experiments" / "ring.yaml"
    words = ["--log.tensorboard", "true", "--out", str(tmp_path / "run")]
    assert main(["train", str(config), *words]) == 2
    assert 'pip install "nashgrad[tensorboard]"' in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
