"""Errors of torch and of this library, told as findings."""

from __future__ import annotations

import re

from nashgrad.analysis.doctor.audit import Finding, Level

GAME = "game"
"""What is named when no module and no player is."""

REWRITE = "write it, its backward included, in operations that torch can differentiate twice"

CURES = {  # a part of torch's message: what to do
    "scaled_dot_product": "use torch.nn.attention.sdpa_kernel(SDPBackend.MATH) around the step",
    "use_reentrant": "call torch.utils.checkpoint with use_reentrant=False",
    "aot_autograd": "compile nothing inside of the game",
    "cudnn": "use torch.backends.cudnn.flags(enabled=False) around the step",
    "CuDNN": "use torch.backends.cudnn.flags(enabled=False) around the step",
    "once_differentiable": "write its backward in operations that torch can differentiate",
    "inplace operation": "write its result to a new tensor",
    "Expected more than 1 value per channel": "use two samples at least, or another norm",
}

_OWN = re.compile(r"(?:player|module|parameter) '([^']+)'(?:: | )(.*)", re.DOTALL)


def first_line(error: Exception) -> str:
    """The first line of a message, or the error's name where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def cure(error: Exception, otherwise: str = REWRITE) -> str:
    """What to do about an error of torch's."""
    return next((fix for part, fix in CURES.items() if part in str(error)), otherwise)


def told(error: Exception, level: Level, otherwise: str, features: tuple[str, ...]) -> Finding:
    """This library's own error as a finding: `player 'a': what; fix`."""
    whose, message = GAME, first_line(error)
    if match := _OWN.match(message):
        whose, message = match.groups()
    what, fix, *_ = [*re.split(r"; |: (?=pass )", message, maxsplit=1), otherwise]
    return Finding(level, whose, what, fix, features)
