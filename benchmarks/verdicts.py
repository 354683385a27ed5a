"""Verdicts on situations whose truth is fixed beforehand: a table of confusion.

    python benchmarks/verdicts.py [--seeds 1000 1020] [--only NAME]

Closed-form games have exact Jacobians; the GANs are put into a state by construction, and are seen
through eight batches. No truth depends on what is measured. Thresholds were chosen on seeds below
1000.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam

import nashgrad as ng
from nashgrad.analysis import Diagnosis, diagnose
from nashgrad.objectives import DIVERGENCES

F64 = torch.float64
SIZES = {"a": 3, "b": 2}


@dataclass
class Situation:
    """A game at a point, what it is seen through, and what is asked."""

    game: ng.Game
    batches: Any = None
    asked: dict[str, Any] = field(default_factory=dict)

    def diagnosis(self) -> Diagnosis:
        return diagnose(ng.GameField(self.game), self.batches, **self.asked)


class Draw:
    """Random numbers of one instance."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.generator, dtype=F64)

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=self.generator))

    def chosen(self, *options: Any) -> Any:
        return options[int(torch.randint(len(options), (), generator=self.generator))]

    def rotation(self, n: int) -> Tensor:
        return torch.linalg.qr(self.normal(n, n))[0]


def in_other_coordinates(J: Tensor, draw: Draw) -> Tensor:
    """J after a rotation within each player, which changes no truth."""
    Q = torch.block_diag(*(draw.rotation(n) for n in SIZES.values()))
    return Q @ J @ Q.T


def monotone(draw: Draw, rotation: float = 1.0) -> Tensor:
    """Negative definite players and an antisymmetric interaction: stable, and local Nash."""
    blocks = []
    for n in SIZES.values():
        H = draw.normal(n, n)
        blocks.append(-0.3 * H @ H.T - draw.uniform(0.2, 1.0) * torch.eye(n, dtype=F64))
    K = rotation * draw.normal(3, 2)
    J = torch.block_diag(*blocks)
    J[:3, 3:], J[3:, :3] = K, -K.T
    return J


def bound(J: Tensor) -> float:
    """The largest stable step, as in the paper."""
    values = torch.linalg.eigvals(J)
    return float((-2 * values.real / values.abs().square()).min())


def quadratic(J: Tensor, draw: Draw, *, at_rest: bool) -> ng.Quadratic:
    offset = draw.normal(5)
    rest = torch.linalg.lstsq(J, -offset[:, None], driver="gelsd").solution[:, 0]
    if torch.linalg.matrix_rank(J) < 5:
        offset, rest = torch.zeros(5, dtype=F64), torch.zeros(5, dtype=F64)
    start = rest if at_rest else rest + 3 * draw.normal(5)
    return ng.Quadratic(J, SIZES, offset, start)


def local_nash(draw: Draw) -> Situation:
    J = monotone(draw)
    return Situation(quadratic(J, draw, at_rest=True), asked={"steps": 0.5 * bound(J)})


def not_nash(draw: Draw) -> Situation:
    """Player a at its worst in one direction, which b's answer to it outweighs."""
    J = torch.diag(torch.tensor([-1.0, -0.7, 0.0, 0.0, -0.9], dtype=F64))
    a, d = draw.uniform(0.3, 0.8), draw.uniform(1.2, 2.0)
    c = draw.uniform(1.3, 2.0)
    J[2, 2], J[3, 3], J[2, 3], J[3, 2] = a, -d, c, -c  # det = c^2 - a d > 0, trace < 0
    J[0, 4], J[4, 0] = 0.5, -0.5
    J = in_other_coordinates(J, draw)
    return Situation(quadratic(J, draw, at_rest=True), asked={"steps": 0.5 * bound(J)})


def saddle_matrix(draw: Draw) -> tuple[Tensor, float]:
    a = draw.uniform(0.3, 1.5)
    J = torch.diag(torch.tensor([a, -1.0, -0.6, -0.8, -0.5], dtype=F64))
    k = draw.uniform(0.5, 2.0)
    J[1, 3], J[3, 1] = k, -k
    return in_other_coordinates(J, draw), a


