"""Many new records: those that are there are told, and the embedded server never locks itself up."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from bson import Decimal128, Int64

from smetka.errors import BonusStoreUnavailable
from smetka.storage import Storage
from smetka.storage.batches import SCATTERED, insert_new
from smetka.storage.embedded import EmbeddedMongoDB

NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


def worker(number):
    return {"_id": str(number), "alive_at": NOW, "telegram": {}}


@pytest.mark.parametrize("together", [1, 7, 100])
def test_the_places_of_those_that_are_there_are_told(storage, together):
    insert_new(storage, "workers", [worker(n) for n in (3, 8, 19)], together=together)

    assert insert_new(storage, "workers", [worker(n) for n in range(20)], together=together) == [3, 8, 19]
    assert insert_new(storage, "workers", [], together=together) == []
    assert storage.collection("workers").count_documents({}) == 20


def test_a_record_that_is_refused_is_a_fault(storage):
    with pytest.raises(BonusStoreUnavailable):
        insert_new(storage, "workers", [worker(1), {"_id": "2"}], together=5)


@pytest.mark.process
@pytest.mark.timeout(240)
def test_scattered_keys_do_not_fill_the_embedded_servers_cache_for_good(tmp_path):
    chance = random.Random(5)
    numbers = chance.sample(range(10**9), 36_000)
    template = {
        **dict.fromkeys(("campaign", "currency", "timezone"), "year-end-2026"),
        **dict.fromkeys(("valid_from", "expires_at", "issued_at"), NOW),
        **dict.fromkeys(("value", "total_spending"), Decimal128("1500.00")),
        **dict.fromkeys(("issue", "revision"), 0),
        "status": "issued",
        "source": "ledger",
    }
    server = EmbeddedMongoDB(tmp_path)
    server.start()
    try:
        storage = Storage(server.uri, patience=30)
        records = [{"_id": f"{number:09d}", "user_id": Int64(number), **template} for number in numbers]
        assert insert_new(storage, "vouchers", records, together=SCATTERED) == []
        assert storage.collection("vouchers").find_one({"_id": f"{numbers[-1]:09d}"})
        storage.close()
    finally:
        server.stop()
