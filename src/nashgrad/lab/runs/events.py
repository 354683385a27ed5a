"""A run's metrics as TensorBoard's event files, for those who look there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.config import Config
from nashgrad.lab.runs.records import Run

SHOWN = ("losses", "norms", "scores", "lr", "field_norm", "seconds", "spent")


def check_tensorboard(config: Config) -> None:
    """Raises `UsageError` when event files are asked for and tensorboard is not installed."""
    if config.log.tensorboard and find_spec("tensorboard") is None:
        raise UsageError(
            'log.tensorboard: needs tensorboard: pip install "nashgrad[tensorboard]", or false'
        )


@contextmanager
def events(config: Config, run: Run, step: int) -> Iterator[Run]:
    """The run, which also writes event files where the configuration says so.

    Args:
        config: its `log.tensorboard`.
        run: the run.
        step: where it goes on; what files of before say of later steps is hidden.
    """
    if not config.log.tensorboard:
        yield run
        return
    from torch.utils.tensorboard import SummaryWriter

    folder = str(run.path / "tensorboard")
    with SummaryWriter(folder, purge_step=step + 1 if step else None) as writer:

        def add(line: Mapping[str, Any]) -> None:
            for name, value in scalars(line).items():
                writer.add_scalar(name, value, line["step"])
            writer.flush()

        yield replace(run, listeners=(*run.listeners, add))


def scalars(line: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a line, by name.

    >>> scalars({"step": 5, "losses": {"generator": 0.7}, "field_norm": 2})
    {'losses/generator': 0.7, 'field_norm': 2.0}
    """
    found: dict[str, float] = {}
    for key in SHOWN:
        value = line.get(key)
        named = value.items() if isinstance(value, Mapping) else [("", value)]
        for name, number in named:
            if isinstance(number, int | float):
                found[f"{key}/{name}" if name else key] = float(number)
    return found
