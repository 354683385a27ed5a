"""The live page: it shows runs as they are now, and nothing but runs."""

import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from nashgrad.lab.commands.cli import main
from nashgrad.lab.live import create_app, guard, overview
from nashgrad.lab.live.guard import trust
from nashgrad.lab.live.overview import Overview
from nashgrad.lab.runs import records
from nashgrad.lab.runs.records import Run, is_held
from pages.runs import RING, make_run
from pages.waiting import until

uvicorn = pytest.importorskip("uvicorn", reason='pip install "nashgrad[live]"')
testclient = pytest.importorskip("starlette.testclient", reason="pip install starlette httpx")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("live") / "one")


@pytest.fixture
def folder(tmp_path: Path, trained: Path) -> Path:
    """Two runs, one of them deeper."""
    shutil.copytree(trained, tmp_path / "runs" / "one")
    shutil.copytree(trained, tmp_path / "runs" / "sweep" / "two")
    (tmp_path / "secret.png").write_bytes(b"secret")
    return tmp_path / "runs"


@pytest.fixture
def client(folder: Path) -> Any:
    return testclient.TestClient(create_app(folder), base_url="http://127.0.0.1")


@pytest.fixture
def served(folder: Path) -> Iterator[str]:
    """The address of a server that is running."""
    listening = socket.create_server(("127.0.0.1", 0))
    options = uvicorn.Config(create_app(folder), log_level="error", lifespan="off")
    server = uvicorn.Server(options)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    server.should_exit = True
    thread.join(10)
    listening.close()


def ids(client: Any) -> dict[str, str]:
    return {run["name"]: run["id"] for run in client.get("/api/runs").json()["runs"]}


def test_runs_are_listed_with_their_state(client: Any, folder: Path) -> None:
    runs = client.get("/api/runs").json()["runs"]
    assert {run["name"] for run in runs} == {"one", "sweep/two"}
    last = [line for line in Run(folder / "one").metrics() if "field_norm" in line][-1]
    for run in runs:
        assert (run["status"], run["step"], run["steps"], run["sample"]) == ("finished", 40, 40, 40)
        assert run["norm"] == pytest.approx(last["field_norm"], rel=1e-6)


def test_data_are_those_of_the_report(client: Any, folder: Path) -> None:
    names = ids(client)
    data = client.get(f"/api/data?run={names['one']}&run=nobody").json()
    [run] = data["runs"]
    assert run["curves"]["norm of v"]["step"][-1] == 40
    assert [sample["step"] for sample in run["samples"]] == [0, 10, 20, 30, 40]
    image = client.get(f"/image/{names['one']}/40")
    assert image.headers["content-type"] == "image/png"
    assert image.content == (folder / "one" / "samples" / "00000040.png").read_bytes()


def test_scores_that_come_later_are_seen(client: Any, folder: Path) -> None:
    address = f"/api/data?run={ids(client)['one']}"
    assert client.get(address).json()["runs"][0]["scorings"] == []
    file = Run(folder / "one").scoring(40, "identity")
    file.parent.mkdir()
    file.write_text('{"step": 40, "extractor": "a", "scores": {"frechet_distance": 0.25}}')
    [run] = client.get(address).json()["runs"]
    assert run["scorings"][0]["scores"] == {"frechet_distance": 0.25}


def raw(served: str, path: str, host: str = "127.0.0.1") -> tuple[int, dict[str, str], bytes]:
    """The answer to a path that is sent as it is: clients take dots out before they send."""
    where = served.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(where, timeout=20)
    try:
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", host)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_no_path_leads_out(served: str, folder: Path) -> None:
    runs = json.loads(raw(served, "/api/runs")[2])["runs"]
    one = next(run["id"] for run in runs if run["name"] == "one")
    assert raw(served, f"/image/{one}/40")[0] == 200
    for path in (
        "/image/../../secret.png", f"/image/{one}/99", f"/image/{one}/..%2F..%2Fsecret",
        "/image/..%2F..%2Fsecret.png/0", "/image/one/40", "/image/%2e%2e/40", "/../secret.png",
        "/runs/one/config.yaml", f"/image/{one}/40/../../../../secret.png", "/static/x",
        f"/image/{one}/-1", f"/image/{one}/4%D9%A0", "//etc/passwd", f"/image/{one}/40%00",
        f"/image/{folder}/40", "/image/%2Fetc/40", "/..%5csecret.png",
    ):  # fmt: skip
        status, _, content = raw(served, path)
        assert status in (400, 404), path
        assert b"secret" not in content


