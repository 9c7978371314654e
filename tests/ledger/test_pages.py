"""What pages show: years, customers page by page, one customer's payments, and the SQL itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from smetka.core.errors import LedgerUnavailable, UnknownCustomer
from smetka.core.money import Money
from smetka.ledger import (
    Customer,
    CustomerYear,
    Ledger,
    Payment,
    YearSpending,
    page_statements,
)
from smetka.ledger.questions import LONGEST_SEARCH

NO_KEY = """
CREATE TABLE user_info (user_id, name TEXT, email TEXT, age TEXT);
CREATE TABLE user_spending (user_id, money_spent, year);
"""


def plan(ledger, sql, *, outermost=False):
    names = ("user_id", "after", "limit", "offset", "pattern_0")
    rows = ledger.read(lambda opened: opened.rows(f"EXPLAIN QUERY PLAN {sql}", dict.fromkeys(names, 1)))
    return [detail for _, parent, _, detail in rows if not (outermost and parent)]


def layout_of(ledger):
    return ledger.read(lambda opened: opened.layout)


@pytest.fixture
def named(make_ledger):
    """An open ledger in the brief's schema with the given names, ids from 1."""
    ledgers = []

    def make(*names):
        path = make_ledger([(number, name, None, 20) for number, name in enumerate(names, 1)])
        ledgers.append(Ledger(str(path)))
        return ledgers[-1]

    yield make
    for ledger in ledgers:
        ledger.close()


def test_an_empty_ledger_has_nothing_to_show(make_ledger):
    with closing(Ledger(str(make_ledger()))) as ledger:
        assert ledger.spending_by_year() == ()
        assert ledger.customers(10) == []
        assert ledger.payments(1, 10) == []


def test_a_small_ledger_page_by_page(shop):
    with closing(Ledger(str(shop))) as ledger:
        assert ledger.spending_by_year() == (
            YearSpending(2023, 2, 2, Money(9505)),
            YearSpending(2024, 1, 1, Money(20020)),
        )
        assert ledger.customers(2) == [Customer(1, "", "", 20), Customer(2, "", "", 30)]
        assert ledger.customers(2, after=2, in_names=True) == [Customer(3, "C", "", None)]
        assert ledger.customer(1).by_year == (
            CustomerYear(2023, 1, Money(10010)),
            CustomerYear(2024, 1, Money(20020)),
        )
        assert ledger.customer(2).by_year == ()
        assert ledger.payments(1, 5) == [
            Payment(Money(20020), 2024, "200.2"),
            Payment(Money(10010), 2023, "100.1"),
        ]


def test_a_spender_of_several_odd_years_is_one_spender(make_ledger):
    path = make_ledger([(1, "a", None, 20)], [(1, 5, "x"), (1, 6, None), (1, 7, 2023.5), (9, 8, None)])
    with closing(Ledger(str(path))) as ledger:
        assert ledger.spending_by_year() == (YearSpending(None, 1, 3, Money(1800)),)
        assert ledger.customer(1).by_year == (CustomerYear(None, 3, Money(1800)),)


def test_payments_that_do_not_count_come_last_in_their_year(make_ledger):
    amounts = [("abc", 2024), (None, 2024), (5, 2024), (-7, 2024), (1e11, 2024), (900, None), (1, 2025)]
    path = make_ledger([], [(1, amount, year) for amount, year in amounts])
    with closing(Ledger(str(path))) as ledger:
        payments = ledger.payments(1, 10)

    assert [(payment.amount and payment.amount.cents, payment.year) for payment in payments] == [
        (100, 2025),
        (500, 2024),
        (-700, 2024),
        *[(None, 2024)] * 3,
        (90000, None),
    ]
    assert {payment.stored for payment in payments[3:6]} == {"abc", "", "100000000000.0"}


def test_an_id_that_stands_there_twice_is_found_by_either_name_and_has_its_lowest_age(make_ledger):
    path = make_ledger(
        [(5, "Ana", "ana@x", 30), (5, "Bob", "bob@x", 20), (5, "Cy", "cy@x", None), (6, "Dan", "d@x", None)],
        schema=NO_KEY,
    )
    with closing(Ledger(str(path))) as ledger:
        assert ledger.customers(9, text="ana", in_names=True) == [Customer(5, "Ana", "ana@x", 20)]
        assert ledger.customers(9, text="bob", in_names=True) == [Customer(5, "Bob", "bob@x", 20)]
        assert [(one.user_id, one.age) for one in ledger.customers(9)] == [(5, 20), (6, None)]
        assert ledger.customer(5).age == 20


