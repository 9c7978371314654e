"""Ledgers of all kinds: a small one in a file, and databases on each engine's server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from contextlib import ExitStack, contextmanager

import pytest

from smetka.ledger import group_statements, page_statements, server_values, sqlite_values, statements
from tests.conftest import REPOSITORY
from tests.ledger.servers import CannotStart, Servers
from tests.selection import not_quick


@pytest.fixture
def shop(make_ledger):
    """A small ordinary ledger: customer 1 spent 300.30 in 2023 and 2024, 2 nothing, 3 got money back."""
    return make_ledger(
        customers=[(1, "Ана", None, 20), (2, "Bob", None, 30), (3, "C", None, None)],
        payments=[(1, 100.10, 2023), (1, 200.20, 2024), (3, -5.05, 2023)],
    )


@pytest.fixture
def much_larger_payments(monkeypatch):
    """A few payments overflow a sum of 64 bits, instead of ten million."""
    cached = [
        each
        for module in (statements, page_statements, group_statements)
        for each in vars(module).values()
        if hasattr(each, "cache_clear")
    ]
    for values in (sqlite_values, server_values):
        monkeypatch.setattr(values, "LARGEST_PAYMENT", 10**16)
    for statement in cached:
        statement.cache_clear()
    yield
    for statement in cached:
        statement.cache_clear()


@pytest.fixture(scope="session")
@not_quick
def server_of():
    """The name of an engine -> its server, started when it is first asked for, one for each test process."""
    servers = Servers()

    def server_of(engine):
        try:
            return servers.of(engine)
        except CannotStart as error:
            lacking = str(error)
        pytest.fail(lacking, pytrace=False)

    yield server_of
    servers.stop()


@pytest.fixture(scope="session")
def lent_database(server_of):
    """A context: an empty database of an engine's server, which is emptied afterwards and lent again."""
    spare = defaultdict(list)

    @contextmanager
    def lend(engine, *options):
        kept = spare[engine, options]
        database = kept.pop() if kept else server_of(engine).make_database(*options)
        try:
            yield database
        finally:
            if not database.server.runs:
                database.server.start()
            database.server.empty_database(database.name)
            kept.append(database)

    return lend


@pytest.fixture
def make_database(lent_database):
    """A function that gives an empty database on an engine's server to this test."""
    with ExitStack() as stack:
        yield lambda engine, *options: stack.enter_context(lent_database(engine, *options))


@pytest.fixture(scope="session")
@not_quick
def killed(tmp_path_factory):
    """A function that runs a command of ours in a process of its own: its status, and its steps if it lived.

    It dies just before the `last` of the steps whose names begin with `begin`: see `dying`. `settings` are
    constants of modules, by their full names.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SMETKA_")}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.ledger.dying"],
        cwd=tmp_path_factory.mktemp("dying"),
        env=environment | {"PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def killed(arguments, begin="", last=0, *, settings=None):
            asked = {"arguments": arguments, "begin": begin, "last": last, "settings": settings or {}}
            print(json.dumps(asked), file=process.stdin, flush=True)
            return tuple(json.loads(process.stdout.readline()))

        yield killed
        process.stdin.close()
