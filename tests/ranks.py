"""What each of several processes does in the test of data parallelism; spawned, so importable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.optim import SGD, Adam

import nashgrad as ng
from nashgrad.distributed import all_reduce_mean, broadcast_, share
from references import buffers, parameters

D, G = "discriminator", "generator"
CASES = {
    "simultaneous-identity": (ng.Identity(), ng.Simultaneous()),
    "simultaneous-consensus": (ng.Consensus(1.0), ng.Simultaneous()),
    "alternating-identity": (ng.Identity(), ng.Alternating((D, G))),
    "alternating-consensus": (ng.Consensus(1.0), ng.Alternating((D, D, G))),
}


def build(seed: int) -> ng.GAN:
    torch.manual_seed(seed)
    g = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2)).double()
    d = nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 1)).double()
    return ng.GAN(g, d)


def train(game: ng.GAN, batches: list[Any], name: str, **options: Any) -> dict[str, Any]:
    adjustment, schedule = CASES[name]
    opt = ng.GameOptimizer(
        ng.GameField(game, **options),
        {G: SGD(game.generator.parameters(), 0.1), D: Adam(game.discriminator.parameters(), 1e-2)},
        adjustment=adjustment,
        schedule=schedule,
    )
    records = [opt.step(batch) for batch in batches]
    last = {"losses": records[-1].losses, "norms": records[-1].norms}
    return {"x": parameters(game), **last}


def products(game: ng.GAN, batch: dict[str, Tensor], u: Tensor, **options: Any) -> list[Tensor]:
    at = ng.GameField(game, **options).linearize(batch)
    return [at.value, at.jacobian @ u, at.jacobian.T @ u, at.gradient(G), at.gradient(D)]


def rank(rank: int, folder: str, sizes: tuple[int, ...], batches: list[dict[str, Tensor]]) -> None:
    """Trains on this rank's samples of each batch, and leaves what came out in the folder."""
    torch.set_num_threads(1)
    init = f"file://{Path(folder) / 'rendezvous'}"
    dist.init_process_group("gloo", init_method=init, rank=rank, world_size=len(sizes))
    mine = [{k: v.split(list(sizes))[rank] for k, v in batch.items()} for batch in batches]
    results: dict[str, Any] = {}
    for name in CASES:
        game = build(seed=rank)
        broadcast_(game)
        results[name] = train(game, mine, name, reduce=all_reduce_mean)
    game = build(seed=0)
    u = torch.randn(sum(p.numel() for p in game.parameters()), dtype=torch.float64)
    dist.broadcast(u, 0)
    results["u"] = u
    results["products"] = products(game, mine[0], u, reduce=all_reduce_mean)
    results["parts"] = products(game, mine[0], u, reduce=all_reduce_mean, microbatches=2)
    results["share"] = share(batches[0])
    norm = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 2).requires_grad_(False))
    norm(torch.randn(4 + rank, 2))
    broadcast_(norm, source=1)
    results["broadcast"] = (parameters(norm), buffers(norm))
    torch.save(results, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()
