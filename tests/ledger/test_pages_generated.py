"""Generated ledgers of all kinds, and everything pages show of them, beside plain Python."""

from __future__ import annotations

import math
import random
from contextlib import closing

import pytest

from smetka.core.errors import UnknownCustomer
from smetka.core.money import Money
from smetka.ledger import Ledger, page_statements
from tests.ledger.oracle import Oracle
from tests.ledger.servers import File

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


@pytest.fixture(scope="module", params=SCHEMAS.values(), ids=SCHEMAS.keys())
def columns(request):
    return request.param


@pytest.fixture(scope="module", params=range(5))
def odd(request, tmp_path_factory, columns):
    """A generated ledger, open, and the oracle's look at it."""
    file = File(tmp_path_factory.mktemp("odd") / "shop.db")
    customers, payments = generated(request.param, columns)
    tables = zip(("user_info", "user_spending"), columns.split("|"), strict=True)
    file.execute(*(f"CREATE TABLE {table} ({declared})" for table, declared in tables))
    if request.param == 1:
        file.execute("CREATE INDEX spending ON user_spending (user_id, year, money_spent)")
    file.insert("user_info", customers)
    file.insert("user_spending", payments)
    with closing(Ledger(str(file.path))) as ledger:
        yield ledger, Oracle(file.path)


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
