"""The report in a browser: what it shows is what the runs' files say."""

import json
import math
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nashgrad.lab.commands.cli import main
from nashgrad.lab.commands.diagnose import leave, look, restored
from nashgrad.lab.report import page_data, write_report
from nashgrad.lab.report.charts import Member, band, scale
from nashgrad.lab.report.curves import Logged
from nashgrad.lab.report.seen import look as read_run
from nashgrad.lab.report.spectra import spectra
from nashgrad.lab.runs.metrics import read_metrics
from nashgrad.lab.runs.records import Run
from pages.runs import make_run
from pages.waiting import until

NAMES = ("consensus0", "consensus1", "none0", "none1")
HOSTILE = "<img src=x onerror='window.harmed=1'>"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two methods with two seeds; the first run is watched and diagnosed, two are scored."""
    folder = tmp_path_factory.mktemp("runs")
    for name in NAMES:
        method = {"name": "consensus", "gamma": 1} if name[:-1] == "consensus" else "none"
        watch = {"every": 20, "share": 1.0} if name == "consensus0" else {"every": 0}
        make_run(folder / name, method=method, seed=int(name[-1]), diagnose=watch)
    run = Run(folder / "consensus0")
    session, step = restored(run, None)
    leave(run, look(session, batches=6), step)
    scored = [str(folder / name) for name in ("consensus0", "none0")]
    assert main(["score", *scored, "--extractor", "identity", "--samples", "200"]) == 0
    return folder


@pytest.fixture(scope="module")
def page_file(runs: Path) -> Path:
    target = runs.parent / "report.html"
    write_report([runs / name for name in NAMES], target)
    return target


@pytest.fixture
def opened(visit: Callable[..., Any], page_file: Path) -> Any:
    return visit(page_file)


def last_logged(runs: Path, name: str) -> dict[str, float]:
    """The last value of everything that has a chart, by the chart's title."""
    found: dict[str, float] = {}
    for line in read_metrics(runs / name / "metrics.jsonl"):
        found |= {f"loss of {p} (nats)": x for p, x in line.get("losses", {}).items()}
        found |= {f"norm of v, {p}": x for p, x in line.get("norms", {}).items()}
        found |= line.get("scores", {})
        if "field_norm" in line:
            found["norm of v"] = line["field_norm"]
    return found


def drawn(page: Any) -> dict[str, Any]:
    """Each chart's traces by run and title."""
    page.evaluate("drawAll()")
    script = """() => Object.fromEntries([...document.querySelectorAll('#curves .chart')].map(
        node => [node.dataset.title, Object.fromEntries(
            node.data.filter(t => t.meta?.run).map(t => [t.meta.run, [...t.y]]))]))"""
    return page.evaluate(script)  # type: ignore[no-any-return]


def test_every_chart_ends_in_the_last_value_of_every_run(opened: Any, runs: Path) -> None:
    charts = drawn(opened.page)
    for name in NAMES:
        expected = last_logged(runs, name)
        ends = {title: traces[name][-1] for title, traces in charts.items()}
        assert ends == pytest.approx(expected, rel=1e-6, abs=1e-12)
    opened.clean()


def test_seconds_take_the_place_of_steps(opened: Any, runs: Path) -> None:
    opened.page.get_by_label("seconds of training").check()
    opened.page.evaluate("drawAll()")
    ends = opened.page.evaluate(
        "document.querySelector('#curves .chart').data.find(t => t.meta?.run === 'none1').x.at(-1)"
    )
    logged = [line for line in read_metrics(runs / "none1" / "metrics.jsonl") if "losses" in line]
    assert ends == pytest.approx(logged[-1]["seconds"], rel=1e-6)


def test_the_band_is_the_least_and_the_greatest_seed(opened: Any, runs: Path) -> None:
    opened.page.evaluate("drawAll()")
    script = """() => { const chart = document.querySelector("[data-title='norm of v']");
        const of = name => chart.data.find(t => t.meta?.[name] === 'consensus');
        return {mid: of('median').y.at(-1), x: [...of('band').x], y: [...of('band').y]}; }"""
    band = opened.page.evaluate(script)
    ends = sorted(last_logged(runs, name)["norm of v"] for name in ("consensus0", "consensus1"))
    half = len(band["x"]) // 2
    assert band["y"][half] == pytest.approx(ends[0], rel=1e-6)
    assert band["y"][half - 1] == pytest.approx(ends[1], rel=1e-6)
    assert band["mid"] == pytest.approx(sum(ends) / 2, rel=1e-6)


