"""Whole processes: `smetka serve` as a user starts it, on a data directory of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import requests

SMETKA = [sys.executable, "-m", "smetka"]
START_SECONDS = 40
STOP_SECONDS = 20  # twice what is promised


class Shop:
    """A running `smetka serve`, or another command that runs until it is stopped."""

    def __init__(
        self, folder: Path, arguments: list[str], environment: dict[str, str], command: list[str] = SMETKA
    ) -> None:
        self.command = command
        self.data_dir = folder / "data"
        self.log = folder / "serve.log"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SMETKA_")},
            "SMETKA_DATA_DIR": str(self.data_dir),
            "SMETKA_PORT": "0",
            **environment,
        }
        self.last_url = ""  # where it was found last, for those who ask while nothing runs
        self.folder = folder
        self.arguments = arguments
        self.process: subprocess.Popen | None = None

    def start(self, *, wait: bool = True) -> Shop:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, *self.arguments],
                env=self.environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                process_group=0,  # as a terminal's shell starts it
            )
        if wait:
            self.wait_until_ready()
        return self

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        """Another smetka command with the same settings."""
        return subprocess.run(
            [*self.command, *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def status(self) -> dict:
        done = self.run("status", "--json")
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def wait_until(self, condition, seconds=START_SECONDS):
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, self.log.read_text()[-4000:]
            assert self.process.poll() is None, self.log.read_text()[-4000:]
            time.sleep(0.1)
        return value

    def wait_until_ready(self) -> dict:
        return self.wait_until(lambda: (s := self.status()).get("ready") and s)

    @property
    def url(self) -> str:
        url = json.loads((self.data_dir / "running.json").read_text())["url"]
        self.last_url = url or self.last_url
        return url

    def get(self, path: str, **options) -> requests.Response:
        return requests.get(self.url + path, timeout=10, **options)

    def answers(self) -> bool:
        """Whether its web server answers at all; false as long as it is not known where it is."""
        with contextlib.suppress(OSError, ValueError, requests.RequestException):
            return bool(self.url) and self.get("/healthz").status_code == 200
        return False

    def post(self, user_id: int, total="2000", **options) -> requests.Response:
        body = f'{{"user_id": {user_id}, "total_spending": {total}}}'
        headers = {"Content-Type": "application/json", **options.pop("headers", {})}
        return requests.post(
            self.url + "/write_to_mongodb", data=body, headers=headers, timeout=10, **options
        )

    def pids(self) -> dict[str, int]:
        return json.loads((self.data_dir / "running.json").read_text())["pids"]

    def family(self) -> list[psutil.Process]:
        """The parent and everything below it."""
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def close(self) -> None:
        if self.process is None:
            return
        family = []
        with contextlib.suppress(psutil.NoSuchProcess):
            family = self.family()
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()


@pytest.fixture
def new_shop(tmp_path, make_ledger):
    """A function that prepares a shop; everything it started is gone after the test."""
    shops = []

    def make(*arguments: str, ledger: Path | None = None, name: str = "shop", **environment: str) -> Shop:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        ledger = ledger or make_ledger(
            [(n, f"Customer {n}", f"c{n}@example.com", 17 + n % 50) for n in range(1, 101)],
            [(n, 100.10 * n, 2023 + n % 4) for n in range(1, 91)],
            name=f"{name}.db",
        )
        environment = {"SMETKA_LEDGER": str(ledger), **environment}
        shops.append(Shop(folder, ["serve", *arguments], environment))
        return shops[-1]

    yield make
    for shop in shops:
        shop.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """One running shop for all tests of a module that only ask and post."""
    import sqlite3

    folder = tmp_path_factory.mktemp("shop")
    with sqlite3.connect(folder / "shop.db") as ledger:
        ledger.executescript(
            """
            CREATE TABLE user_info (user_id INTEGER PRIMARY KEY, name TEXT, email TEXT, age INTEGER);
            CREATE TABLE user_spending (user_id INTEGER, money_spent REAL, year INTEGER);
            """
        )
        ledger.executemany(
            "INSERT INTO user_info VALUES (?, ?, ?, ?)",
            [(n, f"Customer {n}", None, 17 + n % 50) for n in range(1, 101)],
        )
        ledger.executemany(
            "INSERT INTO user_spending VALUES (?, ?, ?)", [(n, 100.10 * n, 2026) for n in range(1, 91)]
        )
    ledger.close()
    shop = Shop(folder, ["serve"], {"SMETKA_LEDGER": str(folder / "shop.db")})
    yield shop.start()
    shop.close()


def pytest_terminal_summary(terminalreporter):
    """The table of the torture tests, each row told by its test (see torture.py)."""
    rows = [
        value
        for report in terminalreporter.stats.get("passed", [])
        for name, value in getattr(report, "user_properties", [])
        if name == "torture"
    ]
    if rows:
        terminalreporter.write_line("\n| what | found |\n|---|---|")
        for row in sorted(rows):
            terminalreporter.write_line(f"| {row} |")
