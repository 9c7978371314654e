"""What every request passes before its view, in the order in which refusals are promised."""

from __future__ import annotations

from urllib.parse import quote

from flask import Flask, g, request
from werkzeug.exceptions import NotFound

from smetka.keys import ROLES, Key, Permission
from smetka.web import bodies
from smetka.web.hosts import client_network, host_name, is_same_origin, mark_of_a_proxy
from smetka.web.pages import visit
from smetka.web.parts import parts
from smetka.web.refusals import (
    BadRequest,
    CrossSite,
    HeadersTooLarge,
    KeyNeeded,
    NoKeyYet,
    NotAllowed,
    Overloaded,
    RequestTimeout,
    TooManyRequests,
    UriTooLong,
    WrongHost,
)

MAX_TARGET_BYTES = 8 * 1024
MAX_HEADER_BYTES = 16 * 1024
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def register(app: Flask) -> None:
    """Put the guards before every request, in this order."""
    for guard in (
        check_load,
        check_host,
        check_sizes,
        check_route,
        check_origin,
        check_key,
        check_body,
    ):
        app.before_request(guard)


def check_load() -> None:
    """Turn away what could not be answered soon, before it costs anything."""
    if request.environ.get("smetka.overloaded"):
        raise Overloaded


def check_host() -> None:
    """Answer only for our own names: a page whose name was pointed at this address gets nothing."""
    host = request.environ.get("HTTP_HOST", "")
    if not host:
        raise BadRequest("The request names no Host.")
    bodies.check_framing(request)
    if host_name(host) not in parts().allowed_hosts:
        raise WrongHost(
            "This server does not answer for the host that the request names; "
            "SMETKA_ALLOWED_HOSTS lists those it answers for."
        )


def check_sizes() -> None:
    """Limit the request line and the headers, whatever the server in front of us lets through."""
    environ = request.environ
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if not target:
        query = environ.get("QUERY_STRING", "")
        target = quote(environ.get("PATH_INFO", "").encode("latin-1")) + ("?" + query if query else "")
    if len(target) > MAX_TARGET_BYTES:
        raise UriTooLong(f"The path and query are longer than {MAX_TARGET_BYTES} bytes.")
    if sum(len(name) + len(value) + 4 for name, value in request.headers.items()) > MAX_HEADER_BYTES:
        raise HeadersTooLarge(f"The headers are longer than {MAX_HEADER_BYTES} bytes in sum.")


def check_route() -> None:
    """Raise what the router found wrong with path or method; Flask itself would do so later."""
    if request.routing_exception is not None:
        raise request.routing_exception
    if request.environ.get("PATH_INFO", "").startswith("//"):
        raise NotFound  # the router takes `//x` for `/x`


def check_origin() -> None:
    """Refuse changes that another site's page asks for, keys or not."""
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("Origin")
    foreign = origin is not None and not is_same_origin(origin, request.scheme, request.environ["HTTP_HOST"])
    if foreign or request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise CrossSite("Only pages of this server itself may ask for changes.")


def check_key() -> None:
    """Find the caller's role and whether it suffices."""
    needed = parts().access.get(request.endpoint or "", Permission.OWN)
    if needed is None or may(needed):
        return
    key = _key()
    if key is None:
        if not (parts().keys_always_needed or parts().keys.ever_made) and (way := _way_of_strangers()):
            raise NoKeyYet(way)
        raise KeyNeeded("Send a valid key as `Authorization: Bearer smk_...`.")
    raise NotAllowed(key.role, needed)


def check_body() -> None:
    """Read the body, so that its size is refused before its content."""
    if request.environ.get("smetka.body_too_slow"):
        raise RequestTimeout("The body did not arrive in time.")
    if request.endpoint in parts().upload_endpoints:
        bodies.check_upload(request)
        return  # the view reads it
    g.body = bodies.read_body(request)


def may(permission: Permission) -> bool:
    """Whether the current caller has a permission; everybody has when no keys are needed."""
    if not keys_needed():
        return True
    key = _key()
    return key is not None and permission in ROLES[key.role]


def caller() -> str:
    """Who asks, for records: the name of the key."""
    key = _key() if keys_needed() else None
    return "anybody" if key is None else f"key {key.name}"


def keys_needed() -> bool:
    """Whether requests about data need a key; see the setting `auth`."""
    return parts().keys_always_needed or parts().keys.ever_made or bool(_way_of_strangers())


def _way_of_strangers() -> str | None:
    """What tells that others than this machine's users may ask, although we listen on loopback alone."""
    if parts().settings.trusted_proxies:
        return "SMETKA_TRUSTED_PROXIES"
    return mark_of_a_proxy(request.environ)


def address() -> str:
    """Where the request came from, as what counts as one client."""
    return client_network(request.remote_addr or "")


def signed_in_key() -> Key | None:
    """The key of the page's visitor, whether one is needed or not. Never raises: problems' pages ask too."""
    try:
        return _key()
    except TooManyRequests:
        return None


def _key() -> Key | None:
    """The key that came with the request, looked up once a request."""
    if "key" not in g:
        g.key = None
        scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            g.key = parts().keys.key_of(token.strip())
            if g.key is None:
                _count_wrong_key()
        elif request.endpoint in parts().pages:
            # A cookie comes along whoever asks the browser to send it: it opens pages only, whose forms
            # prove where they come from.
            session = visit.known_session()
            g.key = parts().sessions.key_of(session) if session else None
    key: Key | None = g.key
    return key


def _count_wrong_key() -> None:
    try:
        parts().wrong_keys.count(address())
    except TooManyRequests:
        # An open page stays open, whatever is sent along with the request.
        if parts().access.get(request.endpoint or "", Permission.OWN) is not None:
            raise
