"""The commands, each with what it reads from the command line.

What a command needs is imported when it runs, so that help does not wait for torch.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Annotated

from tyro.conf import Positional, arg

from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.config.files import dump, load
from nashgrad.lab.config.overrides import Override


@dataclass(frozen=True)
class Train:
    """Train a game as a configuration file says."""

    config: Annotated[Positional[str], arg(metavar="CONFIG", help="YAML file, as in experiments/")]
    overwrite: Annotated[bool, arg(help="replace the run that the folder holds")] = False
    print_config: Annotated[bool, arg(help="print the whole configuration and stop")] = False

    def run(self, overrides: Sequence[Override]) -> int:
        """Train, with some keys of the file changed."""
        config = load(self.config, overrides)
        if self.print_config:
            sys.stdout.write(dump(config))
            return 0
        from nashgrad.lab.training.train import train

        return train(config, overwrite=self.overwrite)


@dataclass(frozen=True)
class Resume:
    """Continue a run from its last checkpoint."""

    folder: Annotated[Positional[str], arg(metavar="RUN", help="run folder")]

    def run(self) -> int:
        """Continue as if the run had never stopped."""
        from nashgrad.lab.training.train import resume

        return resume(self.folder)


@dataclass(frozen=True)
class Demo:
    """Train two games with simultaneous ascent and with consensus, and compare them."""

    out: Annotated[str, arg(metavar="DIR", help="folder for pictures and tables")] = "runs/demo"

    def run(self) -> int:
        """Train, compare, and leave pictures."""
        from nashgrad.lab.commands.demo import demo

        return demo(out=self.out)


@dataclass(frozen=True)
class Tournament:
    """Compare methods on one game at an equal budget; goes on where it stopped.

    Exit code: 0 finished, 4 some runs failed, 128 + signal interrupted, 2 bad input.
    """

    config: Annotated[
        Positional[str], arg(metavar="CONFIG", help="YAML file, as experiments/tournaments/*.yaml")
    ]
    out: Annotated[str | None, arg(metavar="DIR", help="folder; default runs/<file>")] = None
    jobs: Annotated[int | None, arg(metavar="N", help="runs at once; default all cores")] = None

    def run(self) -> int:
        """Play it to its end."""
        _at_least_one("--jobs", self.jobs)
        from nashgrad.lab.studies.tournament import tournament

        return tournament(self.config, out=self.out, jobs=self.jobs)


@dataclass(frozen=True)
class Score:
    """Hold runs' samples against real images: FID, KID, inception score, precision and recall.

    Every score names its extractor; those of another one do not compare.
    """

    folders: Annotated[Positional[tuple[str, ...]], arg(metavar="RUN ...", help="run folders")]
    checkpoint: Annotated[int | None, arg(metavar="STEP", help="default: the last one")] = None
    extractor: Annotated[
        str,
        arg(
            metavar="NAME",
            help="efficientnet_lite0, inception_2015, classifier, pixels, pixels8, or identity "
            "for points of the plane",
        ),
    ] = "efficientnet_lite0"
    weights: Annotated[
        str | None, arg(metavar="FILE", help="of inception_2015; default: torch-fidelity's own")
    ] = None
    samples: Annotated[int, arg(metavar="N", help="generated, and as many real ones")] = 2_048
    splits: Annotated[int, arg(metavar="N", help="of the inception score")] = 10

    def run(self) -> int:
        """Print the scores, and leave them in each run's folder."""
        for flag in ("samples", "splits"):
            _at_least_one(f"--{flag}", getattr(self, flag))
        if not self.folders:
            raise UsageError(
                "nashgrad score: needs a run's folder, such as runs/cifar10-consensus-seed0"
            )
        from nashgrad.lab.commands.score import score

        return score(**vars(self))


@dataclass(frozen=True)
class Classifier:
    """Train a small classifier of a configuration's images, for --extractor classifier."""

    config: Annotated[Positional[str], arg(metavar="CONFIG", help="YAML file; takes --KEY VALUE")]
    epochs: Annotated[int, arg(metavar="N", help="passes over the images")] = 6

    def run(self, overrides: Sequence[Override]) -> int:
        """Train it, unless it is there, and say how often it is right."""
        _at_least_one("--epochs", self.epochs)
        config = load(self.config, overrides)
        from nashgrad.lab.commands.classifier import train_classifier

        return train_classifier(config, self.epochs)


