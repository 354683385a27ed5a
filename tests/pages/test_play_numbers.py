"""The playground's numbers are the library's."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from nashgrad import Game, GameField, GameOptimizer
from nashgrad.analysis import Stability, updates
from nashgrad.analysis.rates import DECIDED, largest_step_size, spectral_radius
from nashgrad.lab.play import render
from pages.playground import CASES, GAMES, METHODS, STEPS, UNEVEN, Case, go, shown


@pytest.fixture(scope="module")
def page(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One page for all cases: a case is an address."""
    path: Path = tmp_path_factory.mktemp("play") / "play.html"
    path.write_text(render(), encoding="utf-8")
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.goto(path.as_uri())
    yield page
    context.close()


def same_values(ours: list[list[float]], theirs: torch.Tensor) -> None:
    """The same eigenvalues in any order."""
    left = [complex(*pair) for pair in ours]
    size = max(abs(value) for value in theirs.tolist())
    assert len(left) == len(theirs)
    for value in theirs.tolist():
        nearest = min(left, key=lambda one: abs(one - value))
        assert abs(nearest - value) <= 1e-9 * size
        left.remove(nearest)


def jacobian_at_rest(case: Case) -> torch.Tensor:
    game = GAMES[case.game](**case.at)
    with torch.no_grad():
        for parameter in game.parameters():
            parameter.zero_()
    J: torch.Tensor = GameField(game).linearize(None).jacobian.to_dense()
    return J.detach()


def walked(case: Case) -> list[float]:
    """Where the library's own steps lead."""
    game: Game = GAMES[case.game](**case.at)
    method = METHODS[case.method]
    field = GameField(game)
    opt = GameOptimizer(
        field,
        torch.optim.SGD(game.parameters(), lr=case.h),
        adjustment=method.adjustment(case.gamma, case.beta),
        schedule=method.schedule,
    )
    for _ in range(STEPS):
        opt.step(None)
    x: list[float] = opt.space.get().tolist()
    return x


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.game}-{c.method}-{c.h}")
def test_numbers_are_the_library_s(page: Any, case: Case) -> None:
    go(page, case.address())
    found = shown(page)
    J = jacobian_at_rest(case)
    update = METHODS[case.method].map(case.gamma, case.beta)
    F, w = update(J, [1, 1], case.h), J
    if case.method == "consensus":
        w = updates.consensus_jacobian(J, [1, 1], case.gamma)
    same_values(found["v-eigenvalues"], torch.linalg.eigvals(J))
    same_values(found["w-eigenvalues"], torch.linalg.eigvals(w))
    same_values(found["step-eigenvalues"], torch.linalg.eigvals(F))
    assert found["radius"] == pytest.approx(spectral_radius(F), rel=1e-9)
    assert found["ratio"] == pytest.approx(Stability.of(w).q_ratio, rel=1e-9)
    straight = case.method in ("simultaneous", "consensus")
    bound = Stability.of(w).max_step_size if straight else largest_step_size(update, J, [1, 1])
    assert found["largest-step"] == pytest.approx(bound, rel=1e-9)
    assert found["end"] == pytest.approx(walked(case), rel=1e-9)
    assert found["predicted"] == verdict(spectral_radius(F))
    assert shown(page, "b") == found


def verdict(radius: float) -> str:
    if abs(radius - 1) <= DECIDED:
        return "cycles"
    return "converges" if radius < 1 else "diverges"


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.game != "dirac"], ids=lambda c: f"{c.game}-{c.method}-{c.h}"
)
def test_what_is_seen_is_what_is_predicted(page: Any, case: Case) -> None:
    go(page, case.address())
    found = shown(page)
    assert found["observed"] == found["predicted"]


@pytest.mark.parametrize(
    ("method", "seen", "predicted"),
    [
        ("simultaneous", "cycles", "diverges"),  # flees zero, and ends on a limit cycle
        ("alternating", "converges", "cycles"),  # ever more slowly
        ("consensus", "converges", "converges"),
        ("extragradient", "converges", "converges"),
        ("momentum", "cycles", "diverges"),
        ("momentum_in_turn", "converges", "converges"),
    ],
)
def test_the_dirac_gan(page: Any, method: str, seen: str, predicted: str) -> None:
    go(page, Case("dirac", {}, method, 0.5, 1.0, -0.5).address())
    found = shown(page)
    assert (found["observed"], found["predicted"]) == (seen, predicted)
    why = page.inner_text("#a-why")
    assert ("near the equilibrium" in why) == (seen != predicted)


def test_a_start_at_the_equilibrium_stays(page: Any) -> None:
    go(page, "game=dirac&x1=0&x2=0")
    assert shown(page)["observed"] == "stays"


def test_a_closed_bound_is_a_searched_one() -> None:
    """What the page says of straight methods is what a search would find."""
    J = jacobian_at_rest(Case("quadratic", UNEVEN, "simultaneous", 0.1))
    found = largest_step_size(updates.simultaneous, J, [1, 1])
    assert found == pytest.approx(Stability.of(J).max_step_size, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_directions_in_which_nothing_moves(page: Any, method: str) -> None:
    one = Case("quadratic", {"a1": 0.0, "a2": 2.0, "b": 0.0}, method, 0.2, 0.1, 0.3)
    go(page, one.address())
    found = shown(page)
    assert (found["predicted"], found["observed"]) == ("stays", "stays")
    update = METHODS[method].map(one.gamma, one.beta)
    J = torch.tensor([[-2.0]], dtype=torch.float64)
    assert found["largest-step"] == pytest.approx(largest_step_size(update, J, [1]), rel=1e-9)
    go(page, one._replace(at={"a1": 0.0, "a2": 0.0, "b": 0.0}).address())
    found = shown(page)
    assert (found["predicted"], found["largest-step"], found["ratio"]) == ("stays", math.inf, 0)


PRESET_ENDS = {
    "Rotation": ("diverges", "cycles"),
    "Consensus": ("diverges", "converges"),
    "Too large a step": ("converges", "diverges"),
    "Momentum hurts": ("converges", "diverges"),
    "Negative momentum": ("diverges", "converges"),
    "Dirac-GAN": ("converges", "converges"),
    "A false friend": ("diverges", "converges"),
}


def test_presets_show_what_they_say(page: Any) -> None:
    ends = {}
    for button in page.locator("#presets button").all():
        go(page, button.get_attribute("data-address"))
        ends[button.inner_text()] = (shown(page)["observed"], shown(page, "b")["observed"])
    assert ends == PRESET_ENDS
