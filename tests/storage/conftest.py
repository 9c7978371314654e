"""Connections that are closed after the test, and how they refuse."""

from __future__ import annotations

import time

import pytest

from smetka.errors import BonusStoreUnavailable
from smetka.storage import Storage


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
