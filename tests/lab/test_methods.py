"""The table of methods: complete, and true where it can be measured."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import nashgrad.adjustments
import nashgrad.schedules
from nashgrad.lab import config as c
from nashgrad.lab.commands import methods as catalogue
from nashgrad.lab.commands.cli import main
from nashgrad.lab.commands.method_table import METHODS, SCHEDULES, Row
from nashgrad.lab.config.config import WHOLE_STEPS
from nashgrad.lab.config.keys import kinds, variants
from nashgrad.lab.training.train import prepare

CONFIG = """
game: ring
model: {name: mlp, latent: 2, generator: [4], discriminator: [4]}
data: {batch: 8}
steps: 1000
evaluate: {samples: 16}
"""
SECTIONS = {
    "method": variants(kinds(c.Config)["method"]),
    "schedule": variants(kinds(c.Config)["schedule"]),
}
ROWS = [("method", *item) for item in METHODS.items()] + [
    ("schedule", *item) for item in SCHEDULES.items()
]
PLAIN = {"acgd", "newton", "krylov_descent", "implicit_euler"}  # over plain SGD alone


def test_each_section_of_the_configuration_has_one_row() -> None:
    assert list(METHODS) == list(dict.fromkeys(METHODS))
    assert METHODS.keys() == SECTIONS["method"].keys()
    assert SCHEDULES.keys() == SECTIONS["schedule"].keys()
    assert not METHODS.keys() & SCHEDULES.keys()  # so that a name alone says which is meant


@pytest.mark.parametrize(("key", "name", "row"), ROWS, ids=[name for _, name, _ in ROWS])
def test_a_row_names_the_class_that_its_section_builds(
    tmp_path: Path, key: str, name: str, row: Row
) -> None:
    session = prepare(config(tmp_path, key, name))
    built = session.opt.adjustment if key == "method" else session.opt.schedule
    assert type(built).__name__ == ("Chain" if name == "jare" else row.implementation)
    assert (built.base == "plain") == (name in PLAIN)
    assert (built.base == "plain") == isinstance(SECTIONS[key][name](), WHOLE_STEPS)
    home = nashgrad.adjustments if key == "method" else nashgrad.schedules
    assert getattr(home, row.implementation).__doc__


@pytest.mark.filterwarnings("ignore:a linear solve did not converge")
@pytest.mark.parametrize(("key", "name", "row"), ROWS, ids=[name for _, name, _ in ROWS])
def test_a_row_states_what_a_step_costs(tmp_path: Path, key: str, name: str, row: Row) -> None:
    session = prepare(config(tmp_path, key, name))
    session.advance()  # some cost more where they begin
    records = [session.advance() for _ in range(row.period)]
    assert sum(r.solves for r in records) / row.period == row.solves
    for cost in ("evaluations", "products"):
        stated, spent = getattr(row, cost), sum(getattr(r, cost) for r in records) / row.period
        if stated is None:
            assert spent >= 1
        else:
            assert spent == pytest.approx(stated)


def config(folder: Path, key: str, name: str) -> c.Config:
    """The section with its defaults; the optimiser is one that its method allows."""
    path = folder / "ring.yaml"
    path.write_text(CONFIG)
    changes = {key: SECTIONS[key][name]()}
    if name in PLAIN:
        changes["optimizer"] = c.Optimizers(c.Sgd(lr=0.1), c.Sgd(lr=0.1))
    return replace(c.load(path), **changes)


@pytest.mark.parametrize(("key", "name", "row"), ROWS, ids=[name for _, name, _ in ROWS])
def test_a_row_is_filled(key: str, name: str, row: Row) -> None:
    assert row.equation
    assert row.family
    assert row.reference == "ours" or re.fullmatch(r"[A-Z]\. .+: .+, \d{4}.*", row.reference)


def test_the_table_lists_every_method(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods"]) == 0
    told = capsys.readouterr().out
    for name in [*METHODS, *SCHEDULES]:
        assert f" {name} " in told
    assert "A. Geiger: The Numerics of" in told
    assert max(map(len, told.splitlines())) <= 200
    assert not [line for line in told.splitlines() if line != line.rstrip()]
    assert "    EveryK(inner, k) " in told
    assert "Unrolled(game, opponent, steps, rate, *, differentiate=True)" in told


def test_the_table_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods", "--json"]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == [*METHODS, *SCHEDULES]
    consensus = next(row for row in rows if row["name"] == "consensus")
    assert consensus["key"] == "method"
    assert (consensus["evaluations"], consensus["products"], consensus["solves"]) == (1, 1, 0)
    assert consensus["reference"].endswith("2017")


def test_a_name_prints_all_that_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods", "consensus"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("method: consensus\n")
    assert "w = v - gamma J^T v" in told
    assert "References:" in told
    assert "gamma" in told


ANY_SPELLING = {
    "CGD": "method: cgd\n",
    "SGA": "method: sga\n",
    "from-past": "schedule: from_past\n",
    "Competitive": "method: cgd\n",
    "competitive": "method: cgd\n",
    "Consensus": "method: consensus\n",
    "Lookahead": "schedule: lookahead\n",
    "LookAhead": "method: lookahead_opponent\n",
    "lookahead": "schedule: lookahead\n",
    "unrolled": "unrolled: {steps: 5, rate: 0.1}\nnashgrad.games.unrolled\nUnrolled(game, opponent",
    "Unrolled": "unrolled: {steps: 5, rate: 0.1}\n",
    "ema": "ema: 0.999, or ema: uniform\nnashgrad.averaging\naverage(module, decay=None)\n",
    "average": "ema: 0.999, or ema: uniform\n",
}


@pytest.mark.parametrize(("name", "start"), ANY_SPELLING.items())
def test_a_method_is_found_by_any_of_its_names(
    capsys: pytest.CaptureFixture[str], name: str, start: str
) -> None:
    assert main(["methods", name]) == 0
    told = capsys.readouterr().out
    assert told.startswith(start)
    assert "Args:" in told or "Cost" in told


def test_every_class_is_found_and_shown_with_its_arguments(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for key, name, row in ROWS:
        assert main(["methods", row.implementation]) == 0
        told = capsys.readouterr().out.splitlines()
        assert told[2].startswith(f"{row.implementation}(")
        if row.implementation != "Consensus":
            assert told[0] == f"{key}: {name}"
    assert main(["methods", "consensus_norm_ratio"]) == 0
    assert "\nNormRatio(inner, ratio=1.0, maximum=None)\n" in capsys.readouterr().out


def test_other_keys_are_told_to_be_no_methods(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("optimizer", "lr_schedule", "Penalties"):
        assert main(["methods", name]) == 2
        assert capsys.readouterr().err == (
            f"nashgrad methods: {name.lower()!r} is a key of the configuration and no method; "
            "nashgrad train --help explains it\n"
        )


def test_one_row_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods", "extragradient", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == ["extragradient"]


def test_an_unknown_name_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods", "consenus"]) == 2
    assert capsys.readouterr() == (
        "",
        "nashgrad methods: unknown method 'consenus', did you mean consensus?\n",
    )


def test_the_page_of_the_guide_is_up_to_date() -> None:
    """To renew it: `python -m nashgrad.lab.commands.methods > docs/methods.md`."""
    page = Path(__file__).parents[2] / "docs" / "methods.md"
    assert page.read_text() == catalogue.markdown()
