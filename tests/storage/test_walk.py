"""Every record is read once, wherever on the line it lies and however dense it is there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from bson import Decimal128, Int64

from smetka.storage import walk
from smetka.storage.walk import records

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
