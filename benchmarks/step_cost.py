"""What a step costs: time and peak memory of the library's steps over a loop written by hand.

    python benchmarks/step_cost.py [--nets mlp dcgan3 dcgan4] [--rounds 15] [--json FILE]
    python benchmarks/step_cost.py --cases "consensus, score" "js consensus, zero-sum"

The denominator is `by_hand`: one generator forward shared by both losses, one `autograd.grad` per
player, stock optimisers, no code of the library; cases of the zero-sum game are over the loop by
hand of that game. Steps are timed in turn, round after round, so that a machine that changes its
speed changes it for all; on CUDA by the device's own events. Memory is the peak above the
process with networks, optimisers and batch in place, each case in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from math import inf
from pathlib import Path
from typing import Any

import torch
from peers import INNER_RATE, INSTALLED, PEERS, RATE, Batch, Nets, Step, naive_consensus
from torch.nn.functional import softplus
from torch.optim import SGD, Optimizer, RMSprop

from nashgrad import (
    GAN,
    AdaptiveCompetitive,
    Alternating,
    Compiled,
    Consensus,
    Eager,
    Engine,
    EveryK,
    FiniteDifference,
    Game,
    GameField,
    GameOptimizer,
    Krylov,
    Score,
    Subsampled,
    Unrolled,
    ZeroSum,
    ZeroSumDifference,
)
from nashgrad.models import MLP, dcgan
from nashgrad.objectives import DIVERGENCES

ON_CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if ON_CUDA else "cpu")


def mlp() -> tuple[Nets, Batch]:
    """The paper's mixture networks, 2,003 parameters, batch 512."""
    nets = MLP([16, 16, 16, 16, 16, 2]), MLP([2, 16, 16, 16, 16, 1])
    return nets, {"real": torch.randn(512, 2), "latent": torch.randn(512, 16)}


def convolutional(name: str) -> tuple[Nets, Batch]:
    """The paper's networks for CIFAR-10: 64 filters, no batch norm, batch 64."""
    batch = {"real": torch.rand(64, 3, 32, 32) * 2 - 1, "latent": torch.randn(64, 256)}
    return dcgan(name), batch


NETS: dict[str, Callable[[], tuple[Nets, Batch]]] = {
    "mlp": mlp,
    "dcgan3": lambda: convolutional("dcgan3_nobn"),
    "dcgan4": lambda: convolutional("dcgan4_nobn"),
}


def by_hand(nets: Nets, batch: Batch, loss: str = "standard") -> Step:
    """What a user writes today, well: the standard loss, or the zero-sum one."""
    generator, discriminator = nets
    g, d = list(generator.parameters()), list(discriminator.parameters())
    optimizers = RMSprop(g, RATE), RMSprop(d, RATE)

    def step() -> None:
        fake = generator(batch["latent"])
        fake_scores, real_scores = discriminator(fake), discriminator(batch["real"])
        wrong = softplus(-fake_scores) if loss == "standard" else -softplus(fake_scores)
        g_loss = wrong.mean()
        d_loss = softplus(-real_scores).mean() + softplus(fake_scores).mean()
        g_gradients = torch.autograd.grad(g_loss, g, retain_graph=True)
        d_gradients = torch.autograd.grad(d_loss, d)
        for parameters, gradients in ((g, g_gradients), (d, d_gradients)):
            for p, gradient in zip(parameters, gradients, strict=True):
                p.grad = gradient
        for optimizer in optimizers:
            optimizer.step()

    return step


