"""Look at all of a ledger: what is in it, and what is odd about it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Select, case, func, select

from smetka.age_groups import AgeGroup
from smetka.ledger import findings, statements, values
from smetka.ledger.findings import Finding
from smetka.ledger.layout import INDEXED, NEEDED, Layout
from smetka.ledger.ledger import Ledger
from smetka.ledger.open_file import OpenFile
from smetka.ledger.report import CheckUp, Problem
from smetka.ledger.spending import SpendingByAge, spending_of
from smetka.ledger.statements import Tables, as_sql, paid_by_customer
from smetka.ledger.values import Expression
from smetka.money import Money


def check_up(ledger: Ledger, groups: tuple[AgeGroup, ...], *, current_year: int) -> CheckUp:
    """Look at every row of the ledger a few times, and at the file as SQLite's own check does.

    Each look is of one moment, but not all of them of the same: the shop could not write meanwhile.

    Args:
        groups: the shop's age groups.
        current_year: payments of later years are implausible.

    Raises:
        LedgerUnavailable: it cannot be read, or is damaged where the figures are.
    """

    def ask(opened: OpenFile) -> CheckUp:
        with opened.connection() as connection:
            return _check(connection, opened.layout, ledger, groups, current_year)

    return ledger.read(ask, long=True)


def _check(
    connection: sqlite3.Connection,
    layout: Layout,
    ledger: Ledger,
    groups: tuple[AgeGroup, ...],
    current_year: int,
) -> CheckUp:
    tables = Tables(layout)
    spending = _spending(connection, layout)
    ages = [row.age for row in spending.rows if row.age is not None]
    counted = sum(row.payments for row in spending.rows) + spending.orphan_payments
    problems = [
        *_damage(connection),
        *_folder(connection, ledger),
        *_found(
            connection, tables, findings.of_payments(current_year), tables.payer_id, "a payment of customer"
        ),
        *_orphans(connection, tables),
        *_found(connection, tables, findings.of_customers(groups), tables.customer_id, "customer"),
        *_duplicates(connection, tables),
        *_declarations(layout),
        *_index(connection, layout),
    ]
    return CheckUp(
        customers=sum(row.customers for row in spending.rows),
        spenders=sum(row.spenders for row in spending.rows),
        payments=counted + spending.ignored_payments,
        counted_payments=counted,
        total=Money(sum(row.total.cents for row in spending.rows)),
        years=_years(connection, tables),
        youngest=min(ages, default=None),
        oldest=max(ages, default=None),
        problems=tuple(problems),
    )


def _spending(connection: sqlite3.Connection, layout: Layout) -> SpendingByAge:
    question = statements.spending_by_age(layout, by_year=False)
    return spending_of(connection.execute(question.wide_sql).fetchall())


def _years(connection: sqlite3.Connection, tables: Tables) -> dict[int, int]:
    each = (
        select(tables.year.label("year"))
        .select_from(tables.payments)
        .where(values.is_whole(tables.year))
        .subquery()
    )
    by_year = select(each.c.year, func.count()).group_by(each.c.year).order_by(each.c.year)
    return {int(year): count for year, count in _rows(connection, by_year)}


def _damage(connection: sqlite3.Connection) -> Iterator[Problem]:
    messages = [message for (message,) in connection.execute("PRAGMA quick_check(10)").fetchall()]
    if messages != ["ok"]:
        meaning = (
            f"SQLite finds the file inconsistent; figures may be wrong. The first finding: {messages[0]}."
        )
        yield Problem("damaged", len(messages), None, meaning)


def _folder(connection: sqlite3.Connection, ledger: Ledger) -> Iterator[Problem]:
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode == "wal" and not os.access(ledger.path.parent, os.W_OK):
        yield Problem(
            "folder-not-writable",
            1,
            None,
            "The file is in WAL mode, in a folder this user may not write in: it can be read only while a "
            f"program that may has it open. Grant write permission on {ledger.path.parent}.",
        )


def _found(
    connection: sqlite3.Connection, tables: Tables, looked_for: list[Finding], of_whom: Expression, whose: str
) -> Iterator[Problem]:
    """Everything that is looked for in one table, in one pass."""
    columns = [
        column
        for finding in looked_for
        for condition in (finding.condition(tables),)
        for column in (func.count(case((condition, 1))), func.min(case((condition, of_whom))))
    ]
    (row,) = _rows(connection, select(*columns))
    for finding, count, example in zip(looked_for, row[::2], row[1::2], strict=True):
        if count:
            yield Problem(finding.kind, count, _name(example, whose), finding.meaning, finding.harmless)


def _orphans(connection: sqlite3.Connection, tables: Tables) -> Iterator[Problem]:
    customers, paid = tables.one_row_an_id(), paid_by_customer(tables, [], wide=True)
    orphans = (
        select(func.sum(paid.c.payments), func.min(paid.c.id))
        .select_from(paid.outerjoin(customers, customers.c.id == paid.c.id))
        .where(customers.c.id.is_(None))
    )
    ((count, example),) = _rows(connection, orphans)
    if count:
        meaning = "They are of customers who are not in user_info, and are left out of the averages."
        yield Problem("orphan-payment", count, _name(example, "a payment of customer"), meaning)


def _duplicates(connection: sqlite3.Connection, tables: Tables) -> Iterator[Problem]:
    if tables.ids_unique:
        return
    ids = select(tables.customer_id.label("id")).where(tables.customers.c.user_id.is_not(None)).subquery()
    twice = select(ids.c.id).group_by(ids.c.id).having(func.count() > 1).subquery()
    ((count, example),) = _rows(connection, select(func.count(), func.min(twice.c.id)))
    if count:
        meaning = (
            "These ids stand in user_info more than once; each counts as one customer, of the lowest age."
        )
        yield Problem("id-twice", count, _name(example, "customer"), meaning)


def _declarations(layout: Layout) -> Iterator[Problem]:
    loose = [
        f"{table}.{column}"
        for table, columns in NEEDED.items()
        for column in columns
        if (table, column) not in layout.numeric
    ]
    if loose:
        meaning = "These columns are not declared as numbers: they are read with care, which takes longer."
        yield Problem("column-type", len(loose), loose[0], meaning, harmless=True)


def _index(connection: sqlite3.Connection, layout: Layout) -> Iterator[Problem]:
    if layout.index is not None:
        return
    start = time.perf_counter()
    _ask_for_one_customer(connection, layout)
    seconds = time.perf_counter() - start
    remedy = (
        "`smetka ledger index` makes it" if layout.indexable else "user_spending is a view and can have none"
    )
    yield Problem(
        "no-index",
        1,
        None,
        f"There is no index on user_spending ({', '.join(INDEXED)}): the total of a single customer "
        f"reads every payment, which just took {seconds * 1000:,.1f} ms; {remedy}.",
        harmless=True,
    )


def _ask_for_one_customer(connection: sqlite3.Connection, layout: Layout) -> None:
    question = statements.total_spent(layout, by_year=False)
    connection.execute(question.wide_sql, {"user_id": 1}).fetchall()


def _name(customer: object, whose: str) -> str | None:
    if customer is None:
        return None
    # An id that is no number might be a name or an e-mail.
    return (
        f"{whose} {customer}"
        if isinstance(customer, int | float)
        else f"{whose} with an id that is no number"
    )


def _rows(connection: sqlite3.Connection, statement: Select[*tuple[Any, ...]]) -> Sequence[Any]:
    return connection.execute(as_sql(statement)).fetchall()