def saddle(draw: Draw) -> Situation:
    J, _ = saddle_matrix(draw)
    return Situation(quadratic(J, draw, at_rest=True), asked={"steps": 0.1})


def saddle_with_consensus(draw: Draw) -> Situation:
    """A gamma that does not hide it."""
    J, a = saddle_matrix(draw)
    method = ng.Consensus(draw.uniform(0.1, 0.8) / a)
    return Situation(quadratic(J, draw, at_rest=True), asked={"steps": 0.05, "adjustment": method})


def spurious(draw: Draw) -> Situation:
    """The same with a gamma above 1 / a."""
    J, a = saddle_matrix(draw)
    method = ng.Consensus(draw.uniform(1.3, 3.0) / a)
    return Situation(quadratic(J, draw, at_rest=True), asked={"steps": 0.02, "adjustment": method})


def bilinear_cycle(draw: Draw) -> Situation:
    M = draw.rotation(2) * draw.uniform(0.5, 2.0) @ torch.diag(1 + draw.normal(2).abs())
    game = ng.bilinear(M, start=draw.normal(4))
    largest = float(torch.linalg.matrix_norm(M, 2))
    return Situation(game, asked={"steps": draw.uniform(0.005, 0.05) / largest})


def dirac_centre(draw: Draw) -> Situation:
    divergence = DIVERGENCES[draw.chosen(*sorted(DIVERGENCES))]
    return Situation(ng.DiracGAN(divergence, start=(0.0, 0.0)), asked={"steps": 0.01})


def slow_spiral(draw: Draw) -> Situation:
    """Damped, but by less than a third a turn."""
    J = torch.zeros(5, 5, dtype=F64)
    K = draw.rotation(3)[:, :2] * draw.uniform(1.0, 3.0)
    J[:3, 3:], J[3:, :3] = K, -K.T
    J = J - draw.uniform(0.002, 0.02) * torch.eye(5, dtype=F64)
    game = ng.Quadratic(J, SIZES, start=torch.cat([K @ draw.normal(2), draw.normal(2)]))
    return Situation(game, asked={"steps": 0.1 * bound(J)})


def large_step(draw: Draw) -> Situation:
    """A stable game after thirty steps that are too large."""
    J = monotone(draw)
    h = draw.uniform(1.3, 2.0) * bound(J)
    game = quadratic(J, draw, at_rest=False)
    opt = ng.GameOptimizer(ng.GameField(game), SGD(game.parameters(), h))
    for _ in range(30):
        opt.step(None)
    return Situation(game, asked={"steps": h})


def large_step_at_rest(draw: Draw) -> Situation:
    J = monotone(draw)
    steps = draw.uniform(1.1, 2.0) * bound(J)
    return Situation(quadratic(J, draw, at_rest=True), asked={"steps": steps})


def on_the_way(draw: Draw) -> Situation:
    """A stable game that hardly rotates, away from its equilibrium."""
    J = monotone(draw, rotation=0.1)
    game = quadratic(J, draw, at_rest=False)
    return Situation(game, asked={"steps": draw.uniform(0.05, 0.5) * bound(J)})


def neutral(draw: Draw) -> Situation:
    """A coordinate that nobody feels."""
    J = monotone(draw)
    J[0, :], J[:, 0] = 0, 0
    J = in_other_coordinates(J, draw)
    return Situation(quadratic(J, draw, at_rest=True), asked={"steps": 0.1})


def extragradient_on_bilinear(draw: Draw) -> Situation:
    """What looks ahead contracts, though v' and w' lie on the axis: h sigma < 1."""
    M = draw.rotation(2) * draw.uniform(0.5, 2.0)
    game = ng.bilinear(M, start=torch.zeros(4, dtype=F64))
    method = draw.chosen(ng.Extragradient(), ng.ExtrapolationFromPast(), ng.OptimisticStep())
    return Situation(game, asked={"steps": draw.uniform(0.05, 0.2), "schedule": method})