@dataclass(frozen=True)
class Sweep:
    """Run a grid over any keys with several seeds; goes on where it stopped.

    Exit code: 0 finished, 4 some runs failed, 128 + signal interrupted, 2 bad input.
    """

    config: Annotated[
        Positional[str], arg(metavar="CONFIG", help="YAML file, as experiments/sweeps/*.yaml")
    ]
    data: Annotated[str | None, arg(metavar="PATH", help="images, for the base's data.path")] = None
    out: Annotated[str | None, arg(metavar="DIR", help="folder; default runs/sweep-<file>")] = None
    jobs: Annotated[int | None, arg(metavar="N", help="runs at once; default all cores")] = None

    def run(self) -> int:
        """Run all of it."""
        _at_least_one("--jobs", self.jobs)
        from nashgrad.lab.studies.sweep import sweep

        return sweep(self.config, data=self.data, out=self.out, jobs=self.jobs)


@dataclass(frozen=True)
class Fetch:
    """Download a data set: cifar10 or fashion_mnist; goes on where it stopped, checks it."""

    name: Annotated[Positional[str], arg(metavar="NAME", help="cifar10 or fashion_mnist")]
    out: Annotated[str, arg(metavar="DIR", help="folder that it goes into")] = "data"

    def run(self) -> int:
        """Download what is missing."""
        from nashgrad.lab.commands.fetch import fetch

        return fetch(self.name, out=self.out)


@dataclass(frozen=True)
class Methods:
    """List all methods with their equation, cost and source, or tell all about one."""

    name: Annotated[
        Positional[str | None], arg(metavar="NAME", help="as in a configuration; all by default")
    ] = None
    json: Annotated[bool, arg(help="print JSON")] = False

    def run(self) -> int:
        """Print the table, or one method's documentation."""
        from nashgrad.lab.commands.methods import show

        show(self.name, json=self.json)
        return 0


@dataclass(frozen=True)
class Diagnose:
    """Say why a run does or does not converge: spectrum, step sizes, gamma, a verdict.

    Exit code: 0 stable, 10 not stable, 11 unsure, 3 not finite, 2 bad input.
    """

    folder: Annotated[Positional[str], arg(metavar="RUN", help="run folder")]
    checkpoint: Annotated[int | None, arg(metavar="STEP", help="default: the last one")] = None
    k: Annotated[
        int | None,
        arg(
            metavar="K", help="only the K largest eigenvalues; default: all up to 5,000 parameters"
        ),
    ] = None
    batches: Annotated[int, arg(metavar="N", help="batches whose mean is looked at")] = 8
    since: Annotated[
        int | None,
        arg(metavar="STEP", help="also draw the field on the line from this earlier checkpoint"),
    ] = None
    json: Annotated[bool, arg(help="print JSON")] = False

    def run(self) -> int:
        """Print the diagnosis, and leave it with a picture in the run's folder."""
        _at_least_one("--k", self.k)
        if self.batches < 6:
            raise UsageError(
                f"--batches: must be at least 6 to tell v from zero, got {self.batches}"
            )
        from nashgrad.lab.commands.diagnose import diagnose_run

        return diagnose_run(
            self.folder,
            checkpoint=self.checkpoint,
            k=self.k,
            batches=self.batches,
            since=self.since,
            as_json=self.json,
        )


@dataclass(frozen=True)
class Doctor:
    """Look at a game before training: what will break second order, compile, data parallel.

    Exit code: 0 no errors, 10 errors found, 2 bad input.
    """

    config: Annotated[Positional[str], arg(metavar="CONFIG", help="YAML file, as in experiments/")]

    def run(self) -> int:
        """Print what was found."""
        from nashgrad.lab.commands.doctor import examine

        return examine(load(self.config))


