"""An independent second opinion on a ledger, and ways to damage one."""

from __future__ import annotations

import math
import re
import sqlite3
from collections import defaultdict
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.ledger.servers import SERVERS
from tests.selection import not_quick

PLAIN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)
NUMBER = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", re.ASCII)


def amount_of(value):
    if isinstance(value, str):
        if not PLAIN.fullmatch(value):
            return None
    elif not isinstance(value, int | float) or not math.isfinite(value):
        return None
    amount = Decimal(str(value))
    return amount if abs(amount) <= 10**10 else None


def age_of(value):
    if isinstance(value, str):
        if not PLAIN.fullmatch(value):
            return None
    elif not isinstance(value, int | float) or not math.isfinite(value):
        return None
    age = int(Decimal(str(value)))
    return age if 0 <= age <= 150 else None


def id_of(value):
    if isinstance(value, str) and NUMBER.fullmatch(value):
        return Decimal(value.strip())
    return value


@dataclass
class Opinion:
    totals: dict = field(default_factory=dict)
    payments: dict = field(default_factory=lambda: defaultdict(int))
    ages: dict = field(default_factory=dict)
    ignored: int = 0
    orphans: int = 0

    def rows(self, nameless):
        """{age: (customers, spenders, payments, total)}"""
        rows = defaultdict(lambda: [0, 0, 0, Decimal(0)])
        for customer, age in [*self.ages.items(), *((object(), age) for age in nameless)]:
            row = rows[age]
            row[0] += 1
            row[1] += self.payments.get(customer, 0) > 0
            row[2] += self.payments.get(customer, 0)
            row[3] += self.totals.get(customer, Decimal(0))
        return {age: tuple(row) for age, row in rows.items()}


def ask(path, year=None):
    with closing(sqlite3.connect(path)) as database:
        customers = database.execute("SELECT user_id, age FROM user_info").fetchall()
        payments = database.execute("SELECT user_id, money_spent, year FROM user_spending").fetchall()
    opinion, nameless = Opinion(), []
    for customer, age in customers:
        age = age_of(age)
        if customer is None:
            nameless.append(age)
            continue
        customer = id_of(customer)
        known = [a for a in (age, opinion.ages.get(customer)) if a is not None]
        opinion.ages[customer] = min(known, default=None)
    for customer, amount, of_year in payments:
        if year is not None and id_of(of_year) != year:
            continue
        customer, amount = id_of(customer), amount_of(amount)
        if amount is None:
            opinion.ignored += 1
        elif customer is None or customer not in opinion.ages:
            opinion.orphans += 1
        if amount is not None and customer is not None:
            opinion.payments[customer] += 1
            opinion.totals[customer] = opinion.totals.get(customer, Decimal(0)) + amount
    return opinion, opinion.rows(nameless)


@pytest.fixture(scope="session")
def second_opinion():
    """`(path, year) -> (Opinion, {age: (customers, spenders, payments, total)})`, in Decimal and plain Python."""
    return ask


@pytest.fixture
def shop(make_ledger):
    """A small ordinary ledger: customer 1 spent 300.30 in 2023 and 2024, 2 nothing, 3 got money back."""
    return make_ledger(
        customers=[(1, "Ана", None, 20), (2, "Bob", None, 30), (3, "C", None, None)],
        payments=[(1, 100.10, 2023), (1, 200.20, 2024), (3, -5.05, 2023)],
    )


@pytest.fixture(scope="session")
@not_quick
def server_of():
    """The name of an engine -> its server, started when it is first asked for, one for each test process."""
    with ExitStack() as stack:

        @cache
        def server(name):
            folder = stack.enter_context(TemporaryDirectory(prefix=f"smetka-{name}-"))
            started = SERVERS[name](Path(folder))
            stack.callback(started.stop)
            return started

        yield server


@pytest.fixture
def make_database(server_of):
    """A function that makes a database of this test's own on an engine's server."""
    made = []

    def make(engine, *options):
        made.append(server_of(engine).make_database(*options))
        return made[-1]

    yield make
    for database in made:
        if not database.server.runs:
            database.server.start()
        database.server.drop_database(database.name)
