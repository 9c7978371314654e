"""Every record is read once, wherever on the line it lies and however dense it is there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from bson import Decimal128, Int64

from smetka.storage import walk
from smetka.storage.walk import records, records_of

NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


def customer(number):
    return {
        "user_id": Int64(number),
        "year": 2026,
        **dict.fromkeys(("total_spending", "threshold", "ledger_total"), Decimal128("1834.50")),
        "matches_ledger": False,
        "source": "api",
        "review": "pending",
        "stored_at": NOW,
        "updated_at": NOW,
    }


def delivery(number, created_at):
    return {
        "_id": str(number),
        **dict.fromkeys(("kind", "question", "report_id"), "x"),
        **dict.fromkeys(("sequence", "chat", "attempt", "faults"), number),
        "report": {},
        "state": "queued",
        **dict.fromkeys(("updated_at", "next_attempt_at"), NOW),
        "created_at": created_at,
    }


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param([], id="none"),
        pytest.param([-(2**63), -1, 0, 1, 999, 1000, 1001, 2**62, 2**63 - 2, 2**63 - 1], id="at the edges"),
        pytest.param([*range(1, 7001), *range(10**12, 10**12 + 7000)], id="dense, far apart"),
    ],
)
def test_every_customer_is_read_once(storage, numbers):
    if numbers:
        with storage.within(60):
            storage.collection("bonus_customers").insert_many(map(customer, numbers), ordered=False)

    assert sorted(record["user_id"] for record in records(storage, "bonus_customers")) == numbers


def test_every_delivery_is_read_once_whatever_its_date(storage):
    dates = [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=UTC),
        *(NOW + timedelta(seconds=n) for n in range(3000)),
        datetime(9999, 12, 31, tzinfo=UTC),
    ]
    with storage.within(60):
        storage.collection("deliveries").insert_many([delivery(n, date) for n, date in enumerate(dates)])

    assert sorted(record["created_at"] for record in records(storage, "deliveries")) == dates


def test_a_collection_without_a_path_is_read_as_a_whole(storage):
    with storage.within(60):
        storage.collection("workers").insert_many(
            [{"_id": str(n), "alive_at": NOW, "telegram": {}} for n in range(2500)]
        )

    assert len({record["_id"] for record in records(storage, "workers")}) == 2500


def test_no_question_asks_for_much_more_than_a_slice(storage, monkeypatch):
    found, asked = walk._found, []

    def counted(*arguments):
        batch = list(found(*arguments))
        asked.append(len(batch))
        return batch

    monkeypatch.setattr(walk, "_found", counted)
    with storage.within(60):
        storage.collection("bonus_customers").insert_many(map(customer, range(1, 12001)), ordered=False)

    assert len(list(records(storage, "bonus_customers"))) == 12000
    assert max(asked) <= 2 * walk.MANY


def test_a_question_and_fields_leave_out_the_others_in_the_order_of_the_path(storage):
    made = [customer(number) | {"year": 2025 + number % 2} for number in (9, 2, 10**15, 5, 4, -3)]
    with storage.within(60):
        storage.collection("bonus_customers").insert_many(made)

    found = list(records(storage, "bonus_customers", {"year": 2026}, ("user_id", "review")))

    assert [record["user_id"] for record in found] == [-3, 5, 9]
    assert all(set(record) == {"_id", "user_id", "review"} for record in found)


@pytest.mark.parametrize("count", [0, 1, 50, 51, 120])
def test_records_are_found_by_their_ids_as_far_as_they_are_there(storage, count):
    with storage.within(60):
        storage.collection("workers").insert_many(
            [{"_id": str(n), "alive_at": NOW, "telegram": {}} for n in range(200)]
        )
    asked = [str(3 * n) for n in range(count)]

    found = list(records_of(storage, "workers", asked, ("alive_at",)))

    assert sorted(record["_id"] for record in found) == sorted(each for each in asked if int(each) < 200)
    assert all(set(record) == {"_id", "alive_at"} for record in found)
