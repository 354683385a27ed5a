"""The GAN as a game of two networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from nashgrad.core.checks import check_third_derivatives
from nashgrad.core.game import Batch, Game, Losses
from nashgrad.objectives.divergences import Divergence, standard
from nashgrad.objectives.penalties import Penalty


class GAN(Game):
    """A generator G(z) against a discriminator D(x).

    Batches are `{"real": (B, ...), "latent": (B, ...)}`, for conditional nets with `"label": (B,)`;
    then G(z, y) and D(x, y) take the labels too.

    Fakes are made once and serve both losses; they are never detached while both players are
    present. When the discriminator moves alone they are made without a graph. Real and fake samples
    go through D separately, which matters to batch norm.

    Args:
        generator, discriminator: any modules; D returns one score per sample, or a map of scores,
            which is averaged.
        divergence: the losses, [`standard`][nashgrad.objectives.divergences.standard] by default.
        penalties: further terms of the discriminator's loss.
        conditional: whether the nets take labels.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        divergence: Divergence = standard,
        *,
        penalties: Sequence[Penalty] = (),
        conditional: bool = False,
    ) -> None:
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.divergence, self.penalties, self.conditional = (
            divergence,
            tuple(penalties),
            conditional,
        )

    def forward(self, batch: Batch, players: Sequence[str]) -> Losses:
        """The losses of these players."""
        self._check(batch)
        labels = (batch["label"],) if self.conditional else ()
        with torch.set_grad_enabled(torch.is_grad_enabled() and "generator" in players):
            fake = self.generator(batch["latent"], *labels)
        if "discriminator" in players:
            real_scores = self.discriminator(batch["real"], *labels)
        fake_scores = self.discriminator(fake, *labels)
        losses = {}
        if "generator" in players:
            losses["generator"] = self.divergence.generator_loss(fake_scores)
        if "discriminator" in players:
            loss = self.divergence.discriminator_loss(real_scores, fake_scores)
            for penalty in self.penalties:
                loss = loss + penalty(partial(self._score, labels), batch["real"], fake)
            losses["discriminator"] = loss
        return losses

    def check_jacobian(self) -> None:
        """A penalty holds a derivative of D, so J holds a third one."""
        if self.penalties:
            check_third_derivatives(self.discriminator)

    def _check(self, batch: Batch) -> None:
        wanted = ("real", "latent", "label") if self.conditional else ("real", "latent")
        if not (isinstance(batch, Mapping) and all(key in batch for key in wanted)):
            found = list(batch) if isinstance(batch, Mapping) else f"a {type(batch).__name__}"
            raise ValueError(
                f"batch: expected a dict with {', '.join(wanted)}, got {found}; "
                "nashgrad.stream(loader, latent) makes such batches"
            )

    def _score(self, labels: tuple[Tensor, ...], x: Tensor) -> Tensor:
        scores: Tensor = self.discriminator(x, *labels)
        return scores
