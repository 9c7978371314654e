"""Servers under measure: started on a free port, waited for, stopped; all they print goes to a file."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).parent.parent
START_SECONDS = 60
STOP_SECONDS = 20


class NotStarted(Exception):
    """A server did not come up."""


@dataclass
class Server:
    """A process and its children, listening on this machine."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    host: str = "127.0.0.1"
    ready_after: float = 0.0

    def ask(self, path: str, body: str | None = None) -> tuple[int, bytes]:
        """One request on a connection of its own: status and body."""
        connection = HTTPConnection(self.host, self.port, timeout=120)
        try:
            method, headers = ("POST", {"Content-Type": "application/json"}) if body else ("GET", {})
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    @property
    def megabytes(self) -> float:
        """Memory of the process and all its descendants: PSS, which splits what they share."""
        parent = psutil.Process(self.process.pid)
        family = [parent, *parent.children(recursive=True)]
        return sum(process.memory_full_info().pss for process in family) / 1e6


@contextmanager
def running(
    name: str, command: list[str], folder: Path, environment: dict[str, str], *, ready_path: str
) -> Iterator[Server]:
    """Run a command that listens on `{port}` until it answers 200 at `ready_path`, and stop it at the end."""
    port = _free_port()
    log = folder / f"{name.replace(' ', '-')}-{port}.log"
    began = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [part.replace("{port}", str(port)) for part in command],
            cwd=folder,
            env=command_environment() | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    server = Server(name, port, process)
    try:
        _wait(server, ready_path, log)
        server.ready_after = time.perf_counter() - began
        yield server
    finally:
        _stop(process)


def smetka(
    folder: Path, ledger: Path | str, *, name: str = "Smetka", settings: dict[str, str] | None = None
) -> AbstractContextManager[Server]:
    """`smetka serve` with its defaults, its records in `folder`, on a file or the URL of a server."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "smetka", "serve", "--ledger", str(ledger), "--port", "{port}"]
    environment = {"SMETKA_DATA_DIR": str(folder / "data")} | (settings or {})
    return running(name, command, folder, environment, ready_path="/readyz")


@contextmanager
def fake_telegram(folder: Path, chats: int = 1) -> Iterator[dict[str, str]]:
    """The stand-in of the Bot API, and the settings that make Smetka talk to it."""
    token = "123456789:" + "b" * 35
    command = [sys.executable, "-m", "smetka", "fake-telegram", "--port", "{port}", "--token", token]
    ids = [str(1001 + number) for number in range(chats)]
    command += [part for chat in ids for part in ("--chat", chat)]
    with running("fake-telegram", command, folder, {}, ready_path="/") as server:
        yield {
            "SMETKA_TELEGRAM_API_URL": f"http://{server.host}:{server.port}",
            "SMETKA_TELEGRAM_BOT_TOKEN": token,
            "SMETKA_TELEGRAM_CHAT_IDS": ",".join(ids),
        }


def mongodb_uri(folder: Path) -> str:
    """Where the MongoDB of the Smetka that runs on `folder` is, as `smetka status` says."""
    done = subprocess.run(
        [sys.executable, "-m", "smetka", "status", "--json", "--data-dir", str(folder / "data")],
        env=command_environment(),
        cwd=folder,
        capture_output=True,
        check=True,
    )
    return str(json.loads(done.stdout)["mongodb_uri"])


def command_environment() -> dict[str, str]:
    """The harness's own environment, without settings that would reach a contestant."""
    foreign = ("SMETKA_", "GRANIAN_", "FLASK_", "DATASETTE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return kept | {"PYTHONPATH": str(REPOSITORY)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: Server, path: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            if server.ask(path)[0] == 200:
                return
        except (OSError, HTTPException):
            pass
        time.sleep(0.02)
    raise NotStarted(f"{server.name} does not answer at {path}: {log.read_text(errors='replace')[-600:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        process.wait()
