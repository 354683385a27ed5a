"""What a diagnosis found: numbers and a verdict, as a page of text and as plain values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nashgrad.analysis.gamma import MAXIMUM
from nashgrad.analysis.motion import Motion
from nashgrad.analysis.noise import Interval
from nashgrad.analysis.portrait import Portrait
from nashgrad.analysis.stability import Stability
from nashgrad.analysis.verdict import Verdict


@dataclass(frozen=True)
class GammaReport:
    """What consensus needs here."""

    smallest: float
    """The smallest gamma with q <= 1 that leaves unstable eigenvalues of v' unstable."""
    q: float
    """The q that it reaches."""
    stable: bool
    """Whether w' is stable with it, but for neutral eigenvalues."""
    limit: float
    """The gamma above which an unstable eigenvalue of v' turns stable; infinite where none is."""
    exact: bool
    """Whether all eigenvalues had a say, not those of a projection alone."""
    bound: float | None
    """Lemma 9, corrected: what q is at most with the smallest gamma."""
    bound_reason: str
    """Why the lemma does not apply."""


@dataclass(frozen=True)
class Diagnosis:
    """What is known of a game at a point; `str()` is a page of text, `to_dict()` is for JSON."""

    players: tuple[str, ...]
    size: int
    batches: int
    exact: bool
    losses: Mapping[str, float]
    norms: Mapping[str, float]
    """|mean v_i|."""
    debiased: Mapping[str, float]
    """An unbiased estimate of |E v_i|^2; may be negative."""
    p_value: float | None
    v: Portrait
    w: Portrait | None
    """Of w', as the optimisers' step sizes make it where they are known."""
    w_is: str
    """What stands for w', or why there is none."""
    rate: float | None
    """By what a step as it is multiplies the distance to the fixed point, neutral directions apart.
    """
    stepping: bool
    """Whether `w` has the optimisers' steps in it: S^1/2 w' S^1/2."""
    rate_is: str
    """Whose steps those are, or why there is no rate."""
    hessians: Mapping[str, tuple[Interval, Interval]]
    """The least and the greatest eigenvalue of each player's own Hessian, of its *loss*."""
    rotation: float
    """|A|^2 / |J|^2 in the Frobenius norm, A being the antisymmetric part of J."""
    gamma: GammaReport
    uncoupled: tuple[tuple[str, str], ...]
    """Pairs (i, j): v_i does not change with x_j at all."""
    motion: Motion | None
    felt: Mapping[str, Mapping[str, float]]
    verdict: Verdict

    @property
    def stability(self) -> Stability:
        """That of v'."""
        return self.v.stability

    def __str__(self) -> str:
        """A page of text."""
        return _page(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return _plain(self)


def _page(d: Diagnosis) -> str:
    return "\n".join(
        [f"verdict: {d.verdict.name}"]
        + [f"  because  {text}" for text in d.verdict.evidence]
        + [f"  try      {text}" for text in d.verdict.advice]
        + [""]
        + [f"{name:<28}{value}" for name, value in _lines(d)]
    )


def _lines(d: Diagnosis) -> Iterator[tuple[str, str]]:
    seen = "exact" if d.exact else f"{d.batches} batches"
    yield "parameters", f"{d.size:,}, players {', '.join(d.players)}; {seen}"
    for p in d.players:
        yield f"loss, |v| of {p}", f"{d.losses[p]:.6g}, {d.norms[p]:.3g}"
    if d.verdict.name == "not finite":
        return
    if d.p_value is not None:
        total = sum(d.debiased.values())
        yield "|E v|^2, debiased", f"{total:.3g}, p = {d.p_value:.3f} of v = 0"
    yield from _of_portrait("v'", d.v)
    yield "w'", d.w_is + (", with the optimisers' steps" if d.stepping and d.w else "")
    if d.w is not None and d.w is not d.v:
        yield from _of_portrait("w'", d.w, " of the present steps" if d.stepping else "")
    yield "rate of a step", d.rate_is if d.rate is None else f"{d.rate:.6g} ({d.rate_is})"
    for p, (low, high) in d.hessians.items():
        yield f"Hessian of {p}", f"{_interval(low)} to {_interval(high)}"
    yield "share of rotation", f"{d.rotation:.3f} (|antisymmetric part|^2 / |J|^2)"
    yield from _of_gamma(d)
    for i, j in d.uncoupled:
        yield "not felt", f"the field of {i!r} does not change with {j!r} (a detach?)"


def _of_portrait(name: str, p: Portrait, unit: str = "") -> Iterator[tuple[str, str]]:
    s, values = p.stability, p.spectrum.eigenvalues
    number = "all" if p.spectrum.complete else f"only {len(values)}"
    if not len(values):
        yield f"{name}: eigenvalues", "none found"
        return
    yield (
        f"{name}: eigenvalues",
        f"{number}, {s.neutral} neutral; real parts {float(values.real.min()):.3g} to "
        f"{float(values.real.max()):.3g}, imaginary up to {float(values.imag.abs().max()):.3g}",
    )
    if p.rightmost:
        yield f"{name}: rightmost", ", ".join(_interval(i) for i in p.rightmost[:3])
    least, most = ("", "") if p.spectrum.complete else ("at least ", "at most ")
    yield (
        f"{name}: q, step sizes",
        f"max |Im/Re| {least}{s.q_ratio:.3g}; stable up to {most}{s.max_step_size:.3g}{unit}",
    )
    worst = float(p.spectrum.residuals.max()) if len(p.spectrum.residuals) else 0.0
    yield f"{name}: residuals", f"up to {worst:.1e}"


def _of_gamma(d: Diagnosis) -> Iterator[tuple[str, str]]:
    g = d.gamma
    basis = "" if g.exact else ", on a projection"
    still = "" if g.stable else "; what v' flees stays unstable"
    if math.isinf(g.q):
        reached = f"none leaves q finite (tried up to {min(g.limit, MAXIMUM):.3g})"
    else:
        least = "q <= 1" if g.q <= 1 else f"q = {g.q:.3g}, the least there is"
        reached = f"{g.smallest:.3g} for {least}"
    yield "smallest gamma", f"{reached}{basis}{still}"
    hides = f"none up to {MAXIMUM:g}" if math.isinf(g.limit) else f"above {g.limit:.3g}"
    yield "gamma that hides unstable", hides
    lemma = f"q <= {g.bound:.3g}" if g.bound is not None else f"does not apply: {g.bound_reason}"
    yield "Lemma 9, corrected", lemma


def _interval(i: Interval) -> str:
    if math.isinf(i.high):
        return f"{i.estimate:.3g} [no interval]"
    if i.high - i.low <= 1e-6 * abs(i.estimate):
        return f"{i.estimate:.3g}"
    return f"{i.estimate:.3g} [{i.low:.3g}, {i.high:.3g}]"


def _plain(d: Diagnosis) -> dict[str, Any]:
    return {
        "verdict": d.verdict.name,
        "exit_code": d.verdict.exit_code,
        "evidence": list(d.verdict.evidence),
        "advice": list(d.verdict.advice),
        "parameters": d.size,
        "batches": d.batches,
        "exact": d.exact,
        "losses": dict(d.losses),
        "norms": dict(d.norms),
        "debiased_squares": dict(d.debiased),
        "p_value": d.p_value,
        "v": _portrait(d.v),
        "w": None if d.w is None else _portrait(d.w),
        "w_is": d.w_is,
        "stepping": d.stepping,
        "rate": d.rate,
        "rate_is": d.rate_is,
        "hessians": {p: [list(low), list(high)] for p, (low, high) in d.hessians.items()},
        "rotation_share": d.rotation,
        "gamma": d.gamma.__dict__ | {},
        "uncoupled": [list(pair) for pair in d.uncoupled],
        "motion": None if d.motion is None else d.motion._asdict(),
        "felt": {p: dict(felt) for p, felt in d.felt.items()},
    }


def _portrait(p: Portrait) -> Mapping[str, Any]:
    s, values = p.stability, p.spectrum.eigenvalues
    return {
        "eigenvalues": [[x.real, x.imag] for x in values.tolist()],
        "residuals": p.spectrum.residuals.tolist(),
        "complete": p.spectrum.complete,
        "neutral": s.neutral,
        "rightmost": [list(i) for i in p.rightmost],
        "q": s.q_ratio,
        "max_step_size": s.max_step_size,
        "products": p.spectrum.products,
    }
