from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from bson import Decimal128, Int64

from smetka.bonus import records as records_module
from smetka.bonus.records import BonusCustomers
from smetka.core import exact_json
from smetka.core.errors import BonusStoreUnavailable, NotFound
from smetka.core.money import Money
from smetka.storage import Storage

THRESHOLD, TOTAL, SPENT = Money(1000_00), Money(2000_00), Money(1834_50)


def store(customers, user_id=1, year=2026, total=TOTAL, ledger_total=SPENT):
    return customers.store(user_id, year, total, threshold=THRESHOLD, ledger_total=ledger_total)


def test_the_answer_is_the_one_of_the_contract(customers):
    stored = store(customers)

    assert stored.created
    assert stored.url == "/api/v1/bonus-customers/2026/1"
    assert list(stored.as_json("MKD").items()) == [
        ("message", "Customer 1 is stored for the 2026 bonus."),
        ("user_id", 1),
        ("total_spending", 2000),
        ("year", 2026),
        ("currency", "MKD"),
        ("threshold", 1000),
        ("ledger_total", Decimal("1834.5")),
        ("matches_ledger", False),
        ("stored_at", "2026-11-23T17:20:31Z"),
        ("basis_period", "2026"),
        ("ledger_year_total", Decimal("1834.5")),
        ("note", None),
    ]
    assert '"ledger_total":1834.5,' in exact_json.dumps(stored.as_json("MKD"))


def test_the_record_can_be_read(customers):
    store(customers)

    assert list(customers.get(2026, 1).as_json("MKD").items()) == [
        ("user_id", 1),
        ("year", 2026),
        ("total_spending", 2000),
        ("currency", "MKD"),
        ("threshold", 1000),
        ("ledger_total", Decimal("1834.5")),
        ("matches_ledger", False),
        ("source", "api"),
        ("review", "pending"),
        ("stored_at", "2026-11-23T17:20:31Z"),
        ("updated_at", "2026-11-23T17:20:31Z"),
        ("basis_period", "2026"),
        ("ledger_year_total", Decimal("1834.5")),
    ]


def test_amounts_are_decimals_and_times_are_dates_in_the_database(customers, storage):
    store(customers)

    with storage.translated():
        record = storage.collection("bonus_customers").find_one({}, {"_id": 0})

    assert record == {
        "user_id": 1,
        "year": 2026,
        "total_spending": Decimal128("2000.00"),
        "threshold": Decimal128("1000.00"),
        "ledger_total": Decimal128("1834.50"),
        "matches_ledger": False,
        "source": "api",
        "review": "pending",
        "stored_at": datetime(2026, 11, 23, 17, 20, 31, 123000, tzinfo=UTC),
        "updated_at": datetime(2026, 11, 23, 17, 20, 31, 123000, tzinfo=UTC),
        "basis_period": "2026",
        "ledger_year_total": Decimal128("1834.50"),
        "standing": "api-pending-differing",
        "level": 0,
        "total_cents": 2000_00,
    }
    assert isinstance(record["user_id"], Int64)
    assert isinstance(record["total_cents"], Int64)


@pytest.mark.parametrize("again", ["by the same process", "by another process"])
def test_a_repeated_one_keeps_the_newest_total_and_the_first_time(customers, storage, clock, again):
    first = store(customers)
    clock.time += timedelta(days=1)

    second = store(customers if "same" in again else BonusCustomers(storage, clock), total=SPENT)

    assert not second.created
    assert second.stored_at == first.stored_at
    record = customers.get(2026, 1)
    assert record.total == SPENT
    assert record.matches_ledger
    assert record.review == "none"
    assert record.stored_at == first.stored_at
    assert record.updated_at == first.stored_at + timedelta(days=1)


def test_one_who_is_posted_again_costs_one_question(watched, clock):
    storage, commands = watched
    customers = BonusCustomers(storage, clock)
    first = store(customers)
    commands.clear()

    assert store(customers, total=Money(1900_00)).stored_at == first.stored_at
    assert [*map(names, commands)] == ["update"]
    assert store(BonusCustomers(storage, clock)).stored_at == first.stored_at
    assert [*map(names, commands)] == ["update", "update", "insert", "update", "find"]


