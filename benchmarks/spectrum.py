"""What a spectrum costs: all eigenvalues of a small game, the outermost of a large one.

    python benchmarks/spectrum.py [--parts ring dcgan3] [--which LM LI LR] [--cap 60] [--json FILE]

The ring is the paper's mixture game, 2,003 parameters, batch 512, in float64: the matrix by batched
products, its eigenvalues, and the same with eigenvectors and residuals. dcgan3 has no batch norm,
36 filters (1.2 million parameters), float32, batch 8: four eigenvalues by ARPACK, cold, and warm
after a small change of the parameters, beside SciPy called as it is (20 vectors, the same
tolerance).
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, eigs
from torch import Tensor

from nashgrad import GAN, GameField
from nashgrad.analysis.spectrum import Spectrum, eigenvalues, spectrum
from nashgrad.core.operators import LinearOperator
from nashgrad.models import MLP, dcgan

K = 4
TOLERANCE = 1e-3
CHANGE = 0.01
"""Of the parameters' size: a few steps of training."""


def timed(do: Callable[[], Any]) -> tuple[Any, float, float]:
    """What it gives, seconds, and seconds of processor time."""
    started, used = time.perf_counter(), time.process_time()
    found = do()
    return found, time.perf_counter() - started, time.process_time() - used


def ring() -> dict[str, Any]:
    torch.manual_seed(0)
    nets = MLP([16, 16, 16, 16, 16, 2]).double(), MLP([2, 16, 16, 16, 16, 1]).double()
    batch = {
        "real": torch.randn(512, 2, dtype=torch.float64),
        "latent": torch.randn(512, 16, dtype=torch.float64),
    }
    J = GameField(GAN(*nets)).linearize(batch).jacobian
    cases: dict[str, Callable[[], Any]] = {
        "matrix": J.to_dense,
        "eigenvalues": lambda: eigenvalues(J),
        "spectrum": lambda: spectrum(J),
        "outermost 4": lambda: spectrum(J, K, max_products=200),
    }
    figures: dict[str, Any] = {"parameters": J.size}
    for name, do in cases.items():
        found, seconds, processor = timed(do)
        figures[name] = {"seconds": seconds, "processor": processor}
        if isinstance(found, Spectrum):
            figures[name]["products"] = found.products
            figures[name]["residual"] = float(found.residuals.max())
        print(f"ring  {name:<12} {seconds:6.1f} s, {processor:6.1f} s of processor", flush=True)
    return figures


def large(filters: int) -> tuple[GameField, dict[str, Tensor]]:
    torch.manual_seed(0)
    batch = {"real": torch.rand(8, 3, 32, 32) * 2 - 1, "latent": torch.randn(8, 256)}
    return GameField(GAN(*dcgan("dcgan3_nobn", filters=filters))), batch


def by_scipy(J: LinearOperator, which: str) -> tuple[int, int]:
    """Products, and how many eigenvalues, of SciPy's own choice of a basis."""
    count = 0

    def product(u: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        nonlocal count
        count += 1
        return (J.T @ torch.from_numpy(u).ravel()).numpy()

    A = J.to_scipy()
    A.matvec = product
    start = torch.randn(J.size, generator=torch.Generator().manual_seed(0)).numpy()
    try:
        values = eigs(A, K, which=which, v0=start, tol=TOLERANCE, maxiter=12)[0]
    except ArpackNoConvergence as error:
        values = error.eigenvalues
    return count, len(values)


def row(name: str, which: str, found: Spectrum, seconds: float) -> dict[str, Any]:
    values = ", ".join(f"{z:.3f}" for z in found.eigenvalues.tolist())
    residual = float(found.residuals.max()) if len(found.residuals) else float("nan")
    print(
        f"dcgan3  {which}  {name:<14} {found.products:4} products, {found.converged} of {K},"
        f" {seconds:5.1f} s, residual {residual:.0e}: {values}",
        flush=True,
    )
    return {"products": found.products, "converged": found.converged, "seconds": seconds}


def searches(filters: int, which: list[str], cap: int) -> dict[str, Any]:
    field, batch = large(filters)
    x = field.space.get()
    figures: dict[str, Any] = {"parameters": field.space.size}
    print(f"dcgan3  {field.space.size:,} parameters, batch 8", flush=True)
    for key in which:
        field.space.set_(x)
        J = field.linearize(batch).jacobian
        rows = figures[key] = {}
        found, seconds, _ = timed(lambda: spectrum(J, K, key, max_products=cap))  # noqa: B023
        rows["capped"] = row(f"cold, cap {cap}", key, found, seconds)
        cold, seconds, _ = timed(lambda: spectrum(J, K, key))  # noqa: B023
        rows["cold"] = row("cold", key, cold, seconds)
        (products, converged), seconds, _ = timed(lambda: by_scipy(J, key))  # noqa: B023
        rows["scipy"] = {"products": products, "converged": converged, "seconds": seconds}
        print(f"dcgan3  {key}  {'SciPy':<14} {products:4} products, {converged} of {K}", flush=True)
        draw = torch.Generator().manual_seed(1)
        field.space.set_(x + CHANGE * x.abs() * torch.randn(len(x), generator=draw))
        J = field.linearize(batch).jacobian
        warm, seconds, _ = timed(lambda: spectrum(J, K, key, start=cold.start))  # noqa: B023
        rows["warm"] = row("warm", key, warm, seconds)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--parts", nargs="+", choices=["ring", "dcgan3"], default=["ring", "dcgan3"]
    )
    parser.add_argument(
        "--which", nargs="+", choices=["LM", "LI", "LR"], default=["LM", "LI", "LR"]
    )
    parser.add_argument("--filters", type=int, default=36, help="of dcgan3's first convolution")
    parser.add_argument("--cap", type=int, default=60, help="most products of the capped searches")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    figures: dict[str, Any] = {
        "torch": torch.__version__,
        "machine": platform.machine(),
        "threads": arguments.threads,
    }
    if "ring" in arguments.parts:
        figures["ring"] = ring()
    if "dcgan3" in arguments.parts:
        figures["dcgan3"] = searches(arguments.filters, arguments.which, arguments.cap)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
