"""From what was measured to one word, with the evidence for it and what to try."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from nashgrad.analysis.motion import Motion
from nashgrad.analysis.noise import Interval

Name: TypeAlias = Literal[
    "not finite",
    "vanishing gradient",
    "collapsed generator",
    "diverging",
    "cycling",
    "not stationary",
    "spurious",
    "saddle",
    "stable but not Nash",
    "local Nash",
    "stable",
    "unsure",
]

EXIT_CODES: dict[str, int] = {
    "local Nash": 0,
    "stable but not Nash": 0,
    "stable": 0,
    "unsure": 11,
    "not finite": 3,
}
"""Of the verdicts that are not "not stable", whose exit code is 10."""
NOT_STABLE = 10

FLAT = 1e-6
"""Of a player's |v_i| and its rows of J, against the largest of the others'."""
NOTHING = 1e-9
"""The same, times max(1, |x|), whatever the others': next to nothing in the units of the losses."""
INSENSITIVE = 3e-4
"""Of the latents: the variance that they cause, against what the batch's other entries cause."""


ROUNDING = 1e-9
"""A step's rate within that of 1 neither shrinks nor enlarges."""


@dataclass(frozen=True)
class Side:
    """What is known of the eigenvalues of v', or of those of w'."""

    complete: bool
    neutral: int
    rightmost: tuple[Interval, ...] = ()
    """Real parts of those that are not neutral, the largest first, with their intervals."""
    turns: bool = False
    """Whether one of those with no certain sign has an imaginary part that is not neutral."""
    judged: bool = True
    """Whether each that is not neutral has an interval in `rightmost`."""

    @property
    def unstable(self) -> bool:
        """Whether a real part is certainly positive."""
        return any(interval.sign > 0 for interval in self.rightmost)

    @property
    def stable(self) -> bool:
        """Whether all real parts are certainly negative."""
        certain = all(interval.sign < 0 for interval in self.rightmost)
        return self.complete and self.judged and not self.neutral and certain

    @property
    def on_axis(self) -> bool:
        """Whether none is certainly positive, and one has no certain sign and turns."""
        return not self.unstable and self.turns


@dataclass(frozen=True)
class Evidence:
    """All that a verdict rests on. It holds no name of a method, no setting and no sample."""

    finite: bool
    exact: bool
    """Whether the batch is all there is, so that nothing is noise."""
    stationary: bool
    p_value: float | None
    """Of the mean of v being zero; `None` where it is exact."""
    v: Side
    w: Side | None
    """Of w' as the optimisers' step sizes make it; `None` where it is not known."""
    rate: float | None
    """By what one step multiplies the distance; `None` where that is not known."""
    stepping: bool = True
    """Whether steps are asked about; otherwise the flow, which is that of small steps."""
    extras: tuple[str, ...] = ()
    """What the optimisers add to those steps, such as momentum."""
    reach: float | None = None
    """About how far away v vanishes, at most; `None` where that is not known."""
    hessians: Mapping[str, Interval] = field(default_factory=dict)
    """The largest eigenvalue of each player's own block of J: negative where it is at its best."""
    flat: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """By player: |v_i|, and its rows of J, both times max(1, |x|)."""
    felt: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By player, by entry of the batch: the variance of v_i that it causes."""
    latent: str = "latent"
    """The entry that a generator makes its samples of."""
    motion: Motion | None = None
    """`None` where it is not known."""

    @property
    def settles(self) -> bool:
        """Whether the method certainly stays here: w' is stable, and the step not too large."""
        in_flow = self.w is not None and self.w.stable
        return in_flow and (not self.stepping or self.shrinks)

    @property
    def shrinks(self) -> bool:
        """Whether a step shrinks the distance."""
        return not self.extras and self.rate is not None and self.rate < 1 - ROUNDING

    @property
    def grows(self) -> bool:
        """Whether a step enlarges the distance."""
        return not self.extras and self.rate is not None and self.rate > 1 + ROUNDING


