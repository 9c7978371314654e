"""Generated ledgers of all kinds, and everything pages show of them, beside plain Python."""

from __future__ import annotations

import math
import random
import sqlite3
from collections import defaultdict
from contextlib import closing
from decimal import Decimal

import pytest

from smetka.errors import UnknownCustomer
from smetka.ledger import Ledger, page_statements
from smetka.money import Money
from tests.ledger.conftest import age_of, amount_of, id_of

SCHEMAS = {
    "the brief's": "user_id INTEGER PRIMARY KEY, name TEXT, email TEXT, age INTEGER | user_id INTEGER, money_spent REAL, year INTEGER",
    "no key": "user_id INTEGER, name TEXT, email TEXT, age INTEGER | user_id INTEGER, money_spent REAL, year INTEGER",
    "a unique index": "user_id REAL UNIQUE, name, email, age REAL | user_id INT, money_spent NUMERIC, year INT",
    "all text": "user_id TEXT, name TEXT, email TEXT, age TEXT | user_id TEXT, money_spent TEXT, year TEXT",
    "no types": "user_id, name, email, age | user_id, money_spent, year",
    "mixed": "user_id INTEGER PRIMARY KEY, name BLOB, email, age | user_id TEXT, money_spent TEXT, year TEXT",
    "no names": "user_id INTEGER, called TEXT, post TEXT, age INTEGER | user_id INTEGER, money_spent REAL, year INTEGER",
}
NAMES = [
    "Ана Петровска",
    "АНА",
    "ана-марија",
    "Bob Anaheim",
    "100% Off",
    "under_score",
    "back\\slash",
    'O\'Brien "Bo"',
    "<script>alert(1)</script>",
    b"\xd0\x90\xd0\xbd\xd0\xb0 bytes",
    b"\xff\xfe",
    "",
    None,
    42,
]
IDS = [*range(-1, 30), "7", "007", "8.0", 9.0, 2.5, None, "abc", b"3", 2**63 - 1]
AGES = [None, 17, 20, 44, "42", "x", 30.9, 151]
AMOUNTS = [None, "12.50", "-3.10", "abc", "1e3", b"5", math.inf, 1e10, 1e11, 0, 5, 0.1, 0.2, -20.05]
YEARS = [2023, 2023, 2024, 2025, "2023", 2023.0, 2023.5, None, "x", -1]
SEARCHES = ["", "ана", "Ана", "АНА", "ana", "%", "_", "\\", "'", '"', "<SCRIPT>", "7", "42", "b", "100%", "nobody"]  # fmt: skip


def schema_of(columns):
    info, spending = columns.split("|")
    return f"CREATE TABLE user_info ({info}); CREATE TABLE user_spending ({spending});"


