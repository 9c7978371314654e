"""A stand-in for a ClickHouse server: its real engine, chDB, behind as much of its HTTP interface as a client needs.

What it does: statements in the body or in `query`, DDL and queries and inserts in any format,
`database`, settings and `param_…` as in the query string, compressed and chunked bodies, a
password, errors by status and `X-ClickHouse-Exception-Code`. Each request has a session of its own.

What it is not: a cluster (no replicas, no Distributed tables), a server of the native protocol, a
system of users and rights (one user, who may do everything), HTTPS. It does not compress answers,
keeps no sessions between requests, and sends an answer when all of it is there: an error in the
middle of one is always told by its status.

Run as a program it reads one line of JSON (`folder`, `port`, `user`, `password`), says `ready`, and
ends when its standard input does, which is when whoever started it does.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hmac
import json
import os
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import chdb

# What the HTTP interface takes for itself; all else in a query string is a setting.
OWN_PARAMETERS = frozenset(
    "query database default_format query_id session_id session_timeout session_check client_protocol_version "
    "user password quota_key compress decompress buffer_size wait_end_of_query role".split()
)
INSERT = re.compile(rb"\s*INSERT\s+INTO\s.*?\sFORMAT\s+(\w+)[ \t]*(?:\n|;|$)", re.IGNORECASE | re.DOTALL)
CODE = re.compile(r"Code: ([0-9]+)\. ")
AUTHENTICATION_FAILED = 516

# As the server's own table has it, as far as it matters here.
STATUS = {
    **dict.fromkeys((192, 193, AUTHENTICATION_FAILED), 403),
    **dict.fromkeys((6, 27, 36, 38, 41, 53, 62, 72, 115, 386, 457), 400),
    **dict.fromkeys((16, 46, 47, 50, 60, 81), 404),
    159: 408,
}


class Front(ThreadingHTTPServer):
    """The listener, with the engine's folder and whom it lets in."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, order: dict) -> None:
        super().__init__(("127.0.0.1", order["port"]), Handler)
        self.folder = order["folder"]
        self.credentials = (order["user"], order["password"])
        # The engine lives as long as one connection does.
        self.engine = chdb.connect(self.folder)


class Handler(BaseHTTPRequestHandler):
    """One connection of a client's."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Front

    def log_message(self, *_) -> None:
        pass

    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/ping":
            self._answer(200, b"Ok.\n")
        else:
            self._carry_out(b"", only_reads=True)

    def do_POST(self) -> None:
        self._carry_out(self._body(), only_reads=False)

    def _body(self) -> bytes:
        body = b""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match self.headers.get("Content-Encoding"):
            case "lz4":
                import lz4.frame

                return b"".join(frames(lz4.frame.LZ4FrameDecompressor, body))
            case "gzip":
                return gzip.decompress(body)
        return body

    def _carry_out(self, body: bytes, *, only_reads: bool) -> None:
        parameters = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        if not self._is_let_in(parameters):
            self._refuse(
                f"Code: {AUTHENTICATION_FAILED}. DB::Exception: {self._named(parameters)[0]}: Authentication failed: "
                "password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)"
            )
            return
        statement = b"\n".join(part for part in (parameters.get("query", "").encode(), body) if part)
        session = chdb.connect(self.server.folder)
        try:
            if database := parameters.get("database"):
                session.query(f"USE `{database}`")
            settings = {name: value for name, value in parameters.items() if name not in OWN_PARAMETERS}
            if settings:
                session.query(
                    "SET " + ", ".join(f"{name} = {quoted(value)}" for name, value in settings.items())
                )
            if only_reads and settings.get("readonly", "0") == "0":
                session.query("SET readonly = 2")
            self._run(session, statement)
        except (chdb.ChdbError, RuntimeError) as error:
            self._refuse(str(error))
        finally:
            session.close()

    def _run(self, session, statement: bytes) -> None:
        insert = INSERT.match(statement)
        if insert and insert[1].upper() != b"VALUES":
            head = (
                statement[: insert.start(1)].decode().rstrip().removesuffix("FORMAT").removesuffix("format")
            )
            with session.send_insert(head, insert[1].decode()) as stream:
                stream.append(statement[insert.end() :])
                written = stream.finish().rows_written
            self._answer(200, b"", {"X-ClickHouse-Summary": json.dumps({"written_rows": str(written)})})
        else:
            result = session.query(statement.decode(), "TabSeparated")
            self._answer(200, result.bytes() or b"")

    def _named(self, parameters: dict) -> tuple[str, str]:
        kind, _, credentials = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                user, _, password = base64.b64decode(credentials).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return "", ""
            return user, password
        if "X-ClickHouse-User" in self.headers:
            return self.headers["X-ClickHouse-User"], self.headers.get("X-ClickHouse-Key", "")
        return parameters.get("user", "default"), parameters.get("password", "")

    def _is_let_in(self, parameters: dict) -> bool:
        given, wanted = ("\0".join(pair) for pair in (self._named(parameters), self.server.credentials))
        return hmac.compare_digest(given.encode(), wanted.encode())

    def _refuse(self, message: str) -> None:
        found = CODE.search(message)
        code = int(found[1]) if found else 1000
        self._answer(
            STATUS.get(code, 500), f"{message}\n".encode(), {"X-ClickHouse-Exception-Code": str(code)}
        )

    def _answer(self, status: int, body: bytes, headers: dict | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/plain; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def frames(decompressor, body: bytes):
    """What is in each frame: a client makes one of each block it sends."""
    while body:
        one = decompressor()
        yield one.decompress(body)
        body = one.unused_data


def quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def main() -> None:
    front = Front(json.loads(sys.stdin.readline()))
    threading.Thread(target=front.serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()
    # At once: queries may be running.
    os._exit(0)


if __name__ == "__main__":
    main()
