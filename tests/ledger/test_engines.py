"""Whatever the engine and however its tables are declared: the same ledger, the same answers, to the cent."""

from __future__ import annotations

import contextlib
import math
import re
import sqlite3
import statistics
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from smetka.core.age_groups import name_of_group, parse_age_groups
from smetka.core.errors import LedgerUnavailable, NotAtOnce, UnknownCustomer
from smetka.core.money import Money
from smetka.ledger import Ledger
from smetka.ledger.checkup import check_up
from smetka.ledger.group_statements import spending_by_group
from smetka.ledger.spending import groups_of
from tests.ledger.engines import (
    ENGINES,
    LARGEST,
    LAYOUTS,
    SEARCHES,
    SERVED,
    both_tables,
    generated,
    merge_tree,
    write,
    write_for_oracle,
)
from tests.ledger.oracle import PLAIN, Oracle, age_of, amount_of, ask, id_of, whole
from tests.ledger.servers import File
from tests.waiting import eventually

GROUPS = parse_age_groups("18-24,25-30,31-36,37-47,>47")
YEARS = [None, 2023, 2024, 1900, 0, -1, 2**40, LARGEST, 10**30]


@dataclass
class Written:
    """One generated ledger, open on its engine, beside what it is."""

    ledger: Ledger
    path: Path
    oracle: Oracle
    customers: list[tuple[Any, ...]]
    payments: list[tuple[Any, ...]]
    engine: str
    opinions: dict = field(default_factory=dict)

    def opinion(self, year=None):
        """As `oracle.ask`, which is asked once."""
        if year not in self.opinions:
            self.opinions[year] = ask(self.path, year)
        return self.opinions[year]

    @property
    def asked(self):
        """The ids of all customers that can be asked for, and of some who are nobody's."""
        known = [int(user_id) for user_id in self.oracle.rows if whole(user_id) is not None]
        if self.engine == "clickhouse":
            known = known[::3]  # made for few and large questions, it takes its time for small ones
        return [*known, LARGEST, 100, 77, -9]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            (engine, name, seed), id=f"{engine}, {name}, {seed}", marks=[pytest.mark.long] * (seed > 0)
        )
        for engine in ENGINES
        for name in LAYOUTS[engine]
        for seed in range(1 if engine == "clickhouse" else 3)
    ],
)
def written(request, lent_database, tmp_path_factory):
    engine, name, seed = request.param
    layout, folder = LAYOUTS[engine][name], tmp_path_factory.mktemp("written")
    customers, payments = generated(layout, seed)
    write_for_oracle(folder / "oracle.db", layout, customers, payments)
    with ExitStack() as stack:
        if engine == "sqlite":
            database, location = File(folder / "shop.db"), str(folder / "shop.db")
        else:
            database = stack.enter_context(lent_database(engine, *layout.options))
            location = database.url
        write(database, layout, customers, payments)
        ledger = stack.enter_context(closing(Ledger(location)))
        oracle = Oracle(folder / "oracle.db")
        yield Written(ledger, folder / "oracle.db", oracle, customers, payments, engine)


def test_sums_by_age_are_what_plain_decimals_say(written):
    for year in YEARS:
        opinion, rows = written.opinion(year)
        spending = written.ledger.spending_by_age(year)

        assert {
            row.age: (row.customers, row.spenders, row.payments, row.total.decimal) for row in spending.rows
        } == rows, year
        assert (spending.ignored_payments, spending.orphan_payments) == (opinion.ignored, opinion.orphans)
        ages = [row.age for row in spending.rows]
        assert ages == sorted(ages, key=lambda age: (age is None, age))
        assert all(
            type(number) is int
            for row in spending.rows
            for number in (row.customers, row.payments, row.total.cents)
        )


