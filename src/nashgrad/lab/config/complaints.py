"""One clear line for what pydantic finds wrong with a configuration."""

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from nashgrad.lab.common.errors import UsageError, did_you_mean, known_names
from nashgrad.lab.config.config import Config
from nashgrad.lab.config.keys import kinds, variants, walk, words

# What the value of a key is called, where it is not called like the key.
NOUNS = {
    "generator": "optimizer",
    "discriminator": "optimizer",
    "penalties": "penalty",
    "turns": "player",
    "source": "player",
    "target": "player",
}
EXPECTED = {
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "dataclass_type": "a section with keys",
    "model_attributes_type": "a section with keys",
    "dict_type": "a section",
}
LIMITS = {
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "finite_number": "must be finite",
}


def explain(
    errors: ValidationError,
    source: str,
    flags: Mapping[str, str],
    also: list[str],
    root: type = Config,
) -> UsageError:
    """The first error as one line, with the file or the command line's flag that is to blame.

    Args:
        errors: What pydantic found.
        source: The file's name.
        flags: For each dotted key that the command line gave, the flag as the user wrote it.
        also: What the command line knows beside the keys, for suggestions.
        root: The type of the whole.
    """
    # A key that nobody knows may be why another one is missing.
    all_of_them = sorted(errors.errors(include_url=False), key=lambda e: e["type"] == "missing")
    found = [_line(error, also, root, flags) for error in all_of_them]
    # A shorthand sets several keys: its errors are one.
    lines = list(dict.fromkeys(f"{_place(key, source, flags)}: {text}" for key, text in found))
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    return UsageError(f"{lines[0]}{more}")


def _place(key: str, source: str, flags: Mapping[str, str]) -> str:
    """Where the user has to look."""
    return _flag(key, flags) or (f"{source}: {key}" if key else source)


def _flag(key: str, flags: Mapping[str, str]) -> str | None:
    """What the command line called a key, if it gave it."""
    return next((flag for given, flag in flags.items() if _same_branch(given, key)), None)


def _same_branch(given: str, key: str) -> bool:
    """Whether one of two dotted keys lies within the other."""
    short, long = sorted((given, key), key=len)
    return long == short or long.startswith((f"{short}.", f"{short}["))


def _line(
    error: ErrorDetails, also: list[str], root: type, flags: Mapping[str, str]
) -> tuple[str, str]:
    """The dotted key and what is wrong with it."""
    steps = list(walk(root, error["loc"]))
    key = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step, _, _ in steps)
    key = key.removeprefix(".")
    kind = error["type"]
    last, holder, value_kind = steps[-1] if steps else ("", None, root)
    if kind == "unexpected_keyword_argument":
        known, near = list(kinds(holder)), also if holder is Config else []
        owner = f"{_noun(steps[:-1])} {error['loc'][-2]!r}" if "name" in known else ""
        return key, _unknown_key(str(last), owner, known, near, holder)
    if kind.startswith("union_tag"):
        name = None if kind == "union_tag_not_found" else error["ctx"]["tag"]
        if (other := _where_it_belongs(name, holder)) is not None:
            right = f"--{other} {name}" if _flag(key, flags) else f"{other}: {name}"
            return key, f"{name} is {_with_article(other)}: write {right}"
        return f"{key}.name", _unknown(name, _noun(steps), list(variants(value_kind)))
    if kind in ("literal_error", "int_parsing_size"):
        return key, _unknown(error["input"], _noun(steps), words(value_kind))
    if kind == "value_error" and not steps:
        found, _, message = str(error["ctx"]["error"]).partition(": ")
        return found, message
    if kind == "missing" and isinstance(last, int):
        return key.rpartition("[")[0], f"needs {len(get_args(holder))} values"
    return key, _wrong_value(error)


def _where_it_belongs(name: Any, holder: Any) -> str | None:
    """The key beside a wrong one whose sections have the name: `schedule` for `extragradient`."""
    if name == "none":  # a wish for nothing, not for the method of that name
        return None
    return next((key for key, kind in kinds(holder).items() if name in variants(kind)), None)


def _with_article(key: str) -> str:
    """What a key holds: a schedule, an lr schedule."""
    return f"{'an' if key[0] in 'aeiou' or key.startswith('lr') else 'a'} {key.replace('_', ' ')}"


def _unknown_key(key: str, owner: str, known: list[str], near: list[str], holder: Any) -> str:
    """What to say of a key; `owner` is the named section that lacks it, `near` may be meant too."""
    inside = [
        name
        for name, section in kinds(holder).items()
        if any(key in kinds(kind) for kind in (section, *variants(section).values()))
    ]
    if "." in key:
        first, _, rest = key.partition(".")
        return f"unknown key; keys of a file nest: {first}: {{{rest}: ...}}"
    if inside:
        return f"unknown key, did you mean {inside[0]}.{key}?"
    if suggestion := did_you_mean(key, [*known, *near]):
        return f"unknown key{suggestion}"
    return f"{owner} has no {key}" if owner else f"unknown key; known: {', '.join(known)}"


def _unknown(name: Any, noun: str, known: list[str]) -> str:
    """A name that is missing, or that nothing has."""
    if name is None:
        return f"missing; known: {', '.join(known)}"
    return f"unknown {noun} {_shown(name)}{known_names(str(name), known)}"


def _noun(steps: list[tuple[str | int, Any, Any]]) -> str:
    """What to call the value at a location: a method, a player ..."""
    key = next(str(step) for step, _, _ in reversed(steps) if isinstance(step, str))
    return NOUNS.get(key, key.replace("_", " "))


def _wrong_value(error: ErrorDetails) -> str:
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    if kind == "float_type" and _is_not_finite(value):  # YAML writes .nan, people nan
        kind, value = "finite_number", float(value)
    if kind == "missing":
        return "this key is required"
    if kind == "value_error":
        return str(context["error"])
    if kind == "too_short":
        return f"needs at least {context['min_length'] if context['min_length'] > 1 else 'one'}"
    if kind == "too_long":
        return f"needs {context['max_length']} values"
    if kind in EXPECTED:
        return f"expected {EXPECTED[kind]}, got {_shown(value)}"
    if kind in LIMITS:
        return f"{LIMITS[kind].format(**context)}, got {_shown(value)}"
    message = error["msg"]
    return f"{message[0].lower()}{message[1:]}, got {_shown(value)}"


def _is_not_finite(value: Any) -> bool:
    """Whether it is the text of a number that is not finite."""
    with suppress(ValueError):
        return isinstance(value, str) and not math.isfinite(float(value))
    return False


def _shown(value: Any) -> str:
    """A value as a configuration writes it, cut where it is long."""
    plain = value is None or isinstance(value, bool)
    text = {None: "null", True: "true", False: "false"}[value] if plain else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
