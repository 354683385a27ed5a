"""Draws and tabulates spectra along training: python experiments/spectra.py PICTURE RUN [RUN ...].

Runs are trained with `--diagnose.every N`. The picture has the extremes of v' of all runs; the
table, at the first, the middle and the last look, the rightmost eigenvalue and the one with the
largest imaginary part, of v' and of w' where there is a method.
"""

import sys
from pathlib import Path
from typing import Any

from nashgrad.lab.commands.spectra_pictures import history
from nashgrad.lab.runs.records import Run, is_run
from nashgrad.plots import new_figure, save_png, spectra_over_time


def show(pairs: list[list[float]]) -> str:
    if not pairs:
        return "none found"
    real, imaginary = pairs[0]
    return f"{real:.2g}" + (f" ± {abs(imaginary):.2g}i" if imaginary else "")


def rows(name: str, metrics: list[dict[str, Any]]) -> list[str]:
    looks = [line for line in metrics if "spectra" in line]
    chosen = sorted({0, len(looks) // 2, len(looks) - 1})
    found = []
    for line in (looks[i] for i in chosen):
        cells = [name, f"{line['step']:,}"]
        for side in ("v", "w"):
            kinds = line["spectra"].get(side)
            cells += [show(kinds[k]["eigenvalues"]) if kinds else "" for k in ("LR", "LI")]
        found.append(f"| {' | '.join(cells)} |")
    return found


def main(arguments: list[str]) -> int:
    picture, *paths = arguments or [""]
    strangers = [path for path in paths if not is_run(Path(path))]
    if strangers or not paths:
        print(f"{strangers[0]}: holds no run" if strangers else __doc__, file=sys.stderr)
        return 2
    metrics = {Path(path).name: Run(Path(path)).metrics() for path in paths}
    histories = {name: found for name, m in metrics.items() if (found := history(m, "v"))}
    if missing := metrics.keys() - histories.keys():
        print(f"{missing.pop()}: has no spectra; train with --diagnose.every 500", file=sys.stderr)
        return 2
    figure, [axes] = new_figure(columns=4, width=3.2, height=2.8)
    spectra_over_time(axes, histories)
    save_png(figure, Path(picture))
    print("| run | step | v': rightmost | v': turns most | w': rightmost | w': turns most |")
    print("|---|---|---|---|---|---|")
    for name, lines in metrics.items():
        print("\n".join(rows(name, lines)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
