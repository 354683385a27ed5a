"""The table of methods: complete, and true where it can be measured."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import nashgrad.adjustments
import nashgrad.schedules
from nashgrad.lab import catalogue
from nashgrad.lab import config as c
from nashgrad.lab.cli import main
from nashgrad.lab.config.keys import kinds, variants
from nashgrad.lab.methods import METHODS, SCHEDULES, Row
from nashgrad.lab.train import prepare

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
    changed = replace(c.load(path), **{key: SECTIONS[key][name]()})
    if name in PLAIN:
        changed = replace(changed, optimizer=c.Optimizers(c.Sgd(lr=0.1), c.Sgd(lr=0.1)))
    return changed


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
    assert "The Numerics of GANs" in told
    assert max(map(len, told.splitlines())) <= 200


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
    """To renew it: `python -m nashgrad.lab.catalogue > docs/methods.md`."""
    page = Path(__file__).parents[2] / "docs" / "methods.md"
    assert page.read_text() == catalogue.markdown()