def test_links_are_not_followed(client: Any, folder: Path) -> None:
    secret = folder.parent / "secret.png"
    (folder / "one" / "samples" / "00000099.png").symlink_to(secret)
    (folder / "elsewhere").symlink_to(folder.parent)
    names = ids(client)
    assert set(names) == {"one", "sweep/two"}
    assert client.get(f"/image/{names['one']}/99").status_code == 404
    assert client.get(f"/image/{names['one']}/40").status_code == 200


@pytest.mark.parametrize("part", ["one/samples", "one"])
def test_a_folder_that_becomes_a_link_leads_nowhere(client: Any, folder: Path, part: str) -> None:
    name = ids(client)["one"]
    moved = folder.parent / "moved"
    (folder / part).rename(moved)
    (folder / part).symlink_to(moved)
    assert client.get(f"/image/{name}/40").status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_it_only_reads(client: Any, method: str) -> None:
    for address in ("/", "/api/runs", "/api/data"):
        assert getattr(client, method)(address).status_code == 405


def test_every_answer_has_the_headers(served: str) -> None:
    cases = {"/": "127.0.0.1", "/nothing": "127.0.0.1", "/api/runs": "evil.example"}
    answers = [raw(served, path, host) for path, host in cases.items()]
    assert [status for status, _, _ in answers] == [200, 404, 400]
    for _, headers, _ in answers:
        assert all(headers[name.lower()] == value for name, value in guard.HEADERS.items())
    policy = guard.HEADERS["Content-Security-Policy"]
    assert all(f"{what} 'none'" in policy for what in ("base-uri", "form-action", "default-src"))


@pytest.mark.parametrize(
    ("listened", "host", "known"),
    [
        ("127.0.0.1", "localhost:8642", True), ("127.0.0.1", "[::1]:8642", True),
        ("127.0.0.2", "127.0.0.2:8642", True), ("::1", "[::1]", True),
        ("127.0.0.1", "evil.example", False), ("127.0.0.1", "192.0.2.7", False),
        ("127.0.0.1", "localhost.evil.example", False), ("127.0.0.1", "own-name", False),
        ("127.0.0.1", "a b", False), ("127.0.0.1", "", False),
        ("192.0.2.7", "192.0.2.7:80", True), ("192.0.2.7", "own-name", True),
        ("192.0.2.7", "localhost", True), ("192.0.2.7", "192.0.2.8", False),
        ("192.0.2.7", "evil.example", False), ("box.lan", "BOX.lan:1", True),
        ("0.0.0.0", "192.0.2.9:1", True), ("::", "[2001:db8::1]:1", True),
        ("0.0.0.0", "evil.example", False), ("0.0.0.0", "OWN-NAME", True),
    ],
)  # fmt: skip
def test_names_under_which_it_may_be_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, listened: str, host: str, known: bool
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "own-name.lan")
    client = testclient.TestClient(create_app(folder, trust(listened)))
    assert client.get("/api/data", headers={"host": host}).status_code == (200 if known else 400)


def test_what_files_say_is_escaped(client: Any, folder: Path) -> None:
    summary = folder / "one" / "summary.json"
    summary.write_text(json.dumps({"status": "</script><img src=x onerror=alert(1)>", "steps": 1}))
    answer = client.get("/api/runs")
    assert "<" not in answer.text
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json()["runs"][0]["status"].startswith("</script>")


def line_of(name: str, seen: Overview) -> dict[str, Any]:
    return next(run for run in seen.runs()["runs"] if run["name"] == name)


