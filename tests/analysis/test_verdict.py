"""Verdicts: each rule on evidence made by hand, and what is never claimed."""

import math
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nashgrad.analysis.motion import Motion
from nashgrad.analysis.noise import Interval
from nashgrad.analysis.verdict import ADVICE, Evidence, Name, Side, judge

NEGATIVE, POSITIVE, BOTH = Interval(-1, -2, -0.5), Interval(1, 0.5, 2), Interval(0.1, -1, 1)
STABLE, UNSTABLE = Side(True, 0, (NEGATIVE,)), Side(True, 0, (POSITIVE, NEGATIVE))
TURNING = Side(True, 0, (BOTH,), True)
AT_REST = Evidence(
    finite=True,
    exact=True,
    stationary=True,
    p_value=None,
    v=STABLE,
    w=STABLE,
    rate=0.9,
    hessians={"x": NEGATIVE, "y": NEGATIVE},
    flat={"x": (0.0, 1.0), "y": (0.0, 1.0)},
)
NOISY = replace(AT_REST, exact=False, p_value=0.5)


def moving(**shares: float) -> Evidence:
    every = dict.fromkeys(("cycling", "overshooting", "growing", "shrinking", "drifting"), 0.0)
    return replace(AT_REST, stationary=False, motion=Motion(**{**every, **shares}, factor=2.0))


@pytest.mark.parametrize(
    ("evidence", "name", "code"),
    [
        (AT_REST, "local Nash", 0),
        (replace(AT_REST, hessians={"x": POSITIVE, "y": NEGATIVE}), "stable but not Nash", 0),
        (replace(AT_REST, hessians={"x": BOTH, "y": NEGATIVE}), "stable", 0),
        (replace(AT_REST, v=UNSTABLE, w=UNSTABLE), "saddle", 10),
        (replace(AT_REST, v=UNSTABLE), "spurious", 10),
        (replace(AT_REST, v=TURNING, w=TURNING, rate=1.0), "cycling", 10),
        (replace(AT_REST, v=TURNING, w=TURNING, rate=None, stepping=False), "cycling", 10),
        (replace(AT_REST, v=TURNING, w=TURNING, rate=0.9), "stable", 0),
        (replace(AT_REST, rate=None, stepping=False), "local Nash", 0),
        (replace(AT_REST, rate=1.5), "diverging", 10),
        (replace(AT_REST, v=TURNING, rate=27.6), "diverging", 10),
        (replace(AT_REST, v=UNSTABLE, rate=24.0), "diverging", 10),
        (replace(moving(), motion=None), "not stationary", 10),
        (replace(AT_REST, v=TURNING), "stable", 0),
        (replace(AT_REST, w=UNSTABLE, rate=1.5), "diverging", 10),
        (replace(AT_REST, w=UNSTABLE, rate=None, stepping=False), "diverging", 10),
        (moving(cycling=0.7, shrinking=0.3), "cycling", 10),
        (moving(overshooting=0.7, cycling=0.3), "diverging", 10),
        (moving(growing=0.95, shrinking=0.05), "diverging", 10),
        (moving(growing=0.6, shrinking=0.4), "not stationary", 10),
        (moving(shrinking=1.0), "not stationary", 10),
        (replace(AT_REST, finite=False), "not finite", 3),
        (replace(NOISY, flat={"x": (1e-9, 1e-9), "y": (1.0, 1.0)}), "vanishing gradient", 10),
        (replace(AT_REST, flat={"x": (1e-9, 1e-9), "y": (1.0, 1.0)}), "local Nash", 0),
        (replace(AT_REST, felt={"y": {"index": 0.0, "real": 1.0}}), "local Nash", 0),
        (replace(AT_REST, felt={"y": {"latent": 1e-5, "real": 1.0}}), "collapsed generator", 10),
    ],
)
def test_verdicts(evidence: Evidence, name: str, code: int) -> None:
    verdict = judge(evidence)
    assert (verdict.name, verdict.exit_code) == (name, code)
    assert verdict.evidence


@pytest.mark.parametrize(
    "change",
    [
        {"v": replace(STABLE, neutral=1)},
        {"v": replace(STABLE, complete=False)},
        {"v": Side(True, 0, (BOTH, NEGATIVE))},
        {"w": replace(STABLE, neutral=2)},
        {"w": None},
        {"v": UNSTABLE, "w": None},
        {"v": TURNING, "w": None},
        {"extras": ("momentum",)},
        {"rate": None},
        {"v": TURNING, "w": TURNING, "rate": None},
        {"v": replace(STABLE, judged=False)},
        {"w": replace(STABLE, judged=False)},
        {"v": UNSTABLE, "w": replace(STABLE, complete=False)},
        {"v": TURNING, "w": TURNING, "exact": False, "p_value": 0.6},
        {"v": TURNING, "w": UNSTABLE, "rate": 0.5},
    ],
)
def test_what_is_not_certain_is_unsure(change: dict[str, Any]) -> None:
    verdict = judge(replace(AT_REST, **change))
    assert (verdict.name, verdict.exit_code) == ("unsure", 11)
    assert len(verdict.evidence) >= 2 or change.get("w", 1) is None


intervals = st.tuples(st.floats(-2, 2), st.floats(0, 1), st.floats(0, 1)).map(
    lambda t: Interval(t[0], t[0] - t[1], t[0] + t[2])
)
sides = st.builds(
    Side,
    st.booleans(),
    st.integers(0, 2),
    st.lists(intervals, min_size=1, max_size=3).map(tuple),
    st.booleans(),
)


@given(v=sides, w=st.none() | sides, exact=st.booleans(), rate=st.none() | st.floats(0, 2))
def test_no_sure_verdict_crosses_zero(
    v: Side, w: Side | None, exact: bool, rate: float | None
) -> None:
    """No claim of stability with an interval of w' that reaches zero, or with a part unseen."""
    p_value = None if exact else 0.5
    verdict = judge(replace(AT_REST, v=v, w=w, exact=exact, p_value=p_value, rate=rate))
    if verdict.exit_code == 0:
        assert w is not None
        assert rate is not None
        assert rate < 1
        assert all(i.high < 0 for i in w.rightmost) or (
            exact and not any(i.low > 0 for i in w.rightmost)
        )
        assert w.complete
        assert not w.neutral
        assert v.complete
        assert not any(i.low > 0 for i in v.rightmost)
        if not exact:
            assert all(i.high < 0 for i in v.rightmost)


def test_every_verdict_has_advice() -> None:
    assert ADVICE.keys() == set(get_args(Name))


def test_a_game_without_any_curvature_has_not_vanished() -> None:
    flat = {"x": (1e-12, 0.0), "y": (1e-12, 0.0)}
    assert judge(replace(AT_REST, flat=flat)).name == "local Nash"


def test_numbers_are_in_the_evidence() -> None:
    verdict = judge(replace(moving(cycling=0.75, drifting=0.25), p_value=0.01, exact=False))
    assert verdict.evidence == (
        "v is not zero (p = 0.010)",
        "the step is 75% cycling, 25% drifting",
    )
    assert not any(math.isnan(i.low) for i in AT_REST.v.rightmost)
