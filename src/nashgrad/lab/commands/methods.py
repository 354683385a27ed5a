"""Shows the table of methods: all of it, or everything that is known of one."""

from __future__ import annotations

import inspect
import json as text
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

import nashgrad
import nashgrad.adjustments
import nashgrad.schedules
from nashgrad.lab.commands.method_table import METHODS, SCHEDULES, Row
from nashgrad.lab.common.errors import UsageError, did_you_mean
from nashgrad.lab.config import Config
from nashgrad.lab.config.keys import kinds

WIDTH = 160  # of the table, which wraps badly below it
COLUMNS = (
    "name",
    "equation",
    "evaluations",
    "products",
    "solves",
    "memory",
    "fixed points",
    "players",
    "reference",
)
NOTE = """\
w is the field that players follow in place of v, J the Jacobian of v, h the optimisers' steps, J_o
J without the players' own blocks, P_g and P_d the generator's and the discriminator's part.
A class is shown with those of its arguments that have no default.
Costs are a step's, with two players: evaluations of the field, products with J or J^T (each takes
about two evaluations), linear systems. Memory is in vectors as long as all parameters together.
Fixed points: whether those of v are the method's. All about one method: nashgrad methods NAME
"""

BESIDE = """\
Beside these: `unrolled: {{steps, rate}}` wraps the game, so that the generator answers a
discriminator that has learned for some steps:
`{unrolled}`.
`ema: 0.999` or `ema: uniform` averages iterates: `{ema}`.
Two time scales are two learning rates, `--optimizer.discriminator.lr`.
"""
KEYS: dict[str, tuple[str, Callable[..., Any]]] = {  # of the configuration, which wrap or average
    "unrolled": ("unrolled: {steps: 5, rate: 0.1}", nashgrad.Unrolled),
    "ema": ("ema: 0.999, or ema: uniform", nashgrad.average),
}


def show(name: str | None = None, *, json: bool = False) -> None:
    """Prints the table, or what is known of one method.

    Args:
        name: as a configuration has it, or of a class; case does not matter.
        json: print JSON instead.

    Raises:
        UsageError: For a name that no method has.
    """
    found = None if name is None else _found(name)
    rows = [entry for entry in _entries() if found in (None, entry[1])]
    if json:
        listed = [{"name": name, "key": key, **asdict(row)} for key, name, row in rows]
        listed += [{"name": found, "key": found}] if found in KEYS else []
        sys.stdout.write(f"{text.dumps(listed, indent=2)}\n")
    elif found in KEYS:
        example, kind = KEYS[found]
        sys.stdout.write("\n".join([example, *_head(kind), "", inspect.getdoc(kind) or "", ""]))
    elif found is not None:
        sys.stdout.write(_all_about(*rows[0]))
    else:
        _print_table()


def _found(name: str) -> str:
    """The name that a configuration has for a method, a schedule or a key beside them."""
    rows = {**METHODS, **SCHEDULES}
    names = {known: known for known in (*rows, *KEYS)}
    classes = {kind.__name__: key for key, (_, kind) in KEYS.items()}
    for known, row in rows.items():  # consensus comes before the others of its class
        classes.setdefault(row.implementation, known)
    plain = name.lower().replace("-", "_")
    folded = [_folded(names), _folded(classes)]
    for spelled, table in ((name, names), (name, classes), *((plain, table) for table in folded)):
        if spelled in table:
            return table[spelled]
    if name.lower() in kinds(Config):
        raise UsageError(
            f"nashgrad methods: {name.lower()!r} is a key of the configuration and no method; "
            "nashgrad train --help explains it"
        )
    listed = [*names, *classes]
    suggestion = did_you_mean(name, listed) or f"; known: {', '.join(names)}"
    raise UsageError(f"nashgrad methods: unknown method {name!r}{suggestion}")


def _folded(names: dict[str, str]) -> dict[str, str]:
    return {name.lower(): key for name, key in names.items()}


def _entries() -> Iterator[tuple[str, str, Row]]:
    """(the configuration's key, the name it takes, the row) of all methods."""
    for key, rows in (("method", METHODS), ("schedule", SCHEDULES)):
        for name, row in rows.items():
            yield key, name, row


