"""Reads the command line, runs a command, and turns what went wrong into one line."""

import io
import os
import re
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import fields
from importlib.metadata import version
from itertools import groupby
from typing import Any, get_args, get_type_hints

import tyro

from nashgrad.lab.commands.arguments import COMMANDS, Classifier, Command, Train
from nashgrad.lab.common.errors import UsageError, closest_or_all, did_you_mean
from nashgrad.lab.config.help import describe_keys
from nashgrad.lab.config.overrides import Override, split

DESCRIPTION = "Train GANs and other smooth games to an equilibrium. --version prints the version."
HELP = {"-h", "--help"}
TAKE_KEYS = ("train", "classifier")  # of a configuration, on the command line
USAGE_ERROR, INTERRUPTED, BROKEN_PIPE = 2, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; what the user can put right is one line and 2."""
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Python flushes once more when it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return code


def _run(words: list[str]) -> int:
    if words[:1] == ["--version"]:
        sys.stdout.write(f"nashgrad {version('nashgrad')}\n")
        return 0
    name = _command_name(words)
    if name is None or HELP & set(words):
        return _print_help(name)
    own, overrides = _divided(name, words) if name in TAKE_KEYS else (words, [])
    _refuse_unknown_flags(name, own)
    _refuse_words_for_numbers(name, own)
    command = _parsed(own)
    return command.run(overrides) if isinstance(command, Train | Classifier) else command.run()


def _command_name(words: list[str]) -> str | None:
    """The command; None when only help is asked for."""
    if not words or words[0] in HELP:
        return None
    if words[0] not in COMMANDS:
        raise UsageError(
            f"nashgrad: unknown command {words[0]!r}{closest_or_all(words[0], COMMANDS)}"
        )
    return words[0]


def _print_help(name: str | None) -> int:
    try:
        _parsed([name, "--help"] if name else ["--help"])
    except SystemExit:
        if name in TAKE_KEYS:
            sys.stdout.write(f"{describe_keys()}\n")
    return 0


def _divided(name: str, words: list[str]) -> tuple[list[str], list[Override]]:
    """The words that are the command's own, and the configuration's keys with their values."""
    own: list[str] = []
    keys: list[str] = []
    side = own
    for word in words:
        if word.startswith("--"):
            side = own if word.partition("=")[0] in _flags(name) else keys
        side.append(word)
    if not any(not word.startswith("-") for word in own[1:]):
        raise UsageError(f"nashgrad {name}: needs a file first: nashgrad {name} CONFIG --key value")
    return own, split(keys)


def _refuse_unknown_flags(name: str, words: list[str]) -> None:
    known = _flags(name)
    for word in words[1:]:
        flag = word.partition("=")[0]
        if word.startswith("--") and flag not in known:
            raise UsageError(f"nashgrad {name}: unknown flag {flag}{did_you_mean(flag, known)}")


def _refuse_words_for_numbers(name: str, words: list[str]) -> None:
    hints = get_type_hints(COMMANDS[name])
    whole = {f"--{key.replace('_', '-')}" for key, kind in hints.items() if _is_whole(kind)}
    for word, following in zip(words, [*words[1:], ""], strict=True):
        flag, joined, value = word.partition("=")
        value = value if joined else following
        if flag in whole and not re.fullmatch(r"[+-]?[0-9_]+|None|--.*|", value):
            raise UsageError(f"{flag}: expected an integer, got {value!r}")


def _is_whole(kind: Any) -> bool:
    return kind is int or set(get_args(kind)) == {int, type(None)}


def _flags(name: str) -> list[str]:
    """A command's own; those that it takes by their place have none, but nobody types theirs."""
    return [f"--{field.name.replace('_', '-')}" for field in fields(COMMANDS[name])]


def _parsed(words: list[str]) -> Command:
    """What tyro makes of the words; its framed complaint becomes one line."""
    complaint = io.StringIO()
    try:
        with redirect_stderr(complaint):
            command: Command = tyro.cli(
                Command,
                prog="nashgrad",
                description=DESCRIPTION,
                args=words,
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    except SystemExit as end:
        if not end.code:
            raise
        raise UsageError(f"nashgrad: {_one_line(complaint.getvalue())}") from None
    return command


def _one_line(framed: str) -> str:
    """The paragraph below the title of tyro's first frame, which is drawn or made of dashes."""
    _, *lines = (line.strip("│ ") for line in framed.splitlines())
    paragraphs = groupby(lines, key=lambda line: bool(line.strip("─-╭╮╰╯ ")))
    return next((" ".join(group) for text, group in paragraphs if text), "cannot read this")