@pytest.mark.parametrize(
    "groups", ["18-24,25-30,31-36,37-47,>47", "30-39,0-0,>100", "0-150", "20-20,21-21"], ids=str
)
def test_groups_and_their_middles_are_what_plain_decimals_say(written, groups):
    groups = parse_age_groups(groups)
    for year in YEARS:
        opinion, rows = written.opinion(year)
        spending = written.ledger.spending_by_group(groups, year)

        assert (spending.ignored_payments, spending.orphan_payments) == (opinion.ignored, opinion.orphans)
        assert [row.group for row in spending.rows] == [*(group.name for group in groups), None]
        for row in spending.rows:
            ages = {age for age in {*rows, *opinion.ages.values()} if name_of_group(age, groups) == row.group}
            parts = [rows[age] for age in ages if age in rows]
            sums = [sum(column) for column in zip(*parts, strict=True)] or [0, 0, 0, 0]
            assert [row.customers, row.spenders, row.payments, row.total.decimal] == sums
            spent = [
                opinion.totals[user_id]
                for user_id, age in opinion.ages.items()
                if opinion.payments.get(user_id, 0) and age in ages
            ]
            assert row.median == (median(spent) if spent else None), (year, row)
            assert row.largest == (Money.from_decimal(max(spent)) if spent else None), (year, row)


def median(amounts):
    """By the definition: the middle one, or half of what the two in the middle come to, halves away from 0."""
    exact = statistics.median(map(Fraction, amounts)) * 100
    cents = int(abs(exact) + Fraction(1, 2))
    return Money(-cents if exact < 0 else cents)


def test_sums_by_customer_are_what_plain_decimals_say(written):
    for year in YEARS:
        opinion, _ = written.opinion(year)
        spent = written.ledger.spending_by_customer(year)

        expected = {
            user_id: opinion.totals[user_id] for user_id in opinion.ages if opinion.payments.get(user_id, 0)
        }
        assert {user_id: total.decimal for user_id, total in spent} == expected
        assert len(spent) == len(expected)
        for user_id, total in spent.known():
            assert spent.of(user_id) == total
            assert spent.age_of(user_id) == opinion.ages[user_id]
        assert sorted(map(int, spent.ids)) == list(spent.ids)


def test_the_total_of_a_customer_is_what_plain_decimals_say(written):
    for year in (None, 2023, 10**30):
        opinion, _ = written.opinion(year)
        for user_id in written.asked:
            if user_id not in opinion.ages:
                with pytest.raises(UnknownCustomer):
                    written.ledger.total_spent(user_id, year)
                continue
            spent = written.ledger.total_spent(user_id, year)
            assert (spent.user_id, spent.total.decimal) == (user_id, opinion.totals.get(user_id, 0))
            assert spent.payments == opinion.payments.get(user_id, 0)
            assert type(spent.payments) is type(spent.total.cents) is int


def test_years_are_what_plain_decimals_say(written):
    years = written.ledger.spending_by_year()

    assert [
        (year.year, year.spenders, year.payments, year.total.decimal) for year in years
    ] == written.oracle.years()
    assert all(year.year is None or type(year.year) is int for year in years)


def test_customers_one_by_one_are_what_plain_decimals_say(written):
    ledger, oracle = written.ledger, written.oracle
    for user_id in written.asked:
        person = ledger.person(user_id)
        if user_id not in oracle.rows:
            assert person is None
            with pytest.raises(UnknownCustomer):
                ledger.customer(user_id)
            continue
        answer, total = ledger.customer(user_id), ledger.total_spent(user_id)
        assert [(year.year, year.payments, year.total.decimal) for year in answer.by_year] == oracle.years_of(
            user_id
        )
        assert (answer.user_id, answer.age) == (user_id, oracle.age(user_id))
        assert (answer.total, answer.payments) == (total.total, total.payments)
        # Columns of a fixed width are filled up with blanks or zero bytes.
        stored = {(name, email) for name, email, _ in oracle.rows[user_id]}
        assert (person.name, person.email.rstrip(" \0")) in stored


