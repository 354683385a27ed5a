"""Downloads from a server on this machine, which fails in every way that servers do."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from nashgrad.data import download
from nashgrad.data.download import DATASETS, Remote
from nashgrad.lab.commands import cli

CONTENT = bytes(range(256)) * 4_096  # a megabyte
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


@dataclass
class Server:
    """What it serves, and how."""

    url: str = ""
    content: bytes = CONTENT
    ranges: bool = True  # whether it can begin in the middle
    cut: int | None = None  # bytes after which the connection ends
    asked: list[str | None] = field(default_factory=list)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers["Range"]
        self.asked.append(wanted)
        begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if self.ranges else 0
        if handler.path.startswith("/missing"):
            handler.send_error(404)
        elif begin >= len(self.content):
            handler.send_error(416)
        else:
            handler.send_response(206 if self.ranges else 200)
            handler.send_header("Content-Length", str(len(self.content) - begin))
            handler.end_headers()
            handler.wfile.write(self.content[begin : self.cut])


@pytest.fixture
def server() -> Iterator[Server]:
    serving = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            serving.answer(self)

        def log_message(self, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving.url = f"http://127.0.0.1:{http.server_port}/"
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield serving
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def serve(server: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Server]:
    def offer(*names: str, **how: Any) -> Server:
        files = tuple(Remote(f"{server.url}{name}", MD5) for name in names)
        monkeypatch.setitem(DATASETS, "letters", files)
        for key, value in how.items():
            setattr(server, key, value)
        return server

    return offer


def fails(folder: Path, error: type[Exception]) -> str:
    with pytest.raises(error) as caught:
        download("letters", folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_comes_once(serve: Callable[..., Server], tmp_path: Path) -> None:
    server, told = serve("a.bin"), []
    folder = tmp_path / "new" / "data"
    for _ in range(2):
        path = download("letters", folder, lambda *now: told.append(now))
    assert path == folder / "a.bin"
    assert path.read_bytes() == CONTENT
    assert len(server.asked) == 1
    assert told[-1] == ("a.bin", len(CONTENT), len(CONTENT))
    assert [p.name for p in folder.iterdir()] == ["a.bin"]


def test_several_files_get_a_folder(serve: Callable[..., Server], tmp_path: Path) -> None:
    serve("a.bin", "b.bin")
    assert download("letters", tmp_path) == tmp_path / "letters"
    assert sorted(p.name for p in (tmp_path / "letters").iterdir()) == ["a.bin", "b.bin"]


@pytest.mark.parametrize("ranges", [True, False])
def test_it_goes_on_where_it_was_cut(
    serve: Callable[..., Server], tmp_path: Path, ranges: bool
) -> None:
    server = serve("a.bin", cut=700_000, ranges=ranges)
    said = fails(tmp_path, OSError)
    assert "700,000 of 1,048,576 bytes; 700,000 bytes are kept, run it again to go on" in said
    assert (tmp_path / "a.bin.part").read_bytes() == CONTENT[:700_000]
    assert not (tmp_path / "a.bin").exists()
    server.cut = None
    assert download("letters", tmp_path).read_bytes() == CONTENT
    assert server.asked == ["bytes=0-", "bytes=700000-"]
    assert not (tmp_path / "a.bin.part").exists()


def test_a_whole_part_is_taken(serve: Callable[..., Server], tmp_path: Path) -> None:
    serve("a.bin")
    (tmp_path / "a.bin.part").write_bytes(CONTENT)
    assert download("letters", tmp_path).read_bytes() == CONTENT


def test_a_wrong_checksum_is_kept_aside(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve("a.bin", content=b"<html>moved</html>")
    said = fails(tmp_path, ValueError)
    assert said.startswith(f"{tmp_path / 'a.bin'}: wrong checksum ")
    assert "kept as a.bin.bad, run it again" in said
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin.bad"]
    server.content = CONTENT
    assert download("letters", tmp_path).read_bytes() == CONTENT


def test_a_file_that_was_there_is_checked(serve: Callable[..., Server], tmp_path: Path) -> None:
    serve("a.bin")
    (tmp_path / "a.bin").write_bytes(b"rubbish")
    assert "kept as a.bin.bad" in fails(tmp_path, ValueError)
    assert download("letters", tmp_path).read_bytes() == CONTENT


def test_what_the_server_says_is_told(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve("missing")
    assert f"{server.url}missing: HTTP Error 404" in fails(tmp_path, OSError)


def test_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(DATASETS, "letters", (Remote("http://127.0.0.1:9/a.bin", MD5),))
    assert "Connection refused; 0 bytes are kept" in fails(tmp_path, OSError)


def test_the_official_ones_have_checksums() -> None:
    for files in DATASETS.values():
        assert all(len(bytes.fromhex(file.md5)) == 16 for file in files)
        assert len({file.name for file in files}) == len(files)


def test_the_command(
    serve: Callable[..., Server], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve("a.bin", cut=5)
    out = str(tmp_path / "data")
    assert cli.main(["fetch", "letters", "--out", out]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    server.cut = None
    assert cli.main(["fetch", "letters", "--out", out]) == 0
    assert capsys.readouterr().out == f"{out}/a.bin: complete; use it as data.path\n"
    assert cli.main(["fetch", "leters"]) == 2
    assert "unknown data set 'leters', did you mean letters?" in capsys.readouterr().err
    assert cli.main(["fetch", "letters", "--out", f"{out}/a.bin"]) == 2
    assert "is a file; --out names a folder" in capsys.readouterr().err
