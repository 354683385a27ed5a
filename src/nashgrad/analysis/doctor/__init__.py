"""The doctor: an audit of a game before its training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from nashgrad.analysis.doctor.audit import FEATURES as FEATURES
from nashgrad.analysis.doctor.audit import Audit as Audit
from nashgrad.analysis.doctor.audit import Finding as Finding
from nashgrad.analysis.doctor.audit import audit_of
from nashgrad.analysis.doctor.extras import check_autocast, check_compile
from nashgrad.analysis.doctor.first import check_first
from nashgrad.analysis.doctor.layers import check_layers, is_compiled
from nashgrad.analysis.doctor.patient import Patient, untouched
from nashgrad.analysis.doctor.players import check_players
from nashgrad.analysis.doctor.products import check_products
from nashgrad.analysis.doctor.repeats import check_parts, check_repeats
from nashgrad.analysis.doctor.structure import check_parameters, space_of
from nashgrad.core.batches import batch_size
from nashgrad.core.game import Batch, Game


def doctor(game: Game, batch: Batch, *, compile: bool = False) -> Audit:
    """Tries a game before it is trained, and says what will not work, where, and what to do.

    It evaluates the losses, their gradients and products with J and J^T on the batch, compares
    products with differences in float64, evaluates again, on parts and under autocast, and looks at
    the modules. When something fails each module is tried alone, to name the one to blame.
    Afterwards parameters, buffers, gradients, attributes of modules and random numbers are as
    before, also after an error.

    Args:
        game: any game.
        batch: a batch like those of the training.
        compile: whether torch.compile's tracer is tried too, which takes seconds.

    Returns:
        What was found, the worst first; it prints as a list.

    Raises:
        TypeError: For what is no game.
    """
    if not isinstance(game, Game):
        raise TypeError(f"expected a Game, got {type(game).__name__}; FunctionGame makes one")
    with untouched(game), _uncompiled(game):
        return audit_of(_examine(game, batch, compile))


def _examine(game: Game, batch: Batch, compile: bool) -> Iterator[Finding]:
    yield from check_layers(game, _samples(batch))
    space = space_of(game)
    if isinstance(space, Finding):
        yield space
        return
    yield from check_parameters(space, game)
    patient = Patient(game, batch, space)
    first = list(check_first(patient))
    yield from first
    if any(found.level == "error" for found in first):
        return  # all else would fail with it
    random = list(check_repeats(patient))
    products = list(check_products(patient))
    yield from [*random, *products, *check_parts(patient, not random)]
    second = not any(found.level == "error" for found in products)
    if second:
        yield from check_players(patient, repeatable=not random)
    yield from check_autocast(patient, 2 if second else 1)
    yield from check_compile(patient, compile)


def _samples(batch: Batch) -> int:
    try:
        return batch_size(batch)
    except ValueError:
        return 0


def _uncompiled(game: Game) -> AbstractContextManager[Any]:
    """Compiled modules run as they were written: they are told of without waiting for them."""
    if any(is_compiled(module) for module in game.modules()):
        stance: AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
        return stance
    return nullcontext()