def test_payments_are_what_plain_decimals_say(written):
    ledger, oracle = written.ledger, written.oracle
    for user_id in written.asked:
        payments, expected = ledger.payments(user_id, 1000), oracle.payments_of(user_id)
        assert [(payment.amount and payment.amount.decimal, payment.year) for payment in payments] == [
            (amount, year) for amount, year, _ in expected
        ]
        assert sorted(shown(payment.stored) for payment in payments) == sorted(
            shown(stored) for *_, stored in expected
        )
        pages = [ledger.payments(user_id, 5, offset=offset) for offset in range(0, len(payments) + 5, 5)]
        assert [payment for page in pages for payment in page] == payments
        assert ledger.payments(user_id, 0) == []


def shown(stored):
    """How the amount is written is the engine's; which amount is not."""
    if stored.lower().lstrip("+-") in {"inf", "infinity", "nan"} or stored == "":
        return stored.lower().replace("infinity", "inf").replace("nan", "")
    plain = re.sub(r"^(-?)\$", r"\1", stored).replace(",", "") if "$" in stored else stored
    if PLAIN.fullmatch(plain) or re.fullmatch(r"-?[0-9.]+e[+-]?[0-9]+", plain, re.IGNORECASE):
        return format(Decimal(plain).normalize(), "f")
    return stored


def test_lists_of_customers_are_what_plain_python_says(written):
    for text, in_names in product(SEARCHES, (False, True)):
        expected = written.oracle.customers(text, in_names)

        found, after = [], None
        while page := written.ledger.customers(20, after=after, text=text, in_names=in_names):
            assert len(page) <= 20
            found += page
            after = page[-1].user_id

        assert [customer.user_id for customer in found] == list(expected), (text, in_names)
        for customer in found:
            assert type(customer.user_id) is int
            assert (customer.name, customer.email.rstrip(" \0")) in expected[customer.user_id]
            assert customer.age == written.oracle.age(customer.user_id)


def test_a_list_ends_where_there_are_no_more(written):
    ledger = written.ledger
    ids = [customer.user_id for customer in ledger.customers(1000)]

    assert ids == sorted(set(ids))
    assert ledger.customers(0) == []
    assert ledger.customers(5, after=LARGEST) == ledger.customers(5, after=10**30) == []
    assert [customer.user_id for customer in ledger.customers(10**30, after=-(10**30))] == ids
    assert ledger.customers(5, text="9" * 40) == []
    assert ledger.customers(5, text="a" * 2000, in_names=True) == []
    assert ledger.customers(5, text="a\0b", in_names=True) == []


def test_an_id_of_nobody_is_an_unknown_customer(written):
    for user_id in (2**63, -(2**63) - 1, 10**30, 77, -9):
        ledger = written.ledger

        for question in (ledger.total_spent, ledger.customer):
            with pytest.raises(UnknownCustomer):
                question(user_id)
        assert ledger.person(user_id) is None
        assert ledger.payments(user_id, 10) == []


def test_a_check_up_finds_what_is_odd_and_nothing_else(written):
    found = check_up(written.ledger, GROUPS, current_year=2026)
    opinion, rows = written.opinion()

    assert (found.customers, found.spenders, found.counted_payments, found.total.decimal) == (
        sum(row[0] for row in rows.values()),
        sum(row[1] for row in rows.values()),
        sum(row[2] for row in rows.values()) + opinion.orphans,
        sum(row[3] for row in rows.values()),
    )
    assert found.payments == len(written.payments)
    assert (found.youngest, found.oldest) == (
        min(age for age in rows if age is not None),
        max(age for age in rows if age is not None),
    )
    years = Counter(whole(year) for *_, year in written_rows(written.path, "user_spending"))
    assert found.years == {year: count for year, count in years.items() if year is not None}

    counts, expected = Counter({problem.kind: problem.count for problem in found.problems}), odd(written)
    without_amount = [kind for kind in counts if kind.startswith("amount-") and kind != "amount-as-text"]
    assert sum(counts[kind] for kind in without_amount) == opinion.ignored
    if has_nan(written):
        # Missing for SQLite, a number that is none for the others.
        for kind in ("year-missing", "year-not-whole", *without_amount):
            counts.pop(kind, None), expected.pop(kind, None)
    assert {kind: counts[kind] for kind in [*expected, *ALWAYS_TOLD] if counts[kind]} == dict(+expected)
    assert set(counts) <= {
        *expected,
        *ALWAYS_TOLD,
        *ABOUT_TABLES,
        *without_amount,
        "year-missing",
        "year-not-whole",
    }


