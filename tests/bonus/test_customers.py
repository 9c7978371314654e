from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from smetka.bonus.customers import BonusRules, store_bonus_customer
from smetka.bonus.records import BonusCustomers
from smetka.core.errors import (
    BelowThreshold,
    BonusStoreUnavailable,
    LedgerUnavailable,
    TotalMismatch,
    UnknownCustomer,
)
from smetka.core.money import Money
from smetka.ledger import Ledger
from smetka.storage import Storage

SKOPJE = ZoneInfo("Europe/Skopje")


@pytest.fixture
def ledger(make_ledger):
    """Customer 1 spent 1500 in 2025 and 334.50 in 2026; customer 2 nothing."""
    ledger = Ledger(
        str(
            make_ledger(
                [(1, "Ана", "ana@example.com", 30), (2, "Bo", None, 40)],
                [(1, 1500.0, 2025), (1, 334.5, 2026)],
            )
        )
    )
    yield ledger
    ledger.close()


@pytest.fixture
def post(ledger, customers, clock):
    """A function that stores a customer as a POST does; amounts as text."""

    def store(
        user_id, total, year=None, *, verify="record", threshold="1000", timezone=SKOPJE, ledger=ledger
    ):
        rules = BonusRules(Money.parse(threshold), verify, "MKD", timezone, clock)
        return store_bonus_customer(
            user_id, Money.parse(total), year, rules=rules, ledger=ledger, customers=customers
        )

    return store


def count(storage) -> int:
    with storage.translated():
        return storage.collection("bonus_customers").count_documents({})


def test_without_a_year_all_spending_counts_for_the_current_bonus(post):
    stored = post(1, "1834.5")

    assert (stored.created, stored.year) == (True, 2026)
    assert stored.ledger_total == Money(1834_50)
    assert stored.matches_ledger


def test_with_a_year_the_total_is_that_years(post):
    stored = post(1, "1500", 2025)

    assert (stored.year, stored.ledger_total, stored.matches_ledger) == (2025, Money(1500_00), True)


@pytest.mark.parametrize("total", ["1000", "999.99", "0"])
def test_reaching_the_threshold_is_not_enough(post, storage, total):
    with pytest.raises(BelowThreshold) as refused:
        post(1, total)

    assert refused.value.threshold == Money(1000_00)
    assert count(storage) == 0


def test_one_cent_above_the_threshold_is_enough(post, storage):
    assert post(1, "1000.01").created
    assert count(storage) == 1


def test_the_threshold_is_the_shops(post):
    assert post(1, "0.01", threshold="0").created
    with pytest.raises(BelowThreshold):
        post(1, "2000", threshold="2000")


def test_a_stranger_is_refused_before_anything_else(post, storage):
    with pytest.raises(UnknownCustomer):
        post(3, "0", verify="require")

    assert count(storage) == 0


def test_a_customer_below_the_threshold_is_told_that_before_the_mismatch(post):
    with pytest.raises(BelowThreshold):
        post(1, "999", verify="require")


def test_a_difference_is_recorded_for_review(post, customers):
    stored = post(2, "2000")

    assert (stored.matches_ledger, stored.ledger_total) == (False, Money(0))
    assert customers.get(2026, 2).review == "pending"


def test_a_difference_is_refused_when_the_shop_requires_equality(post, storage):
    with pytest.raises(TotalMismatch) as refused:
        post(1, "2000", verify="require")

    assert (refused.value.total, refused.value.ledger_total) == (Money(2000_00), Money(1834_50))
    assert count(storage) == 0
    assert post(1, "1834.5", verify="require").created


@pytest.mark.parametrize(
    ("zone", "second", "year"),
    [
        pytest.param("Europe/Skopje", "2026-12-31T23:59:59+01:00", 2026, id="last second in Skopje"),
        pytest.param("Europe/Skopje", "2027-01-01T00:00:00+01:00", 2027, id="first second in Skopje"),
        pytest.param("Pacific/Auckland", "2026-12-31T23:59:59+13:00", 2026, id="last second in Auckland"),
        pytest.param("Pacific/Auckland", "2027-01-01T00:00:00+13:00", 2027, id="first second in Auckland"),
        pytest.param("America/New_York", "2026-12-31T23:59:59-05:00", 2026, id="last second in New York"),
        pytest.param(
            "UTC", "2027-01-01T00:30:00+01:00", 2026, id="half past midnight in Skopje, seen from UTC"
        ),
    ],
)
def test_the_current_year_is_the_one_in_the_shops_zone(post, clock, zone, second, year):
    clock.time = datetime.fromisoformat(second)

    assert post(1, "2000", timezone=ZoneInfo(zone)).year == year


