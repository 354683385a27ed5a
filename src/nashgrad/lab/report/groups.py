"""Which runs are one method with several seeds, what each is called, and which keys differ."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from nashgrad.lab.config.files import FREE_KEYS, FREE_OF_DATA

Flat: TypeAlias = Mapping[str, str]
"""A configuration's values as text, by dotted key."""

APART = ("seed", *FREE_KEYS, *(f"data.{key}" for key in FREE_OF_DATA))
"""Keys that make no other method."""
HIDDEN = ("out",)
"""Differs in all runs by its nature."""


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Values as text by dotted key.

    >>> flat({"seed": 1, "method": {"name": "consensus", "source": None}, "loss": "js"})
    {'seed': '1', 'method.name': 'consensus', 'method.source': 'null', 'loss': 'js'}
    """
    values: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            values |= flat(value, f"{prefix}{key}.")
        else:
            values[f"{prefix}{key}"] = value if isinstance(value, str) else _text(value)
    return values


def _text(value: Any) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        return str(value)


def differing(configs: Sequence[Flat]) -> list[str]:
    """The keys whose values are not the same in all configurations, in their order."""
    keys = dict.fromkeys(key for config in configs for key in config)
    return [k for k in keys if k not in HIDDEN and len({c.get(k) for c in configs}) > 1]


def unusual(configs: Sequence[Flat], key: str) -> list[bool]:
    """Which configurations do not have the value that most have; all differ where none leads."""
    counts = Counter(config.get(key) for config in configs).most_common()
    if len(counts) < 2:
        return [False] * len(configs)
    leads = counts[0][1] > counts[1][1]
    return [not leads or config.get(key) != counts[0][0] for config in configs]


def labels(configs: Sequence[Flat]) -> list[str]:
    """The method of each configuration, with what else tells it from the others.

    Runs that differ in their seed, in where they ran or in how they were looked at share a label.

    >>> runs = [("consensus", "1", "0"), ("consensus", "1", "1"), ("none", "1", "0")]
    >>> labels([{"method.name": m, "steps": n, "seed": seed} for m, n, seed in runs])
    ['consensus', 'consensus', 'simultaneous']
    """
    essential = [_essential(config) for config in configs]
    games = {config.get("game.name") for config in configs}
    names = [_name(config, several_games=len(games) > 1) for config in essential]
    told = []
    for config, name in zip(essential, names, strict=True):
        same = [other for other, its in zip(essential, names, strict=True) if its == name]
        keys = [key for key in differing(same) if key in config]
        told.append(", ".join([name, *_pairs({key: config[key] for key in keys})]))
    return told


def _essential(config: Flat) -> dict[str, str]:
    return {key: value for key, value in config.items() if not _is_apart(key)}


def _is_apart(key: str) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in APART)


def _name(config: Flat, *, several_games: bool) -> str:
    method = config.get("method.name", config.get("method", "unknown method"))
    schedule = config.get("schedule.name", config.get("schedule", "simultaneous"))
    known = {"none": "" if schedule != "simultaneous" else "simultaneous"}
    parts = [known.get(method, method), "" if schedule == "simultaneous" else schedule]
    name = " + ".join(part for part in parts if part)
    return f"{config.get('game.name', 'unknown game')}: {name}" if several_games else name


def _pairs(values: Mapping[str, str]) -> Iterable[str]:
    """Each key with its value; both players' as one where they agree.

    >>> list(_pairs({"optimizer.generator.lr": "1", "optimizer.discriminator.lr": "1"}))
    ['lr 1']
    >>> list(_pairs({"method.gamma.generator": "1", "method.gamma.discriminator.layers.0": "1"}))
    ['gamma of generator 1', 'gamma of discriminator.layers.0 1']
    """
    seen: dict[str, set[str]] = {}
    for key, value in values.items():
        seen.setdefault(_short(key), set()).add(value)
    for key, value in values.items():
        last = _short(key)
        if len(seen.get(last, ())) == 1:
            seen.pop(last)
            yield f"{last if last != 'name' else key.split('.')[0]} {value}"
        elif last in seen:
            yield f"{key} {value}"


def _short(key: str) -> str:
    """The last part of a key, or the block that a gamma is of."""
    _, gamma, block = key.partition("method.gamma.")
    return f"gamma of {block}" if gamma else key.rpartition(".")[2]