@pytest.mark.parametrize("text", ["Ѓорѓи", "ѓорѓи", "ЃОРЃИ", "орѓ", "ОРЃ"])
def test_cyrillic_is_found_in_any_usual_case(named, text):
    ledger = named("Ѓорѓи Ќосев", "ѓорѓи", "ЃОРЃИ", "Бојан")

    assert [one.user_id for one in ledger.customers(9, text=text, in_names=True)] == [1, 2, 3]


@pytest.mark.parametrize("text", ["ана петровска", "АНА ПЕТРОВСКА", "Ана Петровска"])
def test_a_whole_cyrillic_name_is_found_in_any_usual_case(named, text):
    assert len(named("Ана Петровска").customers(9, text=text, in_names=True)) == 1


def test_a_cyrillic_phrase_is_found_with_its_first_letter_large(named):
    assert len(named("Цвеќара крај реката").customers(9, text="ЦВЕЌАРА КРАЈ", in_names=True)) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("%", [1]),
        ("0%o", [1]),
        ("_", [2]),
        ("\\", [3]),
        ("\\%", []),
        ("'; DROP TABLE user_info; --", []),
        ("o'b", [4]),
        ('"bo"', [4]),
        ("<script>", [5]),
        (":after", []),
        ("?", []),
    ],
)
def test_no_character_of_a_search_has_a_meaning(named, text, found):
    ledger = named("100%Off", "under_score", "back\\slash", 'O\'Brien "Bo"', "<script>alert(1)</script>")

    assert [one.user_id for one in ledger.customers(9, text=text, in_names=True)] == found


@pytest.mark.parametrize("in_names", [False, True])
@pytest.mark.parametrize(
    "text",
    ["\0", "a\0", "\ud800", "x" * 100_000, "%" * LONGEST_SEARCH, "ΐ" * LONGEST_SEARCH, "9" * 100_000, str(2**63), "٣", "²"],
)  # fmt: skip
def test_a_search_that_nothing_can_match_finds_nobody(named, text, in_names):
    assert named("a", "b", "c").customers(9, text=text, in_names=in_names) == []


def test_digits_find_an_id_and_only_with_names_what_contains_them(named):
    ledger = named("a", "route 3", "b", "33")

    assert [one.user_id for one in ledger.customers(9, text="3")] == [3]
    assert [one.user_id for one in ledger.customers(9, text="003")] == [3]
    assert [one.user_id for one in ledger.customers(9, text="3", in_names=True)] == [2, 3, 4]
    assert ledger.customers(9, text="3", after=3) == []
    assert ledger.customers(9, text="route") == []


@pytest.mark.parametrize(
    ("limit", "after", "found"),
    [(2, None, 2), (2, -5, 2), (0, None, 0), (-1, None, 0), (10**30, 0, 3), (9, 10**30, 0), (9, 2**63 - 1, 0), (9, -(10**30), 3)],
)  # fmt: skip
def test_pages_of_any_size_begin_anywhere(named, limit, after, found):
    assert len(named("a", "b", "c").customers(limit, after=after)) == found


@pytest.mark.parametrize(
    ("limit", "offset", "found"),
    [(2, 0, 2), (-1, 0, 0), (9, -1, 2), (10**30, 0, 2), (9, 10**30, 0), (9, 2, 0)],
)
def test_payments_are_paged_by_any_numbers(shop, limit, offset, found):
    with closing(Ledger(str(shop))) as ledger:
        assert len(ledger.payments(1, limit, offset=offset)) == found


@pytest.mark.parametrize("user_id", [0, -1, 4, 2**63 - 1, 2**63, -(2**63) - 1, 10**30])
def test_nobody_has_no_payments_and_is_unknown(shop, user_id):
    with closing(Ledger(str(shop))) as ledger:
        with pytest.raises(UnknownCustomer):
            ledger.customer(user_id)
        assert ledger.payments(user_id, 9) == []


def test_names_are_not_read_unless_asked_for(tmp_path):
    """They cannot be: reading one is an error."""
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript("""
            CREATE TABLE people (user_id INTEGER PRIMARY KEY, age INTEGER);
            INSERT INTO people VALUES (1, 20);
            CREATE TABLE user_spending (user_id, money_spent, year);
            CREATE VIEW user_info AS SELECT user_id, abs(-9223372036854775807 - user_id) AS name, age FROM people;
        """)
    with closing(Ledger(str(path))) as ledger:
        assert ledger.customers(9) == ledger.customers(9, text="1") == [Customer(1, "", "", 20)]
        assert ledger.customer(1).age == 20
        with pytest.raises(LedgerUnavailable):
            ledger.customers(9, in_names=True)