def test_runs_come_go_and_grow(folder: Path) -> None:
    seen = Overview(folder)
    assert len(seen.runs()["runs"]) == 2
    with (folder / "one" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 45, "field_norm": 7.5}\n{"step": 50, "field_no')
    line = line_of("one", seen)
    assert (line["step"], line["norm"]) == (45, 7.5)
    shutil.rmtree(folder / "sweep")
    assert [run["name"] for run in seen.runs()["runs"]] == ["one"]
    shutil.rmtree(folder)
    assert seen.runs()["runs"] == []
    assert seen.data([line["id"]])["runs"] == []
    assert seen.picture(line["id"], 40) is None


def test_rubbish_does_not_hide_the_other_runs(folder: Path) -> None:
    lines = [
        f'{{"step": {"9" * 5000}}}', f'{{"step": 3, "field_norm": 1{"0" * 400}}}', "[1]", "[" * 9999
    ]  # fmt: skip
    (folder / "one" / "metrics.jsonl").write_text("\n".join(lines))
    (folder / "one" / "summary.json").write_text('{"status": "\\ud800", "steps": {"a": 1}}')
    (folder / "one" / "config.yaml").write_bytes(b"\xff: [")
    seen = Overview(folder)
    assert line_of("sweep/two", seen)["step"] == 40
    assert (line_of("one", seen)["step"], line_of("one", seen)["norm"]) == (3, None)


def test_only_the_end_of_a_long_log_is_read(folder: Path) -> None:
    with (folder / "one" / "metrics.jsonl").open("a") as file:
        file.writelines(f'{{"step": {i}, "field_norm": {i}}}\n' for i in range(41, 20_000))
    line = line_of("one", Overview(folder))
    assert (line["step"], line["norm"]) == (19_999, 19_999)


def test_a_budget_tells_how_far_a_run_is(folder: Path) -> None:
    config = folder / "one" / "config.yaml"
    config.write_text(yaml.safe_dump(yaml.safe_load(config.read_text()) | {"budget": 1000}))
    set_state(folder / "one", "running", 41, spent=250.0)
    line = line_of("one", Overview(folder))
    assert (line["budget"], line["spent"]) == (1000, 250)


def test_the_newest_runs_are_shown_and_the_others_counted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "MOST_RUNS", 1)
    set_state(folder / "sweep" / "two", "running", 41, field_norm=1.0)
    told = Overview(folder).runs()
    assert ([run["name"] for run in told["runs"]], told["more"]) == (["sweep/two"], 1)


def test_few_runs_are_kept_in_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "MOST_CHOSEN", 1)
    seen = Overview(folder)
    for run in seen.runs()["runs"]:
        assert [one["id"] for one in seen.data([run["id"]])["runs"]] == [run["id"]]
    assert len(seen._seen) == 1


