"""What players feel of each other, and what a detach hides of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from nashgrad.analysis.doctor.alone import blame
from nashgrad.analysis.doctor.audit import Finding
from nashgrad.analysis.doctor.differences import wrong_blocks
from nashgrad.analysis.doctor.layers import is_spectral
from nashgrad.analysis.doctor.patient import Patient
from nashgrad.analysis.doctor.wording import GAME, REWRITE, first_line
from nashgrad.core.space import PlayerSpace

SECOND = ("second order",)
LOST = "products with J contradict differences of v: a part of J is lost without a word"
ATTACH = "remove detach() and torch.no_grad() between the two, if they are meant to interact"


def check_players(patient: Patient, repeatable: bool) -> Iterator[Finding]:
    """Blocks of J that are exactly zero, and blocks that are wrong."""
    few = patient.few()
    wrong: list[tuple[str, str]] = []
    if repeatable:
        try:
            wrong = wrong_blocks(few)
        except Exception as error:
            yield _not_compared(error)
    modules = blame(few, lambda alone: bool(wrong_blocks(alone))) if wrong else [GAME]
    if modules != [GAME]:
        yield from _lost(patient, modules)
        wrong = []  # of what these modules lose nothing can be said of detaches
    cut = _cut(patient)
    hidden = [pair for pair in wrong if pair in cut]
    if len(wrong) > len(hidden):
        rows = {p: None for p, q in wrong if (p, q) not in hidden}
        for player in rows:
            fix = "look for detach(), torch.no_grad() and rounding in its loss"
            yield Finding("error", player, LOST, fix, SECOND)
    yield from _zeros(patient, cut, hidden)


def _not_compared(error: Exception) -> Finding:
    what = f"products with J were not compared with differences in float64: {first_line(error)}"
    return Finding("note", GAME, what, "let all that the losses use follow the parameters' type")


def _lost(patient: Patient, modules: list[str]) -> Iterator[Finding]:
    for name in modules:
        if not is_spectral(patient.game.get_submodule(name)):  # which is told of the layers
            yield Finding("error", name, LOST, REWRITE, SECOND)


def _zeros(
    patient: Patient, cut: list[tuple[str, str]], hidden: list[tuple[str, str]]
) -> Iterator[Finding]:
    players = patient.space.players
    for p in players:
        unfelt = [q for q in players if (p, q) in cut]
        alone = len(unfelt) == len(players) - 1
        for q in unfelt:
            if (p, q) in hidden:
                what = f"its gradient feels {q!r} through a detach: that block of J is lost"
                yield Finding("warning", p, what, ATTACH, SECOND)
            else:
                what = f"its gradient does not feel {q!r}: that block of J is exactly zero"
                yield Finding("warning" if alone else "note", p, what, ATTACH)


def _cut(patient: Patient) -> list[tuple[str, str]]:
    """The pairs (p, q) for which no way leads from v_p back to x_q.

    A block that happens to be zero, behind dead ReLUs say, is not among them.
    """
    losses, players = patient.query().losses(), patient.space.players
    return [
        (p, q)
        for p in players
        for q in players
        if p != q and not _reaches(patient.space, losses[p], p, q)
    ]


def _reaches(space: PlayerSpace, loss: Tensor, row: str, column: str) -> bool:
    own, other = space.parameters_of(row), space.parameters_of(column)
    gradient: Sequence[Tensor | None] = torch.autograd.grad(
        loss, own, create_graph=True, allow_unused=True
    )
    bent = [g.sum() for g in gradient if g is not None and g.requires_grad]
    if not bent:
        return False
    blocks = torch.autograd.grad(
        torch.stack(bent).sum(), other, retain_graph=True, allow_unused=True
    )
    return any(block is not None for block in blocks)
