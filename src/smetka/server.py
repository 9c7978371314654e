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
import subprocess
import sys
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import structlog

from smetka.data_directory import DataDirectory, Running
from smetka.errors import StartFailed
from smetka.logs import scrub
from smetka.processes import descendants
from smetka.settings import TOKEN_ELSEWHERE, Settings, as_text, variable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from smetka.storage.embedded import EmbeddedMongoDB

TICK_SECONDS = 0.2
PROBE_SECONDS = 5.0
PROBES_THAT_TELL = 3
"""Failed probes in a row after which the embedded MongoDB is killed and started again."""
BACK_OFF_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
STEADY_SECONDS = 60.0
"""A process that ran this long is well again: its next fall starts the back-off anew."""

# In the worst case 7 s for requests under way, then the database: together below 10 s.
WEB_STOP_SECONDS = 7.0
WORKER_STOP_SECONDS = 4.0

_log = structlog.get_logger(__name__)


class Process(Protocol):
    """What the parent needs of a child: our own processes and the embedded MongoDB alike."""

    @property
    def pid(self) -> int | None:
        """Its process id; None before the first start."""

    def spawn(self) -> None:
        """Start it. Call from the main thread: it dies with the thread that started it."""

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""


class OwnProcess:
    """One of our own modules as a child process, in a process group of its own.

    Ctrl-C on a terminal reaches the whole group of the parent; the children are told to stop by
    the parent instead, in order.
    """

    def __init__(self, module: str, arguments: list[str], environment: Mapping[str, str]) -> None:
        self._command = [sys.executable, "-m", module, "--parent", str(os.getpid()), *arguments]
        self._environment = dict(environment)
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:  # noqa: D102 - see Process
        return self._child.pid if self._child else None

    def spawn(self) -> None:  # noqa: D102
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            self._command, env=self._environment, stdin=subprocess.DEVNULL, process_group=0
        )

    def poll(self) -> int | None:  # noqa: D102
        return self._child.poll() if self._child else 0

    def tell_to_stop(self) -> None:
        """Send SIGTERM, if it still runs."""
        if self._child and self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)

    def wait_or_kill(self, seconds: float) -> None:
        """Wait for it to end; after that time kill it and all that it started."""
        if self._child is None:
            return
        try:
            self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            _log.warning("killed", pid=self._child.pid, after_seconds=seconds)
            for pid in [self._child.pid, *descendants(self._child.pid)]:
                os.kill(pid, signal.SIGKILL)
            self._child.wait()


@dataclass
class Watched:
    """A child with the record of its falls."""

    name: str
    process: Process
    falls: int = 0
    started_at: float = 0.0
    start_again_at: float | None = None

    def start(self) -> None:
        """Start it now."""
        self.process.spawn()
        self.started_at, self.start_again_at = time.monotonic(), None
        _log.info("started", part=self.name, pid=self.process.pid)

    def look(self) -> bool:
        """See whether it fell, and start it again when its time has come. True when it was started."""
        now = time.monotonic()
        if self.start_again_at is not None:
            return now >= self.start_again_at and self._start_again(now)
        status = self.process.poll()
        if status is not None:
            if now - self.started_at > STEADY_SECONDS:
                self.falls = 0
            self._fell(now, f"ended with status {status}")
        return False

    def _start_again(self, now: float) -> bool:
        try:
            self.start()
        except StartFailed as error:
            self._fell(now, str(error))
            return False
        return True

    def _fell(self, now: float, reason: str) -> None:
        pause = BACK_OFF_SECONDS[min(self.falls, len(BACK_OFF_SECONDS) - 1)]
        self.falls += 1
        self.start_again_at = now + pause
        _log.error("fell", part=self.name, reason=reason, again_in_seconds=pause)


@dataclass
class Server:
    """Everything `smetka serve` runs, between its start and its orderly stop."""

    settings: Settings
    directory: DataDirectory
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
        self.port = free_port(self.settings.host, self.settings.port)
        self.mongodb = embedded_mongodb(self.settings)
        uri = self.mongodb.uri if self.mongodb else as_text(self.settings.mongodb_uri)
        self.web = OwnProcess(
            "smetka.web_process",
            ["--address", self.settings.host, "--port", str(self.port)],
            self._environment(uri, token=False),
        )
        self.worker = OwnProcess("smetka.worker", [], self._environment(uri, token=True))
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
        if self.mongodb:
            Thread(target=self._probe_mongodb, name="probe", daemon=True).start()
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
        self.web.wait_or_kill(WEB_STOP_SECONDS)
        self.worker.wait_or_kill(WORKER_STOP_SECONDS)
        if self.mongodb:  # last: the others write their last records first
            self.mongodb.stop()
        _log.info("stopped")

    def _publish(self) -> None:
        uri = self.mongodb.uri if self.mongodb else scrub(as_text(self.settings.mongodb_uri))
        pids = {part.name: part.process.pid for part in self.watched}
        self.directory.publish(
            Running(
                holder=os.getpid(),
                command="serve",
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

    def _probe_mongodb(self) -> None:
        """Kill an embedded server that runs but does not work; the watch starts it again."""
        assert self.mongodb is not None
        failures = 0
        while not self.stopping.wait(PROBE_SECONDS):
            failures = 0 if self.mongodb.probe() else failures + 1
            pid = self.mongodb.pid
            if failures >= PROBES_THAT_TELL and pid is not None and self.mongodb.poll() is None:
                _log.error("mongodb-does-not-work", pid=pid, probes_failed=failures)
                os.kill(pid, signal.SIGKILL)  # loses nothing: every acknowledged write is on disk
                failures = 0

    def _announce_when_ready(self) -> None:
        while not self.stopping.wait(0.2):
            if readiness(self.url, self.host_header).get("ready"):
                self.on_ready(self.url)
                return


def readiness(url: str, host: str) -> dict[str, Any]:
    """What `/readyz` of a running server says; `{"ready": False}` when it does not answer."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Host": host})
        answer = json.loads(connection.getresponse().read())
        return answer if isinstance(answer, dict) and "ready" in answer else {"ready": False}
    except (OSError, HTTPException, ValueError):
        return {"ready": False}
    finally:
        connection.close()


def embedded_mongodb(settings: Settings) -> EmbeddedMongoDB | None:
    """The embedded server, or None when a MongoDB is configured."""
    if settings.mongodb_uri:
        return None
    from smetka.storage.embedded import EmbeddedMongoDB  # it brings pymongo

    return EmbeddedMongoDB(settings.data_dir)


def free_port(host: str, port: int) -> int:
    """The port to listen on, a free one for 0.

    Raises:
        StartFailed: it is taken, or the host is not an address of this machine.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # Without this a port is taken for a minute after each restart; with SO_REUSEPORT, which
            # Granian sets, two servers would share a port in silence. So it is asked for here.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        reason = "is already taken" if taken else f"cannot be used: {error.strerror}"
        raise StartFailed(
            f"Port {port} on {host} {reason}. Choose another with --port or SMETKA_PORT."
        ) from None
