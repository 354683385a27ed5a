"""The Dirac-GAN: the smallest GAN that fails to converge."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import grad

from nashgrad.core.game import Batch, Game, Losses
from nashgrad.objectives.divergences import standard
from nashgrad.objectives.objective import Divergence, Scores


class DiracGAN(Game):
    r"""The generator is a point mass at theta, the data one at 0, the discriminator D(x) = psi x.

    With scores s = theta psi the losses are l_G = g(s) and l_D = r(0) + f(s), where g, f, r are the
    divergence's functions of a score. The equilibrium is (0, 0); there J has the eigenvalues +-i
    sqrt(-g'(0) f'(0)) for every loss of the paper. The batch is not used: pass `None`.

    Args:
        divergence: the losses.
        start: (theta, psi) at the start.

    References:
        L. Mescheder, A. Geiger, S. Nowozin: Which Training Methods for GANs do actually Converge?,
        2018.
    """

    players = ("generator", "discriminator")

    def __init__(
        self,
        divergence: Divergence = standard,
        start: tuple[float, float] = (1.0, 1.0),
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        self.divergence = divergence
        self.generator = nn.Parameter(torch.tensor(start[0], dtype=dtype))
        self.discriminator = nn.Parameter(torch.tensor(start[1], dtype=dtype))

    def forward(self, batch: Batch, players: Sequence[str]) -> Losses:
        """The losses of these players."""
        score = self.generator * self.discriminator
        losses = {
            "generator": self.divergence.generator_loss(score),
            "discriminator": self.divergence.discriminator_loss(0 * self.discriminator, score),
        }
        return {player: losses[player] for player in players}

    def jacobian(self) -> Tensor:
        """v'(theta, psi) in closed form, `(2, 2)`: v = (-g'(s) psi, -f'(s) theta)."""
        theta, psi = self.generator.detach(), self.discriminator.detach()
        g1, g2 = _derivatives(self.divergence.generator, theta * psi)
        f1, f2 = _derivatives(self.divergence.fake, theta * psi)
        rows = [
            torch.stack([-g2 * psi**2, -g2 * theta * psi - g1]),
            torch.stack([-f2 * theta * psi - f1, -f2 * theta**2]),
        ]
        return torch.stack(rows)

    def equilibrium(self) -> Tensor:
        """(theta, psi) = (0, 0)."""
        return self.generator.new_zeros(2)


def _derivatives(of: Scores, s: Tensor) -> tuple[Tensor, Tensor]:
    first = grad(of)
    return first(s), grad(first)(s)