def test_a_method_can_be_left_out(opened: Any) -> None:
    opened.page.get_by_label("simultaneous").uncheck()
    assert set(drawn(opened.page)["norm of v"]) == {"consensus0", "consensus1"}


def test_zoom_is_linked_across_charts(opened: Any) -> None:
    page = opened.page
    page.evaluate("drawAll()")
    page.evaluate(
        "Plotly.relayout(document.querySelectorAll('#curves .chart')[0], {'xaxis.range': [5, 20]})"
    )
    ranges = "[...document.querySelectorAll('#curves .chart')].map(n => n.layout.xaxis.range)"
    until(page, f"{ranges}.every(r => r[0] === 5 && r[1] === 20)")


def test_the_slider_moves_the_samples_by_the_keyboard(opened: Any) -> None:
    page = opened.page
    slider = page.locator("#samples-step")
    slider.focus()
    before = page.locator(".sample img").first.get_attribute("src")
    page.keyboard.press("Home")
    assert page.locator(".slider output").first.text_content() == "0"
    assert page.locator(".sample p").all_text_contents() == ["step 0"] * 4
    assert page.locator(".sample img").first.get_attribute("src") != before
    page.keyboard.press("ArrowRight")
    assert page.locator(".sample p").first.text_content() == "step 10"
    assert slider.get_attribute("aria-valuetext") == "10"


def test_eigenvalues_are_those_of_the_files(opened: Any, runs: Path) -> None:
    page = opened.page
    page.evaluate("drawAll()")
    points = """() => document.querySelector('#spectra .chart').data.flatMap(
        t => t.customdata.map(([re, im]) => [re, im]))"""
    shown = sorted(map(tuple, page.evaluate(points)))
    [file] = (runs / "consensus0" / "diagnosis").glob("*.json")
    expected = sorted(map(tuple, json.loads(file.read_text())["v"]["eigenvalues"]))
    assert len(shown) == len(expected)
    assert shown == [pytest.approx(pair, rel=1e-6, abs=1e-12) for pair in expected]
    page.locator("#spectra-step").focus()
    page.keyboard.press("Home")
    assert page.locator("#spectra output").text_content() == "0 (outermost, on one batch)"
    assert 0 < len(page.evaluate(points)) < len(expected)


def test_the_verdict_stands_with_its_evidence(opened: Any, runs: Path) -> None:
    [file] = (runs / "consensus0" / "diagnosis").glob("*.json")
    found = json.loads(file.read_text())
    text = opened.page.locator("#verdict").inner_text()
    assert found["verdict"] in text
    assert all(reason in text for reason in found["evidence"])
    assert f"nashgrad diagnose {runs / 'none1'}" in opened.page.locator("#verdict").text_content()


def test_scores_of_a_network_stand_with_what_they_rest_on(opened: Any, runs: Path) -> None:
    heads = opened.page.locator("#scorings thead th").all_text_contents()
    rows = opened.page.locator("#scorings tbody tr").all()
    for row, name in zip(rows, ("consensus0", "none0"), strict=True):
        found = json.loads(Run(runs / name).scoring(40, "identity").read_text())
        cells = dict(zip(heads, row.locator("th, td").all_text_contents(), strict=True))
        assert cells["run"] == f"{name}identity, step 40"
        assert cells["samples"] == cells["real"] == "200"
        shown = float(cells["frechet distance"].replace("\N{MINUS SIGN}", "-"))
        assert shown == pytest.approx(found["scores"]["frechet_distance"], rel=1e-3)
    opened.clean()


