"""One cell of an image figure: a network, a method and what the figure varies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nashgrad.lab.config import Config
from nashgrad.lab.config.files import merged, validate
from nashgrad.lab.figures.sizes import Size

METHODS: Mapping[str, dict[str, Any]] = {
    "simultaneous": {"method": "none"},
    "alternating": {"method": "none", "schedule": "alternating"},
    "consensus": {"method": {"name": "consensus"}},
    "smoothing": {"method": {"name": "smoothing_code"}},
}
"""Those that are sections take a gamma. Smoothing is as the authors' code has it: the discriminator
feels the generator's |v|^2."""


@dataclass(frozen=True)
class Cell:
    """What a run of a figure trains; what is None is as the size has it.

    Args:
        network: one of the paper's.
        method: a key of `METHODS`.
        loss: the divergence.
        lr: learning rate of both players.
        gamma: of consensus and smoothing.
        extra_fc: width of one more fully connected layer at the discriminator's end; 0: none.
    """

    network: str
    method: str = "consensus"
    loss: str = "standard"
    lr: float | None = None
    gamma: float | None = None
    extra_fc: int = 0

    @property
    def convolutions(self) -> int | None:
        """The paper's number of convolutions, where the network's name has it."""
        return next((n for n in (3, 4) if str(n) in self.network), None)

    def config(self, size: Size, values: Mapping[str, Any]) -> Config:
        """The run's configuration, from the size's settings."""
        return validate(Config, merged(values, self._changes(size, values), Config), self.network)

    def name(self, config: Config) -> str:
        """One name for one run, whatever figure it stands in."""
        layers = ", one more FC" if self.extra_fc else ""
        gamma = f", gamma {config.method.gamma:g}" if hasattr(config.method, "gamma") else ""
        lr = config.optimizer.generator.lr
        return f"{self.network}{layers}, {self.loss}, {self.method}{gamma}, lr {lr:g}"

    def _changes(self, size: Size, values: Mapping[str, Any]) -> dict[str, Any]:
        model = {"name": self.network} | {k: values["model"][k] for k in ("latent", "filters")}
        if size.growing is not None and not self.network.endswith("_cf"):
            model["filters"] = size.growing
        if self.convolutions is not None and size.convolutions[self.convolutions] != (
            self.convolutions
        ):
            model["convolutions"] = size.convolutions[self.convolutions]
        if self.extra_fc:
            model["extra_fc"] = [self.extra_fc]
        changes: dict[str, Any] = {"model": model, "loss": self.loss, **METHODS[self.method]}
        if isinstance(changes["method"], dict):
            own = size.gammas[self.convolutions or 4]
            gamma = own if self.gamma is None else self.gamma
            changes["method"] = changes["method"] | {"gamma": float(gamma)}
        if self.lr is not None:
            changes["optimizer.generator.lr"] = changes["optimizer.discriminator.lr"] = self.lr
        return changes
