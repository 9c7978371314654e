"""The invented shop is always the same, and skewed as real ones are."""

from __future__ import annotations

import hashlib
import sqlite3
import statistics
from contextlib import closing

import pytest

from smetka.ledger.demo import CUSTOMERS, write_ledger
from tests.selection import not_quick


@pytest.fixture(scope="module")
@not_quick
def demo(tmp_path_factory):
    path = tmp_path_factory.mktemp("demo") / "shop.db"
    write_ledger(path)
    with closing(sqlite3.connect(path)) as ledger:
        yield ledger


def column(ledger, query: str) -> list:
    return [row[0] for row in ledger.execute(query)]


def test_it_is_the_same_shop_each_time_and_everywhere(demo):
    rows = [
        *demo.execute("SELECT * FROM user_info"),
        *demo.execute("SELECT * FROM user_spending ORDER BY rowid"),
    ]

    assert (
        hashlib.sha256(repr(rows).encode()).hexdigest()
        == "8bb86be2a20bc479cdadbeb9d64d7c5380524937ca695695fd4f1f11c35c58d4"
    )


def test_there_are_five_thousand_customers_from_15_to_85_and_some_of_unknown_age(demo):
    ages = column(demo, "SELECT age FROM user_info")

    assert len(ages) == CUSTOMERS
    known = [age for age in ages if age is not None]
    assert (min(known), max(known)) == (15, 85)
    assert 50 < len(ages) - len(known) < 200


def test_names_are_in_both_alphabets(demo):
    names = column(demo, "SELECT name FROM user_info")
    cyrillic = sum("Ѐ" <= name[0] <= "џ" for name in names)

    assert 3000 < cyrillic < 4000


def test_a_few_buy_much_many_little_and_some_nothing(demo):
    totals = sorted(column(demo, "SELECT SUM(money_spent) FROM user_spending GROUP BY user_id"), reverse=True)
    top_tenth = sum(totals[: len(totals) // 10]) / sum(totals)

    assert 0.25 * CUSTOMERS < CUSTOMERS - len(totals) < 0.4 * CUSTOMERS
    assert top_tenth > 0.4
    assert statistics.mean(totals) > 1.8 * statistics.median(totals)


def test_payments_lie_in_2023_to_2026_with_refunds_and_whole_cents(demo):
    assert column(demo, "SELECT DISTINCT year FROM user_spending ORDER BY year") == [2023, 2024, 2025, 2026]
    amounts = column(demo, "SELECT money_spent FROM user_spending")
    assert 0.01 < sum(amount < 0 for amount in amounts) / len(amounts) < 0.05
    assert all(amount == round(amount, 2) for amount in amounts)


def test_the_customer_of_the_examples_has_spent_something(demo):
    assert column(demo, "SELECT COUNT(*) FROM user_spending WHERE user_id = 1") != [0]
