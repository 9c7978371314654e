"""What only speaks MongoDB's protocol is told from what does what we need, and what it lacks is named."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pymongo
import pytest
import structlog

from smetka.core.errors import CAUSES, BonusStoreUnavailable, BonusStoreUnusable
from smetka.storage import Storage, availability, connection
from smetka.storage.faults import Absence, Unfit
from tests.storage import lying
from tests.waiting import eventually

LACKS = [
    pytest.param(lying.no_validators(238), "validators", id="validators refused as not implemented"),
    pytest.param(lying.no_validators(72), "validators", id="validators refused as an option"),
    pytest.param(lying.drops_validators, "validators", id="validators dropped"),
    pytest.param(lying.no_unique_indexes, "unique indexes", id="unique indexes refused"),
    pytest.param(lying.drops_unique_indexes, "unique indexes", id="unique indexes dropped"),
    pytest.param(lying.no_sorting, "sorting", id="sorting refused"),
    pytest.param(lying.no_retryable_writes, "retryable writes", id="retryable writes refused"),
    pytest.param(lying.no_majority, "writes", id="no majority"),
    pytest.param(lying.no_decimals, "decimals", id="decimals refused"),
    pytest.param(lying.decimals_are_doubles, "decimals", id="decimals become doubles"),
    pytest.param(lying.dates_of_set_are_texts, "dates", id="dates become texts"),
    pytest.param(lying.upserts_in_silence, "upserts", id="upserts do not tell"),
]


@pytest.fixture
def through(new_mongodb_uri):
    """The real server, with a proxy before it that can lie."""
    server = lying.LyingServer(new_mongodb_uri)
    yield server
    server.close()


@pytest.fixture
def beside(new_mongodb_uri):
    """The same database without the proxy."""
    with pymongo.MongoClient(new_mongodb_uri) as client:
        yield client[urlsplit(new_mongodb_uri).path[1:]]


def told(storage, seconds=20):
    with pytest.raises(BonusStoreUnavailable) as refused, storage.within(seconds):
        storage.collection("leases").find_one()
    return refused.value


@pytest.mark.parametrize(("lie", "lack"), LACKS)
def test_what_a_server_lacks_is_named_and_nothing_is_left_behind(through, beside, connect, lie, lack):
    through.lie = lie
    with structlog.testing.capture_logs() as logs:
        error = told(connect(through.uri))

    assert isinstance(error, BonusStoreUnusable)
    assert lack in error.causes
    assert CAUSES[lack] in error.reason
    assert "cannot be reached" not in str(error)
    assert "repeating does not help" in str(error)
    assert [log["event"] for log in logs] == ["mongodb-unusable"]
    assert beside["checks"].count_documents({}) == 0 or lie is lying.no_retryable_writes


def test_who_may_not_widen_the_rules_of_an_earlier_version_is_told_which_role_may(through, beside, connect):
    connect(through.uri).ping(30)
    older = {"$jsonSchema": {"title": "bonus_customers 0"}}
    beside.command("collMod", "bonus_customers", validator=older)
    through.lie = lambda name, _: lying.refused(13, "not authorized") if name == "collMod" else None

    error = told(connect(through.uri))

    assert isinstance(error, BonusStoreUnusable)
    assert error.causes == ("collMod",)
    assert "dbAdmin" in str(error)
    assert "readWrite on the database is enough" not in error.reason


def test_a_server_that_was_mended_is_found_without_a_restart(through, connect, monkeypatch):
    monkeypatch.setattr(availability, "LASTING_PAUSE_SECONDS", 0.1)
    through.lie = lying.no_sorting
    storage = connect(through.uri)
    assert told(storage).causes == ("sorting",)

    through.lie = None

    eventually(lambda: storage.available)
    with storage.translated():
        assert storage.collection("leases").find_one() is None


def test_all_that_is_lacking_is_named_at_once(through, connect):
    def lie(name, command):
        return lying.drops_validators(name, command) or lying.no_sorting(name, command)

    through.lie = lie

    assert set(told(connect(through.uri)).causes) == {"validators", "sorting"}


def test_who_connect_at_once_do_not_disturb_each_other(through, beside):
    storages = [Storage(through.uri) for _ in range(6)]
    faults = []

    def use(storage):
        try:
            storage.ping(30)
        except BonusStoreUnavailable as error:
            faults.append(error.reason)

    threads = [threading.Thread(target=use, args=(storage,)) for storage in storages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for storage in storages:
        storage.close()

    assert faults == []
    assert beside["checks"].count_documents({}) == 0


def test_a_connection_found_again_is_not_tried_anew(through, connect):
    storage = connect(through.uri)
    storage.ping(30)
    through.asked.clear()

    storage._availability.lost(Absence("gone"))
    eventually(lambda: storage.available)

    assert "listCollections" in through.asked
    assert not {"insert", "update", "delete"} & set(through.asked)


def test_another_server_in_its_place_is_tried_until_it_will_do(through, beside, connect):
    storage = connect(through.uri)
    storage.ping(30)
    beside.client.drop_database(beside.name)
    through.lie = lying.no_sorting

    for _ in range(2):
        with pytest.raises(Unfit):
            storage._connect()
    through.lie = None

    storage._connect()


def test_making_collections_leaves_the_trial_its_whole_time(through, connect):
    left = {}

    def lie(name, command):
        if name not in left:  # the first of each
            left[name] = command.get("maxTimeMS")  # what the driver gives the server of its own time
            if name == "create":
                time.sleep(1)

    through.lie = lie

    connect(through.uri)._connect()

    whole = connection.ENSURE_SECONDS * 1000
    assert 0 < left["createIndexes"] < whole - 1000
    assert whole - 500 < left["insert"] <= whole


def test_an_index_that_is_there_will_do_where_none_is_made_beside_records(through, beside, connect):
    connect(through.uri).ping(30)
    beside["bonus_customers"].count_documents({})
    through.lie = lambda name, _: lying.refused(67, "not empty") if name == "createIndexes" else None

    connect(through.uri).ping(30)


@pytest.mark.parametrize(
    ("code", "is_lasting"), [(2, True), (20, True), (13, True), (11600, False), (189, False), (50, False)]
)
def test_a_fault_that_stays_is_never_told_as_one_that_passes(through, connect, code, is_lasting):
    storage = connect(through.uri)
    storage.ping(30)
    through.lie = lambda name, _: lying.refused(code, "no") if name == "find" else None

    # The driver asks again, to the last moment, what such a fault of a moment spoils.
    error = told(storage, seconds=20 if is_lasting else 0.5)

    assert isinstance(error, BonusStoreUnusable) is is_lasting
    assert ("repeating the request is safe" in str(error)) is not is_lasting


def test_many_records_that_are_refused_name_the_first_reason_without_what_is_in_them(storage):
    bad = [{"_id": "ABCD-EFGH-JKLM", "name": "Ана Петрова", "user_id": 4711}]
    with pytest.raises(BonusStoreUnavailable) as refused, storage.translated():
        storage.collection("vouchers").insert_many(bad, ordered=False)

    assert "alidation" in refused.value.reason
    assert "(error 121)" in refused.value.reason
    for secret in ("ABCD", "Ана", "4711"):
        assert secret not in refused.value.reason + str(refused.value)


def test_a_key_that_is_there_is_not_told(storage):
    lease = {"_id": "ABCD-EFGH-JKLM", "owner": "me", "fence": 1, "until": datetime(2026, 1, 1, tzinfo=UTC)}
    with pytest.raises(BonusStoreUnavailable) as refused, storage.translated():
        storage.collection("leases").insert_many([lease, lease], ordered=False)

    assert "E11000" in refused.value.reason
    assert "ABCD" not in refused.value.reason
