"""The shop as a whole, and who is due a bonus, held against plain arithmetic."""

from __future__ import annotations

import random
import statistics
from decimal import ROUND_HALF_UP, Decimal

import pytest

from smetka.bonus.due import due
from smetka.core.money import Money
from smetka.ledger import Ledger
from smetka.spending.distribution import distribution

CENT = Decimal("0.01")


def of(make_ledger, totals, *, name="shop.db"):
    """A ledger in which customer n spent `totals[n - 1]` in 2025; None is a customer without a payment."""
    customers = [(n, "n", f"{n}@example.com", 30) for n, _ in enumerate(totals, 1)]
    payments = [(n, float(total), 2025) for n, total in enumerate(totals, 1) if total is not None]
    return Ledger(str(make_ledger(customers, payments, name=name)))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("count", [0, 1, 2, 9, 10, 11, 40, 101])
def test_median_and_top_tenth_are_those_of_plain_arithmetic(make_ledger, count, seed):
    chance = random.Random(seed * 1000 + count)
    totals = [Decimal(chance.randrange(-5_000, 900_000)).scaleb(-2) for _ in range(count)]
    ledger = of(make_ledger, [*totals, None, None])

    found = distribution(ledger, 2025)
    ledger.close()

    ordered = sorted(totals, reverse=True)
    tenth = len([n for n in range(count) if n * 10 < count])
    assert (found.customers, found.spenders, found.payments) == (count + 2, count, count)
    assert found.total.decimal == sum(totals, Decimal(0))
    assert (found.top_tenth, found.top_tenth_total.decimal) == (tenth, sum(ordered[:tenth], Decimal(0)))
    if count:
        median = Decimal(statistics.median(totals))
        away_from_zero = abs(median).quantize(CENT, ROUND_HALF_UP).copy_sign(median)
        assert found.median.decimal == away_from_zero
    else:
        assert found.median is None


def test_a_year_without_payments_has_figures_and_no_median(make_ledger):
    ledger = of(make_ledger, [Decimal(10)])

    found = distribution(ledger, 1999).as_json(currency="MKD")
    ledger.close()

    assert found == {
        "year": 1999,
        "currency": "MKD",
        "total_spending": 0,
        "customers": 1,
        "spenders": 0,
        "payments": 0,
        "median": None,
        "top_tenth": 0,
        "top_tenth_spending": 0,
    }


def test_who_is_due_exceeds_the_threshold_and_near_misses_reach_nine_tenths(make_ledger):
    ledger = of(make_ledger, ["1000.01", "1000", "900", "899.99", "1000.01", None, "5000"])

    found = due(ledger, 2025, Money(1000_00)).as_json(currency="MKD")
    ledger.close()

    assert found == {
        "year": 2025,
        "currency": "MKD",
        "threshold": 1000,
        "customers_due": 3,
        "total_spending": Decimal("7000.02"),
        "near_misses": 2,
        "customers": [
            {"user_id": 7, "total_spending": 5000},
            {"user_id": 1, "total_spending": Decimal("1000.01")},
            {"user_id": 5, "total_spending": Decimal("1000.01")},
        ],
    }


def test_ten_of_many_who_are_due_are_named(make_ledger):
    ledger = of(make_ledger, [Decimal(2000 + n) for n in range(30)])

    found = due(ledger, 2025, Money(1000_00))
    ledger.close()

    assert found.customers == 30
    assert [user_id for user_id, _ in found.largest] == list(range(30, 20, -1))
    assert due(ledger, 2024, Money(1000_00)).customers == 0


@pytest.mark.parametrize(
    ("stored", "known"),
    [
        (("Ана <Петрова> & син", "ana@example.com"), ("Ана <Петрова> & син", "ana@example.com")),
        ((None, None), ("", "")),
        ((12.5, b"raw"), ("12.5", "raw")),
    ],
)
def test_a_person_is_known_by_name_and_email(make_ledger, stored, known):
    schema = (
        "CREATE TABLE user_info (user_id INTEGER PRIMARY KEY, name, email, age INTEGER);"
        "CREATE TABLE user_spending (user_id INTEGER, money_spent REAL, year INTEGER);"
    )
    ledger = Ledger(str(make_ledger([(7, *stored, 30)], [], schema=schema)))

    person = ledger.person(7)

    assert (person.name, person.email) == known
    assert ledger.person(8) is None
    assert ledger.person(2**70) is None
    ledger.close()


def test_a_ledger_without_names_has_people_without_names(tmp_path):
    import sqlite3

    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as database:
        database.executescript(
            "CREATE TABLE user_info (user_id INTEGER PRIMARY KEY, age INTEGER);"
            "CREATE TABLE user_spending (user_id INTEGER, money_spent REAL, year INTEGER);"
            "INSERT INTO user_info VALUES (7, 30);"
        )
    database.close()
    ledger = Ledger(str(path))

    assert ledger.person(7).name == ""
    ledger.close()
