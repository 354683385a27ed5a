"""Run folders: what they hold, when they are refused, what survives a kill."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nashgrad.lab.common import atomic
from nashgrad.lab.common.atomic import TEMPORARY, replacing, write_json, write_text
from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.runs.environment import describe_environment
from nashgrad.lab.runs.metrics import append_metrics, read_metrics, rewind_metrics
from nashgrad.lab.runs.records import Run, create_run, open_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create_run(tmp_path / "runs" / "x", "steps: 1\n", {"torch": "2"})


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_new_run(run: Run) -> None:
    assert tree(run.path) == {
        "config.yaml", "environment.json", "summary.json", "samples", "plots", "checkpoints",
    }  # fmt: skip
    assert run.config.read_text() == "steps: 1\n"
    assert run.environment() == {"torch": "2"}
    assert run.summary() == {"status": "running", "steps": 0}
    assert run.metrics() == []


def test_the_summary_is_strict_json(run: Run) -> None:
    run.summarize("not_finite", 7, sw2=math.nan, scores=(1.0, math.inf))
    text = (run.path / "summary.json").read_text()

    def refused(constant: str) -> Any:
        raise AssertionError(constant)

    values = json.loads(text, parse_constant=refused)
    assert values == {"status": "not_finite", "steps": 7, "sw2": "nan", "scores": [1.0, "inf"]}


def test_a_run_is_not_overwritten_by_accident(run: Run) -> None:
    run.summarize("finished", 10_000)
    with pytest.raises(UsageError) as caught:
        create_run(run.path, "steps: 2\n", {})
    assert str(caught.value) == (
        f"{run.path}: already holds a run (finished, 10000 steps); "
        f"use --overwrite, or nashgrad resume {run.path}"
    )
    assert run.config.read_text() == "steps: 1\n"


def test_a_damaged_summary_is_still_a_run(run: Run) -> None:
    (run.path / "summary.json").write_text('{"stat')
    with pytest.raises(UsageError, match=r"already holds a run \(unknown, 0 steps\)"):
        create_run(run.path, "", {})


def test_overwriting_removes_what_a_run_writes_and_nothing_else(run: Run, tmp_path: Path) -> None:
    run.log({"step": 1})
    ours = [
        "samples/1.png",
        "plots/loss.png",
        "checkpoints/00000001.pt",
        f"checkpoints/x{TEMPORARY}",
    ]
    theirs = ["notes.txt", "samples/notes.txt", "deep/config.yaml", "checkpoints/mine/1.pt"]
    for name in [*ours, *theirs]:
        (run.path / name).parent.mkdir(exist_ok=True)
        (run.path / name).write_text("")
    create_run(run.path, "steps: 2\n", {}, overwrite=True)
    left = tree(run.path)
    assert not left & {*ours, "metrics.jsonl"}
    assert left >= set(theirs)
    assert run.config.read_text() == "steps: 2\n"
    assert run.summary()["status"] == "running"


def test_overwriting_follows_no_link(run: Run, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine.png").write_text("")
    run.samples.rmdir()
    run.samples.symlink_to(elsewhere)
    create_run(run.path, "", {}, overwrite=True)
    assert (elsewhere / "mine.png").exists()


@pytest.mark.parametrize("name", ["notes.txt", "config.yaml", "environment.json"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_foreign_folder_is_never_taken(tmp_path: Path, name: str, overwrite: bool) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="is not empty and holds no run"):
        create_run(tmp_path, "", {}, overwrite=overwrite)
    assert tree(tmp_path) == {name}


def test_an_empty_folder_is_taken_and_a_file_is_not(tmp_path: Path) -> None:
    assert create_run(tmp_path, "", {}).path == tmp_path
    with pytest.raises(UsageError, match="is a file, not a folder"):
        create_run(tmp_path / "config.yaml", "", {})
    with pytest.raises(UsageError, match="not a directory"):
        create_run(tmp_path / "config.yaml" / "x", "", {})


def test_opening(run: Run) -> None:
    (run.checkpoints / f"00000001.pt{TEMPORARY}").write_text("half")
    run.plots.rmdir()
    assert open_run(str(run.path)) == run
    assert list(run.checkpoints.iterdir()) == []
    assert run.plots.is_dir()
    with pytest.raises(UsageError, match="holds no run"):
        open_run(run.path.parent)
    with pytest.raises(UsageError, match="holds no run"):
        open_run(run.path / "missing")


def test_two_processes_do_not_share_a_folder(run: Run) -> None:
    with run.locked():
        for attempt in (
            lambda: open_run(run.path),
            lambda: create_run(run.path, "", {}, overwrite=True),
        ):
            with pytest.raises(UsageError, match="another process is training this run"):
                attempt()
    open_run(run.path)


def test_a_dead_process_holds_no_lock(run: Run) -> None:
    script = (
        "import os, sys; from pathlib import Path; from nashgrad.lab.runs.records import Run\n"
        "with Run(Path(sys.argv[1])).locked(): os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, run.path], check=False).returncode == -9
    open_run(run.path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="permission denied"):
        create_run(tmp_path / "x", "", {})


# Metrics


numbers = st.floats() | st.integers(-(2**53), 2**53) | st.none() | st.booleans()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.dictionaries(st.sampled_from(["loss", "norm"]), numbers), max_size=5))
def test_metrics_read_as_they_were_written(tmp_path: Path, lines: list[dict[str, Any]]) -> None:
    path = tmp_path / "metrics.jsonl"
    path.unlink(missing_ok=True)
    for step, line in enumerate(lines):
        append_metrics(path, {"step": step, **line})
    assert repr(read_metrics(path)) == repr([{"step": i, **line} for i, line in enumerate(lines)])


def test_a_line_is_there_at_once(run: Run) -> None:
    run.log({"step": 1, "losses": {"generator": math.nan}})
    assert (run.path / "metrics.jsonl").read_text() == (
        '{"step": 1, "losses": {"generator": "nan"}}\n'
    )


def test_a_cut_last_line_is_survived(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    for step in range(3):
        append_metrics(path, {"step": step, "loss": 0.5})
    data = path.read_bytes()
    whole = [index for index, byte in enumerate(data) if byte == ord("\n")]
    for end in range(len(data)):
        path.write_bytes(data[:end])
        complete = sum(index <= end for index in whole)
        assert [line["step"] for line in read_metrics(path)] == list(range(complete))


def test_rewinding_drops_later_lines_and_the_cut_one(run: Run) -> None:
    for step in range(0, 50, 10):
        run.log({"step": step, "loss": math.inf})
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 50, "lo')
    run.rewind(20)
    run.log({"step": 30, "loss": 1.0})
    assert [line["step"] for line in run.metrics()] == [0, 10, 20, 30]
    assert run.metrics()[0]["loss"] == math.inf


def test_rewinding_what_is_not_there(tmp_path: Path) -> None:
    rewind_metrics(tmp_path / "metrics.jsonl", 3)
    assert read_metrics(tmp_path / "metrics.jsonl") == []


# Atomic files


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_text(path, "old")

    def fail() -> None:
        with replacing(path) as file:
            file.write(b"new")
            file.flush()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert path.read_text() == "old"
    assert tree(tmp_path) == {"file"}


def test_a_full_disk_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "summary.json"
    write_json(path, {"old": 1})
    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(UsageError) as caught:
        write_json(path, {"new": 1})
    assert str(caught.value) == f"{path}: no space left on device"
    assert json.loads(path.read_text()) == {"old": 1}
    assert tree(tmp_path) == {"summary.json"}


def test_environment() -> None:
    values = describe_environment(torch.device("cpu"))
    assert values["torch"] == torch.__version__
    assert (values["device"], values["threads"]) == ("cpu", torch.get_num_threads())
    assert json.loads(json.dumps(values)) == values