ALWAYS_TOLD = """
    amount-missing amount-text amount-infinite amount-too-large amount-as-text refund zero-payment year-missing
    year-not-whole year-implausible orphan-payment age-unknown age-in-no-group id-missing id-not-positive id-twice
    more-than-two-decimals
""".split()
ABOUT_TABLES = {"column-type", "no-index"}


def written_rows(path, table):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(f"SELECT * FROM {table}").fetchall()


def has_nan(written):
    return any(
        isinstance(value, float | Decimal) and math.isnan(value)
        for row in [*written.customers, *written.payments]
        for value in row
    )


def odd(written):
    """How many rows have each oddity."""
    counts = Counter()
    customers, payments = (written_rows(written.path, table) for table in ("user_info", "user_spending"))
    known = {id_of(user_id) for user_id, *_ in customers if user_id is not None}
    decimals = {
        id(row): isinstance(before[1], Decimal | int)
        for row, before in zip(payments, written.payments, strict=True)
    }
    for row in payments:
        payer, stored, year = row
        amount = amount_of(stored)
        is_text = isinstance(stored, str) and not decimals[id(row)]
        if amount is not None:
            counts["amount-as-text"] += is_text
            counts["refund"] += amount < 0
            counts["zero-payment"] += amount == 0
            counts["orphan-payment"] += payer is None or id_of(payer) not in known
        elif stored is None:
            counts["amount-missing"] += 1
        elif isinstance(stored, float) and math.isinf(stored):
            counts["amount-infinite"] += 1
        elif is_text and not PLAIN.fullmatch(stored):
            counts["amount-text"] += 1
        else:
            counts["amount-too-large"] += 1
        if year is None:
            counts["year-missing"] += 1
        elif whole(year) is None:
            counts["year-not-whole"] += 1
        else:
            counts["year-implausible"] += not 1900 <= whole(year) <= 2026
    for user_id, _, _, age in customers:
        counts["age-unknown"] += age_of(age) is None
        counts["age-in-no-group"] += age_of(age) is not None and age_of(age) < 18
        if user_id is None:
            counts["id-missing"] += 1
        else:
            counts["id-not-positive"] += whole(user_id) is None or whole(user_id) < 1
    counts["id-twice"] = sum(
        count > 1 for count in Counter(id_of(row[0]) for row in customers if row[0] is not None).values()
    )
    return +counts


CUSTOMERS = [(1, "Ана", "ana@example.com", 20), (2, "Bob", None, 30), (3, "C", None, None)]
PAYMENTS = [(1, Decimal("100.10"), 2023), (1, Decimal("200.20"), 2024), (3, Decimal("-5.05"), 2023)]


@pytest.fixture(params=SERVED)
def engine(request):
    return request.param


@pytest.fixture
def made(make_database):
    """A function that makes a ledger of columns and rows on an engine."""

    def make(engine, columns=None, customers=CUSTOMERS, payments=PAYMENTS, *, options=()):
        layout = LAYOUTS[engine]["natural"]
        if columns is not None:
            tables = both_tables(columns) if engine == "postgresql" else merge_tree(columns, "tuple()")
            layout = replace(layout, tables=tables)
        database = make_database(engine, *options)
        write(database, layout, customers, payments)
        return database

    return make


@pytest.fixture
def opened():
    """A function that opens a database as a ledger, and closes it in the end."""
    with ExitStack() as stack:
        yield lambda database: stack.enter_context(closing(Ledger(database.url)))


