"""Between Granian and Flask: reads whole requests with limits, and keeps slow work from quick work.

Granian speaks RSGI to this gateway on an event loop, where a slow client costs a few kilobytes and
no thread. What can be answered at once is answered there (`at_once.py`). All else goes, when it is
here completely, to the Flask application (as plain WSGI) in one of four lanes of threads: what is open to
all, which asks nobody for data (signing in, static files, `/readyz`); reads; writes, each of which may wait
two seconds for a MongoDB that hangs; and questions about all of the ledger or many records, which wait for
each other. Where a file is taken, it is a thread of a fifth lane that reads it, after the guards and as it
arrives. No lane can hold up another. See docs/decisions/0004-gateway.md.
"""

from __future__ import annotations

import asyncio
import io
import re
import sys
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from granian._granian import RSGIProtocolClosed as ProtocolClosed

from smetka.ledger.glance import NotYetAsked
from smetka.web import headers
from smetka.web.arriving import Arriving
from smetka.web.at_once import AtOnce
from smetka.web.bodies import MAX_BODY_BYTES
from smetka.web.hosts import MARK_OF_A_PROXY
from smetka.web.parts import WebParts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import WSGIApplication, WSGIEnvironment

    from flask import Flask
    from granian._granian import RSGIHTTPProtocol as HTTPProtocol
    from granian.rsgi import Scope

BODY_SECONDS = 10.0

OPEN_THREADS, READ_THREADS, LONG_THREADS, WRITE_THREADS = 8, 8, 24, 24
UPLOAD_THREADS = 4
"""Twice as many as receive files at a time (`uploads.AT_ONCE`): the others are told that soon."""

LONGEST_QUEUE = 256
"""Requests that may wait for a thread of a lane; more are answered 503 at once."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_log = structlog.get_logger(__name__)


class Gateway:
    """The RSGI application: one per web process.

    Args:
        body_seconds: a request's body must be here completely within this time, or, where a file is taken,
            some of it within each such time.
    """

    def __init__(
        self, app: Flask, *, on_close: Callable[[], None], body_seconds: float = BODY_SECONDS
    ) -> None:
        parts: WebParts = app.extensions["smetka"]
        self._app = app
        self._on_close = on_close
        self._body_seconds = body_seconds
        self._at_once = AtOnce(parts)
        self._open_paths = _any_of(
            rule.rule for rule in app.url_map.iter_rules() if parts.access.get(rule.endpoint, "") is None
        )
        self._long_paths = {
            method: _any_of(route for each, route in parts.long_routes if each == method)
            for method, _ in parts.long_routes
        }
        self._opens = _Lane(app, OPEN_THREADS, "open")
        self._reads = _Lane(app, READ_THREADS, "read")
        # No list rests for the small questions that another asks in between.
        self._long_reads = _Lane(app, LONG_THREADS, "long-read", begin=parts.services.storage.take_time)
        self._writes = _Lane(app, WRITE_THREADS, "write")
        self._uploads = _Lane(app, UPLOAD_THREADS, "upload")
        self._upload_paths = parts.upload_paths
        parts.uploads.sweep()

    async def __rsgi__(self, scope: Scope, proto: HTTPProtocol) -> None:
        """Answer one request. A client that goes away in the middle is no error."""
        try:
            candidate = self._at_once.candidate(scope)
            if candidate is None:
                await self._patiently(scope, proto)
                return
            answer = self._at_once.answer(candidate)
            if isinstance(answer, NotYetAsked):
                answer = await self._at_once.answer_of_server(candidate, answer)
            if answer is not None:
                proto.response_bytes(200, answer.headers, answer.body)
            else:
                keys = self._at_once.keys
                if await self._patiently(scope, proto) == 200:
                    self._at_once.admit(candidate, keys)
        except ProtocolClosed:
            return

    async def _patiently(self, scope: Scope, proto: HTTPProtocol) -> int | None:
        """Read the whole request and have Flask answer it. Returns the status, None when nobody heard it."""
        environ = _environ(scope)
        lane = self._lane(scope)
        if lane is self._uploads:
            # Unread: who may not send a file is refused before any of it is here.
            environ["wsgi.input"] = Arriving(proto, self._body_seconds)
            environ["wsgi.input_terminated"] = "HTTP_TRANSFER_ENCODING" in environ
        else:
            environ.update(await _body(environ, proto, self._body_seconds))
        if scope.path == "/healthz":
            return respond(self._app, environ, proto)  # asks nobody, and must not wait behind those who do
        if lane.waiting >= LONGEST_QUEUE:
            environ["smetka.overloaded"] = True  # refused before it touches anything: quick
            return respond(self._app, environ, proto)
        return await lane.run(environ, proto)

    def _lane(self, scope: Scope) -> _Lane:
        if scope.method == "POST" and scope.path in self._upload_paths:
            return self._uploads
        if self._open_paths.fullmatch(scope.path):
            return self._opens
        method = "GET" if scope.method in _SAFE else scope.method
        if method in self._long_paths and self._long_paths[method].fullmatch(scope.path):
            return self._long_reads
        return self._reads if method == "GET" else self._writes

    def __rsgi_del__(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Called by Granian when all requests are answered and the process is about to end."""
        for lane in (self._opens, self._reads, self._long_reads, self._writes, self._uploads):
            lane.close()
        self._at_once.close()
        self._on_close()


