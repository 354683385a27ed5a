"""What a tournament compares, and how fairly."""

from collections.abc import Iterator
from typing import Any

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from nashgrad.lab.config.limits import (
    FORBID_UNKNOWN,
    Count,
    Flag,
    PositiveFraction,
    Text,
    key,
)
from nashgrad.lab.config.lists import (
    SET_BY_STUDIES,
    Factors,
    Seeds,
    given_twice,
    not_listened_to,
    unfit_for_folders,
)


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Tuning:
    """How each entrant finds its learning rate, before the seeds that are reported."""

    seeds: Seeds = Field(description="none of those reported")
    factors: Factors = Field(description="of the learning rates that the entrant would have")
    share: PositiveFraction = key(0.5, "of the budget")


SET_BY_TOURNAMENTS = SET_BY_STUDIES | {
    "steps": "all entrants have the tournament's budget or steps",
    "budget": "all entrants have the tournament's budget or steps",
    "evaluate.spent": SET_BY_STUDIES["evaluate.every"],
    "checkpoint.spent": SET_BY_STUDIES["checkpoint.every"],
}


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Tournament:
    """Methods on one game, at one budget."""

    base: Text = Field(description="training configuration, beside this file")
    entrants: dict[str, dict[str, Any]] = Field(description="name: what differs from the base")
    seeds: Seeds = Field(description="that are reported")
    score: Text = Field(description="a score of the runs")
    baseline: Text = Field(description="the entrant that differences are to")
    budget: Count | None = key(
        None,
        "spent to the end of the step that reaches it: a field evaluation counts 1, a product 2",
    )
    steps: Count | None = key(None, "in place of a budget")
    tuning: Tuning | None = key(None, "null: learning rates as they are")
    higher_is_better: Flag = key(False, "whether a large score is good")
    points: Count = key(20, "times that a run is judged")

    @model_validator(mode="after")
    def _parts_fit(self) -> "Tournament":
        if found := next(_misfits(self), None):
            raise ValueError(found)
        return self


def _misfits(tournament: Tournament) -> Iterator[str]:
    t = tournament
    if (t.budget is None) == (t.steps is None):
        yield "budget: give either budget or steps"
    if not t.entrants:
        yield "entrants: there are none"
    if t.baseline not in t.entrants:
        yield f"baseline: {t.baseline!r} is no entrant; there are {', '.join(t.entrants)}"
    yield from unfit_for_folders("entrants", t.entrants)
    for name, changes in t.entrants.items():
        yield from not_listened_to(f"entrants.{name}", changes, SET_BY_TOURNAMENTS)
    if given_twice(t.seeds):
        yield "seeds: one is given twice"
    if t.tuning is not None:
        for key, values in (("seeds", t.tuning.seeds), ("factors", t.tuning.factors)):
            if given_twice(values):
                yield f"tuning.{key}: one is given twice"
    if t.tuning is not None and (both := sorted({*t.tuning.seeds} & {*t.seeds})):
        yield f"tuning.seeds: {both[0]} is among the seeds that are reported"