def by_library(
    engine: Callable[[], Engine] = Eager,
    loss: str = "standard",
    parts: int = 1,
    share: int = 1,
    unrolled: float | None = None,
    optimizer: type[Optimizer] = RMSprop,
    **method: Any,
) -> Callable[[Nets, Batch], Step]:
    """A GameOptimizer's step.

    Args:
        engine: of the field.
        loss: of the GAN.
        parts: micro-batches.
        share: the step sees one part of so many of the batch.
        unrolled: the rate of one step of the discriminator that the generator foresees.
        optimizer: below.
        method: adjustment and schedule.
    """

    def build(nets: Nets, batch: Batch) -> Step:
        batch = {key: x[: len(x) // share] for key, x in batch.items()}
        generator, discriminator = nets
        optimizers = {
            "generator": optimizer(generator.parameters(), RATE),
            "discriminator": optimizer(discriminator.parameters(), RATE),
        }
        game: Game = GAN(*nets, DIVERGENCES[loss])
        if unrolled is not None:
            game = Unrolled(game, "discriminator", 1, unrolled)
        field = GameField(game, engine=engine(), microbatches=parts)
        opt = GameOptimizer(field, optimizers, **method)
        return lambda: opt.step(batch)

    return build


CASES: dict[str, Callable[[Nets, Batch], Step]] = {
    "by hand": by_hand,
    "plain": by_library(),
    "alternating": by_library(schedule=Alternating()),
    "consensus": by_library(adjustment=Consensus(0.1)),
    "plain, score": by_library(Score),
    "consensus, score": by_library(Score, adjustment=Consensus(0.1)),
    "plain, compiled": by_library(Compiled),
    "consensus, compiled": by_library(Compiled, adjustment=Consensus(0.1)),
    "plain, compiled score": by_library(lambda: Compiled(Score())),
    "consensus, compiled score": by_library(lambda: Compiled(Score()), adjustment=Consensus(0.1)),
    "consensus, differences": by_library(FiniteDifference, adjustment=Consensus(0.1)),
    "consensus, four parts": by_library(parts=4, adjustment=Consensus(0.1)),
    "consensus, one of four": by_library(share=4, adjustment=Consensus(0.1)),
    "consensus every 4": by_library(Score, adjustment=EveryK(Consensus(0.4), 4)),
    "consensus every 4, compiled": by_library(Compiled, adjustment=EveryK(Consensus(0.4), 4)),
    "consensus, J of an eighth": by_library(Score, adjustment=Subsampled(Consensus(0.1), 8)),
    "consensus, naive": naive_consensus,
    "unrolled": by_library(unrolled=INNER_RATE),
    "js by hand": partial(by_hand, loss="js"),
    "js plain, zero-sum": by_library(ZeroSum, "js"),
    "js consensus": by_library(loss="js", adjustment=Consensus(0.1)),
    "js consensus, differences": by_library(ZeroSumDifference, "js", adjustment=Consensus(0.1)),
    "js consensus, zero-sum": by_library(ZeroSum, "js", adjustment=Consensus(0.1)),
    "js acgd, zero-sum": by_library(
        ZeroSum, "js", optimizer=SGD, adjustment=AdaptiveCompetitive(solver=Krylov("gmres", 1e-4))
    ),
    **INSTALLED,
}
PERIODS = {"consensus every 4": 4, "consensus every 4, compiled": 4}
"""Steps that differ among themselves are timed by whole periods."""
HANDS = ("by hand", "js by hand")
TARGETS: dict[str, dict[str, tuple[float, float]]] = {
    "mlp": {
        "plain, score": (0.85, inf),
        "plain, compiled score": (0.85, inf),
        "consensus": (2.4, inf),
        "js consensus, zero-sum": (2.3, inf),
        "consensus, compiled": (1.1, inf),
        "consensus every 4": (1.3, inf),
        "consensus every 4, compiled": (1.3, inf),
    },
    "dcgan3": {
        "plain, score": (0.95, inf),
        "consensus": (3.0, inf),
        "consensus, differences": (2.0, 1.6),
        "js consensus, differences": (2.0, 1.6),
        "consensus every 4": (1.3, inf),
    },
}
"""What a step's time and its peak memory should be at most, over the loop by hand."""
SLOW = {"dcgan3": ("compiled",), "dcgan4": ("compiled",)}
"""Compiling convolutions takes minutes and gains nothing on a CPU; ask for it with --cases."""


def hand_of(case: str) -> str:
    """The loop that a case is held against."""
    return HANDS[case.startswith("js")]


def asked(net: str, cases: list[str] | None) -> list[str]:
    """The cases for a network, with the loops that they are held against."""
    slow = SLOW.get(net, ()) if not ON_CUDA else ()
    chosen = cases or [c for c in CASES if not any(word in c for word in slow)]
    return [c for c in CASES if c in chosen or c in {hand_of(x) for x in chosen}]


def build(net: str, case: str) -> Step:
    torch.manual_seed(0)
    nets, batch = NETS[net]()
    for module in nets:
        module.to(DEVICE)
    return CASES[case](nets, {key: value.to(DEVICE) for key, value in batch.items()})


def synchronize() -> None:
    if ON_CUDA:
        torch.cuda.synchronize()


def timed(net: str, cases: list[str], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Seconds per step of each case, round by round."""
    steps = {case: build(net, case) for case in cases}
    for step in steps.values():
        for _ in range(3):
            step()
    repeats = max(1, int(seconds / lasted(steps[hand_of(cases[0])], 1)))
    times: dict[str, list[float]] = {case: [] for case in cases}
    for _ in range(rounds):
        for case, step in steps.items():
            several = repeats + -repeats % PERIODS.get(case, 1)
            times[case].append(lasted(step, several) / several)
    return times


def lasted(step: Step, times: int) -> float:
    """Seconds of so many steps, by the device's events where there is a device."""
    synchronize()
    events = [torch.cuda.Event(enable_timing=True) for _ in range(2)] if ON_CUDA else []
    started = time.perf_counter()
    if ON_CUDA:
        events[0].record()
    for _ in range(times):
        step()
    if not ON_CUDA:
        return time.perf_counter() - started
    events[1].record()
    synchronize()
    return float(events[0].elapsed_time(events[1])) / 1e3


def peak(net: str, case: str, threads: int, answer: Any) -> None:
    """Bytes above the process with everything in place, over three steps."""
    torch.set_num_threads(threads)
    step = build(net, case)
    if ON_CUDA:
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
    else:
        before = resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    for _ in range(3):
        step()
    after = torch.cuda.max_memory_allocated() if ON_CUDA else resident("VmHWM")
    answer.put(after - before)


def resident(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))


def peaks(net: str, cases: list[str]) -> dict[str, int]:
    spawn, found = multiprocessing.get_context("spawn"), {}
    for case in cases:
        answer = spawn.Queue()
        process = spawn.Process(target=peak, args=(net, case, torch.get_num_threads(), answer))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f"{net}, {case}: failed")
        found[case] = answer.get()
    return found


def summary(times: dict[str, list[float]], memory: dict[str, int]) -> dict[str, dict[str, float]]:
    """Medians, and medians and quartiles of the ratios to the loop by hand, round by round."""
    rows = {}
    for case, seconds in times.items():
        ratios = [a / b for a, b in zip(seconds, times[hand_of(case)], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        rows[case] = {
            "ms": 1e3 * statistics.median(seconds),
            "ratio": middle,
            "ratio_low": low,
            "ratio_high": high,
            "peak_mb": memory[case] / 1e6,
            "peak_ratio": memory[case] / memory[hand_of(case)],
        }
    return rows


def table(net: str, rows: dict[str, dict[str, float]]) -> str:
    head = f"{net:<28} {'ms':>9} {'ratio':>7} {'quartiles':>15} {'peak MB':>9} {'ratio':>7}  target"
    lines = [
        f"{case:<28} {r['ms']:9.2f} {r['ratio']:7.3f} {r['ratio_low']:7.3f}-{r['ratio_high']:.3f}"
        f" {r['peak_mb']:10.1f} {r['peak_ratio']:7.2f}  {met(net, case, r)}".rstrip()
        for case, r in rows.items()
    ]
    return "\n".join([head, *lines])


def met(net: str, case: str, row: dict[str, float]) -> str:
    """The target of a case, and whether its median meets it."""
    if case not in TARGETS.get(net, {}):
        return ""
    slowest, largest = TARGETS[net][case]
    memory = "" if largest == inf else f", memory {largest:g}"
    good = row["ratio"] <= slowest and row["peak_ratio"] <= largest
    return f"{slowest:g}{memory}: {'met' if good else 'missed'}"


def processor() -> str:
    """The model of the CPU, as far as the system tells."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.machine()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", nargs="+", choices=list(NETS), default=list(NETS))
    parser.add_argument("--cases", nargs="+", choices=list(CASES), metavar="CASE", help="some only")
    parser.add_argument("--rounds", type=int, default=15, help="interleaved rounds")
    parser.add_argument("--seconds", type=float, default=0.5, help="per case and round, about")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    if arguments.rounds < 15:
        print(f"note: {arguments.rounds} rounds are a look; figures are told from 15 on")
    torch.set_num_threads(arguments.threads)
    figures: dict[str, Any] = {
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if ON_CUDA else processor(),
        "threads": arguments.threads,
        "rounds": arguments.rounds,
        "nets": {},
    }
    print(", ".join(f"{key} {figures[key]}" for key in ("torch", "device", "threads", "rounds")))
    if lacking := [package for package, _ in PEERS.values() if not find_spec(package)]:
        print(f"without {', '.join(lacking)}, which are not installed")
    for net in arguments.nets:
        cases = asked(net, arguments.cases)
        times = timed(net, cases, arguments.rounds, arguments.seconds)
        figures["nets"][net] = summary(times, peaks(net, cases))
        print(table(net, figures["nets"][net]), end="\n\n", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
