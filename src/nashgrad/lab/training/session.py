"""Everything that changes while a run trains, and nothing else."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from nashgrad.data import Stream, named_generator
from nashgrad.lab.config import Config
from nashgrad.lab.training.build import (
    build_ema,
    build_field,
    build_game,
    build_lr_schedules,
    build_optimizer,
)
from nashgrad.lab.training.ranks import Ranks
from nashgrad.lab.training.tasks import Task
from nashgrad.schedules.base import StepRecord, spent

CHUNK = 512  # samples generated at once
COSTS = ("evaluations", "products", "solves", "unconverged")  # of a step's record


class Session:
    """A game in training: networks, method, optimisers, data, averages and how far it has come.

    Weights, data order, latents and evaluation draw from generators of their own, all derived from
    the seed, so that no one's number of draws changes another's, and evaluation never advances
    training's.
    """

    def __init__(self, config: Config, task: Task, device: torch.device, ranks: Ranks) -> None:
        self.config, self.task, self.device, self.ranks = config, task, device, ranks
        self.game = build_game(config, task, device)
        self.ema = build_ema(config, self.game)
        self.opt = build_optimizer(config, build_field(config, self.game, ranks.reduce))
        self.lr_schedules = build_lr_schedules(config, self.opt)
        self.stream = self.new_stream()
        self._batches = map(ranks.share, self.stream)
        self.step, self.seconds, self.costs = 0, 0.0, dict.fromkeys(COSTS, 0.0)

    def new_stream(self) -> Stream:
        """Training's batches from the first one on."""
        return self.task.stream(self.config.model.latent, self.device, self.game.draws)

    def advance(self) -> StepRecord:
        """One game step, with all that follows it."""
        record = self.opt.step(self._batches)
        if self.ema is not None:
            self.ema.update_parameters(self.game.generator)
        for schedule in self.lr_schedules:
            schedule.step()
        self.step += 1
        for cost in COSTS:
            self.costs[cost] += getattr(record, cost)
        return record

    @property
    def spent(self) -> float:
        """What all steps cost, on the scale on which methods are compared."""
        return spent(self.costs["evaluations"], self.costs["products"])

    @property
    def progress(self) -> float:
        """How far it is, in steps, or in units of the budget where there is one."""
        return self.step if self.config.budget is None else self.spent

    def is_finished(self) -> bool:
        """Whether all steps are made, or all of the budget is spent."""
        budget = self.config.budget
        return self.step >= self.config.steps or (budget is not None and self.spent >= budget)

    @torch.no_grad()
    def samples(self) -> Tensor:
        """Generated samples from fixed latents, the network in inference mode, on the CPU."""
        count, drawn = (
            self.config.evaluate.samples,
            named_generator(self.config.evaluate.seed, "evaluation"),
        )
        latent = torch.randn(count, self.config.model.latent, generator=drawn).to(self.device)
        labels = (
            [torch.arange(count, device=self.device) % self.task.labels] if self.task.labels else []
        )
        generator: nn.Module = self.game.generator if self.ema is None else self.ema.module
        training = generator.training
        generator.eval()
        chunks = [
            generator(*chunk)
            for chunk in zip(*(x.split(CHUNK) for x in [latent, *labels]), strict=True)
        ]
        generator.train(training)
        return torch.cat(chunks).float().cpu()

    def state_dict(self) -> dict[str, Any]:
        """All that training goes on from; plain tensors, numbers and text."""
        return {
            "seconds": self.seconds,
            "costs": dict(self.costs),
            "game": self.game.state_dict(),
            "ema": None if self.ema is None else self.ema.state_dict(),
            "optimizer": self.opt.state_dict(),
            "lr_schedules": [_plain(s.state_dict()) for s in self.lr_schedules],
            "stream": self.stream.state_dict(),
            "torch_rng": torch.get_rng_state(),
        }

    def load_state_dict(self, step: int, state: dict[str, Any]) -> None:
        """Continues from a state, bit for bit."""
        self.step, self.seconds, self.costs = step, state["seconds"], dict(state["costs"])
        self.game.load_state_dict(state["game"])
        if self.ema is not None:
            self.ema.load_state_dict(state["ema"])
        self.opt.load_state_dict(state["optimizer"])
        for schedule, saved in zip(self.lr_schedules, state["lr_schedules"], strict=True):
            schedule.load_state_dict(saved)
        self.stream.load_state_dict(state["stream"])
        torch.set_rng_state(state["torch_rng"].cpu())


def _plain(state: dict[str, Any]) -> dict[str, Any]:
    """A scheduler's state without its methods, which some versions of torch leave in it."""
    return {key: value for key, value in state.items() if not callable(value)}
