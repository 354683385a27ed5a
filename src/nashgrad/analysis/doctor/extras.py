"""Autocast, tried; torch.compile, tried when that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from nashgrad.analysis.doctor.alone import recorded
from nashgrad.analysis.doctor.audit import Finding
from nashgrad.analysis.doctor.patient import Patient
from nashgrad.analysis.doctor.wording import GAME, first_line
from nashgrad.core.linearization import Order

FULL = "keep what needs it in full precision: torch.autocast(device, enabled=False) around it"


def check_autocast(patient: Patient, order: Order) -> Iterator[Finding]:
    """A field, and one product with J^T where order is 2, in bfloat16."""
    query = replace(patient.query(order), autocast=torch.bfloat16)
    with recorded(patient.game) as record:
        try:
            at = patient.engine.linearize(query)
            u = torch.randn_like(at.value)
            finite = [at.value, at.jacobian.T @ u] if order == 2 else [at.value]
        except Exception as error:
            what = f"fails under bfloat16 autocast: {first_line(error)}"
            yield Finding("warning", record.innermost, what, FULL, ("autocast",))
            return
    if not all(x.isfinite().all() for x in finite):
        what = "v or a product is not finite under bfloat16 autocast"
        yield Finding("warning", GAME, what, FULL, ("autocast",))


def check_compile(patient: Patient, tried: bool) -> Iterator[Finding]:
    """Whether torch traces the losses into one graph; nothing is generated or run from it."""
    if not tried:
        yield Finding("note", GAME, "torch.compile was not tried", "doctor(..., compile=True)")
        return
    game = patient.game
    try:
        seen = torch._dynamo.explain(lambda: game(patient.batch, patient.space.players))()
        reasons = [str(reason.reason).splitlines()[0] for reason in seen.break_reasons]
    except Exception as error:
        reasons = [first_line(error)]
    for reason in dict.fromkeys(reasons):
        what = f"torch.compile does not see one graph: {reason}"
        fix = "avoid branches on values, prints and .item() in the losses, or do without it"
        yield Finding("warning", GAME, what, fix, ("compile",))
