"""The paper's image figures: which runs stand in which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nashgrad.lab.figures.cells import METHODS, Cell

NETWORKS = ("dcgan4", "dcgan4_nobn", "dcgan4_nobn_cf", "dcgan4_nobn_cf, js")
LRS = (5e-5, 1e-4, 2e-4, 5e-4, 1e-3)
GAMMAS = (0.01, 0.1, 1.0, 10.0, 100.0)
DEPTHS = ("dcgan3_nobn_cf", "dcgan4_nobn_cf")
EXTRA_FC = 512


@dataclass(frozen=True)
class ImageFigure:
    """A figure of runs.

    Args:
        title: what it shows.
        cells: (row, column) to the run that stands there.
        keys: what rows and columns are.
        losses: whether losses over time belong to it.
        faces: whether it is made of images of 64x64.
        changes: whether it is measured how much samples change between checkpoints.
    """

    title: str
    cells: Mapping[tuple[str, Any], Cell]
    keys: tuple[str, str] = ("method", "network")
    losses: bool = False
    faces: bool = False
    changes: bool = False


def _grid(
    rows: Sequence[str], columns: Sequence[Any], cell: Callable[[str, Any], Cell]
) -> dict[tuple[str, Any], Cell]:
    return {(row, column): cell(row, column) for row in rows for column in columns}


def _of(method: str, network: str, **more: Any) -> Cell:
    name, _, loss = network.partition(", ")
    return Cell(name, method, loss or "standard", **more)


def image_figures(gamma_lr: float) -> dict[str, ImageFigure]:
    """All of them, by name.

    Args:
        gamma_lr: the learning rate at which gamma is varied.
    """
    three = ("simultaneous", "alternating", "consensus")
    return {
        "fig4": ImageFigure(
            "consensus without batch norm",
            _grid(("consensus",), ("dcgan3_nobn", "dcgan4_nobn"), _of),
        ),
        "fig4b": ImageFigure(  # a run of figure 10
            "consensus on a ResNet GAN at 64x64",
            _grid(("consensus",), ("resnet_cf",), _of),
            faces=True,
        ),
        "fig5": ImageFigure(
            "losses and score over time, four convolutions",
            {
                ("consensus", "dcgan4_nobn"): Cell("dcgan4_nobn"),
                ("alternating", "dcgan4"): Cell("dcgan4", "alternating"),
            },
            losses=True,
        ),
        "fig6": ImageFigure("methods on four networks", _grid(three, NETWORKS, _of)),
        "fig7": ImageFigure("the same, with smoothing", _grid(tuple(METHODS), NETWORKS, _of)),
        "fig8": ImageFigure(
            "the same, with one more fully connected layer",
            _grid(tuple(METHODS), NETWORKS, lambda m, n: _of(m, n, extra_fc=EXTRA_FC)),
        ),
        "fig9": ImageFigure(
            "consensus on five divergences",
            _grid(
                ("consensus",),
                ("standard", "js", "kl", "tv", "indicator"),
                lambda m, loss: Cell("dcgan4_nobn_cf", m, loss),
            ),
            ("method", "loss"),
        ),
        "fig10": ImageFigure(
            "a ResNet GAN at 64x64",
            _grid(three, ("resnet_cf",), _of),
            losses=True,
            faces=True,
            changes=True,
        ),
        "fig11": ImageFigure(
            "losses and score over time, three and four convolutions",
            {
                (method, f"{name}{end}"): Cell(f"{name}{end}", method)
                for name in ("dcgan3", "dcgan4")
                for method, end in (("consensus", "_nobn"), ("alternating", ""))
            },
            losses=True,
        ),
        "fig12": _varied("alternating", "lr", LRS, gamma_lr),
        "fig13": _varied("consensus", "lr", LRS, gamma_lr),
        "fig14": _varied("consensus", "gamma", GAMMAS, gamma_lr),
    }


def _varied(method: str, key: str, values: Sequence[float], gamma_lr: float) -> ImageFigure:
    def cell(network: str, value: float) -> Cell:
        if key == "lr":
            return Cell(network, method, lr=value)
        return Cell(network, method, lr=gamma_lr, gamma=value)

    what = "learning rates" if key == "lr" else "gamma"
    return ImageFigure(f"{method} over {what}", _grid(DEPTHS, values, cell), ("network", key))
