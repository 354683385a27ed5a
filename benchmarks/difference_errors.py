"""How far products by differences are from the exact ones: float32 against float64.

    python benchmarks/difference_errors.py [--seeds 5]

For each network and seed |J^T v - exact| / |exact|, exact being automatic differentiation of the
same parameters and batch in float64.
"""

import argparse
import copy
import statistics
from collections.abc import Callable

import torch

from nashgrad import GAN, Engine, FiniteDifference, GameField, ZeroSumDifference
from nashgrad.models import MLP, dcgan
from nashgrad.objectives import DIVERGENCES

ENGINES: dict[str, tuple[str, Callable[[], Engine]]] = {
    "FiniteDifference": ("standard", FiniteDifference),
    "FiniteDifference, central": ("standard", lambda: FiniteDifference(central=True)),
    "ZeroSumDifference": ("js", ZeroSumDifference),
    "ZeroSumDifference, central": ("js", lambda: ZeroSumDifference(central=True)),
}
NETS = ("mlp", "dcgan3_nobn", "dcgan4_nobn", "dcgan4")


def game_of(net: str, loss: str, seed: int) -> tuple[GAN, dict[str, torch.Tensor]]:
    torch.manual_seed(seed)
    if net == "mlp":
        nets = MLP([16, 16, 16, 16, 16, 2]), MLP([2, 16, 16, 16, 16, 1])
        batch = {"real": torch.randn(512, 2), "latent": torch.randn(512, 16)}
    else:
        nets = dcgan(net)
        batch = {"real": torch.rand(64, 3, 32, 32) * 2 - 1, "latent": torch.randn(64, 256)}
    return GAN(*nets, DIVERGENCES[loss]), batch


def product(game: GAN, batch: dict[str, torch.Tensor], engine: Engine | None) -> torch.Tensor:
    at = GameField(game, engine=engine).linearize(batch)
    return at.jacobian.T @ at.value


def error(net: str, loss: str, engine: Engine, seed: int) -> float:
    game, batch = game_of(net, loss, seed)
    exact = product(copy.deepcopy(game).double(), {k: x.double() for k, x in batch.items()}, None)
    found = product(game, batch, engine).double()
    return float((found - exact).norm() / exact.norm())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for net in NETS:
        for name, (loss, make) in ENGINES.items():
            errors = [error(net, loss, make(), seed) for seed in range(args.seeds)]
            told = " ".join(f"{e:.1e}" for e in errors)
            print(
                f"{net:<12} {name:<27} median {statistics.median(errors):.1e}   {told}", flush=True
            )


if __name__ == "__main__":
    main()
