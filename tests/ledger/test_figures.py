from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from smetka.core.errors import UnknownCustomer
from smetka.core.money import Money
from smetka.ledger import Ledger
from tests.ledger.oracle import ask

FEW = 15
"""Examples of each schema, the same in every run; many more are looked for where time is no matter."""

SCHEMAS = {
    "the brief's": "user_id INTEGER PRIMARY KEY, name TEXT, age INTEGER | user_id INTEGER, money_spent REAL, year INTEGER",
    "no key": "user_id INTEGER, name TEXT, age INTEGER | user_id INTEGER, money_spent REAL, year INTEGER",
    "a unique index": "user_id INT UNIQUE, name TEXT, age REAL | user_id INT, money_spent NUMERIC, year INT",
    "all text": "user_id TEXT, name TEXT, age TEXT | user_id TEXT, money_spent TEXT, year TEXT",
    "text keys": "user_id VARCHAR(9) PRIMARY KEY, name, age INT | user_id VARCHAR(9), money_spent DECIMAL(9,2), year",
    "no types": "user_id, name, age | user_id, money_spent, year",
    "mixed, customers text": "USER_ID TEXT, name, Age | user_id INTEGER, Money_Spent, YEAR INTEGER",
    "mixed, payments text": "user_id INTEGER PRIMARY KEY, name, age | user_id TEXT, money_spent TEXT, year TEXT",
}
ids = st.one_of(
    st.integers(-1, 6), st.sampled_from([None, "3", "007", "3.0", " 4", "abc", "", 2.0, 2.5, b"2", 2**63 - 1])
)
ages = st.one_of(
    st.integers(15, 60),
    st.sampled_from(
        [None, 17, 18, 120, 150, 151, -1, 17.9, 150.9, "42", "42.7", "+5", "x", "", b"30", float("inf")]
    ),
)
cents = st.integers(-(10**8), 10**9)
amounts = st.one_of(
    cents.map(lambda c: c / 100),
    cents.map(lambda c: f"{c // 100}.{abs(c) % 100:02}"),
    st.integers(-5, 5000),
    st.sampled_from([None, 0.1, 0.2, 0.7, 1e10, -1e10, 10000000000.01, 1e300, float("inf"), float("-inf")]),
    st.sampled_from(
        ["abc", "", "12 ", "1e3", ".5", "5.", "+5.25", "--5", "1.2.3", "٣", "5\x00", b"5", b"", "9" * 400]
    ),
)
years = st.one_of(
    st.sampled_from([2023, 2024]), st.sampled_from([None, "2023", " 2024", 2023.0, 2023.5, "x", b"2023"])
)


def write(path: Path, schema: str, customers, payments, *, index: bool) -> None:
    info, spending = schema.split("|")
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.executescript(f"CREATE TABLE user_info ({info}); CREATE TABLE user_spending ({spending});")
        for user_id, age in customers:
            if "INTEGER PRIMARY KEY" in info and not isinstance(user_id, int):
                continue
            database.execute("INSERT OR IGNORE INTO user_info VALUES (?, 'n', ?)", (user_id, age))
        database.executemany("INSERT INTO user_spending VALUES (?, ?, ?)", payments)
        if index:
            database.execute("CREATE INDEX i ON user_spending (user_id, year, money_spent)")
        database.commit()


def assert_agreement(ledger: Ledger, path: Path, asked: range | list) -> None:
    for year in (None, 2023, 2024):
        opinion, rows = ask(path, year)
        spending = ledger.spending_by_age(year)
        assert {
            row.age: (row.customers, row.spenders, row.payments, row.total.decimal) for row in spending.rows
        } == rows
        assert (spending.ignored_payments, spending.orphan_payments) == (opinion.ignored, opinion.orphans)
        assert {user_id: total.decimal for user_id, total in ledger.spending_by_customer(year)} == {
            user_id: opinion.totals[user_id] for user_id in opinion.ages if opinion.payments.get(user_id, 0)
        }
        for user_id in asked:
            if user_id in opinion.ages:
                spent = ledger.total_spent(user_id, year)
                assert spent.total.decimal == opinion.totals.get(user_id, 0)
                assert spent.payments == opinion.payments.get(user_id, 0)
            else:
                with pytest.raises(UnknownCustomer):
                    ledger.total_spent(user_id, year)


@pytest.mark.parametrize("examples", [FEW, pytest.param(300, marks=pytest.mark.long)])
@pytest.mark.parametrize("index", [False, True], ids=["without index", "with index"])
@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_figure_is_what_plain_decimals_say(tmp_path, schema, index, examples):
    path = tmp_path / "shop.db"

    @settings(max_examples=examples, derandomize=examples == FEW)
    @given(
        customers=st.lists(st.tuples(ids, ages), max_size=8),
        payments=st.lists(st.tuples(ids, amounts, years), max_size=20),
    )
    def compare(customers, payments):
        path.unlink(missing_ok=True)
        write(path, SCHEMAS[schema], customers, payments, index=index)
        with closing(Ledger(str(path))) as ledger:
            assert_agreement(ledger, path, [-1, *range(9), 2**63 - 1])

    if examples == FEW:  # others than those of the next schema
        compare = seed(list(SCHEMAS).index(schema) * 2 + index)(compare)
    compare()


