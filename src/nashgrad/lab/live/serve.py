"""Serves a folder of runs until it is interrupted."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nashgrad.lab.common.errors import UsageError
from nashgrad.lab.live.app import create_app
from nashgrad.lab.live.guard import is_loopback, trust


def live(folder: str, *, host: str = "127.0.0.1", port: int = 8642) -> int:
    """Shows the runs below a folder while they train; only reads. Ends with Ctrl-C.

    Args:
        folder: of runs; it may still be empty.
        host: the address to listen on. Any but the loopback one lets others look, with a warning.
        port: 0 takes a free one.

    Returns:
        The exit code, 0.

    Raises:
        UsageError: No such folder, an address that is none of this machine's, a port in use.
    """
    root = Path(folder)
    if not root.is_dir():
        why = "is a file, not a folder" if root.exists() else "no such folder"
        raise UsageError(f"{folder}: {why}")
    with suppress(KeyboardInterrupt), _interruptible(), _listen(host, port) as listening:
        _announce(host, listening)
        _serve(root, host, listening)
    return 0


@contextmanager
def _interruptible() -> Iterator[None]:
    """Lets Ctrl-C end it from the first moment, also where a shell starts it with SIGINT off."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _announce(host: str, listening: socket.socket) -> None:
    if not is_loopback(host):
        sys.stderr.write(f"warning: {host} lets others look at these runs, without a password\n")
    address = f"http://{_shown(host)}:{listening.getsockname()[1]}/"
    sys.stdout.write(f"{address}  (Ctrl-C ends it)\n")
    sys.stdout.flush()


def _serve(root: Path, host: str, listening: socket.socket) -> None:
    import uvicorn

    app = create_app(root, trust(host, listening.getsockname()[0]))
    options = uvicorn.Config(app, log_level="warning", lifespan="off", server_header=False)
    uvicorn.Server(options).run(sockets=[listening])


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port < 65_536:
        raise UsageError(f"--port: must be between 0 and 65535, got {port}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, place = found[0]
        return socket.create_server(place, family=family)
    except (OSError, UnicodeError) as error:  # a name may be no name at all
        why = (getattr(error, "strerror", None) or str(error)).lower()
        raise UsageError(f"{host}:{port}: {why}; choose another --port or --host") from error
