"""Pictures of a run's spectra: at one checkpoint, and along its training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nashgrad.analysis import Diagnosis
from nashgrad.plots import (
    SpectrumHistory,
    eigenvalue_plane,
    new_figure,
    spectra_over_time,
    spectra_side_by_side,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def of_diagnosis(found: Diagnosis) -> Figure:
    """The eigenvalues of v', and beside them those of w' where it is another map."""
    how: Any = {"complete": found.v.spectrum.complete, "total": found.size}
    if found.w is None or found.w_is == "v'" or not len(found.w.spectrum.eigenvalues):
        figure, [[ax]] = new_figure(width=4.5, height=4)
        eigenvalue_plane(ax, found.v.spectrum.eigenvalues, title="v'", **how)
        return figure
    figure, [axes] = new_figure(columns=2, width=4.5, height=4)
    spectra = (p.spectrum.eigenvalues for p in (found.v, found.w))
    steps = ", times the steps" if found.stepping else ""
    spectra_side_by_side(axes, *spectra, titles=("v'", found.w_is + steps), **how)
    return figure


def along_training(metrics: Sequence[Mapping[str, Any]]) -> Figure | None:
    """Extremes of v' and w' over the steps at which training looked; `None` where it never did."""
    histories = {f"{name}'": h for name in "vw" if (h := history(metrics, name)) is not None}
    if not histories:
        return None
    figure, [axes] = new_figure(columns=4, width=3.2, height=2.8)
    spectra_over_time(axes, histories)
    return figure


def history(metrics: Sequence[Mapping[str, Any]], name: str) -> SpectrumHistory | None:
    """The eigenvalues of v' or w' (`name` v or w) that a run's metrics hold."""
    looks = [(line["step"], line["spectra"][name]) for line in metrics if name in _spectra(line)]
    found = [(step, _joined(kinds)) for step, kinds in looks]
    if not any(found):
        return None
    complete = [all(kind["complete"] for kind in kinds.values()) for _, kinds in looks]
    steps, spectra = zip(*found, strict=True)
    return SpectrumHistory(steps, spectra, complete)


def _spectra(line: Mapping[str, Any]) -> Mapping[str, Any]:
    spectra = line.get("spectra")
    return spectra if isinstance(spectra, dict) else {}


def _joined(kinds: Mapping[str, Any]) -> list[complex]:
    return [complex(*pair) for kind in kinds.values() for pair in kind["eigenvalues"]]