def _any_of(routes: Iterable[str]) -> re.Pattern[str]:
    """What matches a path of any of them."""

    def pattern(route: str) -> str:
        parts = re.split("(<[^>]*>)", route)
        return "".join(
            re.escape(part) if not number % 2 else (".+" if part.startswith("<path:") else "[^/]+")
            for number, part in enumerate(parts)
        )

    return re.compile("|".join(map(pattern, routes)))


class _Lane:
    """A fixed number of threads and the requests that wait for them.

    Args:
        begin: called by each thread before its first request.
    """

    def __init__(
        self, app: WSGIApplication, threads: int, name: str, *, begin: Callable[[], None] = lambda: None
    ) -> None:
        self._app, self._begin = app, begin
        self._queue: SimpleQueue[tuple[WSGIEnvironment, HTTPProtocol, _Answered] | None] = SimpleQueue()
        self._threads = threads
        for number in range(threads):
            Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    @property
    def waiting(self) -> int:
        return self._queue.qsize()

    async def run(self, environ: WSGIEnvironment, proto: HTTPProtocol) -> int | None:
        answered = _Answered()
        self._queue.put((environ, proto, answered))
        return await answered.future

    def close(self) -> None:
        """Let the threads end when they have answered what waits."""
        for _ in range(self._threads):
            self._queue.put(None)

    def _work(self) -> None:
        self._begin()
        while (waiting := self._queue.get()) is not None:
            environ, proto, answered = waiting
            status = None
            try:
                status = respond(self._app, environ, proto)
            except ProtocolClosed:  # the client did not wait for the answer
                pass
            except Exception:  # noqa: BLE001 - a lane must not lose a thread
                _log.exception("request-failed")
            finally:
                answered.tell(status)


class _Answered:
    """Tells the event loop, from a thread, that a request's coroutine may end, and with which status."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[int | None] = self._loop.create_future()

    def tell(self, status: int | None) -> None:
        self._loop.call_soon_threadsafe(self._set, status)

    def _set(self, status: int | None) -> None:
        if not self.future.done():
            self.future.set_result(status)


class _Responder(Protocol):
    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None: ...
    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...


def respond(app: WSGIApplication, environ: WSGIEnvironment, proto: _Responder) -> int:
    """Call the WSGI application and send what it answers, whole. Returns the status."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], None]:
        started[:] = [int(status[:3]), headers]
        return lambda _data: None

    chunks: Iterable[bytes] = app(environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    status: int = started[0]
    headers: list[tuple[str, str]] = started[1]
    if environ["REQUEST_METHOD"] == "HEAD" or not body:
        proto.response_empty(status, headers)
    else:
        proto.response_bytes(status, headers, body)
    return status


def _environ(scope: Scope) -> WSGIEnvironment:
    server, _, port = scope.server.rpartition(":")
    environ: WSGIEnvironment = {
        # `get` is not GET (RFC 9110, 9.1), but Werkzeug writes all methods in capitals.
        "REQUEST_METHOD": scope.method if scope.method.isupper() else f"?{scope.method}",
        "SCRIPT_NAME": "",
        # WSGI carries the bytes of path and query as Latin-1 (PEP 3333).
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode().decode("latin-1"),
        "SERVER_NAME": server,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}" if "." in scope.http_version else "HTTP/1.0",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in headers.as_one_each(scope.headers.items()).items():
        if "_" in name:  # `X_Y` would pass for `X-Y` in WSGI's spelling
            environ[MARK_OF_A_PROXY] = name
            continue
        key = name.upper().replace("-", "_")
        if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            key = f"HTTP_{key}"
        environ[key] = value
    if scope.authority:  # an absolute request target: its host counts, not the header's (RFC 9112, 3.2.2)
        environ["HTTP_HOST"] = scope.authority
        environ[MARK_OF_A_PROXY] = f"{scope.method} {scope.scheme}://…"  # clients write it to proxies alone
    return environ


async def _body(environ: WSGIEnvironment, proto: HTTPProtocol, seconds: float) -> dict[str, Any]:
    """The body, as additions to the environ. Of one that is too long only a little more than allowed."""
    declared = environ.get("CONTENT_LENGTH")
    try:
        async with asyncio.timeout(seconds):
            if "HTTP_TRANSFER_ENCODING" in environ:
                return await _chunked(proto)
            if (
                declared is None
                or not declared.isdecimal()
                or len(declared) > 18
                or int(declared) > MAX_BODY_BYTES
            ):
                return {}  # there is none, or the application refuses it unread
            return {"wsgi.input": io.BytesIO(await proto())}
    except TimeoutError:
        return {"smetka.body_too_slow": True}
    except ProtocolClosed:  # no more will come; that it is too short may still be heard
        return {}


async def _chunked(proto: HTTPProtocol) -> dict[str, Any]:
    body = bytearray()
    ended = False
    async for chunk in proto:
        if ended:
            # Granian gives an empty chunk at the end, and one more when the end was no real one.
            return {"smetka.body_broken": True}
        body += chunk
        ended = not chunk
        if len(body) > MAX_BODY_BYTES:
            break
    return {"wsgi.input": io.BytesIO(bytes(body)), "wsgi.input_terminated": True}