def test_facts_that_one_extractor_alone_has_are_numbers(
    visit: Callable[..., Any], runs: Path, tmp_path: Path
) -> None:
    run = Run(shutil.copytree(runs / "none0", tmp_path / "run"))
    values = {"step": 40, "extractor": "classifier", "accuracy": 0.96345234, "scores": {"a": 1.0}}
    run.scoring(40, "classifier").write_text(json.dumps(values))
    write_report([run.path], tmp_path / "report.html")
    page = visit(tmp_path / "report.html").page
    assert page.locator("#scorings td.number", has_text="0.9635").count() == 1
    assert page.get_by_text("Scores of two extractors do not compare.").is_visible()
    heads = page.locator("#scorings thead th").all_text_contents()
    assert heads[:3] == ["run", "a", "frechet distance"]
    page.locator("#scorings th button", has_text="run").press("Enter")
    first = page.locator("#scorings tbody th").all_text_contents()
    assert first == ["runclassifier, step 40", "runidentity, step 40"]


def test_scores_are_read_in_the_order_of_steps_and_the_oldest_are_left_out(
    runs: Path, tmp_path: Path
) -> None:
    run = Run(shutil.copytree(runs / "none1", tmp_path / "run"))
    run.scoring(0, "a").parent.mkdir()
    steps = [*range(41), 99_999_999, 100_000_000]
    for step in steps:
        run.scoring(step, "a").write_text(
            json.dumps({"step": step, "extractor": "a", "scores": {}})
        )
    run.scoring(40, "b").write_text('{"step": "40", "extractor": 7, "scores": {}}')
    seen = read_run(run.path)
    assert [its["step"] for its in seen.scorings] == steps[-39:]
    assert "scores/: 4 older files not read" in seen.missing
    strange = "scores/00000040-b.json: holds no scores; score that checkpoint again"
    assert strange in seen.missing


def test_the_table_of_runs_can_be_sorted(opened: Any, runs: Path) -> None:
    page = opened.page
    page.locator("#runs th button", has_text="sw2").click()
    rank = sorted(NAMES, key=lambda name: last_logged(runs, name)["sw2"])
    assert page.locator("#runs .name").all_text_contents() == rank
    head = page.locator("#runs th", has_text="sw2")
    assert head.get_attribute("aria-sort") == "ascending"
    page.locator("#runs th button", has_text="sw2").press("Enter")
    assert page.locator("#runs .name").all_text_contents() == rank[::-1]
    assert head.get_attribute("aria-sort") == "descending"


def test_differences_of_configurations_are_marked(opened: Any) -> None:
    row = opened.page.locator("#setup tr", has=opened.page.locator("th", has_text="method.name"))
    assert row.locator("td").all_text_contents() == ["consensus", "consensus", "none", "none"]
    assert row.locator("td.changed").count() == 4  # no value leads
    seeds = opened.page.locator("#setup tr", has=opened.page.locator("th", has_text="seed")).first
    assert seeds.locator("td").all_text_contents() == ["0", "1", "0", "1"]


def test_commands_reproduce_the_runs(opened: Any, runs: Path) -> None:
    said = opened.page.locator("#again pre").text_content()
    assert all(f"nashgrad train {runs / name}/config.yaml --out" in said for name in NAMES)


def test_focus_can_be_seen_on_every_stop(opened: Any) -> None:
    page = opened.page
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        style = "(n => [n.tagName, getComputedStyle(n).outlineStyle])(document.activeElement)"
        tag, outline = page.evaluate(style)
        seen.add(tag)
        assert tag == "BODY" or outline != "none"
    assert {"A", "BUTTON", "INPUT"} <= seen


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1400])
def test_nothing_hangs_over_the_side(
    visit: Callable[..., Any], page_file: Path, width: int, dark: bool
) -> None:
    opened = visit(page_file, width=width, dark=dark)
    opened.page.evaluate("drawAll()")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    theme = opened.page.evaluate("document.documentElement.dataset.theme")
    assert theme == ("dark" if dark else "light")
    opened.page.locator("#theme").click()
    assert opened.page.evaluate("document.documentElement.dataset.theme") != theme
    opened.clean()