def turns_on_bilinear(draw: Draw) -> Situation:
    """Alternating steps go round for ever: h sigma < 2."""
    M = draw.rotation(2) * draw.uniform(0.5, 2.0)
    game = ng.bilinear(M, start=torch.zeros(4, dtype=F64))
    return Situation(game, asked={"steps": draw.uniform(0.05, 0.5), "schedule": ng.Alternating()})


def consensus_on_bilinear(draw: Draw) -> Situation:
    M = draw.rotation(2) * draw.uniform(0.5, 2.0)
    game = ng.bilinear(M, start=torch.zeros(4, dtype=F64))
    method = ng.Consensus(draw.uniform(0.3, 1.0))
    return Situation(game, asked={"steps": 0.05, "adjustment": method})


def networks(draw: Draw, latent: int = 4) -> tuple[nn.Sequential, nn.Sequential]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(draw.generator.initial_seed())
        act = draw.chosen(nn.ReLU, nn.Tanh, lambda: nn.LeakyReLU(0.2))
        g = nn.Sequential(nn.Linear(latent, 8), act(), nn.Linear(8, 8), act(), nn.Linear(8, 2))
        d = nn.Sequential(nn.Linear(2, 8), act(), nn.Linear(8, 8), act(), nn.Linear(8, 1))
    return g.double(), d.double()


def gan_batches(draw: Draw, count: int = 8, size: int = 128, latent: int = 4) -> list[Any]:
    """Data: the unit circle, with some noise."""
    batches = []
    for _ in range(count):
        angle = 2 * math.pi * torch.rand(size, generator=draw.generator, dtype=F64)
        circle = torch.stack([angle.cos(), angle.sin()], 1)
        batches.append(
            {"real": circle + 0.05 * draw.normal(size, 2), "latent": draw.normal(size, latent)}
        )
    return batches


def fresh_gan(draw: Draw) -> Situation:
    g, d = networks(draw)
    loss = DIVERGENCES[draw.chosen("standard", "js")]
    return Situation(ng.GAN(g, d, loss), gan_batches(draw), {"steps": 1e-3})


def collapsed_gan(draw: Draw) -> Situation:
    """The generator makes (nearly) the same of every latent."""
    g, d = networks(draw)
    with torch.no_grad():
        g[-1].weight.mul_(draw.chosen(0.0, 1e-4, 1e-3))
        g[-1].bias.copy_(draw.normal(2))
    return Situation(ng.GAN(g, d), gan_batches(draw), {"steps": 1e-3})


def saturated_gan(draw: Draw) -> Situation:
    """The discriminator is trained until it is right, and then made so sure that every score is 40.

    One that does not get there is trained again from other weights.
    """
    g, d = networks(draw)
    with torch.no_grad():
        g[-1].bias.copy_(torch.tensor([4.0, 0.0], dtype=F64))
        g[-1].weight.mul_(0.3)
    batches, game = gan_batches(draw), ng.GAN(g, d, DIVERGENCES[draw.chosen("standard", "js")])
    optimizer = Adam(d.parameters(), 1e-2)
    for step in range(300):
        optimizer.zero_grad()
        game(batches[step % 8], ("discriminator",))["discriminator"].backward()
        optimizer.step()
    with torch.no_grad():
        margins = [torch.cat([d(b["real"]), -d(g(b["latent"]))]).min() for b in batches]
        least = float(torch.stack(margins).min())
        if least <= 0:
            return saturated_gan(Draw(draw.generator.initial_seed() + 1_000_000))
        for p in d[-1].parameters():
            p.mul_(40 / least)
    return Situation(game, batches, {"steps": 1e-3})


def gaussian_mean(draw: Draw) -> Situation:
    """A Dirac-GAN with noise: the shift of a Gaussian, and a linear discriminator, at rest.

    v = 0 and J = [[0, I/2], [-I/2, -I/2]] in expectation: the noise gives the discriminator's loss
    a curvature, so it is stable; the generator's own Hessian is zero.
    """
    return _shifted(draw, "standard")


