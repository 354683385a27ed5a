"""What a sweep varies."""

from collections.abc import Iterator
from typing import Any

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from nashgrad.lab.config.limits import FORBID_UNKNOWN, Count, Flag, Text, key
from nashgrad.lab.config.lists import Seeds, Values, given_twice, not_listened_to, unfit_for_folders


@dataclass(frozen=True, config=FORBID_UNKNOWN)
class Sweep:
    """Every variant with every point of a grid, with every seed."""

    base: Text = Field(description="training configuration, beside this file")
    seeds: Seeds = Field(description="of each point")
    score: Text = Field(description="a score of the runs, that tables and pictures show")
    grid: dict[str, Values] = key({}, "key: values to try; keys may be dotted, lr is both players'")
    variants: dict[str, dict[str, Any]] = key({}, "name: what differs from the base")
    higher_is_better: Flag = key(False, "whether a large score is good")
    points: Count = key(10, "times that a run is judged, after its beginning")

    @model_validator(mode="after")
    def _parts_fit(self) -> "Sweep":
        if found := next(_misfits(self), None):
            raise ValueError(found)
        return self


def _misfits(sweep: Sweep) -> Iterator[str]:
    if not sweep.grid and not sweep.variants:
        yield "grid: there is nothing to vary; give grid, variants or both"
    yield from not_listened_to("grid", dict.fromkeys(sweep.grid))
    for name, changes in sweep.variants.items():
        yield from not_listened_to(f"variants.{name}", changes)
    if given_twice(sweep.seeds):
        yield "seeds: one is given twice"
    for name, values in sweep.grid.items():
        if given_twice(values):
            yield f"grid.{name}: one is given twice"
    yield from unfit_for_folders("variants", sweep.variants)
