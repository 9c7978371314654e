"""Many new records: those that are there are told, and the embedded server never locks itself up."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bson import Decimal128, Int64
from pymongo import UpdateOne

from smetka.core.errors import BonusStoreUnavailable
from smetka.storage import batches, launch, server_process
from smetka.storage.batches import SCATTERED, insert_new, update_all
from smetka.storage.standings import with_what_follows

NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


def worker(number):
    return {"_id": str(number), "alive_at": NOW, "telegram": {}}


@pytest.mark.parametrize("together", [1, 7, 100])
def test_the_places_of_those_that_are_there_are_told(storage, together, monkeypatch):
    monkeypatch.setattr(batches, "SCATTERED", together)
    insert_new(storage, "workers", [worker(n) for n in (3, 8, 19)])

    assert insert_new(storage, "workers", [worker(n) for n in range(20)]) == [3, 8, 19]
    assert insert_new(storage, "workers", []) == []
    assert storage.collection("workers").count_documents({}) == 20


def test_a_record_that_is_refused_is_a_fault(storage):
    with pytest.raises(BonusStoreUnavailable):
        insert_new(storage, "workers", [worker(1), {"_id": "2"}])


def test_the_shipped_number_of_scattered_records():
    assert SCATTERED == 32


@pytest.fixture
def with_cache(make_server, connect, tmp_path, monkeypatch):
    """A function that starts an embedded server with a cache of a size, and connects to it."""

    def start(cache):
        program = Path(launch.__file__).read_text()
        assert program.count('"24M"') == 1
        (tmp_path / "launch.py").write_text(program.replace('"24M"', f'"{cache}"'))
        monkeypatch.setattr(server_process, "_LAUNCH", tmp_path / "launch.py")
        server = make_server()
        server.start()
        storage = connect(server.uri)
        storage.ping(30)
        return storage

    return start


@pytest.mark.parametrize(
    ("cache", "count"),
    [
        # A twelfth of the cache: 500 at a time fill it with the second batch, 32 not with 2,900 records.
        pytest.param("2M", 1_200, id="a small cache"),
        pytest.param("24M", 36_000, id="as shipped", marks=pytest.mark.long),
    ],
)
def test_scattered_keys_do_not_fill_the_embedded_servers_cache_for_good(with_cache, cache, count):
    numbers = random.Random(5).sample(range(10**9), count)
    template = {
        **dict.fromkeys(("campaign", "currency", "timezone"), "year-end-2026"),
        **dict.fromkeys(("valid_from", "expires_at", "issued_at"), NOW),
        **dict.fromkeys(("value", "total_spending"), Decimal128("1500.00")),
        **dict.fromkeys(("issue", "revision"), 0),
        "status": "issued",
        "source": "ledger",
    }
    records = [{"_id": f"{number:09d}", "user_id": Int64(number), **template} for number in numbers]
    storage = with_cache(cache)

    assert insert_new(storage, "vouchers", records) == []

    with storage.within(30):
        assert storage.collection("vouchers").find_one({"_id": f"{numbers[-1]:09d}"})


@pytest.mark.parametrize(
    ("cache", "count"),
    [
        pytest.param("2M", 1_200, id="a small cache"),
        pytest.param("24M", 36_000, id="as shipped", marks=pytest.mark.long),
    ],
)
def test_totals_that_lie_anywhere_do_not_fill_it_either(with_cache, cache, count):
    chance = random.Random(5)

    def stored(number):
        cents = chance.randrange(100_000, 10_000_000)
        return with_what_follows(
            {
                "user_id": Int64(number),
                "year": 2026,
                "source": "collected",
                "review": "none",
                **dict.fromkeys(("stored_at", "updated_at"), NOW),
                "total_spending": Decimal128(f"{cents / 100:.2f}"),
                "threshold": Decimal128("1000.00"),
                "ledger_total": Decimal128(f"{cents / 100:.2f}"),
                "matches_ledger": True,
            }
        )

    storage = with_cache(cache)

    assert insert_new(storage, "bonus_customers", [stored(number) for number in range(count)]) == []
    newest = [stored(number) for number in range(count)]
    update_all(
        storage,
        "bonus_customers",
        [UpdateOne({"user_id": each["user_id"]}, {"$set": each}) for each in newest],
    )

    assert storage.collection("bonus_customers").count_documents({}) == count
