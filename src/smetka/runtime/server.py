"""`smetka serve`: one parent that starts, watches, restarts and stops everything in order.

The parent does no work of its own: the web server, the Telegram worker and the embedded MongoDB
are processes beside it. Each dies with it (`processes.die_with`), each is restarted when it dies.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog

from smetka.core.errors import StartFailed
from smetka.files.data_directory import DataDirectory, Running
from smetka.runtime.children import OwnProcess, Watched
from smetka.runtime.probing import probe
from smetka.settings import TOKEN_ELSEWHERE, Settings, as_text, masked, variable

if TYPE_CHECKING:
    from collections.abc import Callable

    from smetka.storage.embedded import EmbeddedMongoDB

TICK_SECONDS = 0.2
ANSWER_SECONDS = 5.0
NOT_READY_SECONDS = 5.0
"""What is missing is told after this time, and again after ever longer ones."""

# In the worst case 6.5 s for requests under way, then 3.5 s for the database: together 10 s.
WEB_STOP_SECONDS = 6.5
WORKER_STOP_SECONDS = 4.0

_log = structlog.get_logger(__name__)


@dataclass
class Server:
    """Everything `smetka serve` runs, between its start and its orderly stop."""

    settings: Settings
    directory: DataDirectory
    command: str = "serve"
    with_worker: bool = True
    on_ready: Callable[[str], None] = lambda _url: None
    stopping: Event = field(default_factory=Event)  # for the threads
    told_to_stop: bool = False

    def run(self) -> int:
        """Start all parts, keep them running until SIGTERM or Ctrl-C, stop them in order.

        Raises:
            StartFailed: the port is taken, or the embedded MongoDB is not installed.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told_to_stop)
        claim, address, self.port = claimed_address(self.settings.host, self.settings.port)
        with claim:
            return self._run(address)

    def _run(self, address: str) -> int:
        self.mongodb = embedded_mongodb(self.settings)
        uri = self.mongodb.uri if self.mongodb else as_text(self.settings.mongodb_uri)
        self.web = OwnProcess(
            "smetka.runtime.web_process",
            ["--address", address, "--port", str(self.port)],
            self._environment(uri, token=False),
        )
        self.worker = OwnProcess("smetka.runtime.worker", [], self._environment(uri, token=True))
        self.watched = [Watched("web", self.web)]
        if self.with_worker:
            self.watched.append(Watched("worker", self.worker))
        if self.mongodb:
            self.watched.insert(0, Watched("mongodb", self.mongodb))
        try:
            self._start_and_watch()
        finally:
            self._stop()
        return 0

    def _told_to_stop(self, *_: object) -> None:
        # A plain flag: an Event cannot be set from a signal handler while this thread may wait on it.
        self.told_to_stop = True

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the server."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.settings.host, self.settings.host)  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def host_header(self) -> str:
        """A `Host` that the server answers, whatever the address it listens on."""
        return f"{self.settings.effective_allowed_hosts[0]}:{self.port}"

    def _start_and_watch(self) -> None:
        for part in self.watched:
            part.start()
        self._publish()
        _log.info("listening", url=self.url)
        if self.mongodb:
            probe("mongodb", self.mongodb, self.mongodb.probe, self.stopping)
        probe("web", self.web, lambda: lives(self.url, self.host_header), self.stopping)
        Thread(target=self._announce_when_ready, name="ready", daemon=True).start()
        while not self.told_to_stop:
            time.sleep(TICK_SECONDS)
            started = [part.look() for part in self.watched]
            if any(started):
                self._publish()

    def _stop(self) -> None:
        self.stopping.set()
        _log.info("stopping")
        self.web.tell_to_stop()
        self.worker.tell_to_stop()
        told = time.monotonic()
        self.web.wait_or_kill(WEB_STOP_SECONDS)
        self.worker.wait_or_kill(max(0.0, told + WORKER_STOP_SECONDS - time.monotonic()))
        if self.mongodb:  # last: the others write their last records first
            self.mongodb.stop()
        _log.info("stopped")

    def _publish(self) -> None:
        try:
            self._write_what_runs()
        except OSError as error:  # a full disk: what runs goes on, `smetka status` tells old news
            _log.error("cannot say what runs", reason=str(error))

    def _write_what_runs(self) -> None:
        uri = self.mongodb.uri if self.mongodb else masked(as_text(self.settings.mongodb_uri))
        pids = {part.name: part.process.pid for part in self.watched}
        self.directory.publish(
            Running(
                holder=os.getpid(),
                command=self.command,
                url=self.url,
                host=self.host_header,
                mongodb_uri=uri,
                pids={name: pid for name, pid in pids.items() if pid is not None},
            )
        )

    def _environment(self, mongodb_uri: str, *, token: bool) -> dict[str, str]:
        """For a child: what is set, resolved; the bot's token only where messages are sent."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SMETKA_")}
        own = self.settings.environment()
        own[variable("mongodb_uri")] = mongodb_uri
        own[variable("data_dir")] = str(self.settings.data_dir)
        if not token and self.settings.telegram_bot_token:
            own[variable("telegram_bot_token")] = TOKEN_ELSEWHERE
        return inherited | own

    def _announce_when_ready(self) -> None:
        began, tell_at = time.monotonic(), NOT_READY_SECONDS
        pause = 0.2
        while not self.stopping.wait(pause):
            answer = readiness(self.url, self.host_header)
            if answer["ready"]:
                self.on_ready(self.url)
                return
            if time.monotonic() - began > tell_at:
                missing = {n: p["detail"] for n, p in answer.get("parts", {}).items() if not p["ready"]}
                _log.warning("not ready yet", **(missing or {"see": f"{self.url}/readyz"}))
                tell_at, pause = tell_at * 6, 2.0


def readiness(url: str, host: str) -> dict[str, Any]:
    """What `/readyz` of a running server says; `{"ready": False}` when it does not answer."""
    try:
        answer = json.loads(_get(url, "/readyz", host))
    except ValueError:
        return {"ready": False}
    return answer if isinstance(answer, dict) and "ready" in answer else {"ready": False}


def lives(url: str, host: str) -> bool:
    """Whether a web server answers at all, within `ANSWER_SECONDS`; a wrong answer is one too."""
    return bool(_get(url, "/healthz", host))


def _get(url: str, path: str, host: str) -> bytes:
    """The body that is answered, nothing when there is no answer."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse().read()
    except (OSError, HTTPException):
        return b""
    finally:
        connection.close()