@dataclass(frozen=True)
class Reproduce:
    """Make figures of the paper, fig1 to fig14, with the numbers behind them.

    Goes on where it stopped. Figures 4 to 9 and 11 to 14 need CIFAR-10 (--data) or --digits, 4b
    and 10 any images of faces (--faces). Without --full they are made at a smaller size.
    """

    figures: Annotated[
        Positional[tuple[str, ...]], arg(metavar="FIGURE ...", help="such as fig2 fig6")
    ]
    out: Annotated[
        str | None, arg(metavar="DIR", help="default: runs/figures-<size>, shared by its figures")
    ] = None
    seeds: Annotated[
        int | None, arg(metavar="N", help="seeds 0 to N - 1; default: as the size has it")
    ] = None
    data: Annotated[str | None, arg(metavar="PATH", help="CIFAR-10")] = None
    faces: Annotated[
        str | None, arg(metavar="PATH", help="CelebA, or any other images, of figures 4b and 10")
    ] = None
    digits: Annotated[bool, arg(help="on digits that come along, in place of CIFAR-10")] = False
    full: Annotated[bool, arg(help="at the paper's size")] = False
    jobs: Annotated[int | None, arg(metavar="N", help="runs at once; default all cores")] = None

    def run(self) -> int:
        """Train what is not there yet, draw, print the numbers."""
        _at_least_one("--seeds", self.seeds)
        _at_least_one("--jobs", self.jobs)
        if not self.figures:
            raise UsageError("nashgrad reproduce: needs a figure, such as fig2")
        from nashgrad.lab.figures.reproduce import Asked, reproduce

        return reproduce(Asked(**vars(self)))


@dataclass(frozen=True)
class Report:
    """Write one page of runs: curves, scores, samples, eigenvalues, verdicts, what they cost.

    One HTML file that needs nothing else, also without a network.
    """

    folders: Annotated[
        Positional[tuple[str, ...]],
        arg(metavar="RUN ...", help="run folders, or folders that hold runs"),
    ]
    out: Annotated[str, arg(aliases=("-o",), metavar="FILE", help="the page")] = "report.html"

    def run(self) -> int:
        """Write it, and print where it is."""
        if not self.folders:
            raise UsageError("nashgrad report: needs a run's folder, such as runs/demo")
        from nashgrad.lab.report import report

        return report(self.folders, self.out)


@dataclass(frozen=True)
class Live:
    """Serve the report's page while runs train, to this machine only; only reads.

    Ctrl-C ends it.
    """

    folder: Annotated[Positional[str], arg(metavar="RUNS_DIR", help="folder of runs")] = "runs"
    host: Annotated[
        str, arg(metavar="ADDRESS", help="another one lets others look, without a password")
    ] = "127.0.0.1"
    port: Annotated[int, arg(metavar="N", help="0: any that is free")] = 8642

    def run(self) -> int:
        """Serve it."""
        if missing := [name for name in ("starlette", "uvicorn") if find_spec(name) is None]:
            raise UsageError(
                f'nashgrad live: needs {", ".join(missing)}: pip install "nashgrad[live]"'
            )
        from nashgrad.lab.live import live

        return live(self.folder, host=self.host, port=self.port)


@dataclass(frozen=True)
class Play:
    """Open the playground: two-player games, methods on them, and what eigenvalues predict.

    One page that needs nothing else, also without a network.
    """

    out: Annotated[
        str | None,
        arg(aliases=("-o",), metavar="FILE", help="write the page there, and open no browser"),
    ] = None

    def run(self) -> int:
        """Write the page, print where it is, and open it."""
        from nashgrad.lab.play import play

        return play(self.out)


Command = (
    Train
    | Resume
    | Diagnose
    | Doctor
    | Reproduce
    | Demo
    | Tournament
    | Sweep
    | Score
    | Classifier
    | Report
    | Live
    | Fetch
    | Methods
    | Play
)
COMMANDS: dict[str, type[Command]] = {
    "train": Train,
    "resume": Resume,
    "diagnose": Diagnose,
    "doctor": Doctor,
    "reproduce": Reproduce,
    "demo": Demo,
    "tournament": Tournament,
    "sweep": Sweep,
    "score": Score,
    "classifier": Classifier,
    "fetch": Fetch,
    "methods": Methods,
    "report": Report,
    "live": Live,
    "play": Play,
}


def _at_least_one(flag: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise UsageError(f"{flag}: must be at least 1, got {value}")
