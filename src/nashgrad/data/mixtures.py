"""Mixtures of Gaussians with equal weights and one standard deviation."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Mixture:
    """x = means[k] + sigma e, with k uniform over the modes and e standard normal.

    Args:
        means: Centres of the modes (K, d), on the CPU.
        sigma: Standard deviation of every mode.

    Raises:
        ValueError: There is no mode, or sigma is negative.
    """

    means: Tensor
    sigma: float

    def __post_init__(self) -> None:
        if self.means.ndim != 2 or not self.means.numel():
            raise ValueError(f"means of shape {tuple(self.means.shape)}: expected (modes, d)")
        if not self.sigma >= 0:
            raise ValueError(f"sigma={self.sigma}: must not be negative")

    @property
    def modes(self) -> int:
        """Number of modes, K."""
        return len(self.means)

    def sample(
        self, n: int, generator: torch.Generator | None = None, *, stratified: bool = True
    ) -> Tensor:
        """Draw samples (n, d).

        A stratified sample has n // K points of every mode; the n mod K points left over belong
        to distinct modes drawn anew each time, so every mode keeps its weight. The modes take
        turns, so that a contiguous part of the sample is stratified too.

        Args:
            n: Number of samples.
            generator: Where the numbers come from; torch's global generator when None.
            stratified: Fix the number of samples a mode; else draw each sample's mode.

        Raises:
            ValueError: n is negative.
        """
        if n < 0:
            raise ValueError(f"n={n}: must not be negative")
        centres = self._stratified(n, generator) if stratified else self._iid(n, generator)
        noise = torch.randn(n, self.means.shape[1], generator=generator, dtype=self.means.dtype)
        return centres.add_(noise, alpha=self.sigma)

    def _stratified(self, n: int, generator: torch.Generator | None) -> Tensor:
        turns, rest = divmod(n, self.modes)
        centres = self.means.repeat(turns, 1)
        if not rest:
            return centres
        return torch.cat(
            [centres, self.means[torch.randperm(self.modes, generator=generator)[:rest]]]
        )

    def _iid(self, n: int, generator: torch.Generator | None) -> Tensor:
        return self.means[torch.randint(self.modes, (n,), generator=generator)]


def ring(modes: int = 8, radius: float = 1.0, sigma: float = 0.01) -> Mixture:
    """Modes spread evenly over a circle, the first at (radius, 0): the paper's target.

    Raises:
        ValueError: `modes` is not positive.
    """
    if modes < 1:
        raise ValueError(f"modes={modes}: must be at least 1")
    angles = torch.arange(modes, dtype=torch.float64) * (2 * math.pi / modes)
    means = radius * torch.stack([angles.cos(), angles.sin()], dim=1)
    return Mixture(means.to(torch.get_default_dtype()), sigma)


def grid(side: int = 5, spacing: float = 0.5, sigma: float = 0.01) -> Mixture:
    """side**2 modes on a square grid around the origin.

    Raises:
        ValueError: `side` is not positive.
    """
    if side < 1:
        raise ValueError(f"side={side}: must be at least 1")
    axis = (torch.arange(side, dtype=torch.get_default_dtype()) - (side - 1) / 2) * spacing
    return Mixture(torch.cartesian_prod(axis, axis), sigma)
