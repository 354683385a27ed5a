"""Keys given on the command line: `--optimizer.generator.lr 1e-4`, and shorthands.

A flag is a dotted key, or one of the shorthands `--gamma` (of the method) and `--lr` (of both
players). A section that is chosen by name takes the name alone: `--method consensus`. The new
section starts from its own defaults; of the old one it keeps `KEPT` where it has them, and
everything where both names stand for the same keys. Names are applied first, then shorthands,
then dotted keys, whatever their order on the command line.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.config.config import Config
from nashgrad.lab.config.keys import default, is_open, is_text, kinds, opened, variants
from nashgrad.lab.config.strict_yaml import parse_value

SHORTHANDS: Mapping[str, tuple[str, ...]] = {
    "gamma": ("method.gamma",),
    "lr": ("optimizer.generator.lr", "optimizer.discriminator.lr"),
}
KEPT = ("gamma", "lr", "latent")
OTHER_FLAGS = ("--overwrite", "--print-config")  # of the command itself


@dataclass(frozen=True)
class Override:
    """One flag of the command line and the words behind it."""

    flag: str
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """The flag as a key: no dashes in front, underscores inside."""
        return self.flag.removeprefix("--").replace("-", "_").removesuffix(".name")

    @property
    def keys(self) -> tuple[str, ...]:
        """The dotted keys that it sets."""
        return spelled_out(self.name)


def spelled_out(key: str) -> tuple[str, ...]:
    """The dotted keys that a key or shorthand stands for.

    >>> spelled_out("gamma.generator")
    ('method.gamma.generator',)
    """
    head, dot, rest = key.partition(".")
    return tuple(f"{long}{dot}{rest}" for long in SHORTHANDS.get(head, (head,)))


def split(words: Iterable[str]) -> list[Override]:
    """Groups words into flags and what follows each: `--a 1 2 --b=3`.

    >>> [(o.flag, o.words) for o in split(["--steps", "10", "--gamma=-1"])]
    [('--steps', ('10',)), ('--gamma', ('-1',))]
    """
    groups: list[tuple[str, list[str]]] = []
    for word in words:
        if word.startswith("--"):
            flag, equals, value = word.partition("=")
            groups.append((flag, [value] if equals else []))
        else:
            groups[-1][1].append(word)
    return [Override(flag, tuple(values)) for flag, values in groups]


def apply(values: dict[str, Any], overrides: Iterable[Override]) -> dict[str, str]:
    """Writes overrides into a configuration that nobody checked yet.

    Returns:
        For each dotted key that was given, the flag as the user wrote it; the more exact the
        key, the earlier.
    """
    flags: dict[str, str] = {}
    for override in sorted(overrides, key=_rank):
        for key in override.keys:
            _assign(values, Config, key.split("."), override)
            flags[key] = override.flag
    return dict(sorted(flags.items(), key=lambda entry: -len(entry[0])))


def _rank(override: Override) -> int:
    """Names of sections first, then shorthands, then exact keys."""
    if override.name in SHORTHANDS:
        return 1
    return 0 if variants(_kind(override.name)) else 2


def _kind(key: str) -> Any:
    """The type at a dotted key, where no name has to be known to find it."""
    kind: Any = Config
    for part in key.split("."):
        kind = kinds(kind).get(part)
    return kind


def _assign(holder: dict[str, Any], section: Any, keys: list[str], override: Override) -> None:
    key, *inner = keys
    kind = kinds(section).get(key)
    if not inner:
        _refuse_lacking(holder, section, key, override)
        if not override.words and (kind is not None or is_open(section)):
            raise UsageError(f"{override.flag}: needs a value")
        holder[key] = _value(kind, override, holder.get(key))
        return
    child = holder[key] = _opened(holder, section, key)
    if not isinstance(child, dict):
        raise UsageError(f"{override.flag}: {key} has no keys")
    if is_open(kind):
        inner = [".".join(inner)]
    options = variants(kind)
    _assign(child, options.get(str(child.get("name"))) if options else kind, inner, override)


def _refuse_lacking(holder: dict[str, Any], section: Any, key: str, override: Override) -> None:
    """A shorthand does not say where its key belongs, so its error has to."""
    if override.name in SHORTHANDS and section is not None and key not in kinds(section):
        raise UsageError(f"{override.flag}: method {holder.get('name')!r} has no {key}")


def _opened(holder: dict[str, Any], section: Any, key: str) -> Any:
    """A section of its own to write into: the one that is there, or the default one."""
    value = holder.get(key)
    if value is None:
        value = default(section, key) if key in kinds(section) else None
    if isinstance(value, str) and variants(kinds(section).get(key)):
        return {"name": value}
    value = opened(kinds(section).get(key), value)
    return {} if value is None else dict(value) if isinstance(value, dict) else value


def _value(kind: Any, override: Override, old: Any) -> Any:
    if len(override.words) != 1:
        return [parse_value(word) for word in override.words]
    word = override.words[0]
    value = parse_value(word)
    if is_text(kind):
        return None if word and value is None else word
    return _renamed(variants(kind), value, old) if variants(kind) else value


def _renamed(options: Mapping[str, Any], name: Any, old: Any) -> Any:
    """A section of another name, with what it keeps of the old one."""
    if not isinstance(name, str) or not isinstance(old, dict):
        return name
    before, after = options.get(str(old.get("name"))), options.get(name)
    kept = old if before is after else KEPT
    return {"name": name} | {
        key: old[key]
        for key in kept
        if key in old and key in kinds(after) and key != "name"
        if is_open(kinds(after)[key]) or not isinstance(old[key], dict)
    }
