"""The list of keys that `nashgrad train --help` ends with."""

from collections.abc import Iterator
from textwrap import fill, indent
from typing import Any

from nashgrad.lab.config.config import Config
from nashgrad.lab.config.keys import default, fields, item, kinds, variants, words
from nashgrad.lab.config.strict_yaml import write

INDENT = 4 * " "
COLUMN = 48  # where the meaning of a key starts

INTRODUCTION = """\
Every key of the file can be given on the command line, in dots: --data.batch 128.
A list takes several words: --schedule.turns discriminator discriminator generator.

shorthands:
  --method NAME   the section of that name with its own defaults; of the old section it keeps
                  gamma, lr and latent where it has the like. So do --schedule, --model, --game,
                  --lr_schedule, --optimizer.generator and --optimizer.discriminator
  --gamma G       --method.gamma
  --lr RATE       --optimizer.generator.lr and --optimizer.discriminator.lr
  --gamma.generator G, --gamma.discriminator.layers.0 G: of one player, or of the parameters whose
                  names begin so; all others keep theirs. In a file, what no name fits has 0:
                  method: {name: consensus, gamma: {generator: 1, discriminator.layers.0: 10}}

keys (default):"""


def describe_keys() -> str:
    """All keys with their defaults and what they mean."""
    return "\n".join((INTRODUCTION, *_section(Config, "--", set())))


def _section(section: Any, prefix: str, shown: set[Any]) -> Iterator[str]:
    """A line for each key of a section and of those inside; `shown` types are not repeated."""
    for key, kind in kinds(section).items():
        if key == "name":
            continue
        meaning = fields(section)[key].description or ""
        options = variants(kind) or variants(item(kind))
        if options:
            same = ", chosen from the same" if kind in shown else ""
            yield _line(f"{prefix}{key}", f"NAME ({_name(section, key)})", f"{meaning}{same}")
            if not same:
                yield from _options(options, f"{prefix}{key}." if variants(kind) else "")
            shown.add(kind)
        elif kinds(kind):
            yield from _section(kind, f"{prefix}{key}.", shown)
        else:
            choice = f" ({', '.join(words(kind))})" if words(kind) else ""
            yield _line(f"{prefix}{key}", f"({_default(section, key)})", f"{meaning}{choice}")


def _options(options: Any, prefix: str) -> Iterator[str]:
    """Each section that can be chosen, its names first."""
    for section in dict.fromkeys(options.values()):
        names = ", ".join(name for name, option in options.items() if option is section)
        yield indent(_wrapped(f"{names}: {section.__doc__}", 4), INDENT)
        yield from (indent(line, INDENT) for line in _section(section, prefix, set()))


def _line(key: str, value: str, meaning: str) -> str:
    return indent(_wrapped(f"{f'{key} {value}':<{COLUMN}} {meaning}", COLUMN + 1), "  ")


def _wrapped(text: str, hanging: int) -> str:
    return fill(text, 94, subsequent_indent=hanging * " ", break_on_hyphens=False)


def _name(section: Any, key: str) -> str:
    if fields(section)[key].is_required():
        return "required"
    value = default(section, key)
    return str(value["name"]) if isinstance(value, dict) else "none"


def _default(section: Any, key: str) -> str:
    if fields(section)[key].is_required():
        return "required"
    value = default(section, key)
    return write(value).removesuffix("\n").removesuffix("\n...")
