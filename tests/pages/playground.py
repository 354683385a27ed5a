"""The playground in a browser, and the library's own of each of its games and methods."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlencode

import torch

from nashgrad import Alternating, Consensus, Extragradient, Momentum, Simultaneous
from nashgrad.adjustments import Identity
from nashgrad.analysis import updates
from nashgrad.games import DiracGAN, Quadratic, bilinear
from pages.waiting import until

Values = dict[str, float]
STEPS = 25
START = (1.1, -0.7)


class Method(NamedTuple):
    """The library's own of a method of the page, given gamma and beta."""

    map: Callable[..., Any]
    adjustment: Callable[..., Any] = lambda gamma, beta: Identity()
    schedule: Any = Simultaneous()


METHODS = {
    "simultaneous": Method(lambda gamma, beta: updates.simultaneous),
    "alternating": Method(lambda gamma, beta: updates.alternating, schedule=Alternating()),
    "consensus": Method(
        lambda gamma, beta: partial(updates.consensus, gamma=gamma),
        lambda gamma, beta: Consensus(gamma),
    ),
    "extragradient": Method(lambda gamma, beta: updates.extragradient, schedule=Extragradient()),
    "momentum": Method(
        lambda gamma, beta: partial(updates.heavy_ball, beta=beta),
        lambda gamma, beta: Momentum(beta),
    ),
    "momentum_in_turn": Method(
        lambda gamma, beta: partial(updates.heavy_ball_in_turn, beta=beta),
        lambda gamma, beta: Momentum(beta),
        Alternating(),
    ),
}


def quadratic(a1: float, a2: float, b: float) -> Quadratic:
    J = torch.tensor([[-a1, -b], [b, -a2]], dtype=torch.float64)
    return Quadratic(J, {"x": 1, "y": 1}, start=torch.tensor(START, dtype=torch.float64))


GAMES: dict[str, Callable[..., Any]] = {
    "bilinear": lambda c: bilinear(
        torch.tensor([[c]], dtype=torch.float64), start=torch.tensor(START, dtype=torch.float64)
    ),
    "quadratic": quadratic,
    "dirac": lambda: DiracGAN(start=START),
}


class Case(NamedTuple):
    game: str
    at: Values
    method: str
    h: float
    gamma: float = 1.0
    beta: float = 0.5

    def address(self) -> str:
        """What the page is asked for, on both sides."""
        own = {"method": self.method, "h": self.h, "gamma": self.gamma, "beta": self.beta}
        sides = {f"{side}.{name}": value for side in "ab" for name, value in own.items()}
        where = {"x1": START[0], "x2": START[1], "steps": STEPS}
        return urlencode({"game": self.game} | self.at | where | sides)


DAMPED, UNEVEN = {"a1": 0.5, "a2": 0.5, "b": 2.0}, {"a1": 0.3, "a2": 1.7, "b": 1.1}
DESCENT, FLED = {"a1": 0.4, "a2": 2.5, "b": 0.0}, {"a1": -0.5, "a2": -0.4, "b": 1.0}
SADDLE = {"a1": -0.6, "a2": 1.9, "b": 0.35}
CASES = [
    *(Case("bilinear", {"c": 1.0}, method, 0.2) for method in METHODS),
    *(Case("bilinear", {"c": 2.3}, method, 0.37, 0.4, -0.5) for method in METHODS),
    *(Case("quadratic", DAMPED, method, 0.2, 0.3, 0.8) for method in METHODS),
    *(Case("quadratic", UNEVEN, method, 0.3, 2.0, -0.35) for method in METHODS),
    *(Case("quadratic", FLED, method, 0.1, 3.0, 0.25) for method in METHODS),
    *(Case("quadratic", SADDLE, method, 0.45, 0.7, 0.6) for method in METHODS),
    *(Case("quadratic", DESCENT, method, 0.7, 0.05, 0.3) for method in METHODS),
    *(Case("dirac", {}, method, 0.5, 1.5, -0.4) for method in METHODS),
    *(Case("dirac", {}, method, 1.3, 0.2, 0.15) for method in METHODS),
    Case("quadratic", DAMPED, "simultaneous", 0.3),
    Case("bilinear", {"c": 0.1}, "consensus", 5.0, 10.0),
    Case("bilinear", {"c": 5.0}, "alternating", 0.5),
]


def go(page: Any, address: str) -> None:
    """Shows a state, and waits until it is shown."""
    page.evaluate("address => { location.hash = address; }", address)
    until(page, "() => document.getElementById('main').dataset.shown === location.hash")


def shown(page: Any, side: str = "a") -> dict[str, Any]:
    """The numbers of a side in full precision, by name."""
    found = page.evaluate(
        "side => Object.fromEntries([...document.querySelectorAll(`#${side} [data-value]`)]"
        ".map(cell => [cell.id.slice(2), cell.dataset.value]))",
        side,
    )
    return {name: _numbers(json.loads(value)) for name, value in found.items()}


def _numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [_numbers(one) for one in value]
    return float(value) if value in ("Infinity", "-Infinity", "NaN") else value