class Verdict(NamedTuple):
    """One word on the point, why, and what to try."""

    name: Name
    evidence: tuple[str, ...]
    advice: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 stable, 10 not stable, 11 unsure, 3 not finite."""
        return EXIT_CODES.get(self.name, NOT_STABLE)


def judge(e: Evidence) -> Verdict:
    """The first rule that holds.

    A point at which something is wrong with one player comes first, because it may look stationary;
    then points that are not stationary, by where the step leads; then stationary ones, by the
    signs of eigenvalues. What an interval does not decide is "unsure".
    """
    for rule in RULES:
        if (found := rule(e)) is not None:
            return found
    return _found("unsure", *_undecided(e))


def _found(name: Name, *evidence: str, advice: tuple[str, ...] | None = None) -> Verdict:
    return Verdict(name, evidence, ADVICE[name] if advice is None else advice)


def _not_finite(e: Evidence) -> Verdict | None:
    return (
        None
        if e.finite
        else _found("not finite", "a loss, the field or its Jacobian is not finite")
    )


def _vanishing(e: Evidence) -> Verdict | None:
    """Of games with samples: of others, what is small is small in units that nobody knows."""
    if e.exact:
        return None
    for player, (v, rows) in e.flat.items():
        others = [f for p, f in e.flat.items() if p != player]
        beside = [max((f[i] for f in others), default=0.0) for i in (0, 1)]
        lost = v <= max(FLAT * beside[0], NOTHING) and rows <= max(FLAT * beside[1], NOTHING)
        if lost and not _all_at_rest(e):
            return _found(
                "vanishing gradient",
                f"player {player!r}: its field ({v:.1e}) and its rows of the Jacobian ({rows:.1e}) "
                "have both vanished: no step of anybody gives it a gradient again soon",
            )
    return None


def _all_at_rest(e: Evidence) -> bool:
    """A game without curvature anywhere has no scale to compare with."""
    return all(rows == 0 for _, rows in e.flat.values())


def _collapsed(e: Evidence) -> Verdict | None:
    for player, felt in e.felt.items():
        others = sum(x for k, x in felt.items() if k != e.latent)
        variance = felt.get(e.latent, math.inf)
        if variance < INSENSITIVE * others:
            return _found(
                "collapsed generator",
                f"player {player!r}: its field changes with the batch's {e.latent!r} by "
                f"{variance / others:.1e} of what the other entries change (in variance)",
            )
    return None


def _moving(e: Evidence) -> Verdict | None:
    if e.stationary:
        return None
    if e.motion is None:
        return _found("not stationary", _not_zero(e), "where the step leads is not known")
    m, said = e.motion, (_not_zero(e), _shares(e.motion))
    if m.overshooting >= 0.5:
        return _found("diverging", *said, f"a step multiplies the distance by up to {m.factor:.4g}")
    if m.cycling >= 0.5:
        return _found("cycling", *said)
    if m.growing >= 0.9:
        return _found("diverging", *said, "nearly all of the step leads along unstable directions")
    return _found("not stationary", *said)


def _not_zero(e: Evidence) -> str:
    return "v is not zero" if e.p_value is None else f"v is not zero (p = {e.p_value:.3f})"


def _zero(e: Evidence) -> str:
    if e.p_value is None:
        return "v is zero"
    near = "" if e.reach is None else f"; it vanishes within about {e.reach:.2g} of here"
    return f"v is zero within noise (p = {e.p_value:.3f}){near}"


def _shares(m: Motion) -> str:
    shares = m._asdict()
    del shares["factor"]
    return "the step is " + ", ".join(f"{x:.0%} {kind}" for kind, x in shares.items() if x >= 0.005)


def _unstable(e: Evidence) -> Verdict | None:
    if not e.v.unstable:
        return None
    said = f"v' has an eigenvalue with real part {_show(e.v.rightmost[0])}"
    if e.settles:
        return _found(
            "spurious", _zero(e), said, "and w' has none: the method makes attractive what v flees"
        )
    if e.w is not None and e.w.unstable:
        return _found("saddle", _zero(e), said)
    return None


def _repelled(e: Evidence) -> Verdict | None:
    """V' is stable and the method is not, or the step is too large for it."""
    if e.v.stable and e.w is not None and e.w.unstable:
        return _found(
            "diverging",
            _zero(e),
            "v' is stable",
            f"but w', as the steps make it, has an eigenvalue with real part "
            f"{_show(e.w.rightmost[0])}: no step is small enough",
            advice=("lower gamma, or let all players feel the whole of the method's term",),
        )
    if e.w is not None and e.w.stable and e.grows:
        return _found(
            "diverging",
            _zero(e),
            "w' is stable",
            f"but a step multiplies the distance by up to {e.rate:.4g}",
        )
    return None


