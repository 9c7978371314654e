"""Many new records: those that are there are told, and the embedded server never locks itself up."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bson import Decimal128, Int64

from smetka.errors import BonusStoreUnavailable
from smetka.storage import launch, server_process
from smetka.storage.batches import SCATTERED, insert_new

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


def test_the_shipped_number_of_scattered_records():
    assert SCATTERED == 32


@pytest.mark.parametrize(
    ("cache", "count"),
    [
        # A twelfth of the cache: 500 at a time fill it with the second batch, 32 not with 2,900 records.
        pytest.param("2M", 1_200, id="a small cache"),
        pytest.param("24M", 36_000, id="as shipped", marks=pytest.mark.long),
    ],
)
def test_scattered_keys_do_not_fill_the_embedded_servers_cache_for_good(
    make_server, connect, tmp_path, monkeypatch, cache, count
):
    program = Path(launch.__file__).read_text()
    assert program.count('"24M"') == 1
    (tmp_path / "launch.py").write_text(program.replace('"24M"', f'"{cache}"'))
    monkeypatch.setattr(server_process, "_LAUNCH", tmp_path / "launch.py")
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
    server = make_server()
    server.start()
    storage = connect(server.uri)
    storage.ping(30)

    assert insert_new(storage, "vouchers", records, together=SCATTERED) == []

    with storage.within(30):
        assert storage.collection("vouchers").find_one({"_id": f"{numbers[-1]:09d}"})
