"""Walks the configuration's types: the keys of a section, the section that a name stands for."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from nashgrad.lab.config.limits import LABELS, Player


def only_section(kind: Any) -> Any:
    """The section itself where null may stand in its place; None if there is none."""
    options = [o for o in get_args(kind) or [kind] if isinstance(o, type) and is_dataclass(o)]
    return options[0] if len(options) == 1 else None


@cache
def kinds(section: Any) -> Mapping[str, Any]:
    """The keys of a section and the type of each; none for what is not a section."""
    found = only_section(section)
    return {} if found is None else get_type_hints(found)


@cache
def variants(kind: Any) -> Mapping[str, Any]:
    """The section that each name stands for; none for a type that is not chosen by name."""
    return {
        name: option
        for option in get_args(kind)
        if "name" in kinds(option)
        for name in get_args(kinds(option)["name"])
    }


def item(kind: Any) -> Any:
    """The type of a list's items."""
    return get_args(kind)[0] if get_origin(kind) is tuple else None


def is_text(kind: Any) -> bool:
    """Whether a key holds free text."""
    return kind is str or str in get_args(kind)


def is_open(kind: Any) -> bool:
    """Whether a key may hold a value for each player or block, whose names have dots."""
    return any(get_origin(option) is dict for option in get_args(kind))


def opened(kind: Any, value: Any) -> Any:
    """The keys and values that a value stands for: one number is every player's."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return dict.fromkeys(get_args(Player), value) if is_open(kind) and is_number else value


def words(kind: Any) -> list[str]:
    """The words that a key can hold, where it holds one of a few."""
    inside = [word for option in get_args(kind) for word in (option, *get_args(option))]
    return [str(word) for word in inside if isinstance(word, str | int)]


def fields(section: Any) -> Mapping[str, FieldInfo]:
    """What is declared of each key: default, limits, description."""
    declared: Mapping[str, FieldInfo] = only_section(section).__pydantic_fields__
    return declared


def default(section: Any, key: str) -> Any:
    """The plain value of a key that nobody gave; None where there is no default."""
    declared = fields(section)[key]
    if declared.is_required():
        return None
    value = declared.get_default(call_default_factory=True)
    return plain(value)


def plain(value: Any) -> Any:
    """A section as keys and values; anything else as it is."""
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def walk(root: Any, location: tuple[str | int, ...]) -> Iterator[tuple[str | int, Any, Any]]:
    """Follows a location that pydantic reports: (key, section that holds it, type of its value).

    Pydantic adds the chosen name behind a section that is chosen by name; it is no key.
    """
    kind = root
    for key in location:
        if key in variants(kind):
            kind = variants(kind)[str(key)]
            continue
        if key in LABELS:
            continue
        holder, kind = kind, item(kind) if isinstance(key, int) else kinds(kind).get(key)
        yield key, holder, kind
