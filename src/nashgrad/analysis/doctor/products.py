"""Products with the Jacobian: whether they come, and belong to one matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from nashgrad.analysis.doctor.alone import blame
from nashgrad.analysis.doctor.audit import Finding
from nashgrad.analysis.doctor.differences import wrong_blocks
from nashgrad.analysis.doctor.patient import Patient
from nashgrad.analysis.doctor.wording import GAME, REWRITE, cure, first_line, told

SECOND = ("second order",)


def check_products(patient: Patient) -> Iterator[Finding]:
    """Tries J^T u and J u, and compares them: <u, J w> = <J^T u, w>."""
    try:
        patient.game.check_jacobian()
    except ValueError as error:
        yield _placed(told(error, "error", REWRITE, SECOND), patient)
        return
    try:
        _products(patient)
    except Exception as error:
        what = f"no products with J: {first_line(error)}"
        yield from _blamed(patient, _fails, what, cure(error))
        return
    if not _adjoint(patient):
        what = "products with J and with J^T do not belong to one matrix"
        yield from _blamed(patient, _astray, what, REWRITE)


def _placed(found: Finding, patient: Patient) -> Finding:
    """A game may name a module as one of its players' nets knows it."""
    modules = dict(patient.game.named_modules())
    if found.module in modules:
        return found
    full = [
        name
        for name, module in modules.items()
        if name.endswith(f".{found.module}") and type(module).__name__ in found.what
    ]
    if len(full) == 1:
        return found._replace(module=full[0])
    return found._replace(module=GAME, what=f"module {found.module!r}: {found.what}")


def _blamed(
    patient: Patient, ails: Callable[[Patient], bool], what: str, fix: str
) -> Iterator[Finding]:
    for name in blame(patient.few(), ails):
        yield Finding("error", name, what, fix, SECOND)


def _products(patient: Patient) -> None:
    at = patient.linearize()
    u = torch.randn_like(at.value)
    for product in (at.jacobian.T @ u, at.jacobian @ u):
        if not product.isfinite().all():
            raise ArithmeticError("a product is not finite although v is")


def _fails(patient: Patient) -> bool:
    patient.linearize(1)  # what fails in this has another fault
    try:
        _products(patient)
    except Exception:
        return True
    return False


def _astray(patient: Patient) -> bool:
    """Whether products go wrong in one way or another."""
    return _fails(patient) or not _adjoint(patient) or bool(wrong_blocks(patient))


def _adjoint(patient: Patient) -> bool:
    at = patient.linearize()
    u, w = torch.randn_like(at.value), torch.randn_like(at.value)
    pushed, pulled = at.jacobian @ w, at.jacobian.T @ u
    scale = u.norm() * pushed.norm() + w.norm() * pulled.norm()
    rounding = torch.finfo(u.dtype).eps ** 0.5
    return bool((u @ pushed - pulled @ w).abs() <= rounding * scale)
