"""What an earlier version stored is brought along at the first connection, whoever stops it at any point."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing

import pytest
from pymongo.errors import AutoReconnect

from smetka.core.errors import BonusStoreUnavailable
from smetka.storage import Storage, upgrade
from smetka.storage.lease import Lease
from smetka.storage.standings import FOLLOWING, with_what_follows
from tests.waiting import eventually


@pytest.fixture
def storage(older, new_mongodb_uri):
    storage = Storage(new_mongodb_uri, patience=30)
    yield storage
    storage.close()


def are_whole(database):
    records = list(database.bonus_customers.find())
    assert len(records) == 40
    assert database.bonus_years.find_one() == {"_id": 2026, "standings": ["api-pending-differing"]}
    assert {index["name"] for index in database.bonus_customers.list_indexes()} >= {"by_total"}
    return all(record == with_what_follows({**record}) for record in records)


def waits_for_another(storage):
    why = storage._availability.why_away(0.1)
    return bool(why) and why.causes == ("upgrade",) and why.reason.endswith("by another process")


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


SLOW = """
import sys
from smetka.storage import Storage, upgrade

whole = upgrade._upgrade

def slow(*arguments):
    whole(*arguments)
    print("a batch is done", flush=True)
    sys.stdin.readline()

upgrade._upgrade, upgrade.TOGETHER = slow, 7
Storage(sys.argv[1], patience=30).wait_for_upgrade()
"""


def test_one_process_does_it_and_another_goes_on_when_it_is_killed(
    older, storage, new_mongodb_uri, few_together, monkeypatch
):
    whole, batches = upgrade._upgrade, []

    def counts(database, batch, noted):
        batches.append(len(batch))
        whole(database, batch, noted)

    monkeypatch.setattr(upgrade, "_upgrade", counts)
    command = [sys.executable, "-c", SLOW, new_mongodb_uri]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        try:
            assert first.stdout.readline() == b"a batch is done\n"
            eventually(lambda: waits_for_another(storage))
            assert older.bonus_customers.count_documents({"standing": {"$ne": None}}) == 7
            assert batches == []
        finally:
            first.kill()
    storage.wait_for_upgrade()

    assert storage.available
    assert sum(batches) == 33
    assert are_whole(older)


def test_those_that_waited_go_on_when_it_is_done(older, storage, new_mongodb_uri):
    with closing(Storage(new_mongodb_uri, patience=30)) as other:
        other_s = Lease(other, "upgrade", now=upgrade._now)
        older.upgrades.insert_one({"_id": upgrade.LISTS, "finished_at": upgrade._now()})
        other.ping(30)
        assert other_s.hold()
        older.upgrades.delete_one({"_id": upgrade.LISTS})
        eventually(lambda: waits_for_another(storage))
        older.upgrades.insert_one({"_id": upgrade.LISTS, "finished_at": upgrade._now()})
        storage.wait_for_upgrade()  # the lease is held for all that

    assert storage.available


def test_one_that_was_taken_for_gone_leaves_it_to_the_next(older, storage, few_together, monkeypatch):
    """A process that was asleep for longer than its lease works on nothing that another began."""
    whole, held, batches = upgrade._upgrade, Lease.hold, []

    def counts(database, batch, noted):
        batches.append(len(batch))
        whole(database, batch, noted)

    monkeypatch.setattr(upgrade, "_upgrade", counts)
    monkeypatch.setattr(Lease, "hold", lambda self: not batches and held(self))  # lost at the second batch
    eventually(lambda: waits_for_another(storage))
    assert batches == [7]

    monkeypatch.setattr(Lease, "hold", held)
    storage.wait_for_upgrade()
    assert are_whole(older)


def test_its_own_lease_is_no_reason_to_wait(older, storage, few_together, monkeypatch):
    """The server went away so that the lease could not be let go of."""
    whole, faults = upgrade._upgrade, [AutoReconnect("gone"), AutoReconnect("gone")]

    def fails_once(*arguments):
        if faults:
            raise faults.pop()
        whole(*arguments)

    monkeypatch.setattr(upgrade, "_upgrade", fails_once)
    monkeypatch.setattr(Lease, "release", fails_once)
    with pytest.raises(BonusStoreUnavailable):
        storage.ping(30)

    eventually(lambda: storage.available)
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
