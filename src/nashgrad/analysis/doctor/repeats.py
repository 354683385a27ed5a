"""The same batch again, taken twice, and in parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from nashgrad.analysis.doctor.alone import blame
from nashgrad.analysis.doctor.audit import Finding
from nashgrad.analysis.doctor.layers import PARTS, is_batch_norm
from nashgrad.analysis.doctor.patient import Patient
from nashgrad.analysis.doctor.wording import GAME, first_line, told
from nashgrad.core.batches import batch_size, head_twice, split_batch
from nashgrad.core.checks import HEAD, check_game, random_players

COUPLED = 1e-3
"""By how much the mean over halves may differ from the field of the whole, relatively."""


def check_repeats(patient: Patient) -> Iterator[Finding]:
    """Whether losses draw random numbers of their own; names the modules that do."""
    random = random_players(patient.query())
    if not random:
        return
    modules = blame(patient.few(), lambda alone: bool(random_players(alone.query())))
    features = ("repeatable", "micro-batches")
    if modules == [GAME]:
        for player in random:
            what = "its loss draws random numbers outside of the batch; diagnosis refuses it"
            fix = "put them into the batch: latents, noise, mixing weights"
            yield Finding("warning", player, what, fix, features)
    for name in modules if modules != [GAME] else []:
        what = f"draws random numbers, so the loss of {random[0]!r} changes; diagnosis refuses it"
        fix = "switch dropout off (eval() on it, p=0), or put the noise into the batch"
        yield Finding("warning", name, what, fix, features)


def check_parts(patient: Patient, repeatable: bool) -> Iterator[Finding]:
    """Whether the mean over parts of a batch is what the whole batch gives."""
    try:
        size = batch_size(patient.batch)
    except ValueError as error:
        fix = "give all tensors of the batch one leading dimension; constants belong elsewhere"
        yield Finding("warning", GAME, first_line(error), fix, PARTS)
        return
    try:
        check_game(patient.query(), means=True, repeats=False)
        coupled = _coupled(patient) if size > 1 and repeatable else []
    except Exception as error:
        yield _of_parts(error)
        return
    for player in coupled:
        what = "its loss couples samples: halves of a batch do not average to the whole"
        fix = "use whole batches on one rank, or a loss that is a mean of samples' own"
        yield Finding("warning", player, what, fix, PARTS)


def _of_parts(error: Exception) -> Finding:
    if "no mean over the batch" in str(error):
        found = told(error, "warning", "divide it by the number of samples", PARTS)
        return found._replace(
            what=found.what.replace(", which micro-batches and ranks rest on", "")
        )
    what = f"cannot be evaluated on another number of samples: {first_line(error)}"
    return Finding("warning", GAME, what, "take the number of samples from the batch", PARTS)


def _coupled(patient: Patient) -> list[str]:
    if any(is_batch_norm(module) for module in patient.game.modules()):
        return []  # which is told of the layers
    whole = head_twice(patient.batch, HEAD)[0]
    total, parts = batch_size(whole), split_batch(whole, 2)
    v = replace(patient, batch=whole).linearize(1).value
    halves = [
        batch_size(part) / total * replace(patient, batch=part).linearize(1).value for part in parts
    ]
    apart = patient.space.norms(v - halves[0] - halves[1])
    scales = patient.space.norms(halves[0].abs() + halves[1].abs())
    limit = max(COUPLED, 10 * torch.finfo(v.dtype).eps)
    return [p for p in apart if apart[p] > limit * scales[p]]
