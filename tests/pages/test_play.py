"""The playground works offline, by keyboard and pointer, on any screen; the command writes it."""

import json
import sys
import webbrowser
from pathlib import Path
from typing import Any

import pytest

from nashgrad.lab.commands import cli
from nashgrad.lab.play import render
from pages.playground import METHODS, go, shown
from pages.waiting import until


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("play") / "play.html"
    path.write_text(render(), encoding="utf-8")
    return path


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


def test_a_typed_number_out_of_range_is_not_taken(visit: Any, path: Path) -> None:
    page = visit(path).page
    for typed, stands in (("7", "0.2"), ("", "0.2"), ("0.35", "0.35")):
        page.fill("#a-h-number", typed)
        page.press("#a-h-number", "Enter")
        until(page, H_IS, stands)


H_IS = "h => document.getElementById('a-h-number').value === h"


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
    until(page, "at => document.querySelector('#b .handle').dataset.start !== at", "[0,0]")
    start = json.loads(page.locator("#b .handle").get_attribute("data-start"))
    assert start == pytest.approx([1, 0], abs=0.02)  # clicks come in whole pixels


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
        (
            ["-o", "{folder}/missing/x.html"],
            "{folder}/missing/x.html: the folder {folder}/missing does not exist",
        ),
        (
            ["-o", "{folder}/file/x.html"],
            "{folder}/file/x.html: the folder {folder}/file does not exist",
        ),
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


def test_the_page_of_the_documentation_is_this_one() -> None:
    """`nashgrad play -o docs/play.html` makes it."""
    page = Path(__file__).parents[2] / "docs" / "play.html"
    assert page.read_text(encoding="utf-8") == render()