def _stable(e: Evidence) -> Verdict | None:
    if not e.v.stable or not e.settles:
        return None
    said = (_zero(e), f"real parts of v' reach up to {_show(e.v.rightmost[0])}", _for(e))
    worst = [f"player {p!r}: its own Hessian has the wrong sign" for p, _ in _wrong(e)]
    if worst:
        return _found("stable but not Nash", *said, *worst)
    if all(interval.sign < 0 for interval in e.hessians.values()):
        return _found("local Nash", *said, "and each player's own Hessian has the right sign")
    return _found("stable", *said, "whether it is a Nash point its Hessians do not decide")


def _for(e: Evidence) -> str:
    if not e.stepping:
        return "steps that are small enough stay here"
    return f"and a step multiplies the distance by {e.rate:.4g}"


def _wrong(e: Evidence) -> list[tuple[str, Interval]]:
    return [(p, interval) for p, interval in e.hessians.items() if interval.sign > 0]


def _around(e: Evidence) -> Verdict | None:
    """V' on the imaginary axis: nothing draws the players in, unless the method does."""
    if not (e.exact and e.v.on_axis and e.v.complete and not e.v.neutral) or e.w is None:
        return None
    axis = "eigenvalues of v' lie on the imaginary axis"
    if e.settles:
        return _found("stable", _zero(e), axis, f"w' is stable, {_for(e)}")
    if e.w.unstable or not e.w.complete or e.w.neutral or e.extras:
        return None
    if e.shrinks:
        return _found("stable", _zero(e), axis, _for(e))
    if e.w.on_axis and (e.rate is not None or not e.stepping):
        return _found("cycling", _zero(e), axis)
    return None


RULES: tuple[Callable[[Evidence], Verdict | None], ...] = (
    _not_finite,
    _vanishing,
    _collapsed,
    _moving,
    _unstable,
    _repelled,
    _stable,
    _around,
)


def _undecided(e: Evidence) -> tuple[str, ...]:
    said = [_zero(e)]
    for name, side in (("v'", e.v), ("w'", e.w)):
        if side is None:
            said.append(f"{name} is not known")
            continue
        if not side.complete:
            said.append(f"not all eigenvalues of {name} are known")
        if side.neutral:
            said.append(f"{side.neutral} eigenvalues of {name} are neutral")
        if side.complete and not side.judged and not side.neutral:
            said.append(f"not all eigenvalues of {name} have an interval")
        said += [
            f"an eigenvalue of {name} has a real part of no certain sign: {_show(i)}"
            for i in side.rightmost[:1]
            if i.sign == 0
        ]
    if e.extras:
        said.append(f"the optimisers' {' and '.join(e.extras)} has no part in the rate")
    elif e.stepping and e.rate is None:
        said.append("what a step does is not known")
    return tuple(said)


def _show(i: Interval) -> str:
    return f"{i.estimate:.3g}" + ("" if i.low == i.high else f" ({i.low:.3g} to {i.high:.3g})")


ADVICE: dict[Name, tuple[str, ...]] = {
    "not finite": (
        "lower the learning rate, or go back to an earlier checkpoint",
        "check the data for values that are not finite",
    ),
    "vanishing gradient": (
        "train the other player less, or weaken it (smaller, R1, noise on its inputs)",
        "use a loss that does not saturate (GAN: the standard loss, not `minimax`)",
    ),
    "collapsed generator": (
        "go back to an earlier checkpoint; training rarely leaves such a point",
        "raise gamma by a factor of 10, or lower the generator's learning rate",
    ),
    "diverging": (
        "lower the learning rate: what w' is stable up to is the factor of the present one",
    ),
    "cycling": (
        "move the eigenvalues off the axis: Consensus with the gamma given here, or Extragradient",
    ),
    "not stationary": (
        "train on: away from a fixed point eigenvalues say how a small change of the parameters "
        "grows or fades in a step, not where training goes",
    ),
    "spurious": ("lower gamma below the limit given here, and train on",),
    "saddle": ("train on: a step leads away from here",),
    "stable but not Nash": ("a player could gain by itself, and the dynamics do not show it how",),
    "local Nash": (),
    "stable": (),
    "unsure": (
        "more or larger batches narrow the intervals",
        "neutral directions (dead units, scalings that cancel) stay undecided: watch the scores",
    ),
}
