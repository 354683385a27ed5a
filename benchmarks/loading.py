"""What images cost: decoding of files by one and by several processes, and batches beside a step.

    python benchmarks/loading.py [--images 2000] [--rounds 5] [--workers 0 2]

Files are JPEG of 178x218 pixels, as CelebA's aligned ones, of noise smoothed to a photograph's
size; they become 64x64 through a crop of 160. Decoding is timed in turn, round after round. Batches
of 64 are drawn from what was decoded, beside a consensus step on the same images.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter

from nashgrad import GAN, Consensus, GameField, GameOptimizer
from nashgrad.data import Images, image_loader, load_images, stream
from nashgrad.models import resnet

BATCH = 64
LATENT = 256


def write(folder: Path, count: int) -> float:
    """Mean bytes of a file."""
    rng = np.random.default_rng(0)
    for i in range(count):
        noise = Image.fromarray(rng.integers(0, 256, (218, 178, 3), np.uint8))
        noise.filter(ImageFilter.GaussianBlur(2)).save(folder / f"{i:06d}.jpg", quality=90)
    return statistics.mean(file.stat().st_size for file in folder.iterdir())


def seconds(work: Callable[[], object]) -> float:
    """Of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def decoding(folder: Path, count: int, workers: list[int], rounds: int) -> None:
    """Prints images a second."""
    took: dict[int, list[float]] = {n: [] for n in workers}
    for _ in range(rounds):
        for n in workers:
            took[n].append(seconds(lambda n=n: load_images(folder, crop=160, size=64, workers=n)))
    for n in workers:
        speeds = sorted(count / t for t in took[n])
        low, middle, high = speeds[0], statistics.median(speeds), speeds[-1]
        who = f"{n} processes" if n else "this process"
        print(f"decoding by {who}: {middle:,.0f} images/s ({low:,.0f} to {high:,.0f})")


def training(images: Images, rounds: int) -> None:
    """Prints batches a second, and what share of a step they are."""
    generator, discriminator = resnet("resnet_cf", latent=LATENT, filters=16)
    field = GameField(GAN(generator, discriminator))
    modules = {"generator": generator, "discriminator": discriminator}
    optimizers = {
        name: torch.optim.Adam(module.parameters(), lr=2e-4) for name, module in modules.items()
    }
    optimizer = GameOptimizer(field, optimizers, adjustment=Consensus(1.0))
    batches = stream(image_loader(images, BATCH), LATENT, torch.device("cpu"), 0)
    next(batches)
    draw = statistics.median(seconds(lambda: next(batches)) for _ in range(20 * rounds))
    batch = next(batches)
    step = statistics.median(seconds(lambda: optimizer.step(batch)) for _ in range(2 * rounds))
    print(
        f"a batch of {BATCH}: {draw * 1e3:.2f} ms ({1 / draw:,.0f} batches/s), a consensus step of "
        f"resnet_cf with 16 filters {step * 1e3:,.0f} ms: {draw / step:.2%} of it"
    )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2])
    asked = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.machine()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = write(folder, asked.images)
        print(f"{asked.images} JPEG files of 178x218 pixels, {size / 1e3:.1f} kB each")
        decoding(folder, asked.images, asked.workers, asked.rounds)
        training(load_images(folder, crop=160, size=64), asked.rounds)


if __name__ == "__main__":
    main()
