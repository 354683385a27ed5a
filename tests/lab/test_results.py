"""The tables and curves of a tournament, from runs that were never made."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nashgrad.lab.config.files import validate
from nashgrad.lab.config.tournament import Tournament
from nashgrad.lab.results import Entrant, Played, draw, on_one_grid, results, tables
from nashgrad.lab.tournament import best


def plan(**changes: Any) -> Tournament:
    values: dict[str, Any] = {
        "base": "base.yaml",
        "budget": 100,
        "seeds": [0, 1, 2],
        "score": "sw2",
        "baseline": "plain",
        "entrants": {"plain": {}, "other": {}},
    }
    return validate(Tournament, values | changes, "plan.yaml")


def run(scores: list[float], seconds: float, status: str = "finished", **summary: Any) -> Played:
    """Judged at equal distances, at the beginning too."""
    judged = [
        {"spent": 100 * at, "seconds": seconds * at, "scores": {"sw2": score, "modes": 8}}
        for at, score in zip(np.linspace(0, 1, len(scores)), scores, strict=True)
    ]
    costs = {"steps": 100, "evaluations": 100, "products": 0, "solves": 0, "unconverged": 0}
    reason = "" if status == "finished" else "the loss is not finite"
    return Played(
        status, reason, costs | {"seconds": seconds, "peak_memory_mb": 10} | summary, judged
    )


PLAIN = Entrant("plain", 1, {}, {s: run([1, 0.5, 0.1 + s / 10], 10) for s in range(3)})


def other(*runs: Played, **changes: Any) -> Entrant:
    return Entrant(
        **{"name": "other", "factor": 1, "tuning": {}, "runs": dict(enumerate(runs))} | changes
    )


def row(text: str, name: str, table: int = 0) -> list[str]:
    blocks = [block for block in text.split("\n\n") if block.startswith("|")]
    found = next(line for line in blocks[table].splitlines() if line.startswith(f"| {name}"))
    return found.strip("| ").split(" | ")


def test_differences_are_paired_by_seed() -> None:
    late = other(run([1, 0.3], 5), run([1, 0.1], 5), run([1, 0.2], 5))
    values = results(plan(), [PLAIN, late])
    assert values["entrants"]["other"]["differences"] == pytest.approx([0.2, -0.1, -0.1])
    text = tables(plan(), values)
    assert row(text, "other")[2:5] == ["0.2", "0.1 to 0.3", "-0.1 (-0.1 to +0.2)"]
    assert row(text, "plain")[4] == "+0 (+0 to +0)"


def test_methods_are_ranked_by_their_median() -> None:
    values = results(plan(), [PLAIN, other(*[run([1, 0.01], 5)] * 3)])
    text = tables(plan(), values)
    assert text.index("| other") < text.index("| plain")
    turned = plan(higher_is_better=True)
    text = tables(turned, results(turned, [PLAIN, other(*[run([1, 0.01], 5)] * 3)]))
    assert text.index("| plain") < text.index("| other")


def test_equal_seconds_are_those_of_the_baseline() -> None:
    slow = other(*[run([1, 0.6, 0.01], 16)] * 3)  # judged at 0, 8 and 16 seconds
    values = results(plan(), [PLAIN, slow])
    assert values["equal_seconds"] == 10
    assert values["entrants"]["other"]["at_equal_seconds"] == [0.6] * 3
    assert row(tables(plan(), values), "other", 1)[:2] == ["other", "0.6"]


def test_who_finished_earlier_is_marked() -> None:
    values = results(plan(), [PLAIN, other(*[run([1, 0.2], 4)] * 3)])
    assert row(tables(plan(), values), "other", 1)[:2] == ["other+", "0.2"]


def test_a_lost_run_is_the_worst_and_told_of() -> None:
    lost = other(run([1, 0.2], 4), run([1], 1, "not_finite"), run([1, 0.4], 4))
    values = results(plan(), [PLAIN, lost])
    assert values["entrants"]["other"]["scores"] == {"0": 0.2, "1": math.inf, "2": 0.4}
    assert values["entrants"]["other"]["median"] == 0.4
    text = tables(plan(), values)
    pairs = "+0.1 (+0.1 to +0.1, 2 of 3 pairs)"
    assert row(text, "other")[2:6] == ["0.4", "0.2 to not finite", pairs, "2/3"]
    assert "- other, seed 1: not finite; the loss is not finite" in text


def test_a_run_that_failed_says_nothing_of_its_method() -> None:
    failed = other(run([1, 0.2], 4), Played("failed", "killed", {}, []), run([1, 0.3], 4))
    values = results(plan(), [PLAIN, failed])
    assert values["entrants"]["other"]["median"] == pytest.approx(0.25)
    text = tables(plan(), values)
    assert row(text, "other")[5] == "2/3"
    assert "- other, seed 1: failed; killed" in text


def test_a_baseline_that_was_lost_early_sets_no_time() -> None:
    runs = {0: run([1], 1, "not_finite"), 1: run([1, 0.2], 10), 2: run([1], 1, "not_finite")}
    some = results(plan(), [Entrant("plain", 1, {}, runs), other(*[run([1, 0.1], 10)] * 3)])
    assert some["equal_seconds"] == 10
    lost = {seed: run([1], 1, "not_finite") for seed in range(3)}
    none = results(plan(), [Entrant("plain", 1, {}, lost), other(*[run([1, 0.1], 10)] * 3)])
    assert "No ranking by seconds: no run of plain came to its end." in tables(plan(), none)


def test_a_run_lost_after_the_time_has_the_score_that_it_had_then() -> None:
    late = run([1, 0.4, 0.3, 0.2, 0.1], 40, "not_finite")
    values = results(plan(), [PLAIN, other(late, late, late)])
    assert values["entrants"]["other"]["at_equal_seconds"] == [0.4] * 3
    assert values["entrants"]["other"]["median"] == math.inf


TUNED = {
    "the best median": ({0.5: [2.0, 3.0], 1: [1.0, 2.0]}, 1),
    "fewer runs lost come first": ({0.5: [0.1, math.inf], 1: [1.0, 2.0]}, 1),
    "what failed does not count": ({0.5: [0.1, math.nan], 1: [1.0, 2.0]}, 0.5),
    "less change breaks a tie": ({0.2: [math.inf], 1: [math.inf], 4: [math.inf]}, 1),
}


@pytest.mark.parametrize(("scores", "chosen"), TUNED.values(), ids=TUNED)
def test_the_learning_rate_that_is_chosen(scores: dict[float, list[float]], chosen: float) -> None:
    assert best(scores, plan()) == chosen
    turned = {factor: [-score for score in values] for factor, values in scores.items()}
    assert best(turned, plan(higher_is_better=True)) == chosen


def test_nobody_finished() -> None:
    values = results(plan(), [PLAIN, other(*[run([1], 1, "not_finite")] * 3)])
    assert row(tables(plan(), values), "other")[2] == "not finite"


def test_the_edge_of_the_grid_is_marked() -> None:
    tuning = {0.5: [1.0], 1: [0.5], 2: [0.2]}
    runs = [run([1, 0.2], 4)] * 3
    values = results(plan(), [PLAIN, other(*runs, factor=2, tuning=tuning)])
    text = tables(plan(), values)
    assert row(text, "other")[1] == "2*"
    assert "edge of the grid" in text
    inside = tables(plan(), results(plan(), [PLAIN, other(*runs, tuning=tuning)]))
    assert row(inside, "other")[1] == "1"
    assert "edge of the grid" not in inside


def test_runs_are_brought_on_one_grid() -> None:
    short = {"spent": [0.0, 10.0], "score": [3.0, 2.0]}
    long = {"spent": [0.0, 10.0, 20.0], "score": [5.0, 4.0, 1.0]}
    grid, scores = on_one_grid([short, long], "spent", [False, False])
    np.testing.assert_array_equal(grid, [0, 10, 20])
    np.testing.assert_array_equal(scores, [[3, 2, 2], [5, 4, 1]])


def test_a_lost_run_has_no_score_after_its_end() -> None:
    short = {"spent": [0.0, 10.0], "score": [3.0, 2.0]}
    long = {"spent": [0.0, 10.0, 20.0], "score": [5.0, 4.0, 1.0]}
    _, scores = on_one_grid([short, long], "spent", [True, False])
    np.testing.assert_array_equal(scores, [[3, 2, np.nan], [5, 4, 1]])


def test_a_picture_is_drawn_whatever_happened(tmp_path: Path) -> None:
    entrants = [
        PLAIN,
        other(run([1, 0.2], 4), run([1], 1, "not_finite"), Played("failed", "killed", {}, [])),
    ]
    draw(plan(), results(plan(), entrants), tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"quality.png", "seconds.png"}


def test_where_nothing_was_played_nothing_is_drawn(tmp_path: Path) -> None:
    nothing = [other(Played("failed", "killed", {}, []), name="plain")]
    draw(plan(), results(plan(), nothing), tmp_path)
    assert not list(tmp_path.iterdir())