def test_a_page_of_customers_reads_no_others(named):
    ledger = named("a")
    layout = layout_of(ledger)

    for in_names in (False, True):
        sql = page_statements.customers(layout, in_names=in_names, by_id=False, patterns=0)
        assert plan(ledger, sql) == ["SEARCH user_info USING INTEGER PRIMARY KEY (rowid>?)"]
    sql = page_statements.customers(layout, in_names=False, by_id=True, patterns=0)
    assert plan(ledger, sql) == ["SEARCH user_info USING INTEGER PRIMARY KEY (rowid=?)"]


def test_an_index_answers_everything_about_one_customer(make_ledger):
    with closing(Ledger(str(make_ledger([(1, "a", None, 20)], [(1, 5, 2023)], index=True)))) as ledger:
        layout = layout_of(ledger)
        index = "SEARCH user_spending USING COVERING INDEX spending (user_id=?)"

        assert index in plan(ledger, page_statements.payments(layout))
        for sql in (page_statements.customer(layout).sql, page_statements.customer(layout).wide_sql):
            assert index in plan(ledger, sql)
            assert not any("SCAN" in step for step in plan(ledger, sql))


def test_without_a_key_customers_are_not_read_again_for_each_row_of_a_page(make_ledger):
    path = make_ledger(schema=NO_KEY)
    with closing(Ledger(str(path))) as ledger:
        sql = page_statements.customers(layout_of(ledger), in_names=True, by_id=False, patterns=0)

        assert plan(ledger, sql).count("SCAN user_info") == 2
        assert "SCAN user_info" not in plan(ledger, sql, outermost=True)


def test_years_beyond_64_bits_are_exact(much_larger_payments, make_ledger):
    path = make_ledger(
        [(1, "a", None, 20), (2, "b", None, 20)],
        [(1, 10**15, 2023)] * 100 + [(1, -(10**15), 2024)] * 100 + [(1, 0.01, 2023), (2, 0.02, 2023)],
    )
    large = 10**17 * 100
    assert large > 2**63

    with closing(Ledger(str(path))) as ledger:
        assert ledger.spending_by_year() == (
            YearSpending(2023, 2, 102, Money(large + 3)),
            YearSpending(2024, 1, 100, Money(-large)),
        )
        answer = ledger.customer(1)
        assert answer.by_year == (
            CustomerYear(2023, 101, Money(large + 1)),
            CustomerYear(2024, 100, Money(-large)),
        )
        assert (answer.total, answer.payments) == (Money(1), 201)


@pytest.mark.parametrize("by_year", [False, True])
@pytest.mark.parametrize("question", ["total_spent", "spending_by_age", "spending_by_customer", "spending_by_year"])  # fmt: skip
def test_the_statement_shown_is_one_that_runs(shop, question, by_year):
    with closing(Ledger(str(shop))) as ledger:
        sql = ledger.statement_of(question, by_year=by_year)
    with closing(sqlite3.connect(shop)) as database:
        rows = database.execute(sql, {"user_id": 1, "year": 2023}).fetchall()

    assert rows
    assert sql.startswith("SELECT")
    assert "\n" in sql
    assert (":year" in sql) == (by_year and question != "spending_by_year")
    assert (":user_id" in sql) == (question == "total_spent")


def test_an_unreadable_ledger_is_unavailable_to_every_question(shop):
    with closing(Ledger(str(shop))) as ledger:
        assert ledger.customers(1)
        whole = shop.read_bytes()
        shop.write_bytes(b"no database, " * 500)
        for ask in (
            ledger.spending_by_year,
            lambda: ledger.customers(1),
            lambda: ledger.customer(1),
            lambda: ledger.payments(1, 1),
            lambda: ledger.statement_of("spending_by_age"),
        ):
            with pytest.raises(LedgerUnavailable):
                ask()
        shop.write_bytes(whole)
        assert ledger.customers(1)


def test_a_column_added_to_a_write_ahead_log_is_seen(tmp_path):
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as shop, closing(Ledger(str(path))) as ledger:
        shop.executescript(
            "PRAGMA journal_mode = WAL; CREATE TABLE user_spending (user_id, money_spent, year);"
            "CREATE TABLE user_info (user_id INTEGER PRIMARY KEY, age); INSERT INTO user_info VALUES (1, 20);"
        )
        assert ledger.customers(9, in_names=True) == [Customer(1, "", "", 20)]
        shop.executescript("ALTER TABLE user_info ADD COLUMN email; UPDATE user_info SET email = 'a@b';")

        assert ledger.customers(9, text="A@", in_names=True) == [Customer(1, "", "a@b", 20)]
