"""Which figures there are, and what makes each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nashgrad.lab.common.errors import UsageError, file_errors, known_names
from nashgrad.lab.figures import images, rings, spectra
from nashgrad.lab.figures.discs import figure_1
from nashgrad.lab.figures.sizes import DIGITS, FACES, FACES_FULL, FULL, SMALL, Size
from nashgrad.lab.figures.table import image_figures
from nashgrad.lab.studies.points import exit_code
from nashgrad.lab.studies.runner import Outcome
from nashgrad.lab.studies.stage import study, typed

MIXTURE = ("fig2", "fig3")
IMAGES = tuple(image_figures(1.0))
OF_FACES = tuple(name for name, figure in image_figures(1.0).items() if figure.faces)
KNOWN = ("fig1", *MIXTURE, *IMAGES)


@dataclass(frozen=True)
class Asked:
    """What `nashgrad reproduce` was called with.

    Args:
        figures: their names.
        out: the folder; one for each size by default, which all its figures share.
        seeds: how many, from 0; the size's own by default.
        data: CIFAR-10, for figures 4 to 9 and 11 to 14.
        faces: images of faces, or any others, for figures 4b and 10.
        digits: the digits that come along, in the place of CIFAR-10.
        full: the paper's size.
        jobs: runs at once; one for each core by default.
    """

    figures: Sequence[str]
    out: str | None = None
    seeds: int | None = None
    data: str | None = None
    faces: str | None = None
    digits: bool = False
    full: bool = False
    jobs: int | None = None

    def folder(self, name: str) -> Path:
        """Where figures lie: `out`, or one folder for all of a size."""
        return Path(self.out or f"runs/figures-{name}")

    @property
    def command(self) -> str:
        """What to type to go on."""
        flags = {key: value for key, value in vars(self).items() if key != "figures"}
        return typed("reproduce", *self.figures, **flags)


def reproduce(asked: Asked) -> int:
    """Makes figures, from where their runs stand.

    Returns:
        The exit code: 0, 4 when a run failed, or 128 + signal when interrupted.

    Raises:
        UsageError: For an unknown figure, images that are missing, a folder that cannot be written.
    """
    for name in asked.figures:
        if name not in KNOWN:
            raise UsageError(
                f"nashgrad reproduce: unknown figure {name!r}{known_names(name, KNOWN)}"
            )
    if asked.full and asked.digits:
        raise UsageError("nashgrad reproduce: --full and --digits exclude each other")
    if asked.data is not None and asked.digits:
        raise UsageError("nashgrad reproduce: --data and --digits exclude each other")
    groups = _groups(_with_4b(asked))
    for group in groups:  # all before anything runs
        if group[0] in IMAGES:
            images.check_source(group[0], _size(group, asked), _data(group, asked))
    ended: list[Outcome] = []
    for group in groups:
        if code := _make(group, asked, ended):
            return code
    return exit_code(ended)


def _with_4b(asked: Asked) -> list[str]:
    """Every figure once; figure 4 is two, and its second half needs faces."""
    names = list(dict.fromkeys(asked.figures))
    if "fig4" in names and "fig4b" not in names:
        if asked.faces is not None:
            return [*names, "fig4b"]
        print("fig4: 4b, a ResNet GAN of faces, needs --faces PATH too")  # noqa: T201
    return names


def _groups(figures: Sequence[str]) -> list[list[str]]:
    """Figures that share runs are made together."""
    alone = [[name] for name in figures if name not in IMAGES]
    faces = [name for name in figures if name in OF_FACES]
    others = [name for name in figures if name in IMAGES and name not in OF_FACES]
    return [*alone, *filter(None, [faces, others])]


def _make(names: list[str], asked: Asked, ended: list[Outcome]) -> int:
    if names == ["fig1"]:
        return _at_once(asked)
    if names[0] in MIXTURE:
        return _of_the_mixture(names[0], asked, ended)
    size = _size(names, asked)
    if asked.seeds is not None:
        size = size.with_seeds(asked.seeds)
    folder = asked.folder(size.name)
    return study(
        folder,
        partial(images.plan, names, size, _data(names, asked), folder),
        partial(images.play, ended),
        command=asked.command,
        jobs=asked.jobs,
    )


def _size(names: list[str], asked: Asked) -> Size:
    if names[0] in OF_FACES:
        return FACES_FULL if asked.full else FACES
    return FULL if asked.full else DIGITS if asked.digits else SMALL


def _data(names: list[str], asked: Asked) -> str | None:
    return {"data": asked.data, "faces": asked.faces}.get(_size(names, asked).source)


def _at_once(asked: Asked) -> int:
    folder = asked.folder("theory")
    with file_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    print(figure_1(folder))  # noqa: T201
    print(folder)  # noqa: T201
    return 0


def _of_the_mixture(name: str, asked: Asked, ended: list[Outcome]) -> int:
    folder, seeds = asked.folder("mixture") / name, range(asked.seeds or 4)
    if name == "fig2":
        return study(
            folder,
            rings.methods,
            lambda points, stage: rings.play(ended, seeds, folder, points, stage),
            command=asked.command,
            jobs=asked.jobs,
        )
    return study(
        folder,
        partial(spectra.runs_of, folder, seeds),
        lambda configs, stage: spectra.play(configs, folder, stage),
        command=asked.command,
        jobs=asked.jobs,
    )
