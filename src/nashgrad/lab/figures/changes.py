"""How much samples of the same latents change between checkpoints of a run."""

from __future__ import annotations

from nashgrad.lab.config import Config
from nashgrad.lab.runs.checkpoint import steps_in
from nashgrad.lab.runs.records import Run
from nashgrad.lab.training.restore import restore
from nashgrad.lab.training.train import prepare


def changes_of(config: Config, run: Run) -> dict[int, float]:
    """For each checkpoint but the first, the change of the samples since the one before.

    sqrt(mean (G_t(z) - G_s(z))^2) over pixels in [-1, 1] and the latents z of evaluations.
    """
    session, before, found = prepare(config), None, {}
    for step in steps_in(run.checkpoints):
        restore(session, run, step)
        samples = session.samples()
        if before is not None:
            found[step] = float((samples - before).square().mean().sqrt())
        before = samples
    return found
