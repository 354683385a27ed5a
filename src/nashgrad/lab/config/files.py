"""Reads, writes and fingerprints configurations."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from nashgrad.lab.config import strict_yaml
from nashgrad.lab.config.complaints import explain
from nashgrad.lab.config.config import Config
from nashgrad.lab.config.optimizers import Cosine, Linear
from nashgrad.lab.config.overrides import OTHER_FLAGS, SHORTHANDS, Override, apply
from nashgrad.lab.errors import UsageError, file_errors

MOST_BYTES = 1_000_000

# A resumed run may change these: where it runs, how long, and how often it looks at itself.
FREE_KEYS = (
    "device",
    "threads",
    "deterministic",
    "steps",
    "log",
    "evaluate",
    "checkpoint",
    "out",
)


def load(path: str | Path, overrides: Iterable[Override] = ()) -> Config:
    """The configuration in a file, with what the command line changes.

    Raises:
        UsageError: The file cannot be read, is no YAML, or says something impossible.
    """
    values = strict_yaml.parse(_text(Path(path)), str(path))
    if values is None:
        raise UsageError(f"{path}: is empty")
    if not isinstance(values, dict):
        raise UsageError(f"{path}: expected keys and values, got {type(values).__name__}")
    flags = apply(values, overrides)
    try:
        config = TypeAdapter(Config).validate_python(values)
    except ValidationError as errors:
        raise explain(errors, str(path), flags, [*SHORTHANDS, *OTHER_FLAGS]) from None
    return config if config.out else replace(config, out=_default_out(config, Path(path)))


def _text(path: Path) -> str:
    if path.is_dir():
        raise UsageError(f"{path}: is a folder, not a configuration file")
    with file_errors(path), path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise UsageError(f"{path}: is larger than {MOST_BYTES // 1000} kB, no configuration")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is not text") from None


def _default_out(config: Config, path: Path) -> str:
    return f"runs/{path.stem}-{config.method.name}-seed{config.seed}"


def dump(config: Config) -> str:
    """YAML text that `load` turns back into an equal configuration."""
    return strict_yaml.write(asdict(config))


def fingerprint(config: Config) -> str:
    """A hash of everything that decides the parameters of a run.

    Two runs of one fingerprint compute the same steps, so a checkpoint of one can continue the
    other. The length of the run counts only where the learning rates follow it.
    """
    values: dict[str, Any] = asdict(config)
    whole_run = isinstance(config.lr_schedule, Cosine | Linear)
    for key in FREE_KEYS:
        if not (key == "steps" and whole_run):
            del values[key]
    # Where the images lie and who loads them may change as well.
    del values["data"]["path"], values["data"]["workers"]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