def test_names_are_text_and_nothing_else(
    visit: Callable[..., Any], runs: Path, tmp_path: Path
) -> None:
    hostile = tmp_path / HOSTILE.replace("/", "")
    shutil.copytree(runs / "none0", hostile)
    summary = json.loads((hostile / "summary.json").read_text())
    summary |= {"status": "</script><script>window.harmed=1</script>", "reason": HOSTILE}
    (hostile / "summary.json").write_text(json.dumps(summary))
    (hostile / "config.yaml").write_text(f'method: {{name: "{HOSTILE}"}}\nloss: "]]>{{{{7*7}}}}"\n')
    with (hostile / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 41, "seconds": 1.0, "scores": {HOSTILE: 1.0}}) + "\n")
    target = tmp_path / "report.html"
    write_report([hostile], target)
    opened = visit(target)
    drawn(opened.page)
    assert opened.page.evaluate("window.harmed") is None
    assert opened.page.locator("h1").text_content() == HOSTILE
    assert "{{7*7}}" in opened.page.locator("#setup").text_content()
    opened.clean()


def rubbish(kind: str, run: Path) -> str:
    """Damages a run; returns what the page has to say about it."""
    if kind == "damaged lines":
        with (run / "metrics.jsonl").open("a") as file:
            file.write('{"step": 3, "lo\nnot json\n[1, 2]\n')
        return "3 damaged lines skipped"
    if kind == "half-written":
        with (run / "metrics.jsonl").open("a") as file:
            file.write('{"step": 45, "lo')
        return "not diagnosed: 1 of 1"
    if kind == "no pictures":
        shutil.rmtree(run / "samples")
        return "no pictures"
    if kind == "damaged picture":
        last = max((run / "samples").glob("*.png"))
        last.write_bytes(last.read_bytes()[:100])
        return "the picture is damaged"
    if kind == "no log":
        (run / "metrics.jsonl").unlink()
        return "no step is logged yet"
    if kind == "wrong types":
        lines: list[dict[str, Any]] = [
            {"step": 1, "losses": [1], "seconds": "x", "scores": 3, "norms": {"a": "b"}},
            {"step": 2, "losses": {"generator": None}, "spectra": {"v": [1], "w": {"LM": 3}}},
        ]
        (run / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        (run / "diagnosis").mkdir()
        (run / "diagnosis" / "00000001.json").write_text('{"v": 3, "evidence": 4, "gamma": []}')
        (run / "scores").mkdir(exist_ok=True)
        (run / "scores" / "00000001-pixels.json").write_text('{"step": null, "scores": [1]}')
        return "unknown"
    if kind == "summary gone":
        (run / "summary.json").write_text("{")
        return "summary.json: damaged"
    if kind == "code in the configuration":
        (run / "config.yaml").write_text("!!python/object/apply:os.system ['touch harmed']\n")
        return "config.yaml"
    assert kind == "in progress"
    summary = json.loads((run / "summary.json").read_text()) | {"status": "running", "steps": 20}
    (run / "summary.json").write_text(json.dumps(summary))
    return "no process here trains it: step 40 of 40"


@pytest.mark.parametrize(
    "kind",
    ["damaged lines", "half-written", "no pictures", "damaged picture", "no log", "wrong types",
     "summary gone", "code in the configuration", "in progress"],
)  # fmt: skip
def test_a_damaged_run_is_shown_with_what_is_missing(
    visit: Callable[..., Any], runs: Path, tmp_path: Path, kind: str
) -> None:
    shutil.copytree(runs / "none0", tmp_path / "run")
    expected = rubbish(kind, tmp_path / "run")
    write_report([tmp_path / "run"], tmp_path / "report.html")
    opened = visit(tmp_path / "report.html")
    drawn(opened.page)
    assert expected.lower() in opened.page.locator("#report").inner_text().lower()
    opened.clean()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics.jsonl", '{"step": 1, "losses": {"generator": 1%s}}\n' % ("0" * 400)),
        ("metrics.jsonl", '{"step": 1, "losses": {"generator": 1%s}}\n' % ("0" * 5_000)),
        ("summary.json", '{"status": "running", "steps": 1%s, "seconds": 2}' % ("0" * 400)),
        ("summary.json", '{"status": "\\ud800", "steps": 3, "reason": "\\udcff"}'),
        ("config.yaml", f"steps: 1{'0' * 5_000}\nseed: [[[[[[1]]]]]]\n"),
        ("metrics.jsonl", '{"step": 1, "scores": {"constructor": 1.0, "__proto__": 2}}\n'),
        ("environment.json", "[" * 100_000),
        ("scores/00000001-a.json", '{"step": [1], "__proto__": "x", "scores": {"__proto__": NaN}}'),
        ("scores/00000001-b.json", '{"step": null, "scores": 3}'),
        ("scores/00000001-d.json", '{"step": 1%s, "extractor": "a", "scores": {}}' % ("0" * 400)),
        ("scores/00000001-c.json", '{"scores": {"a": 1%s}}' % ("0" * 30_000)),
    ],
)
def test_numbers_and_texts_that_have_no_place(
    visit: Callable[..., Any], runs: Path, tmp_path: Path, name: str, content: str
) -> None:
    """The other run of the page is shown as ever."""
    shutil.copytree(runs / "none0", tmp_path / "run")
    (tmp_path / "run" / "scores").mkdir(exist_ok=True)
    (tmp_path / "run" / name).write_text(content)
    write_report([tmp_path / "run", runs / "none1"], tmp_path / "report.html")
    opened = visit(tmp_path / "report.html")
    assert drawn(opened.page)["norm of v"]["none1"]
    opened.clean()