def test_a_ledger_that_is_away_stops_it_before_mongodb_is_asked(post, storage, tmp_path):
    absent = Ledger(str(tmp_path / "gone.db"))

    with pytest.raises(LedgerUnavailable):
        post(1, "2000", ledger=absent)

    absent.close()
    assert count(storage) == 0


@pytest.mark.process
def test_a_refusal_needs_no_mongodb(ledger, clock):
    storage = Storage("mongodb://127.0.0.1:1/smetka?timeoutMS=300")
    rules = BonusRules(Money(1000_00), "record", "MKD", SKOPJE, clock)

    def store(user_id, total):
        return store_bonus_customer(
            user_id, total, None, rules=rules, ledger=ledger, customers=BonusCustomers(storage, clock)
        )

    with pytest.raises(UnknownCustomer):
        store(3, Money(2000_00))
    with pytest.raises(BelowThreshold):
        store(1, Money(1000_00))
    with pytest.raises(BonusStoreUnavailable):
        store(1, Money(2000_00))
    storage.close()


def test_a_total_is_compared_with_the_ledgers_of_the_period_that_the_record_names(post, customers):
    of_all, of_a_year = post(1, "1834.5"), post(1, "1500", 2025)

    assert (of_all.basis_period, of_all.ledger_total, of_all.year_total) == (
        "all",
        Money(1834_50),
        Money(334_50),
    )
    assert (of_a_year.basis_period, of_a_year.ledger_total) == ("2025", Money(1500_00))
    assert of_a_year.year_total == Money(1500_00)
    record = customers.get(2026, 1)
    assert (record.basis_period, record.matches_ledger, record.year_total) == ("all", True, Money(334_50))


@pytest.mark.parametrize(
    ("user_id", "total", "year", "code", "review"),
    [
        pytest.param(2, "2000", None, "nothing-spent-in-year", "pending", id="never bought anything"),
        pytest.param(3, "3000", None, "nothing-spent-in-year", "pending", id="bought in other years"),
        pytest.param(1, "1834.5", None, "year-below-threshold", "pending", id="too little in the year"),
        pytest.param(1, "1500", 2026, "year-below-threshold", "pending", id="a year's, not the ledger's"),
        pytest.param(1, "1500", 2025, None, "none", id="due, by the year's total"),
        pytest.param(4, "3000.02", None, None, "none", id="due, by the total of all years"),
        pytest.param(4, "3000.01", None, None, "pending", id="due, with a total that differs"),
    ],
)
def test_who_is_not_due_by_the_years_total_is_told_and_waits_for_a_decision(
    post, customers, make_ledger, user_id, total, year, code, review
):
    ledger = Ledger(
        str(
            make_ledger(
                [(n, "n", None, 30) for n in range(1, 5)],
                [
                    (1, 1500.0, 2025),
                    (1, 334.5, 2026),
                    (3, 3000.0, 2025),
                    (4, 2000.01, 2025),
                    (4, 1000.01, 2026),
                ],
                name="another.db",
            )
        )
    )

    answer = post(user_id, total, year, ledger=ledger).as_json("MKD")

    ledger.close()
    assert (answer["note"] or {"code": None})["code"] == code
    assert customers.get(year or 2026, user_id).review == review


def test_a_total_of_one_year_that_is_required_to_match_is_not_matched_by_that_of_all(post, storage):
    with pytest.raises(TotalMismatch, match=r"the ledger's 1500\.00 MKD for 2025\.$"):
        post(1, "1834.5", 2025, verify="require")
    with pytest.raises(TotalMismatch, match=r"the ledger's 1834\.50 MKD for all years\.$"):
        post(1, "1500", verify="require")

    assert count(storage) == 0
