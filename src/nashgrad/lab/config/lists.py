"""Lists of values to try, in the files of tournaments and sweeps."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from nashgrad.lab.config.limits import Positive, Seed


def list_such_as(example: str) -> BeforeValidator:
    """Refuses a single value: `seeds: 2` might be meant as two of them."""

    def refuse(value: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise ValueError(f"expected a list, such as {example}")
        return value

    return BeforeValidator(refuse)


Seeds = Annotated[tuple[Seed, ...], list_such_as("[0, 1]"), Field(min_length=1)]
Factors = Annotated[tuple[Positive, ...], list_such_as("[0.5, 1, 2]"), Field(min_length=1)]
Values = Annotated[tuple[Any, ...], list_such_as("[0.1, 1, 10]"), Field(min_length=1)]


SET_BY_STUDIES: dict[str, str] = {
    "seed": "list them in seeds",
    "threads": "each run has one",
    "out": "give the study's with --out",
    "log.every": "points says how often runs are looked at",
    "evaluate.every": "points says how often runs are judged",
    "evaluate.pictures": "runs of studies draw none",
    "checkpoint.every": "runs are saved as often as points has it",
    "checkpoint.keep": "the last one is kept",
}
"""Keys that runs of a study do not vary, and what says so instead."""


def not_listened_to(
    where: str, changes: Mapping[str, Any], known: Mapping[str, str] = SET_BY_STUDIES
) -> Iterator[str]:
    """Which keys of a variant a study would pass over, as `key: text` lines."""
    for key, value in changes.items():
        if key in known:
            yield f"{where}.{key}: is not varied: {known[key]}"
        elif isinstance(value, Mapping):
            inner = {f"{key}.{name}": changed for name, changed in value.items()}
            yield from not_listened_to(where, inner, known)


def given_twice(values: tuple[Any, ...]) -> bool:
    """Whether two values would have the same name."""
    return len({text(value) for value in values}) < len(values)


def text(value: Any) -> str:
    """A value as names of runs have it: numbers short, lists with dashes, sections by name."""
    if isinstance(value, dict):
        rest = [f"{key} {text(inner)}" for key, inner in value.items() if key != "name"]
        return " ".join([str(value.get("name", "")), *rest]).strip()
    if isinstance(value, list | tuple):
        return "-".join(map(text, value))
    if isinstance(value, bool) or value is None:
        return {None: "none", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float | int) else str(value)


def unfit_for_folders(key: str, names: Iterable[str]) -> Iterator[str]:
    """What is wrong with names that folders are to have, as `key: text` lines."""
    for name in names:
        if not re.fullmatch(r"\w[\w +(),.=-]{0,79}", name):
            yield (
                f"{key}: {name[:80]!r} names a folder as well: at most 80 letters, digits, "
                "blanks and any of _+(),.=-"
            )