def _all_about(key: str, name: str, row: Row) -> str:
    kind = _class(row)
    facts = [f"{title:<13} {fact}" for title, fact in zip(COLUMNS[1:], _facts(row), strict=True)]
    head = [f"{key}: {name}", *_head(kind, row.family)]
    return "\n".join([*head, "", *facts, "", inspect.getdoc(kind) or "", ""])


def _head(kind: Callable[..., Any], family: str = "") -> list[str]:
    """Where a class is found, and how it is called."""
    return [f"{kind.__module__}{f' ({family})' if family else ''}", _call(kind)]


def _class(row: Row) -> Callable[..., Any]:
    name = row.implementation
    home = nashgrad.adjustments if hasattr(nashgrad.adjustments, name) else nashgrad.schedules
    kind: Callable[..., Any] = getattr(home, name)
    return kind


def _call(kind: Callable[..., Any], *, required: bool = False) -> str:
    """A class or a function with its arguments, or with those only that have no default."""
    signature = inspect.signature(kind)
    shown = [
        p.replace(annotation=p.empty)
        for p in signature.parameters.values()
        if p.default is p.empty or not required
    ]
    return (
        f"{kind.__name__}{signature.replace(parameters=shown, return_annotation=signature.empty)}"
    )


def _beside() -> str:
    return BESIDE.format(**{key: _call(kind) for key, (_, kind) in KEYS.items()})


def _facts(row: Row) -> tuple[str, ...]:
    """All columns but the name and the class."""
    each = f"{row.per_iteration} / iteration"
    evaluations = "many" if row.evaluations is None else f"{row.evaluations:.3g}"
    products = each if row.products is None else f"{row.products:.3g}"
    costs = (evaluations, products, f"{row.solves:.3g}", row.memory)
    return (row.equation, *costs, row.keeps, row.players, row.reference)


def _print_table() -> None:
    width = max(Console().width, WIDTH)
    for key, title in (("method", "what changes the field"), ("schedule", "who moves when")):
        rows = [(name, row) for found, name, row in _entries() if found == key]
        _print(_table(f"{key}: {title}", rows), width)
        sys.stdout.write("\n")
    sys.stdout.write(f"{NOTE}{_beside()}")


def _print(table: Table, width: int) -> None:
    """In colour on a terminal; elsewhere without the blanks that fill lines."""
    console = Console(highlight=False, width=width)
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def markdown() -> str:
    """The table as the page of the guide."""
    head = "| configuration | class | equation | cost | memory | keeps | players | source |"
    parts = ["# Methods\n", _INTRODUCTION]
    for key, title in (("method", "What changes the field"), ("schedule", "Who moves when")):
        rows = [(name, row) for found, name, row in _entries() if found == key]
        parts += [f"\n## {title}\n", f"`{key}: ...` in a configuration.\n", head, "|---" * 8 + "|"]
        parts += [_line(name, row) for name, row in rows]
    return "\n".join([*parts, "", _beside()])


_INTRODUCTION = f"""\
What `nashgrad methods` prints; `nashgrad methods NAME` has the whole docstring of one. A method is
one argument of `GameOptimizer`: `adjustment=` what changes the field, `schedule=` who moves when.
They compose.

{NOTE}"""


def _line(name: str, row: Row) -> str:
    equation, evaluations, products, solves, memory, keeps, players, reference = _facts(row)
    cost = [evaluations if evaluations == "many" else f"{evaluations} ev"]
    cost += [f"{products} prod"] if products != "0" else []
    cost += [f"{solves} solve"] if solves != "0" else []
    equation = equation.replace("|", "\\|")
    kind = _call(_class(row), required=True)
    cells = (f"`{name}`", f"`{kind}`", equation, " + ".join(cost), memory, keeps)
    return f"| {' | '.join((*cells, players, reference))} |"


def _table(title: str, rows: list[tuple[str, Row]]) -> Table:
    """Methods below the name of their family."""
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for column in COLUMNS:
        table.add_column(column, no_wrap=column not in ("equation", "reference"))
    for family in dict.fromkeys(row.family for _, row in rows):
        table.add_row(f"[bold]{family}[/]")
        for name, row in rows:
            if row.family == family:
                named = f"  {name}\n    {_call(_class(row), required=True)}"
                table.add_row(*map(escape, (named, *_facts(row))))
    return table


if __name__ == "__main__":
    sys.stdout.write(markdown())
