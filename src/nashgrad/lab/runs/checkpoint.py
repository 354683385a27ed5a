"""Checkpoints: whole or refused, and never run as code.

A file is what `torch.save` wrote, followed by the SHA-256 of it: torch opens it as any other,
and `load_latest` notices every changed byte (torch alone takes flipped bits of a tensor as they
are). What is inside may only be tensors, numbers, text and containers of them.
"""

import hashlib
import io
from pathlib import Path
from typing import Any, NamedTuple

import torch

from nashgrad.lab.common.atomic import replacing
from nashgrad.lab.common.errors import UsageError, file_errors

FORMAT = 1
SEAL = b"\nsha256 "
SEAL_BYTES = len(SEAL) + 64


class Restored(NamedTuple):
    """A checkpoint that could be read, and why newer ones could not."""

    step: int
    state: dict[str, Any]
    warnings: list[str]


def save(
    folder: Path, step: int, state: dict[str, Any], fingerprint: str, *, keep: int = 3
) -> Path:
    """Writes a checkpoint and removes all but the newest.

    Checkpoints of later steps are removed as well: the run went back behind them.

    Args:
        folder: Where checkpoints are.
        step: Steps that are done.
        state: Tensors, numbers, text and containers of them.
        fingerprint: Of the configuration.
        keep: How many checkpoints stay, this one included.
    """
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, "step": step, "fingerprint": fingerprint, "state": state}, buffer)
    path = folder / f"{step:08d}.pt"
    with replacing(path) as file:
        file.write(buffer.getbuffer())
        file.write(SEAL + hashlib.sha256(buffer.getbuffer()).hexdigest().encode())
    _prune(folder, step, keep)
    return path


def _prune(folder: Path, step: int, keep: int) -> None:
    steps = _by_step(folder)
    kept = sorted(number for number in steps if number <= step)[-keep:]
    for number in steps.keys() - set(kept):
        with file_errors(steps[number]):
            steps[number].unlink()


def _by_step(folder: Path) -> dict[int, Path]:
    return {int(path.stem): path for path in folder.glob("*.pt") if path.stem.isdecimal()}


def steps_in(folder: Path) -> list[int]:
    """The steps of the checkpoints that are there."""
    return sorted(_by_step(folder))


def load_latest(folder: Path, fingerprint: str) -> Restored:
    """The newest checkpoint that is whole and of this configuration.

    Raises:
        UsageError: There is none.
    """
    warnings: list[str] = []
    steps = _by_step(folder)
    for step in sorted(steps, reverse=True):
        found = _try_to_load(steps[step], step, fingerprint)
        if not isinstance(found, UsageError):
            return Restored(step, found, warnings)
        warnings.append(str(found))
    reasons = "; ".join(warnings) or "the folder holds none"
    raise UsageError(f"{folder}: no usable checkpoint: {reasons}")


def load_at(folder: Path, step: int, fingerprint: str) -> Restored:
    """The checkpoint of a step.

    Raises:
        UsageError: It is not there, damaged, or of another configuration.
    """
    return Restored(step, _load(find(folder, step), step, fingerprint), [])


def find(folder: Path, step: int) -> Path:
    """The checkpoint of a step, unread.

    Raises:
        UsageError: It is not there.
    """
    steps = _by_step(folder)
    if step not in steps:
        there = ", ".join(f"{s:,}" for s in sorted(steps)) or "none"
        raise UsageError(f"{folder}: no checkpoint of step {step:,}; there are {there}")
    return steps[step]


def _try_to_load(path: Path, step: int, fingerprint: str) -> dict[str, Any] | UsageError:
    try:
        return _load(path, step, fingerprint)
    except UsageError as error:
        return error


def _load(path: Path, step: int, fingerprint: str) -> dict[str, Any]:
    content = _unpickled(path, _unsealed(path))
    state = content.get("state")
    if (
        content.get("format") != FORMAT
        or content.get("step") != step
        or not isinstance(state, dict)
    ):
        raise UsageError(f"{path}: is not a checkpoint of step {step} in format {FORMAT}")
    if content.get("fingerprint") != fingerprint:
        raise UsageError(f"{path}: is from another configuration")
    return state


def _unsealed(path: Path) -> bytes:
    """The content of a file whose seal is right."""
    with file_errors(path):
        data = path.read_bytes()
    content, seal = data[:-SEAL_BYTES], data[-SEAL_BYTES:]
    if seal != SEAL + hashlib.sha256(content).hexdigest().encode():
        raise UsageError(f"{path}: is truncated or damaged")
    return content


def _unpickled(path: Path, content: bytes) -> dict[str, Any]:
    try:
        values = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # a strange file can be wrong in any way
        raise UsageError(f"{path}: is not a checkpoint of plain tensors") from error
    return values if isinstance(values, dict) else {}
