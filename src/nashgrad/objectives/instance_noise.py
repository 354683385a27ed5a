"""Noise on what the discriminator sees, less and less of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nashgrad.core.limits import check_positive

ON_REAL, ON_FAKE = "noise_on_real", "noise_on_fake"


@dataclass(frozen=True)
class InstanceNoise:
    """D(x + sigma_t e) for real and for generated samples, e standard normal.

    sigma_t = sigma max(0, 1 - t / until) in step t, or sigma always where `until` is None. The
    noise is an entry of the batch, and comes scaled from there: the game knows no time.

    Args:
        sigma: standard deviation at first, in the units of the samples.
        until: steps to its end.

    Raises:
        ValueError: For numbers that are not positive.

    References:
        C. K. Sonderby et al.: Amortised MAP Inference for Image Super-resolution, 2017.
    """

    sigma: float
    until: int | None = None

    def __post_init__(self) -> None:
        check_positive("sigma", self.sigma)
        if self.until is not None:
            check_positive("until", self.until)

    def at(self, step: int) -> float:
        """Its standard deviation in a step, which counts from 0."""
        return self.sigma * (1.0 if self.until is None else max(0.0, 1 - step / self.until))

    def draws(self, real: Tensor, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """The noise on real samples (n, ...), and on as many generated ones."""
        return {
            name: self.at(step) * torch.randn(real.shape, generator=generator, dtype=real.dtype)
            for name in (ON_REAL, ON_FAKE)
        }