def generated(seed, columns):
    """Customers, as the schema takes them, and payments: some of nobody, and some without sense."""
    chance = random.Random(seed)
    kinds = [*IDS, *chance.choices(IDS, k=8)]
    if "UNIQUE" in columns or "PRIMARY KEY" in columns:
        kinds = [value for value in IDS if type(value) is int]
    customers = [
        (user_id, chance.choice(NAMES), chance.choice([*NAMES, f"n{seed}7@example.com"]), chance.choice(AGES))
        for user_id in chance.sample(kinds, k=len(kinds) * 2 // 3)
    ]
    payments = [
        (
            chance.choice(IDS),
            chance.choice([*AMOUNTS, *(chance.randint(-(10**4), 10**7) / 100 for _ in range(8))]),
            chance.choice(YEARS),
        )
        for _ in range(250)
    ]
    return customers, payments


def whole(value):
    value = id_of(value)
    if isinstance(value, int | float | Decimal) and math.isfinite(value) and value == int(value):
        return int(value)
    return None


def shown(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


class Oracle:
    """Everything in a ledger, in plain Python."""

    def __init__(self, path):
        with closing(sqlite3.connect(path)) as database:
            rows = database.execute("SELECT * FROM user_info")
            columns = [name.lower() for name, *_ in rows.description]
            self.rows = defaultdict(list)
            for row in rows.fetchall():
                values = dict(zip(columns, row, strict=True))
                if values["user_id"] is not None:
                    names = tuple(shown(values.get(column)) for column in ("name", "email"))
                    self.rows[id_of(values["user_id"])].append((*names, age_of(values["age"])))
            self.payments = [
                (id_of(payer), amount_of(amount), whole(year), shown(amount))
                for payer, amount, year in database.execute(
                    "SELECT user_id, money_spent, year FROM user_spending"
                )
            ]

    def years(self):
        years = defaultdict(lambda: [set(), 0, Decimal(0)])
        for payer, amount, year, _ in self.payments:
            if amount is not None and payer in self.rows:
                row = years[year]
                row[0].add(payer)
                row[1] += 1
                row[2] += amount
        ordered = sorted(years.items(), key=lambda item: (item[0] is None, item[0]))
        return [(year, len(who), count, total) for year, (who, count, total) in ordered]

    def years_of(self, user_id):
        years = defaultdict(lambda: [0, Decimal(0)])
        for payer, amount, year, _ in self.payments:
            if amount is not None and payer == user_id:
                years[year][0] += 1
                years[year][1] += amount
        return sorted(
            ((year, *row) for year, row in years.items()), key=lambda row: (row[0] is None, row[0] or 0)
        )

    def payments_of(self, user_id):
        found = [(amount, year, stored) for payer, amount, year, stored in self.payments if payer == user_id]
        return sorted(found, key=lambda row: (descending(row[1]), descending(row[0])))

    def age(self, user_id):
        return min((age for _, _, age in self.rows[user_id] if age is not None), default=None)

    def customers(self, text, in_names):
        """`{id: the (name, email) of its rows that were found}`"""
        listed = {
            int(user_id): rows for user_id, rows in self.rows.items() if 1 <= (whole(user_id) or 0) < 2**63
        }
        found = {}
        for user_id, rows in sorted(listed.items()):
            pairs = [
                (name, email)
                for name, email, _ in rows
                if not text
                or (text.isdigit() and int(text) == user_id)
                or (in_names and any(text.casefold() in stored.casefold() for stored in (name, email)))
            ]
            if pairs:
                found[user_id] = pairs if in_names else [("", "")]
        return found


def descending(number):
    return (1, 0) if number is None else (0, -number)


@pytest.fixture(params=SCHEMAS.values(), ids=SCHEMAS.keys())
def columns(request):
    return request.param


@pytest.fixture(params=range(5))
def odd(request, make_ledger, columns):
    """A generated ledger, open, and the oracle's look at it."""
    customers, payments = generated(request.param, columns)
    path = make_ledger(customers, payments, schema=schema_of(columns), index=request.param == 1)
    with closing(Ledger(str(path))) as ledger:
        yield ledger, Oracle(path)


def test_years_are_what_plain_decimals_say(odd):
    ledger, oracle = odd
    years = ledger.spending_by_year()

    assert [(year.year, year.spenders, year.payments, year.total.decimal) for year in years] == oracle.years()
    assert sum((year.total for year in years), Money(0)) == sum(
        (row.total for row in ledger.spending_by_age().rows), Money(0)
    )
    assert all(type(year.year) is int for year in years[:-1])
    assert years[-1].year is None


def test_customers_are_what_plain_decimals_say(odd):
    ledger, oracle = odd
    for user_id in [*range(1, 31), 2**63 - 1]:
        if user_id not in oracle.rows:
            with pytest.raises(UnknownCustomer):
                ledger.customer(user_id)
            continue
        answer, total = ledger.customer(user_id), ledger.total_spent(user_id)
        assert [(year.year, year.payments, year.total.decimal) for year in answer.by_year] == oracle.years_of(
            user_id
        )
        assert (answer.user_id, answer.age) == (user_id, oracle.age(user_id))
        assert (answer.total, answer.payments) == (total.total, total.payments)


def test_payments_are_what_plain_decimals_say(odd):
    ledger, oracle = odd
    for user_id in [*range(-1, 31), 2**63 - 1]:
        payments, expected = ledger.payments(user_id, 1000), oracle.payments_of(user_id)
        assert [(payment.amount and payment.amount.decimal, payment.year) for payment in payments] == [
            (amount, year) for amount, year, _ in expected
        ]
        assert sorted(payment.stored for payment in payments) == sorted(stored for *_, stored in expected)
        pages = [ledger.payments(user_id, 3, offset=offset) for offset in range(0, len(payments) + 3, 3)]
        assert [payment for page in pages for payment in page] == payments


@pytest.mark.parametrize("in_names", [False, True])
def test_lists_of_customers_are_what_plain_python_says(odd, in_names):
    ledger, oracle = odd
    for text in SEARCHES:
        expected = oracle.customers(text, in_names)

        found, after = [], None
        while page := ledger.customers(4, after=after, text=text, in_names=in_names):
            assert len(page) <= 4
            found += page
            after = page[-1].user_id

        assert [customer.user_id for customer in found] == list(expected), text
        for customer in found:
            assert type(customer.user_id) is int
            assert (customer.name, customer.email) in expected[customer.user_id]
            assert customer.age == oracle.age(customer.user_id)


def test_sums_in_parts_are_the_same_sums(odd):
    ledger, _ = odd
    layout = ledger.read(lambda opened: opened.layout)
    for question in (page_statements.spending_by_year(layout), page_statements.customer(layout)):
        plain, wide = (
            ledger.read(lambda opened, sql=sql: opened.rows(sql, {"user_id": 7}))
            for sql in (question.sql, question.wide_sql)
        )
        assert [(*row[:-2], row[-1]) for row in plain] == [
            (*row[:-2], row[-2] * 10**6 + row[-1]) for row in wide
        ]
        assert all(abs(row[-1]) < 10**6 * 250 for row in wide)
