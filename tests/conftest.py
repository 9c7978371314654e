"""What all tests share: real SQLite ledgers and a real MongoDB, started once for each test process."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import sqlite3
import subprocess
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import pymongo.monitoring
import pytest
import structlog
from playwright.sync_api import sync_playwright

from smetka.logs import QUIETED

REPOSITORY = Path(__file__).parent.parent
SHARED_DATA = REPOSITORY.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch, tmp_path):
    """No setting of the machine, and no .env of the checkout, reaches a test."""
    for name in [name for name in os.environ if name.startswith("SMETKA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))


@pytest.fixture(autouse=True)
def _logging_as_it_was():
    """Commands configure the logging of their process; here that process goes on."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in QUIETED}
    yield
    root.handlers[:], root.level = handlers, level
    for name, its_level in levels.items():
        logging.getLogger(name).setLevel(its_level)
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def shared_ledger() -> Path:
    """The real course ledger beside the checkout; tests that use it are marked `shared_data`."""
    path = SHARED_DATA / "users_vouchers.db"
    if not path.exists():
        pytest.skip("../shared/data/users_vouchers.db is not beside this checkout (see CONTRIBUTING.md)")
    return path


@pytest.fixture(scope="session")
def bot_api_specification() -> Path:
    """The Bot API's published methods beside the checkout."""
    path = SHARED_DATA / "telegram_bot_api.json"
    if not path.exists():
        pytest.skip("../shared/data/telegram_bot_api.json is not beside this checkout (see CONTRIBUTING.md)")
    return path


@pytest.fixture
def make_ledger(tmp_path):
    """A function that writes a SQLite file in the brief's schema and returns its path.

    `customers` are (user_id, name, email, age), `payments` are (user_id, money_spent, year).
    """

    def make(customers=(), payments=(), *, name="shop.db", schema=None, index=False) -> Path:
        path = tmp_path / name
        with sqlite3.connect(path) as database:
            database.executescript(
                schema
                or """
                CREATE TABLE user_info (user_id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT, age INTEGER);
                CREATE TABLE user_spending (user_id INTEGER, money_spent REAL, year INTEGER);
                """
            )
            database.executemany("INSERT INTO user_info VALUES (?, ?, ?, ?)", customers)
            database.executemany("INSERT INTO user_spending VALUES (?, ?, ?)", payments)
            if index:
                database.execute("CREATE INDEX spending ON user_spending (user_id, year, money_spent)")
        database.close()
        return path

    return make


@pytest.fixture(scope="session")
def embedded_server(tmp_path_factory):
    """A running embedded MongoDB, one for each test process."""
    from smetka.storage.embedded import EmbeddedMongoDB

    server = EmbeddedMongoDB(tmp_path_factory.mktemp("mongodb"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mongodb_uri(embedded_server) -> str:
    """The URI of the running server, with a database name of this test's own."""
    parts = urlsplit(embedded_server.uri)
    return parts._replace(path=f"/test_{uuid.uuid4().hex[:12]}").geturl()


@pytest.fixture
def storage(mongodb_uri):
    """A connection to a database of this test's own."""
    from smetka.storage import Storage

    storage = Storage(mongodb_uri)
    yield storage
    storage.close()


class _Listener(pymongo.monitoring.CommandListener):
    def __init__(self):
        self.commands = []

    def started(self, event):
        if event.command_name in {
            "find",
            "insert",
            "update",
            "delete",
            "count",
            "aggregate",
            "findAndModify",
        }:
            self.commands.append(event.command)

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass


@pytest.fixture
def watched(mongodb_uri):
    """A connection as `storage` is one, and the commands about records that it sends, as they are sent."""
    from smetka.storage import Storage

    storage, listener = Storage(mongodb_uri), _Listener()
    storage._address.options["event_listeners"] = [listener]
    storage.ping(30)
    listener.commands.clear()
    yield storage, listener.commands
    storage.close()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory) -> str:
    """The path of a Chromium: found, or installed by apt when root; else the test fails with the reason."""
    names = ("chromium", "chromium-browser", "google-chrome")
    if found := next(filter(None, map(shutil.which, names)), None):
        return found
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.fail(
            "The browser tests need Chromium on the PATH: `apt-get install chromium` as root.", pytrace=False
        )
    # One of the test processes installs, the others wait; the lock lies beside their own folders.
    lock = os.open(tmp_path_factory.getbasetemp().parent / "chromium.lock", os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shutil.which("chromium"):
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            for arguments in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
                done = subprocess.run(
                    ["apt-get", "-qq", *arguments], env=environment, capture_output=True, text=True
                )
                if done.returncode:
                    pytest.fail(
                        f"Chromium could not be installed by apt-get: {done.stderr[-300:]}", pytrace=False
                    )
    finally:
        os.close(lock)
    return shutil.which("chromium")


@pytest.fixture
def page(chromium):
    """A browser's page that keeps every complaint and every request that leaves this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.complaints = []
        page.on(
            "console",
            lambda message: page.complaints.append(message.text) if message.type == "error" else None,
        )
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None
                if "//127.0.0.1:" in request.url or request.url.startswith("data:")
                else page.complaints.append(f"left this machine: {request.url}")
            ),
        )
        yield page
        browser.close()
