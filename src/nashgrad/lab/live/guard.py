"""Who may ask, and what every answer says beside its content."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from typing import TypeAlias

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Trust: TypeAlias = Callable[[str], bool]
"""Whether the server may be asked under a name."""

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src 'self' data: blob:; font-src data:; base-uri 'none'; "
    "form-action 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?\Z", re.IGNORECASE)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address.

    >>> [is_loopback(host) for host in ("127.0.0.1", "127.0.0.2", "localhost", "::1", "0.0.0.0")]
    [True, True, True, True, False]
    """
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def trust(*listened: str) -> Trust:
    """The names under which a server may be asked that listens on these names or addresses.

    A page of somebody else whose name server points it at this machine asks under its own name, and
    is refused; it cannot choose to come as an address.

    >>> asked = trust("192.0.2.7")
    >>> [asked(name) for name in ("192.0.2.7", "localhost", "evil.example", "192.0.2.8")]
    [True, True, False, False]
    """
    addresses = {address for host in listened if (address := _address(host)) is not None}
    anywhere = any(address.is_unspecified for address in addresses)
    names = {host.lower() for host in listened}
    if not all(map(is_loopback, listened)):
        names |= _own_names()

    def asked(name: str) -> bool:
        literal = _address(name)
        if literal is not None:
            return anywhere or literal.is_loopback or literal in addresses
        return name.lower() in names | {"localhost"}

    return asked


class Guard:
    """An application that is asked under trusted names only, and whose answers have `HEADERS`.

    Errors of the application have them too, so it stands outside of it.
    """

    def __init__(self, app: ASGIApp, trusted: Trust) -> None:
        self.app, self.trusted = app, trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        known = scope["type"] == "lifespan" or self._is_trusted(scope)
        app = self.app if known else PlainTextResponse("unknown host name", 400)
        await app(scope, receive, answer)

    def _is_trusted(self, scope: Scope) -> bool:
        hosts = Headers(scope=scope).getlist("host")
        found = _HOST.match(hosts[0]) if len(hosts) == 1 else None
        return found is not None and self.trusted(found[1].strip("[]"))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _own_names() -> frozenset[str]:
    name = socket.gethostname().lower()
    return frozenset({name, name.split(".")[0]}) - {""}
