"""The live page: it shows runs as they are now, and nothing but runs."""

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nashgrad.lab.cli import main
from nashgrad.lab.live import create_app
from nashgrad.lab.live.overview import Overview
from nashgrad.lab.records import Run, is_held
from pages.runs import make_run
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
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
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


@pytest.mark.parametrize(
    "address",
    [
        "/image/../../secret.png", "/image/{one}/99", "/image/{one}/..%2F..%2Fsecret",
        "/image/..%2F..%2Fsecret.png/0", "/image/one/40", "/image/%2e%2e/40", "/../secret.png",
        "/runs/one/config.yaml", "/image/{one}/40/../../../../secret.png", "/static/x",
    ],
)  # fmt: skip
def test_no_path_leads_out(client: Any, address: str) -> None:
    answer = client.get(address.format(one=ids(client)["one"]))
    assert answer.status_code == 404
    assert b"secret" not in answer.content


def test_links_are_not_followed(client: Any, folder: Path) -> None:
    secret = folder.parent / "secret.png"
    (folder / "one" / "samples" / "00000099.png").symlink_to(secret)
    (folder / "elsewhere").symlink_to(folder.parent)
    names = ids(client)
    assert set(names) == {"one", "sweep/two"}
    assert client.get(f"/image/{names['one']}/99").status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_it_only_reads(client: Any, method: str) -> None:
    for address in ("/", "/api/runs", "/api/data"):
        assert getattr(client, method)(address).status_code == 405


def test_another_host_name_is_refused(client: Any) -> None:
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400
    assert client.get("/api/runs", headers={"host": "localhost:8642"}).status_code == 200


def test_what_files_say_is_escaped(client: Any, folder: Path) -> None:
    summary = folder / "one" / "summary.json"
    summary.write_text(json.dumps({"status": "</script><img src=x onerror=alert(1)>", "steps": 1}))
    answer = client.get("/api/runs")
    assert "<" not in answer.text
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json()["runs"][0]["status"].startswith("</script>")


def test_runs_come_go_and_grow(folder: Path) -> None:
    overview = Overview(folder)
    assert len(overview.runs()) == 2
    with (folder / "one" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 45, "field_norm": 7.5}\n{"step": 50, "field_no')
    line = next(run for run in overview.runs() if run["name"] == "one")
    assert (line["step"], line["norm"]) == (45, 7.5)
    shutil.rmtree(folder / "sweep")
    assert [run["name"] for run in overview.runs()] == ["one"]
    shutil.rmtree(folder)
    assert overview.runs() == []
    assert overview.data([line["id"]])["runs"] == []


def test_a_run_is_known_to_be_trained(folder: Path) -> None:
    run = Run(folder / "one")
    assert is_held(run.path) is False
    with run.locked():
        assert is_held(run.path) is True
    assert is_held(run.path) is False
    assert is_held(folder / "nowhere") is None


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
    assert page.locator("#live-runs tbody tr").count() == 1
    page.locator("#find").fill("")
    page.locator("#none").click()
    until(page, "document.getElementById('report').textContent.includes('Tick a run')")
    shutil.rmtree(folder / "one")
    until(page, "document.getElementById('state').textContent.includes('1 run')")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert opened.complaints == []


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


def test_the_command_serves_warns_and_ends_by_interrupt(folder: Path) -> None:
    command = [sys.executable, "-m", "nashgrad", "live", str(folder), "--port", "0"]
    with subprocess.Popen(
        [*command, "--host", "0.0.0.0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert "http://0.0.0.0:" in server.stdout.readline()
        time.sleep(1)
        server.send_signal(2)
        _, said = server.communicate(timeout=20)
    assert server.returncode == 0
    assert said == "warning: 0.0.0.0 lets others look at these runs, without a password\n"
