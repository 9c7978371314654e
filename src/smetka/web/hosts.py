"""Which host, scheme and client a request is about, and whom to believe about it."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_OF_CLIENTS = re.compile(
    r"""HTTP_(?:
    HOST | USER_AGENT | ACCEPT(?:_.+)? | CONNECTION | KEEP_ALIVE | TE | TRAILER | TRANSFER_ENCODING | EXPECT
    | UPGRADE | HTTP2_SETTINGS | CONTENT_.+ | DATE | RANGE | IF_.+ | CACHE_CONTROL | PRAGMA | AUTHORIZATION
    | COOKIE | ORIGIN | REFERER | PRIORITY | UPGRADE_INSECURE_REQUESTS | DNT | SEC_.+
    | ACCESS_CONTROL_REQUEST_.+ | (?:X_)?PURPOSE | X_MOZ | SERVICE_WORKER | LAST_EVENT_ID | PING_(?:FROM|TO)
    | SAVE_DATA | DEVICE_MEMORY | DPR | WIDTH | VIEWPORT_WIDTH | RTT | DOWNLINK | ECT
    | HX_.+ | X_REQUESTED_WITH | X_(?:CSRF|XSRF)_?TOKEN | X_API_KEY | IDEMPOTENCY_KEY | X_REQUEST_ID
    | X_CORRELATION_ID | TRACEPARENT | TRACESTATE | BAGGAGE | POSTMAN_TOKEN
    | X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS | X_SCHEMATHESIS_.+
    )""",
    re.VERBOSE,
)
"""Headers of browsers, programs and their libraries, as WSGI spells them. Not whole, on the safe side."""

MARK_OF_A_PROXY = "smetka.mark_of_a_proxy"
"""Where the environ has what it could not carry otherwise, and that clients do not send."""


class TrustedProxies:
    """WSGI middleware: `X-Forwarded-For`, `-Proto` and `-Host` count when a trusted proxy sent them.

    One proxy is expected to set each; of several values the last, which it wrote itself, is taken.
    For everybody else these headers mean nothing.
    """

    def __init__(self, app: WSGIApplication, addresses: tuple[str, ...]) -> None:
        self._app = app
        self._networks = tuple(ip_network(address, strict=False) for address in addresses)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Put the forwarded client, scheme and host in place of the proxy's own."""
        if self._trusts(environ.get("REMOTE_ADDR", "")):
            if client := _last(environ, "HTTP_X_FORWARDED_FOR"):
                environ["REMOTE_ADDR"] = client
            if (scheme := _last(environ, "HTTP_X_FORWARDED_PROTO")) in _DEFAULT_PORTS:
                environ["wsgi.url_scheme"] = scheme
            if host := _last(environ, "HTTP_X_FORWARDED_HOST"):
                environ["HTTP_HOST"] = host
        return self._app(environ, start_response)

    def _trusts(self, address: str) -> bool:
        try:
            peer = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(peer, "ipv4_mapped", None) or peer
        return any(mapped in network for network in self._networks)


def mark_of_a_proxy(environ: WSGIEnvironment) -> str | None:
    """What tells that a request did not come straight from its client; None where nothing does.

    Any header that clients do not send by themselves does: those of proxies have no end. One that adds
    nothing at all is not known from a client. The most common one that adds no header speaks HTTP/1.0,
    which clients have not done for decades.
    """
    for name in environ:
        if name.startswith("HTTP_") and not _is_of_clients(name):
            return name.removeprefix("HTTP_").replace("_", "-").title()
    protocol = str(environ["SERVER_PROTOCOL"])
    return environ.get(MARK_OF_A_PROXY) or (protocol if protocol < "HTTP/1.1" else None)


@lru_cache(maxsize=256)  # clients repeat themselves; the names of one request are 16 KiB at most
def _is_of_clients(name: str) -> bool:
    return _OF_CLIENTS.fullmatch(name) is not None


def host_name(host: str) -> str | None:
    """The name in a `Host` header, comparable: lower case, no port, brackets or trailing dot.

    None when it is not a host at all.
    """
    match = _HOST.fullmatch(host)
    return comparable(match[1]) if match else None


def comparable(name: str) -> str:
    """A host name as it is compared."""
    return name.lower().strip("[]").removesuffix(".")


def is_same_origin(origin: str, scheme: str, host: str) -> bool:
    """Whether an `Origin` header names the very scheme, host and port that were asked."""
    their_scheme, separator, their_host = origin.partition("://")
    if not separator:
        return False
    theirs, ours = _host_and_port(their_scheme, their_host), _host_and_port(scheme, host)
    return theirs is not None and theirs == ours and their_scheme.lower() == scheme


def client_network(address: str) -> str:
    """What counts as one client: an IPv4 address, or the 64 bits that one IPv6 household shares."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    return str(ip_network(f"{parsed}/64", strict=False)) if parsed.version == 6 else str(parsed)


def _host_and_port(scheme: str, host: str) -> tuple[str, int | None] | None:
    match = _HOST.fullmatch(host)
    if match is None:
        return None
    return comparable(match[1]), int(match[2]) if match[2] else _DEFAULT_PORTS.get(scheme.lower())


def _last(environ: WSGIEnvironment, name: str) -> str:
    return str(environ.get(name, "")).rpartition(",")[2].strip()