def test_a_name_that_is_no_text(visit: Callable[..., Any], runs: Path, tmp_path: Path) -> None:
    strange = tmp_path / os.fsdecode(b"x\xff\n; rm -rf y")
    shutil.copytree(runs / "none0", strange)
    write_report([strange], tmp_path / "report.html")
    opened = visit(tmp_path / "report.html")
    drawn(opened.page)
    lines = opened.page.locator("#again pre").text_content().splitlines()
    assert not any(line.startswith("; rm") for line in lines)
    opened.clean()


def test_links_and_pipes_are_not_read(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "none0", tmp_path / "run")
    (tmp_path / "secret.json").write_text('{"status": "secret"}')
    for name in ("summary.json", "environment.json", "metrics.jsonl"):
        (tmp_path / "run" / name).unlink()
    (tmp_path / "run" / "summary.json").symlink_to(tmp_path / "secret.json")
    os.mkfifo(tmp_path / "run" / "environment.json")
    os.mkfifo(tmp_path / "run" / "metrics.jsonl")
    seen = read_run(tmp_path / "run")
    assert (seen.status, seen.environment, seen.metrics) == ("unknown", {}, [])
    assert {"summary.json: damaged", "environment.json: damaged"} <= set(seen.missing)


def test_costs_are_of_one_line(runs: Path, tmp_path: Path) -> None:
    """A run in progress has logged farther than its last checkpoint tells."""
    shutil.copytree(runs / "consensus0", tmp_path / "run")
    summary = tmp_path / "run" / "summary.json"
    told = json.loads(summary.read_text()) | {"steps": 20, "seconds": 1.0}
    summary.write_text(json.dumps(told | {"evaluations": 20, "products": 20}))
    with (tmp_path / "run" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 100, "seconds": 5.0, "field_norm": 1.0}\n')
    [run] = page_data([read_run(tmp_path / "run")])["runs"]
    assert run["costs"]["ms a step"] == 50
    assert run["costs"]["products a step"] == 1
    assert (run["step"], run["seconds"]) == (100, 5.0)


def member(values: list[float], *, lost: bool = False) -> Member:
    steps = [10.0 * i for i in range(len(values))]
    return Member("a", Logged(steps, [s / 10 for s in steps], values), lost)


def test_seeds_that_diverged_stay_in_the_median() -> None:
    good, better = member([1, 2, 3, 4]), member([1, 1, 1, 1])
    found = band([good, better, member([1, 9], lost=True)], "step")
    assert found["x"] == [0, 10, 20, 30]
    assert found["mid"] == [1, 2, 3, 4]  # the lost one is worse than both
    assert found["high"] == [1, 9, 3, 4]
    assert band([good, member([1, 9], lost=True)], "step")["mid"] == [1, 5.5, None, None]
    assert band([good, member([1, math.nan, 5, 5])], "step")["mid"] == [1, None, 4, 4.5]


def test_a_band_ends_where_a_seed_has_not_come_yet() -> None:
    found = band([member([1, 2, 3, 4]), member([3, 4])], "seconds")
    assert (found["x"], found["mid"]) == ([0, 1], [2, 3])


