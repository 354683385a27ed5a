"""What an audit found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

Level: TypeAlias = Literal["error", "warning", "note"]

LEVELS: tuple[Level, ...] = ("error", "warning", "note")

FEATURES = ("second order", "repeatable", "micro-batches", "data parallel", "autocast", "compile")
"""What a game may support, beside plain training on one batch at a time."""


class Finding(NamedTuple):
    """One thing that was found.

    - `level`: "error" stops training, or makes it another one without a word; a "warning" is
      probably not meant; a "note" is how this game is.
    - `module`: the dotted name of a module, or a player's; "game" for the whole.
    - `what`, `fix`: one line each.
    - `features`: those that suffer.
    """

    level: Level
    module: str
    what: str
    fix: str
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audit:
    """All that was found of a game before its training, the worst first."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.of("error")

    @property
    def supports(self) -> dict[str, bool]:
        """Whether nothing was found, but for notes, that a feature suffers from."""
        lost = {f for found in self.of("error", "warning") for f in found.features}
        return {feature: feature not in lost for feature in FEATURES}

    def of(self, *levels: Level) -> tuple[Finding, ...]:
        """The findings of these levels."""
        return tuple(found for found in self.findings if found.level in levels)

    def __str__(self) -> str:
        lines = [line for found in self.findings for line in _lines(found)]
        marks = [f"{name} {'yes' if good else 'no'}" for name, good in self.supports.items()]
        return "\n".join([self._summary(), *lines, f"supports: {', '.join(marks)}"])

    def _summary(self) -> str:
        counts = [(len(self.of(level)), level) for level in LEVELS]
        told = [f"{n} {level}{'s' if n > 1 else ''}" for n, level in counts if n]
        return ", ".join(told) or "nothing found"


def _lines(found: Finding) -> list[str]:
    suffer = f" [{', '.join(found.features)}]" if found.features else ""
    return [f"{found.level:8}{found.module}: {found.what}{suffer}", f"{'':8}fix: {found.fix}"]


def audit_of(findings: Iterable[Finding]) -> Audit:
    """An audit: each finding once, the worst first, otherwise in the order in which they came."""
    unique = dict.fromkeys(findings)
    return Audit(tuple(sorted(unique, key=lambda found: LEVELS.index(found.level))))