def test_a_picture_does_not_walk_the_tree(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Overview(folder)
    lines = seen.runs()["runs"]
    monkeypatch.setattr(overview, "find_runs", lambda root: pytest.fail("walked"))
    seen._until = 0
    assert all(seen.picture(run["id"], 40) for run in lines)
    assert seen.picture("nobody", 40) is None


def test_a_picture_that_is_replaced_has_another_address(folder: Path) -> None:
    seen = Overview(folder)

    def versions() -> tuple[Any, ...]:
        line = line_of("one", seen)
        [run] = seen.data([line["id"]])["runs"]
        return line["version"], line["mark"], run["samples"][-1]["version"]

    before = versions()
    (folder / "one" / "samples" / "00000040.png").write_bytes(b"another")
    assert all(a != b for a, b in zip(before, versions(), strict=True))


def test_threads_ask_while_runs_grow_and_go(folder: Path) -> None:
    seen, ends = Overview(folder), time.monotonic() + 2
    names = [run["id"] for run in seen.runs()["runs"]]

    def asks(turn: int) -> int:
        while time.monotonic() < ends:
            seen._until = 0  # walks each time
            lines = seen.runs()["runs"] if turn % 2 else seen.data(names)["runs"]
            assert len(lines) <= 2
            seen.picture(names[0], 40)
        return turn

    with ThreadPoolExecutor(8) as pool:
        turns = pool.map(asks, range(8))
        for step in range(41, 81):
            set_state(folder / "one", "running", step, field_norm=1.0)
            time.sleep(0.01)
        shutil.rmtree(folder / "sweep")
        assert list(turns) == list(range(8))
    assert [run["step"] for run in seen.runs()["runs"]] == [80]


def test_a_run_is_known_to_be_trained(folder: Path) -> None:
    run = Run(folder / "one")
    with run.locked():
        assert is_held(run.path) is True
    assert is_held(run.path) is not True
    assert is_held(folder / "nowhere") is None


WAYS = ("_sees_all_processes", "_is_local", "_sees_own_lock")


@pytest.mark.parametrize("blind", [None, *WAYS])
def test_a_run_is_called_abandoned_only_where_that_can_be_known(
    folder: Path, monkeypatch: pytest.MonkeyPatch, blind: str | None
) -> None:
    monkeypatch.setattr(records, "_SHOWN", {})
    for way in WAYS:
        monkeypatch.setattr(records, way, lambda *_, sees=way != blind: sees)
    assert is_held(folder / "one") is (None if blind else False)


def set_state(run: Path, status: str, steps: int, **line: Any) -> None:
    summary = json.loads((run / "summary.json").read_text()) | {"status": status, "steps": steps}
    (run / "summary.json").write_text(json.dumps(summary))
    if line:
        with (run / "metrics.jsonl").open("a") as file:
            file.write(json.dumps({"step": steps, "seconds": 9.0, **line}) + "\n")


def test_the_page_shows_a_run_growing_and_ending(
    visit: Callable[..., Any], served: str, folder: Path
) -> None:
    run = folder / "one"
    set_state(run, "running", 40)
    opened = visit(served)
    page = opened.page
    with Run(run).locked():
        until(page, "document.getElementById('state').textContent.includes('1 in tra')")
        page.wait_for_selector("#report[data-ready]")
        page.evaluate("drawAll()")
        end = "[...document.querySelector(\"[data-title='norm of v']\").data.filter(" \
              "t => t.meta?.run === 'one')[0].y].at(-1)"  # fmt: skip
        page.locator("#samples-step").focus()
        set_state(run, "running", 41, field_norm=123.5)
        shutil.copy(run / "samples" / "00000040.png", run / "samples" / "00000041.png")
        until(page, f"{end} === 123.5")
        until(page, "document.querySelector('.slider output').textContent === '41'")
        assert page.evaluate("document.activeElement.id") == "samples-step"
    set_state(run, "finished", 42, field_norm=1.5)
    until(page, f"{end} === 1.5")
    until(page, "document.getElementById('state').textContent.includes('0 in training')")
    assert "finished" in page.locator("#live-runs tr", has_text="one").first.inner_text()
    assert opened.complaints == []
    assert all(url.startswith(served) for url in opened.requests)


def test_runs_are_compared_by_ticking_boxes(
    visit: Callable[..., Any], served: str, folder: Path
) -> None:
    opened = visit(served, width=400)
    page = opened.page
    page.wait_for_selector("#report[data-ready]")
    assert page.locator("#runs .name").count() == 2
    page.get_by_role("checkbox", name="sweep/two").uncheck()
    until(page, "document.querySelectorAll('#runs .name').length === 1")
    page.locator("#find").fill("swe")
    assert page.locator("#live-runs tbody tr:visible").count() == 1
    page.locator("#find").fill("")
    page.locator("#none").click()
    until(page, "document.getElementById('report').textContent.includes('Tick a run')")
    shutil.rmtree(folder / "one")
    until(page, "document.getElementById('state').textContent.includes('1 run')")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert opened.complaints == []


STATE = "document.getElementById('state').textContent"


def test_the_list_keeps_focus_order_and_choices(
    visit: Callable[..., Any], served: str, folder: Path
) -> None:
    page = visit(served).page
    page.wait_for_selector("#report[data-ready]")
    names = "[...document.querySelectorAll('#live-runs tbody th')].map(t => t.innerText.trim())"
    order = page.evaluate(names)
    page.evaluate("window.row = document.querySelectorAll('#live-runs tbody tr')[1]")
    page.get_by_role("checkbox", name=order[1]).focus()
    set_state(folder / order[1], "running", 41, field_norm=1.0)  # now it is the newest
    until(page, "window.row.innerText.includes('41')")
    assert page.evaluate(names) == order
    assert page.evaluate("window.row.isConnected && window.row.contains(document.activeElement)")
    page.keyboard.press("Space")
    until(page, "document.querySelectorAll('#runs .name').length === 1")
    page.locator("#live-runs").get_by_role("button", name="run", exact=True).click()
    assert page.evaluate(names) == ["one", "sweep/two"]


def test_what_one_chose_stays_when_a_score_comes(
    visit: Callable[..., Any], served: str, folder: Path
) -> None:
    page = visit(served).page
    page.wait_for_selector("#report[data-ready]")
    page.evaluate("view.state.zoom.range = [5, 20]")
    page.locator("#samples-step").focus()
    page.keyboard.press("Home")
    page.locator("#legend input").first.uncheck()
    set_state(folder / "one", "running", 41, scores={"never seen": 0.5})
    until(page, "document.querySelector(\"[data-title='never seen']\") !== null")
    assert page.evaluate("document.querySelector('.slider output').textContent") == "0"
    assert not page.locator("#legend input").first.is_checked()
    assert page.evaluate("view.state.zoom.range") == [5, 20]
    assert page.evaluate("document.querySelectorAll('h1').length") == 1


def test_a_picture_that_is_replaced_is_fetched_anew(
    visit: Callable[..., Any], served: str, folder: Path
) -> None:
    opened = visit(served)
    page = opened.page
    page.wait_for_selector("#report[data-ready]")
    source = "document.querySelector('[data-run=one] img').getAttribute('src')"
    before = page.evaluate(source)
    samples = folder / "one" / "samples"
    shutil.copy(samples / "00000000.png", samples / "new")
    (samples / "new").replace(samples / "00000040.png")
    until(page, f"{source} !== {before!r}")
    after = page.evaluate(source)
    page.locator(".sample[data-run=one] img").scroll_into_view_if_needed()
    until(page, "document.querySelector('.sample[data-run=one] img').complete")
    assert any(url.endswith(after) for url in opened.requests)


def test_the_page_says_what_it_leaves_out(
    visit: Callable[..., Any], served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "MOST_CHOSEN", 1)
    page = visit(served).page
    until(page, f"{STATE}.includes('the first 1 of the 2 that are ticked')")
    assert page.locator("#runs .name").count() == 1
    monkeypatch.setattr(overview, "MOST_RUNS", 1)
    until(page, f"{STATE}.includes('the newest of 2: 1 older one left out')")


def test_an_answer_that_fails_is_told_once_and_asked_again(
    visit: Callable[..., Any], served: str
) -> None:
    page = visit(served).page
    page.wait_for_selector("#report[data-ready]")
    until(page, f"{STATE}.startsWith('2 runs')")
    page.evaluate(
        "window.told = []; new MutationObserver(() => told.push(document.getElementById('state')"
        ".textContent)).observe(document.getElementById('state'), { childList: true })"
    )
    page.route("**/api/runs", lambda route: route.fulfill(status=500))
    until(page, f"{STATE}.includes('the server answered 500')")
    page.wait_for_timeout(4500)
    page.unroute("**/api/runs")
    until(page, f"{STATE}.startsWith('2 runs')")
    assert len(page.evaluate("told")) == 2


def test_the_page_shows_a_training_from_its_start_to_its_end(
    visit: Callable[..., Any], served: str, folder: Path, tmp_path: Path
) -> None:
    config = tmp_path / "ring.yaml"
    config.write_text(yaml.safe_dump(RING | {"steps": 3000, "evaluate": {"every": 1000}}))
    page = visit(served).page
    page.wait_for_selector("#report[data-ready]")
    command = [sys.executable, "-m", "nashgrad", "train", str(config)]
    command += ["--out", str(folder / "real")]
    row = "[...document.querySelectorAll('#live-runs tr')].find(r => r.innerText.includes('real'))"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until(page, f"!!{row}", seconds=60)
        page.get_by_role("checkbox", name="real").check()
        until(page, f"{row}.innerText.includes('in progress')", seconds=60)
        share = f"{row}.querySelector('progress').value"
        until(page, f"{share} > 0 && {share} < 1", seconds=60)
        until(page, "document.querySelectorAll('#runs .name').length === 3")
        until(page, f"{row}.innerText.includes('finished') && {share} === 1", seconds=120)
        assert process.wait(60) == 0
    until(page, "view.data.runs.find(r => r.name === 'real').step === 3000")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["{tmp}/no"], "no such folder"),
        (["{tmp}", "--port", "70000"], "--port: must be between 0 and 65535, got 70000"),
        (["{tmp}", "--host", "203.0.113.7", "--port", "0"], "choose another --port or --host"),
        (["{tmp}", "--port", "{taken}"], "choose another --port or --host"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["live", *(w.format(tmp=tmp_path, taken=port) for w in words)]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.2", "::1"])
def test_the_command_serves_warns_and_ends_by_interrupt(folder: Path, host: str) -> None:
    if host == "::1" and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    command = [sys.executable, "-m", "nashgrad", "live", str(folder), "--port", "0"]
    with subprocess.Popen(
        [*command, "--host", host], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[0]
        assert address.startswith(f"http://[{host}]:" if ":" in host else f"http://{host}:")
        with urllib.request.urlopen(f"{address}api/runs", timeout=60) as answer:
            assert len(json.load(answer)["runs"]) == 2
        server.send_signal(signal.SIGINT)
        try:
            _, said = server.communicate(timeout=60)
        finally:
            server.kill()
    assert server.returncode == 0
    warning = "warning: 0.0.0.0 lets others look at these runs, without a password\n"
    assert said == (warning if host == "0.0.0.0" else "")


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("handler", [signal.SIG_DFL, signal.SIG_IGN])
def test_an_interrupt_before_it_serves_ends_it_as_well(folder: Path, handler: Any) -> None:
    """Also where SIGINT is ignored, as in the background of a shell."""
    command = [sys.executable, "-m", "nashgrad", "live", str(folder), "--port", "0"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, handler),
    ) as server:
        try:
            assert server.stdout is not None
            server.stdout.readline()
            server.send_signal(signal.SIGINT)
            _, said = server.communicate(timeout=60)
        finally:
            server.kill()
    assert (server.returncode, said) == (0, b"")
