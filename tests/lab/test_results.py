"""The tables and curves of a tournament, from runs that were never made."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nashgrad.lab.config.files import validate
from nashgrad.lab.config.tournament import Tournament
from nashgrad.lab.studies.results import (
    Entrant,
    Played,
    between,
    draw,
    on_one_grid,
    results,
    tables,
)
from nashgrad.lab.studies.tournament import best


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
        {
            "step": 100 * at,
            "spent": 100 * at,
            "seconds": seconds * at,
            "scores": {"sw2": score, "modes": 8},
        }
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
    slow = other(*[run([1, 0.6, 0.2], 16)] * 3)  # judged at 0, 8 and 16 seconds
    values = results(plan(), [PLAIN, slow])
    assert values["equal_seconds"] == 10
    assert values["entrants"]["other"]["at_equal_seconds"] == pytest.approx([0.5] * 3)
    assert row(tables(plan(), values), "other", 1)[:2] == ["other", "0.5"]


def test_a_slower_seed_of_the_baseline_is_not_read_at_an_earlier_evaluation() -> None:
    runs = {s: run([1, 0.5, 0.1], took) for s, took in enumerate((9.9, 10, 10.1))}
    values = results(plan(), [Entrant("plain", 1, {}, runs), other(*[run([1, 0.2], 5)] * 3)])
    found = values["entrants"]["plain"]["at_equal_seconds"]
    assert found == pytest.approx([0.1, 0.1, 0.1 + 0.4 * 0.1 / 5.05])
    assert values["entrants"]["plain"]["median"] == 0.1


def test_a_score_that_is_not_finite_at_the_time_is_the_worst() -> None:
    def at(*scores: float) -> list[float]:
        values = results(plan(), [PLAIN, other(*[run([*scores], 16)] * 3)])
        found: list[float] = values["entrants"]["other"]["at_equal_seconds"]
        return found

    assert at(1, math.inf, 0.1) == [math.inf] * 3
    assert at(1, 0.5, math.nan) == [0.5] * 3  # what it had when it was last known
    values = results(plan(), [PLAIN, other(*[unscored(run([1, 0.5, 0.2], 16), 1)] * 3)])
    assert values["entrants"]["other"]["at_equal_seconds"] == [math.inf] * 3


def unscored(played: Played, index: int) -> Played:
    """The run with samples that were not finite at one evaluation."""
    judged = [dict(line) for line in played.judged]
    judged[index]["scores"] = {"samples": "not finite"}
    return Played(played.status, played.reason, played.summary, judged)


@given(
    st.lists(st.floats(0.01, 10), min_size=1, max_size=6),
    st.lists(st.floats(-5, 5), min_size=6, max_size=6),
    st.floats(0, 70),
)
def test_between_evaluations_scores_are_linear(
    steps: list[float], scores: list[float], at: float
) -> None:
    places = np.cumsum([0, *steps[1:]])
    known = scores[: len(places)]
    assert between(places, known, at) == pytest.approx(np.interp(at, places, known))
    np.testing.assert_array_equal(between(places, known, places), known)
    assert np.isnan(between(places, known, -1))


def test_what_is_not_finite_leaves_a_gap() -> None:
    places, scores = [0.0, 1, 2, 3], [4.0, math.inf, 2, 1]
    found = between(places, scores, [0, 0.5, 1, 1.5, 2, 2.5, 9])
    np.testing.assert_array_equal(found, [4, np.nan, np.nan, np.nan, 2, 1.5, 1])


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
    short = {"spent": [0.0, 8.0], "score": [3.0, 2.0]}
    long = {"spent": [0.0, 10.0, 20.0], "score": [5.0, 4.0, 1.0]}
    finer = {"spent": [0.0, 5, 10.0, 15, 20.0], "score": [5.0, 4.0, 1.0, 1.0, 1.0]}
    grid, scores = on_one_grid([short, long, finer], "spent", [False] * 3)
    np.testing.assert_array_equal(grid, [0, 5, 10, 15, 20])
    np.testing.assert_allclose(scores, [[3, 2.375, 2, 2, 2], [5, 4.5, 4, 2.5, 1], [5, 4, 1, 1, 1]])


def test_a_lost_run_has_no_score_after_its_end() -> None:
    short = {"spent": [0.0, 10.0], "score": [3.0, 2.0]}
    long = {"spent": [0.0, 10.0, 20.0], "score": [5.0, 4.0, 1.0]}
    _, scores = on_one_grid([short, long], "spent", [True, False])
    np.testing.assert_array_equal(scores, [[3, 2, np.nan], [5, 4, 1]])


def test_the_text_counts_as_people_do() -> None:
    one = plan(seeds=[3])
    runs = {3: run([1, 0.2], 0.5)}
    entrants = [Entrant(name, 1, {}, runs) for name in ("plain", "other")]
    text = tables(one, results(one, entrants))
    assert "Medians over 1 seed (3), " in text
    assert "## sw2 after 0.5 seconds of training" in text
    assert "1 run trained at a time" in text
    several = tables(plan(), results(plan(), [PLAIN, other(*[run([1, 0.2], 5)] * 3)], jobs=2))
    assert "Medians over 3 seeds (0, 1, 2), " in several
    assert "## sw2 after 10 seconds of training" in several
    assert "2 runs trained at once" in several


def test_scores_and_budgets_are_explained_where_they_appear() -> None:
    text = tables(plan(), results(plan(), [PLAIN]))
    below = text.split("\n\n")[3]
    assert below == "sw2: sliced 2-Wasserstein distance to the target."
    assert "a budget is spent to the end of the step that reaches it" in text

    scores = {"hq_003": 0.1, "hq_01": 0.5, "modes_covered": 8}
    judged = [{"step": 100, "spent": 100, "seconds": 1, "scores": scores}]
    runs = dict.fromkeys(range(3), Played("finished", "", PLAIN.runs[0].summary, judged))
    other_plan = plan(score="hq_003", budget=None, steps=1)
    text = tables(other_plan, results(other_plan, [Entrant("plain", 1, {}, runs)]))
    assert text.split("\n\n")[3] == (
        "hq_003, hq_01: share of the samples within 0.03, 0.1 of a mode; "
        "modes_covered: modes with at least 1% of the samples within 0.05."
    )
    assert text.startswith("## hq_003 after 1 step\n")
    assert "a budget is spent" not in text


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
