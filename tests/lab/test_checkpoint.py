"""Checkpoints: whole or refused, and never run as code."""

import hashlib
import io
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.runs.checkpoint import SEAL, load_latest, save

OURS, THEIRS = "a" * 64, "b" * 64


def state(step: int) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(step)
    return {
        "game": {"weight": torch.randn(50, generator=generator, dtype=torch.float64)},
        "optimizer": [{"lr": 1e-4, "betas": (0.5, 0.999)}],
        "rng": generator.get_state(),
        "step": step,
    }


def assert_equal(found: dict[str, Any], step: int) -> None:
    expected = state(step)
    assert torch.equal(found["game"]["weight"], expected["game"]["weight"])
    assert torch.equal(found["rng"], expected["rng"])
    assert (found["optimizer"], found["step"]) == (expected["optimizer"], step)


def steps(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.iterdir())


def test_round_trip(tmp_path: Path) -> None:
    path = save(tmp_path, 100, state(100), OURS)
    assert path == tmp_path / "00000100.pt"
    found = load_latest(tmp_path, OURS)
    assert (found.step, found.warnings) == (100, [])
    assert_equal(found.state, 100)


def test_torch_opens_it_as_any_other_file(tmp_path: Path) -> None:
    path = save(tmp_path, 1, state(1), OURS)
    values = torch.load(path, weights_only=True)
    assert (values["format"], values["step"], values["fingerprint"]) == (1, 1, OURS)


def test_the_newest_are_kept(tmp_path: Path) -> None:
    for step in range(0, 120, 10):
        save(tmp_path, step, state(step), OURS, keep=3)
    assert steps(tmp_path) == [90, 100, 110]
    save(tmp_path, 100_000_000, state(0), OURS, keep=1)
    assert steps(tmp_path) == [100_000_000]


def test_a_run_that_went_back_removes_what_came_later(tmp_path: Path) -> None:
    for step in (10, 20, 30):
        save(tmp_path, step, state(step), OURS)
    (tmp_path / "00000030.pt").write_bytes(b"garbage")
    assert load_latest(tmp_path, OURS).step == 20
    save(tmp_path, 25, state(25), OURS)
    assert steps(tmp_path) == [10, 20, 25]


def test_a_checkpoint_of_another_configuration(tmp_path: Path) -> None:
    save(tmp_path, 10, state(10), OURS)
    path = save(tmp_path, 20, state(20), THEIRS)
    found = load_latest(tmp_path, OURS)
    assert (found.step, found.warnings) == (10, [f"{path}: is from another configuration"])
    assert_equal(found.state, 10)


def test_none_is_usable(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_latest(tmp_path, OURS)
    assert str(caught.value) == f"{tmp_path}: no usable checkpoint: the folder holds none"
    path = save(tmp_path, 20, state(20), THEIRS)
    (tmp_path / "notes.pt").write_text("")
    with pytest.raises(UsageError) as caught:
        load_latest(tmp_path, OURS)
    assert str(caught.value) == (
        f"{tmp_path}: no usable checkpoint: {path}: is from another configuration"
    )


def test_a_renamed_checkpoint_is_noticed(tmp_path: Path) -> None:
    save(tmp_path, 10, state(10), OURS).rename(tmp_path / "00000099.pt")
    with pytest.raises(UsageError, match="is not a checkpoint of step 99"):
        load_latest(tmp_path, OURS)


@pytest.fixture
def damaged(tmp_path: Path) -> Any:
    """Puts bytes in place of the newer of two checkpoints, and expects the older one."""
    save(tmp_path, 10, state(10), OURS)
    path = save(tmp_path, 20, state(20), OURS)
    whole = path.read_bytes()

    def check(change: Any) -> None:
        path.write_bytes(change(whole))
        found = load_latest(tmp_path, OURS)
        assert (found.step, found.warnings) == (10, [f"{path}: is truncated or damaged"])
        assert_equal(found.state, 10)

    return check


many = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@given(st.floats(0, 1, exclude_max=True))
def test_a_truncated_checkpoint_is_refused(damaged: Any, share: float) -> None:
    damaged(lambda whole: whole[: int(share * len(whole))])


@many
@given(st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_a_flipped_bit_is_noticed_wherever_it_is(damaged: Any, share: float, bits: int) -> None:
    def flipped(whole: bytes) -> bytes:
        at = int(share * len(whole))
        return whole[:at] + bytes([whole[at] ^ bits]) + whole[at + 1 :]

    damaged(flipped)


@many
@given(st.binary(max_size=300))
def test_garbage_is_refused(damaged: Any, garbage: bytes) -> None:
    damaged(lambda whole: garbage)
    damaged(lambda whole: whole + (garbage or b"\0"))


class Malicious:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.folder),)


def sealed(content: bytes) -> bytes:
    return content + SEAL + hashlib.sha256(content).hexdigest().encode()


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    attack = {"format": 1, "step": 20, "fingerprint": OURS, "state": {"x": Malicious(trace)}}
    buffer = io.BytesIO()
    torch.save(attack, buffer)
    for content in (buffer.getvalue(), pickle.dumps(attack), pickle.dumps(Malicious(trace))):
        save(tmp_path, 10, state(10), OURS)
        path = tmp_path / "00000020.pt"
        path.write_bytes(sealed(content))
        found = load_latest(tmp_path, OURS)
        assert found.step == 10
        assert found.warnings == [f"{path}: is not a checkpoint of plain tensors"]
        assert not trace.exists()


@pytest.mark.parametrize("values", [3, {}, {"format": 2, "step": 20}, {"format": 1, "step": 20}])
def test_other_content_is_refused(tmp_path: Path, values: Any) -> None:
    buffer = io.BytesIO()
    torch.save(values, buffer)
    (tmp_path / "00000020.pt").write_bytes(sealed(buffer.getvalue()))
    with pytest.raises(UsageError, match="is not a checkpoint of step 20 in format 1"):
        load_latest(tmp_path, OURS)


def test_a_checkpoint_that_fails_to_write_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, 10, state(10), OURS)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="no space left on device"):
        save(tmp_path, 20, state(20), OURS, keep=1)
    assert steps(tmp_path) == [10]
    assert load_latest(tmp_path, OURS).step == 10