@pytest.mark.shared_data
@pytest.mark.parametrize("every", [10, pytest.param(1, marks=pytest.mark.long)])
def test_the_real_ledger_is_what_plain_decimals_say(shared_ledger, every):
    with closing(Ledger(str(shared_ledger))) as ledger:
        assert_agreement(ledger, shared_ledger, range(1, 3003, every))


@pytest.mark.shared_data
def test_the_real_ledger_has_the_known_totals(shared_ledger):
    with closing(Ledger(str(shared_ledger))) as ledger:
        rows = ledger.spending_by_age().rows

        assert sum((row.total for row in rows), Money(0)) == Money.parse("29965853.28")
        assert ledger.total_spent(100).total == Money.parse("20779.95")
        assert (ledger.total_spent(2774).total, ledger.total_spent(2774).payments) == (Money(0), 0)


def test_sums_are_exact_where_floats_are_not(make_ledger):
    path = make_ledger([(1, "a", None, 20)], [(1, 0.1, 2023)] * 10 + [(1, 1e10, 2023), (1, -1e10, 2023)])

    with closing(Ledger(str(path))) as ledger:
        assert ledger.total_spent(1).total == Money.parse("1.00")


def test_sums_beyond_64_bits_are_exact(much_larger_payments, make_ledger):
    payments = [(1, 10**15, 2023)] * 100 + [(1, 0.01, 2023), (2, -(10**15), 2023)]
    with closing(Ledger(str(make_ledger([(1, "a", None, 20), (2, "b", None, 20)], payments)))) as ledger:
        assert ledger.total_spent(1).total == Money(10**19 + 1)
        (row,) = ledger.spending_by_age().rows
        assert (row.payments, row.total) == (102, Money(10**19 + 1 - 10**17))


@pytest.mark.long
def test_the_sum_of_ten_million_payments_is_exact(tmp_path):
    """Of ten thousand million each, as a view."""
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript("""
            CREATE TABLE user_info (user_id INTEGER PRIMARY KEY, age INTEGER);
            CREATE TABLE some (user_id INTEGER, money_spent REAL, year INTEGER);
            INSERT INTO user_info VALUES (1, 20);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3100)
            INSERT INTO some SELECT 1, 9999999999.99, 2023 FROM n;
            CREATE VIEW user_spending AS SELECT a.user_id, a.money_spent, a.year FROM some a, some b;
        """)
    expected = Money(999_999_999_999 * 3100**2)
    assert expected.cents > 2**63

    with closing(Ledger(str(path))) as ledger:
        assert ledger.total_spent(1).total == expected
        (row,) = ledger.spending_by_age().rows
        assert (row.payments, row.total) == (3100**2, expected)


@pytest.mark.parametrize("user_id", [0, -1, 4, 2**63 - 1, 2**63, -(2**63) - 1, 10**30])
def test_an_id_of_nobody_is_an_unknown_customer(shop, user_id):
    with closing(Ledger(str(shop))) as ledger, pytest.raises(UnknownCustomer):
        ledger.total_spent(user_id)


@pytest.mark.parametrize("year", [1, 2022, 2**63, -(10**30)])
def test_a_year_without_payments_has_none(shop, year):
    with closing(Ledger(str(shop))) as ledger:
        assert ledger.total_spent(1, year).total == Money(0)
        spending = ledger.spending_by_age(year)

    assert [(row.age, row.customers, row.payments) for row in spending.rows] == [
        (20, 1, 0),
        (30, 1, 0),
        (None, 1, 0),
    ]
    assert (spending.ignored_payments, spending.orphan_payments) == (0, 0)


def test_extra_tables_columns_and_generated_ones_do_not_matter(tmp_path):
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript("""
            CREATE TABLE kind (age);
            CREATE TABLE User_Info (kind, user_id INTEGER PRIMARY KEY, born INTEGER, age INTEGER AS (2026 - born));
            CREATE TABLE USER_SPENDING (id INTEGER PRIMARY KEY, year INTEGER, price INTEGER, user_id INTEGER,
                                        money_spent REAL AS (price / 100.0), anon_1, age);
            INSERT INTO User_Info VALUES ('x', 7, 2000);
            INSERT INTO USER_SPENDING (year, price, user_id) VALUES (2023, 1999, 7);
        """)

    with closing(Ledger(str(path))) as ledger:
        assert ledger.total_spent(7).total == Money.parse("19.99")
        assert [(row.age, row.total) for row in ledger.spending_by_age().rows] == [(26, Money(1999))]


def test_ages_come_youngest_first_and_unknown_last(shop):
    with closing(Ledger(str(shop))) as ledger:
        assert [row.age for row in ledger.spending_by_age().rows] == [20, 30, None]