@pytest.mark.parametrize(
    ("title", "values", "expected"),
    [
        ("sw2", [0.1, 0.2], "linear"), ("sw2", [1e-3, 1.0], "log"), ("sw2", [0.0, 1e-3, 1], "log"),
        ("sw2", [-1.0, 1e-3, 1.0], "linear"), ("norm of v", [1.0, 1.1], "log"),
    ],
)  # fmt: skip
def test_scales_are_those_of_the_library(title: str, values: list[float], expected: str) -> None:
    assert scale(title, [member(values).points]) == expected


def test_all_steps_of_a_spectrum_fit_into_its_frame(runs: Path) -> None:
    """Eigenvalues that grow are not cut off as outliers of the earlier ones."""

    def look(step: int, size: float) -> dict[str, Any]:
        pairs = [[-size * k, size] for k in range(1, 11)]
        return {"step": step, "spectra": {"v": {"LM": {"eigenvalues": pairs, "complete": False}}}}

    lines = [look(step, 8.0 if step > 32 else 1.0) for step in range(40)]
    seen = replace(read_run(runs / "none0"), metrics=lines)
    shown = spectra(seen)
    left, right, height, threshold = shown[-1]["maps"]["v'"]["region"]
    assert all(look["maps"]["v'"]["region"] == [left, right, height, threshold] for look in shown)
    assert left <= -80
    assert height >= 8


def test_twenty_runs_stay_below_fifteen_megabytes(runs: Path, tmp_path: Path) -> None:
    """With 200 points of everything and 20 noisy pictures each; the page says what it left out."""
    noise = np.random.default_rng(0).integers(0, 255, (600, 600, 3), dtype=np.uint8)
    lines = [
        {"step": s, "seconds": s / 7, "field_norm": 1 / (s + 1), "scores": {"sw2": 1.0 / (s + 1)},
         **{key: dict.fromkeys(("generator", "discriminator"), 1 / (s + 3))
            for key in ("losses", "norms")}}
        for s in range(201)
    ]  # fmt: skip
    for index in range(20):
        run = tmp_path / f"run{index}"
        shutil.copytree(runs / "none0", run)
        (run / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        for step in range(20):
            path = run / "samples" / f"{step:08d}.png"
            if index == 0:
                Image.fromarray(noise).save(path)
            else:
                shutil.copy(tmp_path / "run0" / "samples" / path.name, path)
    seen = write_report(sorted(tmp_path.glob("run*")), tmp_path / "report.html")
    assert len(seen) == 20
    assert (tmp_path / "report.html").stat().st_size < 15_000_000
    notes = page_data(seen)["notes"]
    assert any("pictures are reduced" in note for note in notes)
    assert any("not all pictures" in note for note in notes)


def test_an_empty_run_has_a_page(visit: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").write_text("steps: 5\n")
    write_report([tmp_path / "run"], tmp_path / "report.html")
    opened = visit(tmp_path / "report.html")
    text = opened.page.locator("#summary").inner_text()
    assert "environment.json: no such file" in text
    assert "no step is logged yet" in text
    opened.clean()


def test_the_command_finds_runs_below_a_folder(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "all.html"
    assert main(["report", str(runs), str(tmp_path / "no"), "-o", str(target)]) == 0
    said = capsys.readouterr()
    assert said.out == f"{target}\n"
    assert said.err == f"{tmp_path / 'no'}: no such folder\n"
    assert all(f'"name":"{name}"' in target.read_text() for name in NAMES)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "nashgrad report: needs a run's folder"),
        (["{tmp}"], "nashgrad report: no runs to show"),
        (["{tmp}/no"], "nashgrad report: no runs to show"),
        (["{runs}", "-o", "{tmp}"], "--out: must be a file to write"),
        (["{runs}", "--out", "{tmp}/no/report.html"], "does not exist"),
        (["{runs}", "-o", "/proc/report.html"], "/proc/report.html: "),
    ],
)
def test_bad_input_is_one_line(
    words: list[str],
    complaint: str,
    runs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["report", *(w.format(tmp=tmp_path, runs=runs) for w in words)]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert complaint in last
    assert not list(tmp_path.iterdir())
