"""The GAN as a game of two networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from nashgrad.core.checks import check_third_derivatives
from nashgrad.core.game import Batch, Losses
from nashgrad.core.limits import check_kind
from nashgrad.engines.score import Scored, ScoreGame
from nashgrad.objectives.divergences import standard
from nashgrad.objectives.instance_noise import ON_FAKE, ON_REAL, InstanceNoise
from nashgrad.objectives.objective import Objective
from nashgrad.objectives.penalties import Penalty


class GAN(ScoreGame):
    """A generator G(z) against a discriminator D(x).

    Batches are `{"real": (B, ...), "latent": (B, ...)}`, for conditional nets with `"label": (B,)`;
    then G(z, y) and D(x, y) take the labels too.

    What penalties and instance noise draw are entries of the batch too:
    `stream(..., draws=game.draws)` adds them.

    Fakes are made once and serve both losses; they are never detached while both players are
    present. When the discriminator moves alone they are made without a graph. Real and fake samples
    go through D separately, which matters to batch norm.

    Args:
        generator, discriminator: any modules; D returns one score per sample, or a map of scores,
            which is averaged.
        divergence: the losses, [`standard`][nashgrad.objectives.divergences.standard] by default.
        penalties: further terms of the discriminator's loss.
        instance_noise: noise on all that the discriminator sees.
        conditional: whether the nets take labels.

    Raises:
        TypeError: For a divergence or a penalty that is none.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        divergence: Objective = standard,
        *,
        penalties: Sequence[Penalty] = (),
        instance_noise: InstanceNoise | None = None,
        conditional: bool = False,
    ) -> None:
        check_kind("divergence", divergence, Objective, "objectives.OBJECTIVES['hinge']")
        check_kind("penalties", penalties, Sequence, "[R1(1.0)]")
        for penalty in penalties:
            check_kind("penalties: each", penalty, Penalty, "R1(1.0)")
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.divergence, self.penalties = divergence, tuple(penalties)
        self.instance_noise, self.conditional = instance_noise, conditional

    def scored(self, batch: Batch, players: Sequence[str]) -> Scored:
        """Fakes and the scores that these players' losses need."""
        self._check(batch)
        labels = self._labels(batch)
        with torch.set_grad_enabled(torch.is_grad_enabled() and "generator" in players):
            fake = self.generator(batch["latent"], *labels)
        real = batch["real"]
        if self.instance_noise is not None:
            real, fake = real + batch[ON_REAL], fake + batch[ON_FAKE]
        real_scores = None
        if "discriminator" in players or self.divergence.needs_real:
            real_scores = self.discriminator(real, *labels)
        return Scored(real, fake, real_scores, self.discriminator(fake, *labels))

    def score_losses(self, scored: Scored, players: Sequence[str]) -> Losses:
        """The divergence's losses."""
        _, _, real, fake = scored
        losses = {}
        if "generator" in players:
            losses["generator"] = self.divergence.generator_loss(fake, real)
        if "discriminator" in players and real is not None:
            losses["discriminator"] = self.divergence.discriminator_loss(real, fake)
        return losses

    def further(self, scored: Scored, batch: Batch) -> Tensor | None:
        """The penalties."""
        if not self.penalties:
            return None
        score = partial(self._score, self._labels(batch))
        terms = [penalty(score, scored.real, scored.fake, batch) for penalty in self.penalties]
        return torch.stack(terms).sum()

    def draws(self, real: Tensor, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """What penalties and instance noise draw for a batch.

        Args:
            real: its real samples, (n, ...).
            generator: where the numbers come from.
            step: how many batches came before it.
        """
        drawn = {k: x for p in self.penalties for k, x in p.draws(real, generator).items()}
        if self.instance_noise is not None:
            drawn |= self.instance_noise.draws(real, generator, step)
        return drawn

    def check_jacobian(self) -> None:
        """A penalty holds a derivative of D, so J holds a third one."""
        if self.penalties:
            check_third_derivatives(self.discriminator)

    def _check(self, batch: Batch) -> None:
        wanted = ["real", "latent", *(["label"] if self.conditional else [])]
        wanted += [ON_REAL, ON_FAKE] if self.instance_noise is not None else []
        if not (isinstance(batch, Mapping) and all(key in batch for key in wanted)):
            found = list(batch) if isinstance(batch, Mapping) else f"a {type(batch).__name__}"
            draws = "" if self.instance_noise is None else ", draws=game.draws"
            raise ValueError(
                f"batch: expected a dict with {', '.join(wanted)}, got {found}; "
                f"nashgrad.stream(loader, latent{draws}) makes such batches"
            )

    def _labels(self, batch: Batch) -> tuple[Tensor, ...]:
        return (batch["label"],) if self.conditional else ()

    def _score(self, labels: tuple[Tensor, ...], x: Tensor) -> Tensor:
        """One score a sample, (n,), whose slope penalties take."""
        scores: Tensor = self.discriminator(x, *labels)
        return scores.flatten(1).mean(1) if scores.ndim > 1 else scores
