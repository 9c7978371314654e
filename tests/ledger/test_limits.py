"""How long a ledger is waited for; that it is given up then is in `test_faults` and `test_server_faults`."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict

import pytest

from smetka.ledger import Ledger
from smetka.ledger.limits import USUAL, Limits
from tests.ledger.engines import LAYOUTS, SERVED, write

OTHERS = Limits(connect=3, question=4, together=7, long_question=60, grace=6, cancel=8, table_lock=5)


def test_the_limits_are_the_promised_ones():
    assert asdict(USUAL) == {
        "connect": 5,
        "question": 10,
        "together": 2,
        "long_question": 120,
        "grace": 3.0,
        "cancel": 2.0,
        "table_lock": 2.0,
        "file_lock": 1.2,
        "file_question": 30.0,
    }


def in_force(ledger):
    """The limits that a ledger in PostgreSQL is read with, as its server and its connections know them."""
    shown = [
        ledger.read(lambda opened, name=name: opened.rows(f"SHOW {name}", {}))
        for name in ("statement_timeout", "lock_timeout")
    ]
    with ledger._source.connection(1) as connection:
        connecting = connection.info.get_parameters()["connect_timeout"], connection.limits.cancel
    answering = [ledger.read(lambda opened: opened.seconds, long=long) for long in (False, True)]
    return shown, connecting, answering


def test_the_product_asks_a_server_with_the_promised_limits(make_database, make_shop):
    database = make_database("postgresql")
    write(database, LAYOUTS["postgresql"]["natural"], [], [])

    assert in_force(make_shop(ledger=database.url).services.ledger) == (
        [[("2min",)], [("2s",)]],
        ("5", 2.0),
        [13, 123],
    )


def test_a_ledger_may_be_given_other_limits(make_database):
    database = make_database("postgresql")
    write(database, LAYOUTS["postgresql"]["natural"], [], [])

    with closing(Ledger(database.url, limits=OTHERS)) as ledger:
        assert in_force(ledger) == ([[("1min",)], [("5s",)]], ("3", 8), [10, 66])


@pytest.mark.parametrize("engine", SERVED)
def test_questions_about_a_few_customers_have_a_limit_of_their_own(make_database, engine, monkeypatch):
    database, seconds = make_database(engine), []
    write(database, LAYOUTS[engine]["natural"], [], [])
    with closing(Ledger(database.url, limits=OTHERS)) as ledger:
        ask = ledger._source._ask
        monkeypatch.setattr(ledger._source, "_ask", lambda do, most: seconds.append(most) or ask(do, most))

        assert ledger.totals_spent([1, 2]) == {}
        ledger.person(1)
        ledger.spending_by_year()

    assert seconds == [OTHERS.together, OTHERS.question, OTHERS.long_question]