def test_the_shown_statement_gives_the_same_answer(made, opened):
    database = made("postgresql")
    shown = opened(database).statement_of("total_spent", by_year=True)
    engine = sqlalchemy.create_engine(database.url)

    with engine.connect() as connection:
        row = connection.execute(sqlalchemy.text(shown), {"user_id": 1, "year": 2023}).one()
    engine.dispose()

    assert 10010 in row or Decimal("100.10") in row


def test_every_question_can_be_shown(made, opened, engine):
    ledger = opened(made(engine))
    for question in ("total_spent", "spending_by_age", "spending_by_customer", "spending_by_year"):
        for by_year in (False, True):
            statement = ledger.statement_of(question, by_year=by_year)
            assert "user_spending" in statement
            assert "money_spent" in statement


THIRDS = {"postgresql": "numeric", "clickhouse": "Decimal(38, 6)"}


def test_more_than_two_decimals_are_rounded_one_by_one_half_away_from_zero(made, opened, engine):
    columns = f"user_id bigint, name varchar(9), email varchar(9), age int | user_id bigint, money_spent {THIRDS[engine]}, year int"
    amounts = ["1.005", "-1.005", "0.0049", "2.675", "1.015", "1.025", "9999999999.994999"]
    rounded = ["1.01", "-1.01", "0.00", "2.68", "1.02", "1.03", "9999999999.99"]
    database = made(engine, columns, [(1, "a", "b", 20)], [(1, Decimal(amount), 2023) for amount in amounts])

    ledger = opened(database)

    assert ledger.total_spent(1).total.decimal == sum(map(Decimal, rounded))
    assert sorted(payment.amount.decimal for payment in ledger.payments(1, 10)) == sorted(
        map(Decimal, rounded)
    )
    problems = {
        problem.kind: problem.count for problem in check_up(ledger, GROUPS, current_year=2026).problems
    }
    assert problems["more-than-two-decimals"] == 7


def test_halves_of_real_numbers_are_rounded_as_in_sqlite(made, opened, engine, make_ledger):
    columns = "user_id bigint, name varchar(9), email varchar(9), age int | user_id bigint, money_spent double precision, year int"
    amounts = [0.125, 0.375, 0.625, -0.125, -0.625, 1.005, 0.285, 2.675, -0.005, 1e10 - 0.125]
    customers, payments = [(1, "a", "b", 20)], [(1, amount, 2023) for amount in amounts]
    in_sqlite = Ledger(str(make_ledger(customers, payments)))

    with closing(in_sqlite):
        total, each = in_sqlite.total_spent(1), [payment.amount for payment in in_sqlite.payments(1, 20)]

    ledger = opened(made(engine, columns, customers, payments))

    assert ledger.total_spent(1) == total
    assert [payment.amount for payment in ledger.payments(1, 20)] == each
    assert {0.13, 0.38, 0.63, -0.13, -0.63} <= {
        float(payment.amount.decimal) for payment in ledger.payments(1, 20)
    }


def test_sums_of_real_numbers_are_exact(made, opened, engine):
    columns = "user_id bigint, name varchar(9), email varchar(9), age int | user_id bigint, money_spent double precision, year int"
    payments = [(1, 0.1, 2023)] * 10 + [
        (1, 1e10, 2023),
        (1, -1e10, 2023),
        (1, 9999999999.99, 2024),
        (1, 0.29, 2024),
    ]

    ledger = opened(made(engine, columns, [(1, "a", "b", 20)], payments))

    assert ledger.total_spent(1, 2023).total == Money.parse("1.00")
    assert ledger.total_spent(1, 2024).total == Money.parse("10000000000.28")
    assert ledger.spending_by_age().rows[0].total == Money.parse("10000000001.28")


WIDE_IDS = {"postgresql": ["numeric"], "clickhouse": ["UInt64", "Int128", "UInt256"]}


