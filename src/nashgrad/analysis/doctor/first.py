"""Losses and their gradients: whether they come, are finite and reach everything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import torch
from torch import Tensor

from nashgrad.analysis.doctor.alone import Record, blame, plain, recorded
from nashgrad.analysis.doctor.audit import FEATURES, Finding
from nashgrad.analysis.doctor.patient import Patient
from nashgrad.analysis.doctor.wording import cure, first_line, told
from nashgrad.core.checks import check_game
from nashgrad.core.game import Losses

WAYS = (
    "its loss has to use its parameters: look for detach(), torch.no_grad(), .item(), or modules "
    "that the game does not hold"
)


def check_first(patient: Patient) -> Iterator[Finding]:
    """The forward pass and the first derivatives."""
    with recorded(patient.game) as record:
        try:
            losses = patient.query().losses()
        except Exception as error:
            yield _no_losses(error, record)
            return
    infinite = [p for p in losses if not losses[p].isfinite()]
    if infinite:
        value = losses[infinite[0]].item()
        yield _not_finite(infinite[0], f"its loss is {value}", record)
        return
    yield from _gradients(patient, losses, record)
    try:
        check_game(patient.query(), means=False, repeats=False)
    except ValueError as error:
        yield told(error, "error", "give its module to a player", FEATURES)


def _no_losses(error: Exception, record: Record) -> Finding:
    if not record.inside:  # the game's own forward, or what it returned
        return told(error, "error", cure(error, "correct the game's forward"), FEATURES)
    what = f"the forward pass fails: {first_line(error)}"
    return Finding("error", record.innermost, what, cure(error, "correct this module"), FEATURES)


def _not_finite(player: str, what: str, record: Record) -> Finding:
    fix = "look for log, roots, norms and division at zero, and at parameters and the batch"
    if record.not_finite:
        what = "its output is not finite, and a loss or gradient with it"
        return Finding("error", plain(record.not_finite[0]), what, fix, FEATURES)
    return Finding("error", player, what, fix, FEATURES)


def _gradients(patient: Patient, losses: Losses, record: Record) -> Iterator[Finding]:
    for player in patient.space.players:
        if not losses[player].requires_grad:
            yield _unreached(player)
            continue
        try:
            gradient = _gradient(patient, losses, player)
        except Exception as error:
            what = f"its gradient fails: {first_line(error)}"
            for name in blame(patient.few(), _no_gradient):
                yield Finding("error", name, what, cure(error), FEATURES)
            return  # of the first player that fails
        yield from _looked_at(patient, player, gradient, record)


def _gradient(patient: Patient, losses: Losses, player: str) -> Sequence[Tensor | None]:
    own = patient.space.parameters_of(player)
    found: Sequence[Tensor | None] = torch.autograd.grad(
        losses[player], own, retain_graph=True, allow_unused=True
    )
    return found


def _no_gradient(patient: Patient) -> bool:
    try:
        losses = patient.query().losses()
        for player in patient.space.players:
            _gradient(patient, losses, player)
    except RuntimeError:
        return True
    return False


def _looked_at(
    patient: Patient, player: str, gradient: Sequence[Tensor | None], record: Record
) -> Iterator[Finding]:
    names = [n for n in patient.space.names if n == player or n.startswith(f"{player}.")]
    unused = [name for name, piece in zip(names, gradient, strict=True) if piece is None]
    if len(unused) == len(names):
        yield _unreached(player)
        return
    for module, group in groupby(unused, key=lambda name: plain(name.rpartition(".")[0])):
        own = ", ".join(name.rpartition(".")[2] for name in group)
        what = f"{own}: no gradient of the loss of {player!r} comes here, so it will not move"
        yield Finding("warning", module, what, "use it in the loss, or freeze it")
    for name, piece in zip(names, gradient, strict=True):
        if piece is not None and not piece.isfinite().all():
            yield _not_finite(player, f"the gradient by {name} is not finite", record)
            return


def _unreached(player: str) -> Finding:
    return Finding("error", player, "its loss does not depend on its parameters", WAYS, FEATURES)
