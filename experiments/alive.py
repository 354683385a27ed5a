"""Is the discriminator alive? python experiments/alive.py RUN [RUN ...].

Under consensus the losses sit near ln 2, as they would with a dead discriminator. So a fresh one
(another seed, Adam, lr 1e-4, 200 steps) is trained against the frozen generator of step 0 and of
the last checkpoint. The better a
generator, the less it can tell, and the higher its loss: ln 4 = 1.386 when it can tell nothing.
"""

import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch.optim import Adam

from nashgrad import GameField, backward
from nashgrad.lab.config import Config, fingerprint, load
from nashgrad.lab.runs.checkpoint import load_latest
from nashgrad.lab.runs.records import Run
from nashgrad.lab.training.build import build_game
from nashgrad.lab.training.tasks import Task, build_task

STEPS, RATE, LAST, SEED = 200, 1e-4, 20, 1_000


def loss_of_a_fresh_discriminator(
    config: Config, task: Task, generator: dict[str, torch.Tensor] | None
) -> float:
    """Mean loss over the last steps, against this generator or the initial one."""
    game = build_game(config, task, torch.device("cpu"))
    if generator is not None:
        game.generator.load_state_dict(generator)
    fresh = build_game(replace(config, seed=config.seed + SEED), task, torch.device("cpu"))
    game.discriminator.load_state_dict(fresh.discriminator.state_dict())
    field, stream = (
        GameField(game),
        task.stream(config.model.latent, torch.device("cpu"), game.draws),
    )
    optimizer = Adam(game.discriminator.parameters(), RATE)
    losses = []
    for _ in range(STEPS):
        losses.append(backward(field, next(stream), "discriminator").losses["discriminator"])
        optimizer.step()
    return torch.stack(losses[-LAST:]).mean().item()


def main(paths: list[str]) -> int:
    print("| run | step | loss at step 0 | loss at that step |\n| --- | --- | --- | --- |")
    for path in paths:
        run = Run(Path(path))
        config = load(run.config)
        task = build_task(config)
        found = load_latest(run.checkpoints, fingerprint(config))
        prefix = "generator."
        trained = {
            key.removeprefix(prefix): value
            for key, value in found.state["game"].items()
            if key.startswith(prefix)
        }
        before = loss_of_a_fresh_discriminator(config, task, None)
        after = loss_of_a_fresh_discriminator(config, task, trained)
        print(f"| {run.path.name} | {found.step} | {before:.4f} | {after:.4f} |", flush=True)
    return 0


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main(sys.argv[1:]))