@pytest.mark.parametrize(("engine", "ids"), [(engine, ids) for engine in SERVED for ids in WIDE_IDS[engine]])
def test_ids_beyond_64_bits_count_and_cannot_be_asked_for(made, opened, engine, ids):
    columns = f"user_id {ids}, name varchar(9), email varchar(9), age int | user_id {ids}, money_spent decimal(18, 2), year int"
    wide = 2**63 + 5
    ledger = opened(
        made(
            engine,
            columns,
            [(1, "a", "b", 20), (LARGEST, "c", "d", 20), (wide, "e", "f", 30)],
            [(wide, Decimal(7), 2023), (LARGEST, Decimal(5), 2023), (wide + 1, Decimal(3), 2023)],
        )
    )

    assert [(row.age, row.customers, row.spenders, row.total) for row in ledger.spending_by_age().rows] == [
        (20, 2, 1, Money(500)),
        (30, 1, 1, Money(700)),
    ]
    assert ledger.spending_by_age().orphan_payments == 1
    assert [int(total.cents) for _, total in ledger.spending_by_customer()] == [500, 700]
    assert [customer.user_id for customer in ledger.customers(10)] == [1, LARGEST]
    assert ledger.total_spent(LARGEST).total == Money(500)
    with pytest.raises(UnknownCustomer):
        ledger.total_spent(wide)


MANY = {
    "postgresql": "SELECT 1::bigint AS user_id, {amount}::numeric(18,2) AS money_spent, 2023 AS year FROM generate_series(1, {rows})",
    "clickhouse": "SELECT toInt64(1) AS user_id, toDecimal64('{amount}', 2) AS money_spent, toInt32(2023) AS year FROM numbers({rows})",
}


@pytest.mark.usefixtures("much_larger_payments")
def test_sums_beyond_64_bits_are_exact(made, opened, engine):
    assert_sum(made, opened, engine, "899999999999999.99", 150)


@pytest.mark.long
def test_the_sum_of_nine_million_payments_is_exact(made, opened, engine):
    assert_sum(made, opened, engine, "9999999999.99", 9_300_000)


def assert_sum(made, opened, engine, amount, rows):
    database = made(engine, payments=[])
    database.execute(
        "DROP TABLE user_spending",
        f"CREATE VIEW user_spending AS {MANY[engine].format(amount=amount, rows=rows)}",
    )
    expected = Money(Money.parse(amount).cents * rows)
    assert expected.cents > 2**63

    ledger = opened(database)
    (row, *_) = ledger.spending_by_age().rows

    assert (row.payments, row.total) == (rows, expected)


def test_digits_without_end_are_no_amount(made, opened, engine):
    columns = "user_id bigint, age int | user_id bigint, money_spent varchar(500), year varchar(500)"
    for digits in ("9" * 400, "9" * 30, "0." + "9" * 400 + "x"):
        database = made(engine, columns, [(1, 20)], [(1, digits, digits), (1, "5", "2023")])

        ledger = opened(database)

        assert ledger.spending_by_age().ignored_payments == 1
        assert ledger.total_spent(1).total == Money(500)
        assert [payment.year for payment in ledger.payments(1, 5)] == [2023, None]


NO_NUMBERS = {
    "postgresql": ["text", "varchar(20)", "uuid", "boolean", "date"],
    "clickhouse": ["String", "UUID", "LowCardinality(String)", "Date", "Nullable(String)"],
}


@pytest.mark.parametrize(
    ("engine", "declared"), [(engine, declared) for engine in SERVED for declared in NO_NUMBERS[engine]]
)
def test_ids_that_are_not_declared_as_numbers_are_refused(made, opened, engine, declared):
    for table in ("user_info", "user_spending"):
        ids = {"user_info": "bigint", "user_spending": "bigint"} | {table: declared}
        columns = f"user_id {ids['user_info']}, age int | user_id {ids['user_spending']}, money_spent decimal(14, 2), year int"
        ledger = opened(made(engine, columns, [], []))

        with pytest.raises(LedgerUnavailable) as caught:
            ledger.total_spent(1)

        assert f"{table}.user_id" in caught.value.reason


