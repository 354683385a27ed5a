"""The playground: its numbers are the library's; it works offline, by keyboard, on any screen."""

import json
import math
import sys
import webbrowser
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
import torch

from nashgrad import (
    Alternating,
    Consensus,
    Extragradient,
    Game,
    GameField,
    GameOptimizer,
    Momentum,
    Simultaneous,
)
from nashgrad.adjustments import Identity
from nashgrad.analysis import Stability, updates
from nashgrad.analysis.rates import DECIDED, largest_step_size, spectral_radius
from nashgrad.games import DiracGAN, Quadratic, bilinear
from nashgrad.lab import cli
from nashgrad.lab.play import render

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


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("play") / "play.html"
    path.write_text(render(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def page(browser: Any, path: Path) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.goto(path.as_uri())
    yield page
    context.close()


def go(page: Any, address: str) -> None:
    """Shows a state, and waits until it is shown."""
    page.evaluate("address => { location.hash = address; }", address)
    until(page, "() => document.getElementById('main').dataset.shown === location.hash")


def until(page: Any, holds: str, *given: Any) -> None:
    """Playwright's own waiting evaluates texts in the page, which its policy forbids."""
    for _ in range(500):
        if page.evaluate(holds, *given):
            return
        page.wait_for_timeout(5)
    raise AssertionError(f"never: {holds}")


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


LOOK = "look => document.getElementById('look').textContent === look"


def test_nothing_is_fetched_and_nothing_complained_of(visit: Any, path: Path) -> None:
    opened = visit(path)
    for button in opened.page.locator("#presets button").all():
        button.click()
        until(opened.page, LOOK, button.get_attribute("data-look"))
    for game in ("bilinear", "quadratic", "dirac"):
        opened.page.select_option("#game", game)
        for method in METHODS:
            opened.page.select_option("#a-method", method)
            assert opened.page.input_value("#a-method") == method
    opened.page.click("#theme")
    opened.page.click("#reset")
    opened.clean()


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


def test_rubbish_in_the_address_does_no_harm(visit: Any, path: Path) -> None:
    opened = visit(path)
    before = shown(opened.page)
    for address in (
        "game=__proto__&a.method=constructor&a.h=1e999&c=%00&x1=NaN&x2=&steps=2.5",
        "a.h=-1&a.h=2&b.gamma=<script>alert(1)</script>&c=0x&steps=1e9&game=toString",
        "%E0%A4%A&&&===&a.=&.h=3",
    ):
        go(opened.page, address)
        assert shown(opened.page) == before
    go(opened.page, "game=dirac&a.method=rubbish&a.h=0.5")
    assert opened.page.input_value("#game") == "dirac"
    assert opened.page.input_value("#a-method") == "simultaneous"
    assert opened.page.input_value("#a-h-number") == "0.5"
    opened.clean()


def test_the_address_follows_and_leads_back(visit: Any, path: Path) -> None:
    opened = visit(path)
    opened.page.select_option("#b-method", "consensus")
    opened.page.fill("#b-gamma-number", "0.75")
    opened.page.press("#b-gamma-number", "Enter")
    until(opened.page, "() => location.hash.includes('b.gamma=0.75')")
    before = shown(opened.page, "b")
    again = visit(f"{path.as_uri()}{opened.page.evaluate('location.hash')}")
    assert shown(again.page, "b") == before


def test_the_keyboard_moves_the_start_point(visit: Any, path: Path) -> None:
    page = visit(path).page
    handle = page.locator("#b .handle")
    handle.focus()
    before = json.loads(handle.get_attribute("data-start"))
    for key in ("ArrowRight", "ArrowUp", "Shift+ArrowLeft"):
        page.keyboard.press(key)
        page.wait_for_timeout(50)
    after = json.loads(handle.get_attribute("data-start"))
    assert after == pytest.approx([before[0] + 0.05 - 0.25, before[1] + 0.05])
    assert json.loads(page.locator("#a .handle").get_attribute("data-start")) == after
    assert handle.evaluate("handle => getComputedStyle(handle).outlineStyle") == "solid"


AT = "at => document.querySelector('#b .handle').getAttribute('aria-valuetext') === at"


def test_the_pointer_drags_the_start_point(visit: Any, path: Path) -> None:
    page = visit(path).page
    box = page.locator("#a-phase").bounding_box()
    centre = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    at = page.locator("#a .handle circle").last.bounding_box()
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    page.mouse.down()
    page.mouse.move(*centre, steps=4)
    page.mouse.up()
    until(page, AT, "0.00, 0.00")
    page.mouse.click(centre[0] + box["width"] / 6, centre[1])
    until(page, AT, "1.00, 0.00")


def test_sliders_by_keyboard_with_focus_to_be_seen(visit: Any, path: Path) -> None:
    page = visit(path).page
    page.focus("#a-method")
    page.keyboard.press("Tab")
    slider = page.locator("#a-h")
    assert slider.evaluate("slider => slider === document.activeElement")
    assert slider.evaluate("slider => getComputedStyle(slider).outlineStyle") == "solid"
    before = shown(page)["radius"]
    page.keyboard.press("ArrowRight")
    until(page, "from => Number(document.getElementById('a-radius').dataset.value) > from", before)
    assert float(page.input_value("#a-h-number")) > 0.2
    slider.dblclick()
    until(page, "() => document.getElementById('a-h-number').value === '0.2'")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 700, 1000])
def test_small_screens_do_not_scroll_sideways(
    visit: Any, path: Path, width: int, dark: bool
) -> None:
    opened = visit(path, width=width, dark=dark)
    go(opened.page, "game=quadratic&a.method=momentum_in_turn&b.method=consensus")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    opened.clean()


def test_the_command_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for flag in ("-o", "--out"):
        file = tmp_path / f"{flag}.html"
        assert cli.main(["play", flag, str(file)]) == 0
        assert capsys.readouterr() == (f"{file}\n", "")
        assert file.read_text(encoding="utf-8") == render()


@pytest.mark.parametrize("finds", [True, False])
def test_without_a_name_it_opens_a_browser(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], finds: bool
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: asked.append(address) or finds)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert cli.main(["play"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert asked == [Path(said[0]).as_uri()]
    assert tmp_path in Path(said[0]).parents
    assert len(said) == (1 if finds else 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "{folder}"], "--out: must be a file to write, got the folder '{folder}'"),
        (["-o", ""], "--out: must be a file to write, got the folder ''"),
        (["-o", "{folder}/missing/x.html"], "{folder}/missing/x.html: no such file or directory"),
        (["-o", "{folder}/file/x.html"], "{folder}/file/x.html: not a directory"),
        (["-o", "{folder}/" + 300 * "x"], "{folder}/" + 300 * "x" + ": file name too long"),
        (["-o"], "nashgrad: Missing value for argument '-o/--out'"),
        (["--ot", "x"], "nashgrad play: unknown flag --ot, did you mean --out?"),
        (["x.html"], "nashgrad: Unrecognized options: x.html"),
    ],
)
def test_bad_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    (tmp_path / "file").touch()
    assert cli.main(["play", *(word.format(folder=tmp_path) for word in words)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message.format(folder=tmp_path))
    assert err.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_place_that_takes_no_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["play", "-o", "/proc/play.html"]) == 2
    assert capsys.readouterr().err.startswith("/proc/play.html: ")
