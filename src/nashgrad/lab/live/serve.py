"""Serves a folder of runs until it is interrupted."""

from __future__ import annotations

import ipaddress
import socket
import sys
from pathlib import Path

from nashgrad.lab.errors import UsageError
from nashgrad.lab.live.app import LOOPBACK, create_app


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
    import uvicorn

    root = Path(folder)
    if not root.is_dir():
        raise UsageError(f"{folder}: no such folder")
    alone = is_loopback(host)
    listening = _listen(host, port)
    address = f"http://{_shown(host)}:{listening.getsockname()[1]}/"
    if not alone:
        sys.stderr.write(f"warning: {host} lets others look at these runs, without a password\n")
    sys.stdout.write(f"{address}  (Ctrl-C ends it)\n")
    sys.stdout.flush()
    app = create_app(root.resolve(), LOOPBACK if alone else ("*",))
    options = uvicorn.Config(app, log_level="warning", lifespan="off", server_header=False)
    try:
        uvicorn.Server(options).run(sockets=[listening])
    except KeyboardInterrupt:
        pass  # it is how one ends it
    finally:
        listening.close()
    return 0


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address.

    >>> [is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0")]
    [True, True, True, False]
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port < 65_536:
        raise UsageError(f"--port: must be between 0 and 65535, got {port}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, place = found[0]
        return socket.create_server(place, family=family)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UsageError(f"{host}:{port}: {why}; choose another --port or --host") from error
