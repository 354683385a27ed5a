"""The bias of |v|^2/2 on a minibatch against 1/B: python experiments/bias.py RUN [RUN ...].

Lemma 15: E[|v_B|^2] / 2 = |v|^2 / 2 + Var[v_1] / (2 B) for batches of B independent samples. At a
run's last checkpoint the left side is measured for several B, and a line in 1/B is fitted to it by
least squares; the slope is an estimate of Var[v_1] / 2, which is also measured, from pairs of
batches of 16: E[|v_a - v_b|^2] = 2 Var[v_1] / 16. Batches are i.i.d., also where the run's were
not.
"""

import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from nashgrad import GameField
from nashgrad.lab.commands.diagnose import restored
from nashgrad.lab.config import load
from nashgrad.lab.runs.records import Run
from nashgrad.lab.training.tasks import build_task

SIZES, DRAWS = (16, 32, 64, 128, 256, 512), 400


def fields(run: Run, size: int) -> torch.Tensor:
    """The field v on `DRAWS` independent batches of a size, `(DRAWS, n)`."""
    session, _ = restored(run, None)
    config = replace(session.config, data=replace(session.config.data, batch=size), seed=1_000)
    if getattr(config.game, "stratified", False):
        config = replace(config, game=replace(config.game, stratified=False))
    stream = build_task(config).stream(config.model.latent, torch.device("cpu"), session.game.draws)
    field = GameField(session.game)
    return torch.stack([field.linearize(b, order=1).value for b in islice(stream, DRAWS)])


def main(paths: list[str]) -> int:
    print(f"| run | {' | '.join(f'B = {size}' for size in SIZES)} | slope | Var / 2 |")
    print(f"| --- {'| --- ' * len(SIZES)}| --- | --- |")
    for path in paths:
        run = Run(Path(path))
        load(run.config)
        halves = {size: 0.5 * fields(run, size).square().sum(1).mean().item() for size in SIZES}
        slope, _ = np.polyfit([1 / size for size in SIZES], list(halves.values()), 1)
        pairs = fields(run, SIZES[0])
        variance = SIZES[0] * (pairs[::2] - pairs[1::2]).square().sum(1).mean().item() / 2
        values = " | ".join(f"{half:.3g}" for half in halves.values())
        print(f"| {run.path.name} | {values} | {slope:.3g} | {variance / 2:.3g} |", flush=True)
    return 0


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main(sys.argv[1:]))
