"""Prints the summaries of runs as a Markdown table: python experiments/table.py RUN [RUN ...]."""

import statistics
import sys
from pathlib import Path

from nashgrad.lab.runs.records import Run, is_run

COLUMNS = {
    "steps": "steps",
    "modes_covered": "modes",
    "hq_003": "hq.03",
    "hq_005": "hq.05",
    "hq_01": "hq.1",
    "sw2": "SW2",
    "frechet_start": "FD, step 0",
    "frechet_pixels": "FD",
    "class_entropy": "entropy",
    "smallest_class": "smallest class",
    "largest_class": "largest class",
}


def row(run: Run) -> dict[str, float]:
    first = next(line["scores"] for line in run.metrics() if "scores" in line)
    values = {**run.summary(), "frechet_start": first.get("frechet_pixels")}
    return {key: values[key] for key in COLUMNS if values.get(key) is not None}


def line(*cells: object) -> str:
    shown = (f"{cell:.5g}" if isinstance(cell, float) else str(cell) for cell in cells)
    return f"| {' | '.join(shown)} |"


def main(paths: list[str]) -> int:
    strangers = [path for path in paths if not is_run(Path(path))]
    if strangers or not paths:
        print(f"{strangers[0]}: holds no run" if strangers else __doc__, file=sys.stderr)
        return 2
    rows = {Path(path).name: row(Run(Path(path))) for path in paths}
    keys = [key for key in COLUMNS if all(key in values for values in rows.values())]
    print(line("run", *(COLUMNS[key] for key in keys)))
    print(line(*["---"] * (len(keys) + 1)))
    for name, values in rows.items():
        print(line(name, *(values[key] for key in keys)))
    print(
        line("median", *(float(statistics.median(v[key] for v in rows.values())) for key in keys))
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
