"""Connections that are closed after the test, and how they refuse; a database of an earlier version."""

from __future__ import annotations

import time

import pytest
from pymongo import MongoClient

from smetka.core.errors import BonusStoreUnavailable
from smetka.storage import Storage, upgrade
from tests.storage.test_walk import customer


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


@pytest.fixture
def older(new_mongodb_uri):
    """A database as version 0.1.0 left it: without the fields and the index that lists are read by."""
    with MongoClient(new_mongodb_uri) as client:
        database = client.get_default_database()
        database.create_collection(
            "bonus_customers", validator={"$jsonSchema": {"title": "bonus_customers 2"}}
        )
        database.bonus_customers.create_index(
            [("user_id", 1), ("year", 1)], name="customer_year", unique=True
        )
        database.bonus_customers.insert_many(map(customer, range(1, 41)))
        yield database


@pytest.fixture
def few_together(monkeypatch):
    monkeypatch.setattr(upgrade, "TOGETHER", 7)