def test_an_answer_reflects_every_commit_made_before_the_question(made, opened, engine):
    database = made(engine)
    ledger = opened(database)
    assert ledger.total_spent(1).total == Money.parse("300.30")

    database.insert("user_spending", [(1, Decimal("0.05"), 2026)])
    assert ledger.total_spent(1).total == Money.parse("300.35")
    assert ledger.payments(1, 1)[0].year == 2026

    database.insert("user_info", [(9, "New", None, 44)])
    assert ledger.customer(9).age == 44
    assert [row.age for row in ledger.spending_by_age().rows] == [20, 30, 44, None]


def test_the_version_grows_with_what_is_written_and_never_falls(made, opened, engine):
    database = made(engine)
    ledger = opened(database)
    before = ledger.version()
    assert type(before) is int

    database.insert("user_spending", [(1, Decimal("0.05"), 2026)])

    now = eventually(lambda: (version := ledger.version()) > before and version)
    assert ledger.version() >= now


def test_a_glance_says_the_same_or_nothing(made, opened, engine):
    ledger = opened(made(engine))
    ledger.ping()
    try:
        glance = ledger.glance()
        assert glance.total_spent(1) == ledger.total_spent(1)
        assert glance.version <= ledger.version()
    except NotAtOnce:
        pass


REDECLARED = {
    "postgresql": (
        "ALTER TABLE user_spending ALTER money_spent TYPE text, ALTER year TYPE text",
        "INSERT INTO user_spending VALUES (1, 'abc', 'x'), (1, '0.05', '2023')",
    ),
    "clickhouse": (
        "ALTER TABLE user_spending MODIFY COLUMN money_spent String, MODIFY COLUMN year Nullable(String)",
        "INSERT INTO user_spending VALUES (1, 'abc', 'x'), (1, '0.05', '2023')",
    ),
}


def test_columns_may_be_declared_anew_while_the_ledger_is_open(made, opened, engine):
    database = made(engine)
    ledger = opened(database)
    ledger.spending_by_age()

    database.execute(*REDECLARED[engine])

    def reads_it():
        with contextlib.suppress(LedgerUnavailable):
            return ledger.total_spent(1, 2023).total == Money.parse("100.15")

    eventually(reads_it)
    assert ledger.spending_by_age().ignored_payments == 1


def test_the_settings_of_a_role_change_no_answer(made, opened):
    columns = "user_id bigint, name text, email text, age int | user_id bigint, money_spent double precision, year int"
    database = made("postgresql", columns, CUSTOMERS, [(1, 9999999999.99, 2023), (1, 0.29, 2023)])
    for setting in (
        "extra_float_digits = -10",
        "standard_conforming_strings = off",
        "client_encoding = 'LATIN1'",
        "default_transaction_isolation = 'serializable'",
        "statement_timeout = 0",
        "TimeZone = 'Pacific/Kiritimati'",
        "IntervalStyle = 'sql_standard'",
    ):
        database.execute(f"ALTER ROLE smetka IN DATABASE {database.name} SET {setting}")
    ledger = opened(database)

    assert ledger.total_spent(1).total == Money.parse("10000000000.28")
    assert ledger.person(1).name == "Ана"
    assert [customer.user_id for customer in ledger.customers(5, text="АНА", in_names=True)] == [1]
    assert ledger.customers(5, text="\\", in_names=True) == []


def test_a_database_without_an_encoding_is_read_as_utf_8(made, opened):
    database = made("postgresql", options=("ENCODING 'SQL_ASCII' LOCALE 'C'",))
    ledger = opened(database)

    assert ledger.person(1).name == "Ана"
    assert [customer.name for customer in ledger.customers(5, text="Ана", in_names=True)] == ["Ана"]
    assert ledger.total_spent(1).total == Money.parse("300.30")