def wasserstein_mean(draw: Draw) -> Situation:
    """The same with scores as losses: J = [[0, I], [-I, 0]], which noise cannot decide."""
    return _shifted(draw, "indicator")


def _shifted(draw: Draw, loss: str) -> Situation:

    class Shift(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.by = nn.Parameter(torch.zeros(2, dtype=F64))

        def forward(self, z: Tensor) -> Tensor:
            return z + self.by

    d = nn.Linear(2, 1, bias=False).double()
    nn.init.zeros_(d.weight)
    batches = [{"real": draw.normal(128, 2), "latent": draw.normal(128, 2)} for _ in range(8)]
    return Situation(ng.GAN(Shift(), d, DIVERGENCES[loss]), batches, {"steps": 1e-2})


CLOSED: dict[str, tuple[Callable[[Draw], Situation], str]] = {
    "monotone game, at rest": (local_nash, "local Nash"),
    "a player at its worst, at rest": (not_nash, "stable but not Nash"),
    "saddle": (saddle, "saddle"),
    "saddle, moderate gamma": (saddle_with_consensus, "saddle"),
    "saddle, large gamma": (spurious, "spurious"),
    "bilinear cycle": (bilinear_cycle, "cycling"),
    "Dirac-GAN, at rest": (dirac_centre, "cycling"),
    "slow spiral": (slow_spiral, "cycling"),
    "too large a step": (large_step, "diverging"),
    "too large a step, at rest": (large_step_at_rest, "diverging"),
    "on the way": (on_the_way, "not stationary"),
    "a neutral coordinate": (neutral, "unsure"),
    "bilinear with consensus, at rest": (consensus_on_bilinear, "stable"),
    "bilinear with a look ahead, at rest": (extragradient_on_bilinear, "stable"),
    "bilinear in turns, at rest": (turns_on_bilinear, "cycling"),
}
NETWORKS: dict[str, tuple[Callable[[Draw], Situation], str]] = {
    "fresh GAN": (fresh_gan, "not stationary"),
    "collapsed generator": (collapsed_gan, "collapsed generator"),
    "saturated discriminator": (saturated_gan, "vanishing gradient"),
    "Gaussian's mean, at rest": (gaussian_mean, "stable"),
    "Gaussian's mean, Wasserstein": (wasserstein_mean, "unsure"),
}
SITUATIONS = CLOSED | NETWORKS
SURE = ("local Nash", "stable", "stable but not Nash")


def confusion(
    names: list[str], seeds: range, say: Callable[[str], None]
) -> dict[str, Counter[str]]:
    """How often each verdict was given."""
    found: dict[str, Counter[str]] = {}
    for name in names:
        make, _ = SITUATIONS[name]
        began = time.perf_counter()
        found[name] = Counter(make(Draw(seed)).diagnosis().verdict.name for seed in seeds)
        say(f"{name}: {dict(found[name])} ({time.perf_counter() - began:.0f} s)")
    return found


def table(found: dict[str, Counter[str]]) -> str:
    lines = ["| situation | truth | right | other verdicts |", "|---|---|---|---|"]
    for name, counts in found.items():
        truth = SITUATIONS[name][1]
        others = ", ".join(f"{v} {n}" for v, n in counts.items() if v != truth) or "none"
        lines.append(f"| {name} | {truth} | {counts[truth]} of {counts.total()} | {others} |")
    wrong = sum(
        n
        for name, counts in found.items()
        for verdict, n in counts.items()
        if verdict in SURE and verdict != SITUATIONS[name][1]
    )
    return "\n".join([*lines, "", f"false 'local Nash' or 'stable': {wrong}"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs=2, default=(1000, 1020))
    parser.add_argument("--only", choices=SITUATIONS, nargs="+", default=list(SITUATIONS))
    options = parser.parse_args()
    found = confusion(
        options.only, range(*options.seeds), lambda text: print(text, file=sys.stderr, flush=True)
    )
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
