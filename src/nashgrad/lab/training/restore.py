"""A session where its run stood."""

from __future__ import annotations

from nashgrad.lab.config import fingerprint
from nashgrad.lab.runs.checkpoint import load_at, load_latest
from nashgrad.lab.runs.records import Run
from nashgrad.lab.training.session import Session


def restore(session: Session, run: Run, step: int | None = None) -> list[str]:
    """Brings a session to a checkpoint of its run: that of a step, or the newest whole one.

    Returns:
        What is wrong with newer ones that were passed over.

    Raises:
        UsageError: There is none, or it is damaged or of another configuration.
    """
    mark = fingerprint(session.config)
    found = (
        load_latest(run.checkpoints, mark) if step is None else load_at(run.checkpoints, step, mark)
    )
    session.load_state_dict(found.step, found.state)
    return found.warnings
