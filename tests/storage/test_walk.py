"""Every record is read once, wherever on the line it lies and however dense it is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

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


@pytest.fixture(params=[100, pytest.param(1, marks=pytest.mark.long)], ids=["small slices", "as shipped"])
def by(request, monkeypatch):
    """Slices and batches are so many times smaller than those shipped, for so many times fewer records."""
    for name in ("BATCH", "FEW", "MANY"):
        monkeypatch.setattr(walk, name, getattr(walk, name) // request.param)
    for name, path in walk._PATHS.items():
        monkeypatch.setitem(walk._PATHS, name, replace(path, width=path.width // request.param))
    return request.param


def test_the_shipped_slices():
    assert (walk.BATCH, walk.FEW, walk.MANY, walk.FEW_IDS, walk.EMPTY) == (1000, 200, 800, 50, 3)
    assert {name: path.width for name, path in walk._PATHS.items()} == {
        "bonus_customers": 1000,
        "vouchers": 1000,
        "deliveries": 3_600_000,
        "audit": 60_000,
    }


def none(_):
    return []


def at_the_edges(slice_):
    return [-(2**63), -1, 0, 1, slice_ - 1, slice_, slice_ + 1, 2**62, 2**63 - 2, 2**63 - 1]


def dense_and_far_apart(slice_):
    return [number for begin in (1, 10**12) for number in range(begin, begin + 7 * slice_)]


@pytest.mark.parametrize("numbers_of", [none, at_the_edges, dense_and_far_apart])
def test_every_customer_is_read_once(storage, by, numbers_of):
    if numbers := numbers_of(1000 // by):
        with storage.within(60):
            storage.collection("bonus_customers").insert_many(map(customer, numbers), ordered=False)

    assert sorted(record["user_id"] for record in records(storage, "bonus_customers")) == numbers


def test_every_delivery_is_read_once_whatever_its_date(storage, by):
    dates = [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=UTC),
        *(NOW + timedelta(seconds=n) for n in range(3000 // by)),
        datetime(9999, 12, 31, tzinfo=UTC),
    ]
    with storage.within(60):
        storage.collection("deliveries").insert_many([delivery(n, date) for n, date in enumerate(dates)])

    assert sorted(record["created_at"] for record in records(storage, "deliveries")) == dates


def test_a_collection_without_a_path_is_read_as_a_whole(storage, by):
    count = 2500 // by
    with storage.within(60):
        storage.collection("workers").insert_many(
            [{"_id": str(n), "alive_at": NOW, "telegram": {}} for n in range(count)]
        )

    assert len({record["_id"] for record in records(storage, "workers")}) == count


def test_no_question_asks_for_much_more_than_a_slice(storage, by, monkeypatch):
    count, found, asked = 12000 // by, walk._found, []

    def counted(*arguments):
        batch = list(found(*arguments))
        asked.append(len(batch))
        return batch

    monkeypatch.setattr(walk, "_found", counted)
    with storage.within(60):
        storage.collection("bonus_customers").insert_many(map(customer, range(1, count + 1)), ordered=False)

    assert len(list(records(storage, "bonus_customers"))) == count
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


def test_a_page_begins_behind_any_place_whatever_gaps_there_are(storage):
    ids = [-5, 1, 2, 9, 10**6, 10**12, 2**63 - 2]
    with storage.translated():
        storage.collection("bonus_customers").insert_many(map(customer, ids))

    def page(after):
        found = records(storage, "bonus_customers", after=after, wanted=2)
        return [record["user_id"] for record in islice(found, 2)]

    assert {after: page(after) for after in (None, -7, -5, 0, 2, 9, 10**12, 2**63 - 2)} == {
        None: [-5, 1],
        -7: [-5, 1],
        -5: [1, 2],
        0: [1, 2],
        2: [9, 10**6],
        9: [10**6, 10**12],
        10**12: [2**63 - 2],
        2**63 - 2: [],
    }
