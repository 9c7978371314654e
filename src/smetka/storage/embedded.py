"""The embedded MongoDB: a real server in a process of its own, spoken to over a socket."""

from __future__ import annotations

import importlib.util
import random
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn
from urllib.parse import quote_plus

import structlog
from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from smetka.core.errors import StartFailed
from smetka.storage.client import let_go
from smetka.storage.complaints import not_installed
from smetka.storage.home import Home
from smetka.storage.server_process import ServerProcess, listens

START_SECONDS = 30.0
LEAVE_SECONDS = 3.0
PROBE_SECONDS = 2.0
AUTHENTICATION_FAILED = 18

# Below the range that the kernel takes clients' ports from: the port is still free at a restart.
_PORTS = range(15000, 32000)

_log = structlog.get_logger(__name__)


class EmbeddedMongoDB:
    """The server, as its parent sees it: started, probed, started again, stopped.

    The port and the password stay the same over restarts, so `uri` can be told to others before
    the server runs. `spawn`, `start` and `stop` belong to one thread that lives as long as the
    parent (the server is killed when that thread ends); `probe` and `poll` may be called by any.
    """

    def __init__(self, data_dir: Path, port: int | None = None) -> None:
        self.home = Home(data_dir)
        self.port = port or _free_port(self.home.last_port)
        self._port_is_given = port is not None
        self._process: ServerProcess | None = None
        self._user_was_missing = False
        self._client: MongoClient[dict[str, Any]] | None = None
        self._client_lock = Lock()

    @property
    def uri(self) -> str:
        """Where clients find it, password included. Makes the folder and the password when needed.

        Without `retryWrites=false` the server slows down for ever after 10,000 writes.

        Raises:
            StartFailed: the folder cannot be used.
        """
        return (
            f"mongodb://smetka:{quote_plus(self.home.prepare())}@127.0.0.1:{self.port}/smetka?authSource=admin"
            "&retryWrites=false&w=majority&journal=true&timeoutMS=2000&maxPoolSize=16"
        )

    @property
    def pid(self) -> int | None:
        """The server's process, None before the first start."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            StartFailed: with one sentence that says why and what to do.
        """
        begun, found_busy = time.monotonic(), None
        process = self._spawn()
        while not (listens(self.port) and self.probe()):
            elapsed = time.monotonic() - begun
            if elapsed > START_SECONDS:
                self._give_up(f"The embedded MongoDB in {self.home.path} does not answer.")
            if process.poll() is not None:
                # After a kill of its parent the last server may need a moment to leave the folder: from when
                # that was found on, since a machine that is busy starts a server slowly, too.
                is_busy = process.found_the_folder_busy()
                found_busy = found_busy or (elapsed if is_busy else None)
                is_leaving = is_busy and found_busy is not None and elapsed - found_busy < LEAVE_SECONDS
                if not (is_leaving or self._user_was_missing or self._takes_another_port(process)):
                    self._give_up(process.complaint())
                process = self._spawn()
            elif process.found_damage():  # it runs, but will never work
                self._give_up(process.complaint())
            time.sleep(0.02)

    def spawn(self) -> None:
        """Start the server without waiting for it: `probe` tells when it works.

        Raises:
            StartFailed: it is not installed, or its folder cannot be used.
        """
        self._spawn()

    def probe(self) -> bool:
        """Whether the server reads and writes: one indexed read and one write to disk, 2 s at most."""
        try:
            probes = self._connected().local.smetka_probe
            probes.find_one({"_id": "probe"})
            probes.update_one({"_id": "probe"}, {"$set": {"at": datetime.now(UTC)}}, upsert=True)
        except OperationFailure as error:
            if error.code == AUTHENTICATION_FAILED:
                self._make_user_at_next_start()
            return False
        except (PyMongoError, StartFailed):
            return False
        return True

    def poll(self) -> int | None:
        """The server's exit status, None while it runs; 0 when it was never started."""
        return self._process.poll() if self._process else 0

    def stop(self) -> None:
        """Stop the server in order, or kill it after 3 s. Safe to repeat."""
        self._disconnect()
        if self._process:
            self._process.end()

    def _spawn(self) -> ServerProcess:
        if importlib.util.find_spec("secantus") is None:
            raise StartFailed(not_installed())
        self.home.prepare()
        self.home.remember_port(self.port)
        self._user_was_missing = False
        self._process = ServerProcess(self.home, self.port)
        return self._process

    def _give_up(self, complaint: str) -> NoReturn:
        self.stop()
        raise StartFailed(complaint)

    def _connected(self) -> MongoClient[dict[str, Any]]:
        with self._client_lock:
            if self._client is None:
                self._client = MongoClient(
                    self.uri,
                    directConnection=True,
                    timeoutMS=int(PROBE_SECONDS * 500),  # for each of the two operations
                    serverSelectionTimeoutMS=1000,
                    maxPoolSize=1,
                )
            return self._client

    def _disconnect(self) -> None:
        with self._client_lock:
            if self._client:
                let_go(self._client)
                self._client = None

    def _make_user_at_next_start(self) -> None:
        """The files hold no such user: they were swapped, or the password was changed."""
        _log.error("mongodb-user-missing", folder=str(self.home.path))
        self._user_was_missing = True
        self.home.forget_user()
        if self._process:
            self._process.ask_to_end()

    def _takes_another_port(self, process: ServerProcess) -> bool:
        if self._port_is_given or not process.found_the_port_taken():
            return False
        self._disconnect()
        self.port = _free_port()
        return True


def _free_port(last: int | None = None) -> int:
    # The last one first: a worker that was started apart finds the server again.
    for port in [*([last] if last else []), *random.sample(_PORTS, 100)]:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise StartFailed("No free port was found on 127.0.0.1 for the embedded MongoDB.")