def embedded_mongodb(settings: Settings) -> EmbeddedMongoDB | None:
    """The embedded server, or None when a MongoDB is configured.

    Raises:
        WrongUsage: its address cannot be used.
    """
    if settings.mongodb_uri:
        from smetka.storage.client import take_apart  # as below

        take_apart(as_text(settings.mongodb_uri))
        return None
    from smetka.storage.embedded import EmbeddedMongoDB  # it brings pymongo

    return EmbeddedMongoDB(settings.data_dir)


def claimed_address(host: str, port: int) -> tuple[socket.socket, str, int]:
    """The numeric address and the port to listen on, a free one for 0, and what holds the claim.

    Two servers would share a port in silence, since Granian sets SO_REUSEPORT. So who listens there is
    seen here, and who is about to, by a name of the kernel's that is gone with its process.

    Raises:
        StartFailed: the port is taken, or the host is not an address of this machine.
    """
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # Only passes over what lingers of a server that has ended.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            found: tuple[str, int] = probe.getsockname()[:2]
            claim.bind(f"\0smetka {found[0]} {found[1]}")
            return claim, *found
    except OSError as error:
        claim.close()
        if error.errno == errno.EADDRINUSE:
            raise StartFailed(
                f"Port {port} on {host} is already taken. Choose another with --port or SMETKA_PORT."
            ) from None
        raise StartFailed(f"Cannot listen on {host}, port {port}: {error.strerror}.") from None
