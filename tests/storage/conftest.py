"""Servers that a test may kill, stop and damage."""

from __future__ import annotations

import time

import pytest

from smetka.errors import BonusStoreUnavailable
from smetka.storage import Storage
from smetka.storage.embedded import EmbeddedMongoDB


@pytest.fixture
def make_server(tmp_path):
    """A function that gives a server of the test's own, not started, in `tmp_path/<name>`."""
    servers = []

    def make(name="data", **options) -> EmbeddedMongoDB:
        servers.append(EmbeddedMongoDB(tmp_path / name, **options))
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def own_server(make_server):
    """A running server of the test's own."""
    server = make_server()
    server.start()
    return server


@pytest.fixture
def connect():
    """A function that gives a connection, closed after the test."""
    storages = []

    def make(uri: str) -> Storage:
        storages.append(Storage(uri))
        return storages[-1]

    yield make
    for storage in storages:
        storage.close()


@pytest.fixture
def eventually():
    """A function that waits until something is true, and fails after a long time."""

    def wait(what, seconds=30.0):
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.02)

    return wait


@pytest.fixture
def refusal():
    """A function that uses a storage that is away: (the error, the seconds it took)."""

    def use(storage, seconds=None):
        start = time.monotonic()
        with (
            pytest.raises(BonusStoreUnavailable) as caught,
            storage.translated() if seconds is None else storage.within(seconds),
        ):
            storage.collection("leases").find_one({"_id": "sender"})
        return caught.value, time.monotonic() - start

    return use
