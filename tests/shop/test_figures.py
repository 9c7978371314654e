"""The figures of a worker are those of the web server, to the last cent."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

import pytest

from smetka.core import exact_json
from smetka.core.errors import LedgerUnavailable, UnknownCustomer
from smetka.shop.figures import ShopFigures

pytestmark = pytest.mark.shop(
    customers=[(n, f"Customer {n}", f"{n}@example.com", 15 + n % 50) for n in range(1, 200)],
    payments=[(n % 230, n * 0.07 + 0.005, 2024 + n % 3) for n in range(1, 3000)],
)


@pytest.fixture
def clock(clock):
    clock.time = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)  # already 2027 in Skopje
    return clock


@pytest.fixture
def figures(shop, clock):
    figures = ShopFigures(shop.settings, now=clock)
    yield figures
    figures.close()


@pytest.fixture
def ask(shop, exact):
    """A function that asks the web application."""
    return lambda path: exact(shop.get(path))


@pytest.mark.parametrize("year", [None, 2025, 1999])
@pytest.mark.parametrize("basis", ["spender", "payment", "customer"])
def test_averages_are_those_of_the_api(figures, ask, year, basis):
    told = ask(f"/average_spending_by_age?notify=false&basis={basis}" + (f"&year={year}" if year else ""))
    del told["notification"]

    assert exact_json.dumps(figures.averages(year, basis)) == exact_json.dumps(told)


def test_a_customers_total_is_that_of_the_api(figures, ask):
    assert figures.customer(7, 2025) == ask("/total_spent/7?year=2025")
    assert figures.customer(7, None) == ask("/total_spent/7")
    with pytest.raises(UnknownCustomer):
        figures.customer(999, None)


def test_the_year_is_the_shops(figures):
    assert figures.current_year == 2027


def test_sums_agree_with_each_other(figures):
    shop, bonus = figures.shop(2025), figures.bonus(2025)
    averages = figures.averages(2025)

    everybody = [*averages["age_groups"], averages["outside"]]
    assert shop["total_spending"] == sum(part["total_spending"] for part in everybody)
    assert shop["spenders"] == sum(part["spenders"] for part in everybody)
    assert bonus["customers_due"] == sum(
        figures.customer(n, 2025)["total_spending"] > bonus["threshold"] for n in range(1, 200)
    )


def test_a_change_of_the_ledger_is_in_the_next_answer(figures, shop):
    before = figures.averages(None)["outside"]["payments"]
    with sqlite3.connect(shop.settings.ledger) as ledger:
        ledger.execute("INSERT INTO user_info VALUES (500, 'x', 'x@example.com', 3)")
        ledger.execute("INSERT INTO user_spending VALUES (500, 5, 2025)")
    ledger.close()

    assert figures.averages(None)["outside"]["payments"] == before + 1
    assert figures.person(500).email == "x@example.com"


def test_a_ledger_that_is_away_is_said(figures, shop):
    shop.services.ledger.path.unlink()

    with pytest.raises(LedgerUnavailable):
        figures.averages(None)
    with pytest.raises(LedgerUnavailable):
        figures.person(1)
