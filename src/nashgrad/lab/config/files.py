"""Reads, writes and fingerprints configurations."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from nashgrad.lab.common.errors import UsageError, file_errors
from nashgrad.lab.config import strict_yaml
from nashgrad.lab.config.complaints import explain
from nashgrad.lab.config.config import Config
from nashgrad.lab.config.keys import default, is_open, kinds, opened, plain, variants
from nashgrad.lab.config.optimizers import Cosine, Linear
from nashgrad.lab.config.overrides import OTHER_FLAGS, SHORTHANDS, Override, apply

MOST_BYTES = 1_000_000
Section = TypeVar("Section")

# A resumed run may change these: where it runs, how long, and how often it looks at itself.
FREE_KEYS = (
    "budget",
    "device",
    "threads",
    "deterministic",
    "steps",
    "log",
    "evaluate",
    "checkpoint",
    "diagnose",
    "out",
)
FREE_OF_DATA = ("path", "workers")  # where the images lie, and who decodes them


def load(path: str | Path, overrides: Iterable[Override] = ()) -> Config:
    """The configuration in a file, with what the command line changes.

    Raises:
        UsageError: The file cannot be read, is no YAML, or says something impossible.
    """
    values = read(path)
    flags = apply(values, overrides)
    config = validate(Config, values, str(path), flags)
    return config if config.out else replace(config, out=_default_out(config, Path(path)))


def read(path: str | Path) -> dict[str, Any]:
    """The keys and values in a file, unchecked.

    Raises:
        UsageError: The file cannot be read, is no YAML, or holds no keys.
    """
    values = strict_yaml.parse(_text(Path(path)), str(path))
    if values is None:
        raise UsageError(f"{path}: is empty")
    if not isinstance(values, dict):
        raise UsageError(f"{path}: expected keys and values, got {type(values).__name__}")
    return values


def validate(
    kind: type[Section], values: Mapping[str, Any], source: str, flags: Mapping[str, str] = {}
) -> Section:
    """Values as a section of the configuration.

    Args:
        kind: its type.
        values: as a file has them.
        source: where they are from, for errors.
        flags: what the command line gave.

    Raises:
        UsageError: They say something impossible; the first error, and how many more there are.
    """
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as errors:
        raise explain(errors, source, flags, [*SHORTHANDS, *OTHER_FLAGS], kind) from None


def merged(values: Mapping[str, Any], changes: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    """Values with some of them changed; keys may be dotted.

    A section that is chosen by name takes the place of the old one when the change names it, and
    so does one whose keys may have any name. All other sections keep what is not changed.
    """
    out = dict(values)
    for key, value in changes.items():
        head, _, rest = key.partition(".")
        change = {rest: value} if rest else value
        inner = kinds(kind).get(head)
        options = variants(inner)
        old = out.get(head, default(kind, head) if head in kinds(kind) else None)
        old = {"name": old} if isinstance(old, str) and options else old
        if is_open(inner) and isinstance(change, dict):
            out[head] = (opened(inner, old) if rest else {}) | change
        elif isinstance(change, dict):
            kept = old if isinstance(old, dict) and "name" not in change else {}
            chosen = (kept or change).get("name")
            out[head] = merged(kept, change, options.get(str(chosen), inner))
        else:
            out[head] = change
    return out


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
    whole_run = isinstance(config.lr_schedule, Cosine | Linear)
    values = _departures(config)
    for key in FREE_KEYS:
        if not (key == "steps" and whole_run):
            values.pop(key, None)
    data = values.pop("data", {})
    values |= {f"data.{key}": value for key, value in data.items() if key not in FREE_OF_DATA}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _departures(section: Any) -> Any:
    """What differs from the defaults, so that a key that a later version adds changes nothing."""
    if is_dataclass(section):
        return {
            key.name: _departures(getattr(section, key.name))
            for key in fields(section)
            if key.name == "name"
            or plain(getattr(section, key.name)) != default(type(section), key.name)
        }
    if isinstance(section, list | tuple):
        return [_departures(part) for part in section]
    return section
