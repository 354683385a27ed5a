"""How large a report is, how long it takes to write and to open: 20 runs, 200 log points each.

    python benchmarks/report.py [--runs N] [--points N] [--rounds N]

The runs are copies of one small run with made-up numbers; sizes of files are what matters here. It
opens in headless Chromium; opening ends when the page's load event has run.
"""

import argparse
import json
import platform
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from nashgrad.lab.commands.cli import main as nashgrad
from nashgrad.lab.report import write_report

RING = Path(__file__).parents[1] / "experiments" / "ring.yaml"


def copies(folder: Path, runs: int, points: int) -> list[Path]:
    """Runs of four methods, with as many seeds as it takes."""
    source = folder / "source"
    words = ["--steps", "100", "--threads", "1", "--evaluate.every", "10", "--diagnose.every", "50"]
    assert nashgrad(["train", str(RING), *words, "--out", str(source)]) == 0
    assert nashgrad(["diagnose", str(source)]) in (0, 10, 11)
    random = np.random.default_rng(0)
    looks = [
        line for line in (source / "metrics.jsonl").read_text().splitlines() if "spectra" in line
    ]
    made = []
    for index in range(runs):
        run = folder / f"method{index % 4}-seed{index // 4}"
        shutil.copytree(source, run, ignore=shutil.ignore_patterns("checkpoints"))
        config = (
            (run / "config.yaml").read_text().replace("gamma: 10.0", f"gamma: {index % 4 + 1}.0")
        )
        (run / "config.yaml").write_text(config.replace("\nseed: 0", f"\nseed: {index // 4}"))
        lines = [json.dumps(line(random, step, points)) for step in range(points + 1)]
        (run / "metrics.jsonl").write_text("\n".join([*lines, *looks]) + "\n")
        made.append(run)
    return made


def line(random: np.random.Generator, step: int, points: int) -> dict[str, object]:
    def value() -> float:
        return float(np.exp(0.2 * random.normal() - 2 * step / points))

    players = ("generator", "discriminator")
    record: dict[str, object] = {"step": 100 * step, "seconds": 0.5 * step, "field_norm": value()}
    record |= {key: {player: value() for player in players} for key in ("losses", "norms")}
    if step % 10 == 0:
        record["scores"] = {
            name: value() for name in ("modes_covered", "hq_003", "hq_005", "hq_01", "sw2")
        }
    return record


def opened(page: Path) -> float:
    """Milliseconds from asking for it to the end of its load event, and no complaint on the way."""
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        tab = browser.new_page(viewport={"width": 1400, "height": 900})
        tab.on("pageerror", lambda error: print("error:", error))
        tab.goto(page.as_uri())
        took = tab.evaluate(
            "(t => t.loadEventEnd - t.startTime)(performance.getEntriesByType('navigation')[0])"
        )
        browser.close()
    return float(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = copies(Path(folder), args.runs, args.points)
        page = Path(folder) / "report.html"
        began = time.perf_counter()
        write_report(runs, page)
        written = time.perf_counter() - began
        size = page.stat().st_size / 1e6
        times = sorted(opened(page) / 1000 for _ in range(args.rounds))
    print(f"{platform.machine()}, {args.runs} runs of {args.points} points, {args.rounds} rounds")
    print(
        f"{size:.1f} MB, written in {written:.1f} s, opens in {statistics.median(times):.2f} s "
        f"({times[0]:.2f} to {times[-1]:.2f})"
    )


if __name__ == "__main__":
    main()