def names(command):
    return next(iter(command))


def test_one_who_was_removed_and_stored_by_another_has_the_newer_first_time(customers, storage, clock):
    store(customers)
    with storage.translated():
        storage.collection("bonus_customers").delete_one({"user_id": 1})
    clock.time += timedelta(days=1)
    theirs = store(BonusCustomers(storage, clock))
    clock.time += timedelta(days=1)
    ours = store(customers, total=SPENT)

    assert (theirs.created, ours.created) == (True, False)
    assert ours.stored_at == theirs.stored_at == customers.get(2026, 1).stored_at
    assert customers.get(2026, 1).total == SPENT


def test_one_who_was_removed_is_new_again(customers, storage, clock):
    first = store(customers)
    with storage.translated():
        storage.collection("bonus_customers").delete_one({"user_id": 1})
    clock.time += timedelta(days=1)
    again = store(customers)

    assert again.created
    assert again.stored_at == customers.get(2026, 1).stored_at == first.stored_at + timedelta(days=1)


def test_what_is_remembered_of_customers_is_bounded(monkeypatch):
    monkeypatch.setattr(records_module, "MOST_FIRST_TIMES", 3)
    times, moment = records_module._FirstTimes(), datetime(2026, 1, 1, tzinfo=UTC)
    for user_id in (1, 2, 3, 1, 4):
        times.remember(user_id, 2026, moment)

    assert [user_id for user_id in range(1, 6) if times.of(user_id, 2026)] == [1, 3, 4]


def test_years_are_apart(customers):
    assert store(customers, year=2025).created
    assert store(customers, year=2026).created


def test_what_is_answered_is_what_is_read_later(customers):
    stored = store(customers)

    assert customers.get(2026, 1).stored_at == stored.stored_at


@pytest.mark.parametrize(
    ("year", "user_id"), [(2025, 1), (2026, 2)], ids=["another year", "another customer"]
)
def test_a_customer_who_is_not_stored_is_not_found(customers, year, user_id):
    store(customers)

    with pytest.raises(NotFound, match=f"Customer {user_id} is not stored for the {year} bonus"):
        customers.get(year, user_id)


@pytest.mark.parametrize(
    "amount",
    [Money(10**14), Money(1), Money(0), Money(-12_34)],
    ids=["largest", "cent", "nothing", "refunds"],
)
def test_amounts_are_exact_to_the_cent(customers, amount):
    store(customers, ledger_total=amount)

    assert customers.get(2026, 1).ledger_total == amount


def test_the_largest_id_is_stored(customers):
    assert store(customers, user_id=2**63 - 1).created
    assert customers.get(2026, 2**63 - 1).user_id == 2**63 - 1


def test_an_id_beyond_64_bits_is_refused_and_harms_nobody(customers, storage):
    with pytest.raises(BonusStoreUnavailable):
        store(customers, user_id=2**63)

    assert storage.available
    assert store(customers).created


def test_sixteen_who_race_on_ten_customers_create_each_once(mongodb_uri, clock):
    storages = [Storage(mongodb_uri, patience=30) for _ in range(2)]
    start = threading.Barrier(16, timeout=60)

    def race(number: int) -> list[int]:
        customers, created = BonusCustomers(storages[number % 2], clock), []
        for user_id in range(1, 11):
            start.wait()
            if store(customers, user_id=user_id, total=Money(2000_00 + number)).created:
                created.append(user_id)
        return created

    with ThreadPoolExecutor(16) as pool:
        created = [user_id for each in pool.map(race, range(16)) for user_id in each]

    with storages[0].within(10):
        records = list(storages[0].collection("bonus_customers").find())
    for storage in storages:
        storage.close()
    assert sorted(record["user_id"] for record in records) == list(range(1, 11))
    assert sorted(created) == list(range(1, 11))


@pytest.mark.process
def test_with_mongodb_away_nothing_is_confirmed(clock):
    storage = Storage("mongodb://127.0.0.1:1/smetka?timeoutMS=300")
    customers = BonusCustomers(storage, clock)

    with pytest.raises(BonusStoreUnavailable):
        store(customers)
    with pytest.raises(BonusStoreUnavailable):
        customers.get(2026, 1)
    storage.close()