def test_names_of_tables_and_columns_are_told_apart_from_keywords_and_others(make_database, opened):
    """Tables of the same names in another schema, and more columns, do not matter."""
    database = make_database("postgresql")
    database.execute(
        "CREATE SCHEMA other",
        "CREATE TABLE other.user_info (user_id text, age text)",
        "CREATE TABLE other.user_spending (nothing int)",
        "CREATE TABLE user_info (kind int, user_id bigint GENERATED ALWAYS AS IDENTITY, born int,"
        " age int GENERATED ALWAYS AS (2026 - born), dropped text)",
        "ALTER TABLE user_info DROP COLUMN dropped",
        'CREATE TABLE user_spending ("order" int, year smallint, price int, user_id bigint,'
        " money_spent numeric GENERATED ALWAYS AS (price / 100.0) STORED, age int, anon_1 int)",
        "INSERT INTO user_info (born) VALUES (2000)",
        "INSERT INTO user_spending (year, price, user_id) VALUES (2023, 1999, 1)",
    )

    ledger = opened(database)

    assert ledger.total_spent(1).total == Money.parse("19.99")
    assert [(row.age, row.total) for row in ledger.spending_by_age().rows] == [(26, Money(1999))]


def test_an_empty_ledger_has_no_customers(made, opened, engine):
    ledger = opened(made(engine, customers=[], payments=[]))

    assert ledger.spending_by_age().rows == ()
    assert ledger.spending_by_year() == ()
    assert len(ledger.spending_by_customer()) == 0
    assert ledger.customers(5) == []
    assert check_up(ledger, GROUPS, current_year=2026).payments == 0


def run_as_it_stands(database, path, sql):
    """The rows of a statement that was shown, without any parameter."""
    if database is None:
        with closing(sqlite3.connect(path)) as opened:
            return opened.execute(sql).fetchall()
    return database.execute(sql)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_shown_runs_as_it_stands_and_gives_the_figures(engine, make_database, tmp_path):
    layout = LAYOUTS[engine]["natural"]
    customers, payments = generated(layout, 0)
    path, database = tmp_path / "shop.db", None
    if engine == "sqlite":
        write(File(path), layout, customers, payments)
    else:
        database = make_database(engine, *layout.options)
        write(database, layout, customers, payments)
    with closing(Ledger(database.url if database else str(path))) as ledger:

        def shown(question, **asked):
            return run_as_it_stands(database, path, ledger.statement_of(question, **asked))

        for year in (None, 2023):
            spent = ledger.spending_by_customer(year)
            rows = shown("spending_by_customer", year=year)
            assert sorted(int(row[-1]) for row in rows) == sorted(total.cents for _, total in spent)

            found = ledger.spending_by_group(GROUPS, year)
            rows = shown("spending_by_group", year=year, groups=GROUPS)
            paid = {row[1]: (row[3], int(row[-1])) for row in rows if row[0] == "paid"}
            assert paid == {row.group: (row.spenders, row.total.cents) for row in found.rows if row.spenders}
            for row in found.rows:
                listed = [each[5] for each in rows if each[:2] == ("paid", row.group)]
                amounts = [Decimal(cents).scaleb(-2) for text in listed for cents in text.split(",")]
                assert row.median == (median(amounts) if amounts else None)
        for user_id in list(spent.ids)[:3]:
            for year in (None, 2023):
                total = ledger.total_spent(user_id, year)
                ((_, payments_, _, cents),) = shown("total_spent", user_id=user_id, year=year)
                assert (payments_, int(cents)) == (total.payments, total.total.cents)
        by_year = {row[0]: (row[1], row[2], int(row[-1])) for row in shown("spending_by_year")}
        assert by_year == {
            each.year: (each.spenders, each.payments, each.total.cents) for each in ledger.spending_by_year()
        }


def test_middles_of_sums_in_parts_are_the_same(tmp_path):
    layout = LAYOUTS["sqlite"]["natural"]
    write(File(tmp_path / "shop.db"), layout, *generated(layout, 0))
    with closing(Ledger(str(tmp_path / "shop.db"))) as ledger:
        question = ledger.read(lambda now: spending_by_group(now.layout, GROUPS, by_year=False))

        found = ledger.read(lambda now: groups_of(now.rows(question.wide_sql, {}), GROUPS))

        assert question.wide_sql != question.sql
        assert found == ledger.spending_by_group(GROUPS)
        assert all(row.median for row in found.rows)
