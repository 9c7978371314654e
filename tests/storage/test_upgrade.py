"""What an earlier version stored is brought along at the first connection, whoever stops it at any point."""

from __future__ import annotations

import pytest
from pymongo import MongoClient

from smetka.errors import BonusStoreUnavailable
from smetka.storage import Storage, upgrade
from smetka.storage.standings import FOLLOWING, with_what_follows
from tests.storage.test_walk import customer
from tests.waiting import eventually


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
def storage(older, new_mongodb_uri):
    storage = Storage(new_mongodb_uri, patience=30)
    yield storage
    storage.close()


@pytest.fixture
def few_together(monkeypatch):
    monkeypatch.setattr(upgrade, "TOGETHER", 7)


def are_whole(database):
    records = list(database.bonus_customers.find())
    assert len(records) == 40
    assert database.bonus_years.find_one() == {"_id": 2026, "standings": ["api-pending-differing"]}
    assert {index["name"] for index in database.bonus_customers.list_indexes()} >= {"by_total"}
    return all(record == with_what_follows({**record}) for record in records)


def test_the_first_connection_brings_everything_along(older, storage, few_together):
    before = {record["_id"]: record for record in older.bonus_customers.find()}
    storage.ping(30)

    assert are_whole(older)
    for record in older.bonus_customers.find():
        assert {name: record[name] for name in before[record["_id"]]} == before[record["_id"]]
        assert record.keys() - before[record["_id"]].keys() == {*FOLLOWING}


@pytest.mark.parametrize("stopped_after", [1, 3, 6])
def test_one_that_was_stopped_goes_on(older, storage, few_together, monkeypatch, stopped_after):
    whole, calls = upgrade._upgrade, []

    def stops(*arguments):
        calls.append(1)
        if len(calls) == stopped_after:
            raise OverflowError("stopped")  # as one of the driver's own faults
        whole(*arguments)

    monkeypatch.setattr(upgrade, "_upgrade", stops)
    with pytest.raises(BonusStoreUnavailable):
        storage.ping(30)

    eventually(lambda: storage.available)
    assert are_whole(older)


def test_nobody_is_answered_meanwhile_and_a_command_waits(older, storage, few_together, monkeypatch):
    whole, told = upgrade._upgrade, []

    def asks_too(*arguments):
        if told:  # from the second batch on
            with pytest.raises(BonusStoreUnavailable) as refused, storage.within(30):
                pass
            told.append(refused.value.causes)
        else:
            told.append(())
        whole(*arguments)

    monkeypatch.setattr(upgrade, "_upgrade", asks_too)
    storage.wait_for_upgrade()

    assert storage.available
    assert set(told[1:]) == {("upgrade",)}
    assert are_whole(older)


def test_several_at_once_do_no_harm(older, new_mongodb_uri, few_together):
    storages = [Storage(new_mongodb_uri, patience=30) for _ in range(3)]
    for each in storages:
        each.wait_for_upgrade()
        each.close()

    assert are_whole(older)


def test_what_somebody_changes_meanwhile_stays(older, storage, few_together, monkeypatch):
    whole = upgrade._upgrade

    def changes_first(database, batch, noted):
        changed = {"source": "collected", "review": "none", "matches_ledger": True}
        older.bonus_customers.update_one({"user_id": batch[0]["user_id"]}, {"$set": changed})
        whole(database, batch, noted)

    monkeypatch.setattr(upgrade, "_upgrade", changes_first)
    storage.wait_for_upgrade()

    records = list(older.bonus_customers.find({"source": "collected"}))
    assert len(records) >= 6
    assert all(record == with_what_follows({**record}) for record in records)


def test_it_is_done_once(older, storage, new_mongodb_uri, monkeypatch):
    storage.ping(30)
    monkeypatch.setattr(upgrade, "records", None)  # nothing is looked through any more
    again = Storage(new_mongodb_uri, patience=30)
    again.ping(30)
    again.close()

    assert are_whole(older)
