"""Step records between two lines of the log."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nashgrad.schedules import StepRecord


class NotFiniteError(Exception):
    """A player's loss or parameters were not finite; the text names player and step."""


class Tally:
    """Collects records without waiting for the device, until their means are asked for."""

    def __init__(self) -> None:
        self._records: list[StepRecord] = []

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: StepRecord) -> None:
        """Takes one step's record."""
        self._records.append(record)

    def means(self, step: int) -> dict[str, Any]:
        """Mean losses and norms over the steps up to this one, and forgets them.

        Raises:
            NotFiniteError: When one of the losses was not finite.
        """
        records, self._records = self._records, []
        losses = _stack([r.losses for r in records])
        for player, series in losses.items():
            if not series.isfinite().all():
                bad = step - len(records) + 1 + int((~series.isfinite()).nonzero()[0])
                raise NotFiniteError(f"the loss of the {player} is not finite at step {bad:,}")
        norms = _stack([r.norms for r in records])
        total = torch.stack(list(norms.values())).square().sum(0).sqrt()
        return {
            "losses": _means(losses),
            "norms": _means(norms),
            "field_norm": total.mean().item(),
            "evaluations": sum(r.evaluations for r in records) / len(records),
            "products": sum(r.products for r in records) / len(records),
            "solves": sum(r.solves for r in records) / len(records),
            "unconverged": sum(r.unconverged for r in records),
        }


def _stack(values: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {player: torch.stack([v[player] for v in values]) for player in values[0]}


def _means(series: dict[str, Tensor]) -> dict[str, float]:
    return {player: values.mean().item() for player, values in series.items()}
