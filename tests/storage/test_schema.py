from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from bson import Decimal128, Int64
from pymongo import MongoClient
from pymongo.errors import DuplicateKeyError, WriteError

from smetka.storage import schema
from smetka.storage.ensure import ensure

NOW = datetime(2026, 11, 23, tzinfo=UTC)
CUSTOMER = {
    "user_id": Int64(1),
    "year": 2026,
    "total_spending": Decimal128("2000.00"),
    "threshold": Decimal128("1000.00"),
    "ledger_total": Decimal128("1834.50"),
    "matches_ledger": False,
    "source": "api",
    "review": "pending",
    "stored_at": NOW,
    "updated_at": NOW,
}
DOCUMENT_VALIDATION = 121


@pytest.fixture
def database(new_mongodb_uri):
    """One without any collection."""
    with MongoClient(new_mongodb_uri) as client:
        yield client.get_default_database()


@pytest.fixture
def made(mongodb_uri):
    """One with all of ours."""
    with MongoClient(mongodb_uri) as client:
        yield client.get_default_database()


@pytest.fixture
def customers(made):
    return made.bonus_customers


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"name": "Ана"}, id="a name"),
        pytest.param({"email": "ana@example.com"}, id="an e-mail"),
        pytest.param({"total_spending": 2000.0}, id="money as a float"),
        pytest.param({"ledger_total": 2000}, id="money as an integer"),
        pytest.param({"threshold": "1000"}, id="money as text"),
        pytest.param({"stored_at": "2026-11-23"}, id="a time as text"),
        pytest.param({"year": 2026.0}, id="a year as a float"),
        pytest.param({"user_id": "1"}, id="an id as text"),
        pytest.param({"matches_ledger": 1}, id="a flag as a number"),
        pytest.param({"review": "perhaps"}, id="an unknown review"),
        pytest.param({"source": None}, id="no source"),
    ],
)
def test_the_server_refuses_a_record_that_breaks_the_rules(customers, change):
    customers.insert_one(dict(CUSTOMER))

    with pytest.raises(WriteError) as inserted:
        customers.insert_one({**CUSTOMER, "user_id": Int64(2), **change})
    with pytest.raises(WriteError) as updated:
        customers.update_one({"user_id": 1}, {"$set": change})

    assert inserted.value.code == updated.value.code == DOCUMENT_VALIDATION
    assert customers.count_documents({}) == 1


@pytest.mark.parametrize("missing", sorted(CUSTOMER))
def test_every_field_of_a_bonus_customer_is_needed(customers, missing):
    with pytest.raises(WriteError):
        customers.insert_one({field: value for field, value in CUSTOMER.items() if field != missing})


def test_one_record_a_customer_and_year(customers):
    customers.insert_one(dict(CUSTOMER))
    customers.insert_one({**CUSTOMER, "year": 2025})
    customers.insert_one({**CUSTOMER, "user_id": Int64(2)})

    with pytest.raises(DuplicateKeyError):
        customers.insert_one(dict(CUSTOMER))


def test_making_the_rules_may_be_repeated_by_many_at_once(database, new_mongodb_uri):
    faults = []

    def repeat() -> None:
        with MongoClient(new_mongodb_uri) as client:
            try:
                for _ in range(3):
                    ensure(client.get_default_database())
            except Exception as error:
                faults.append(error)

    threads = [threading.Thread(target=repeat) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    assert set(database.list_collection_names()) == {rules.name for rules in schema.ALL}
    for rules in schema.ALL:
        assert len(database[rules.name].index_information()) == len(rules.indexes) + 1


def stored_validator(database) -> dict:
    (info,) = database.list_collections(filter={"name": "bonus_customers"})
    return info["options"]["validator"]


@pytest.mark.parametrize(
    "older",
    [{}, {"$jsonSchema": {"title": "bonus_customers 0", "required": ["gone"]}}],
    ids=["none", "older"],
)
def test_an_older_rule_is_replaced_and_records_stay(database, older):
    database.create_collection("bonus_customers", validator=older)
    database.bonus_customers.insert_one({**CUSTOMER, "gone": 1})

    ensure(database)

    assert stored_validator(database) == schema.BONUS_CUSTOMERS.validator
    assert database.bonus_customers.count_documents({}) == 1
    with pytest.raises(WriteError):
        database.bonus_customers.insert_one({**CUSTOMER, "user_id": Int64(2), "gone": 1})


def test_a_newer_rule_is_left_alone(database):
    newer = {"$jsonSchema": {"title": "bonus_customers 999", "required": ["user_id"]}}
    database.create_collection("bonus_customers", validator=newer)

    ensure(database)

    assert stored_validator(database) == newer


def test_an_optional_field_may_be_absent_or_null(made):
    delivery = {
        "_id": "a",
        "kind": "averages",
        "question": "q",
        "sequence": 0,
        "report_id": "r",
        "report": {},
        "chat": "@managers",
        "state": "queued",
        "attempt": 0,
        "faults": 0,
        "created_at": NOW,
        "updated_at": NOW,
        "next_attempt_at": NOW,
    }
    made.deliveries.insert_one(delivery)
    made.deliveries.insert_one({**delivery, "_id": "b", "owner": None, "message_id": Int64(7), "chat": -100})

    with pytest.raises(WriteError):
        made.deliveries.insert_one({**delivery, "_id": "c", "name": "Ана"})


def test_every_unique_index_begins_with_the_shard_key():
    unique = {
        rules.name: [i.document for i in rules.indexes if i.document.get("unique")] for rules in schema.ALL
    }

    assert [next(iter(index["key"])) for index in unique["bonus_customers"]] == ["user_id"]
    assert not unique["deliveries"]
    assert not unique["leases"]
