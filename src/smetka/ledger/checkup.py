"""Look at all of a ledger: what is in it, and what is odd about it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Select, case, false, func, select

from smetka.age_groups import AgeGroup
from smetka.ledger import findings, statements
from smetka.ledger.engines import sql_of
from smetka.ledger.findings import Finding
from smetka.ledger.layout import INDEXED, NEEDED, PAYMENTS, Layout
from smetka.ledger.ledger import Ledger
from smetka.ledger.report import CheckUp, Problem
from smetka.ledger.source import Opened
from smetka.ledger.spending import SpendingByAge, spending_of
from smetka.ledger.statements import Tables, paid_by_customer
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
    return ledger.read(lambda opened: _check(opened, ledger.path, groups, current_year), long=True)


def _check(opened: Opened, path: Path | None, groups: tuple[AgeGroup, ...], current_year: int) -> CheckUp:
    tables = Tables(opened.layout)
    spending = _spending(opened)
    ages = [row.age for row in spending.rows if row.age is not None]
    counted = sum(row.payments for row in spending.rows) + spending.orphan_payments
    problems = [
        *([] if path is None else [*_damage(opened), *_folder(opened, path)]),
        *_found(opened, tables, findings.of_payments(current_year), tables.payer_id, "a payment of customer"),
        *_orphans(opened, tables),
        *_found(opened, tables, findings.of_customers(groups), tables.customer_id, "customer"),
        *_duplicates(opened, tables),
        *_declarations(opened.layout),
        *_index(opened),
    ]
    return CheckUp(
        customers=sum(row.customers for row in spending.rows),
        spenders=sum(row.spenders for row in spending.rows),
        payments=counted + spending.ignored_payments,
        counted_payments=counted,
        total=Money(sum(row.total.cents for row in spending.rows)),
        years=_years(opened, tables),
        youngest=min(ages, default=None),
        oldest=max(ages, default=None),
        problems=tuple(problems),
    )


def _spending(opened: Opened) -> SpendingByAge:
    question = statements.spending_by_age(opened.layout, by_year=False)
    return spending_of(opened.rows(question.wide_sql, {}))


def _years(opened: Opened, tables: Tables) -> dict[int, int]:
    each = (
        select(tables.year.label("year")).select_from(tables.payments).where(tables.year_is_whole).subquery()
    )
    by_year = select(each.c.year, func.count()).group_by(each.c.year).order_by(each.c.year)
    return {int(year): count for year, count in _rows(opened, by_year)}


def _damage(opened: Opened) -> Iterator[Problem]:
    messages = [message for (message,) in opened.rows("PRAGMA quick_check(10)", {})]
    if messages != ["ok"]:
        meaning = (
            f"SQLite finds the file inconsistent; figures may be wrong. The first finding: {messages[0]}."
        )
        yield Problem("damaged", len(messages), None, meaning)


def _folder(opened: Opened, path: Path) -> Iterator[Problem]:
    [(mode,)] = opened.rows("PRAGMA journal_mode", {})
    if mode == "wal" and not os.access(path.parent, os.W_OK):
        yield Problem(
            "folder-not-writable",
            1,
            None,
            "The file is in WAL mode, in a folder this user may not write in: it can be read only while a "
            f"program that may has it open. Grant write permission on {path.parent}.",
        )


def _found(
    opened: Opened, tables: Tables, looked_for: list[Finding], of_whom: Expression, whose: str
) -> Iterator[Problem]:
    """Everything that is looked for in one table, in one pass."""
    columns = [
        column
        for finding in looked_for
        for condition in (finding.condition(tables),)
        for worse in (finding.harmful_if(tables) if finding.harmful_if else false(),)
        for column in (
            func.count(case((condition, 1))),
            func.min(case((condition, of_whom))),
            func.count(case((worse, 1))),
        )
    ]
    (row,) = _rows(opened, select(*columns))
    for finding, count, example, harmful in zip(looked_for, row[::3], row[1::3], row[2::3], strict=True):
        if count:
            harmless = finding.harmless and not harmful
            yield Problem(finding.kind, count, _name(example, whose), finding.meaning, harmless)


def _orphans(opened: Opened, tables: Tables) -> Iterator[Problem]:
    customers, paid = tables.one_row_an_id(), paid_by_customer(tables, [], wide=True)
    orphans = (
        select(func.sum(paid.c.payments), func.min(paid.c.id))
        .select_from(paid.outerjoin(customers, customers.c.id == paid.c.id))
        .where(customers.c.id.is_(None))
    )
    ((count, example),) = _rows(opened, orphans)
    if count:
        meaning = "They are of customers who are not in user_info, and are left out of the averages."
        yield Problem("orphan-payment", count, _name(example, "a payment of customer"), meaning)


def _duplicates(opened: Opened, tables: Tables) -> Iterator[Problem]:
    if tables.ids_unique:
        return
    ids = select(tables.customer_id.label("id")).where(tables.customers.c.user_id.is_not(None)).subquery()
    twice = select(ids.c.id).group_by(ids.c.id).having(func.count() > 1).subquery()
    ((count, example),) = _rows(opened, select(func.count(), func.min(twice.c.id)))
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
        if layout.kind(table, column) in {"any", "text"}
    ]
    if loose:
        meaning = "These columns are not declared as numbers: they are read with care, which takes longer."
        yield Problem("column-type", len(loose), loose[0], meaning, harmless=True)


_HOW_TO_INDEX = {
    "sqlite": "`smetka ledger index` makes it",
    "postgresql": f"`CREATE INDEX CONCURRENTLY ON {PAYMENTS} ({', '.join(INDEXED)})` makes it",
    "clickhouse": f"`smetka ledger copy` makes tables that are ordered by it ({', '.join(INDEXED)})",
}


def _index(opened: Opened) -> Iterator[Problem]:
    layout = opened.layout
    if layout.index is not None:
        return
    start = time.perf_counter()
    opened.rows(statements.total_spent(layout, by_year=False).wide_sql, {"user_id": 1})
    seconds = time.perf_counter() - start
    remedy = _HOW_TO_INDEX[layout.engine] if layout.indexable else "user_spending is a view and can have none"
    yield Problem(
        "no-index",
        1,
        None,
        f"There is no index on user_spending ({', '.join(INDEXED)}): the total of a single customer "
        f"reads every payment, which just took {seconds * 1000:,.1f} ms; {remedy}.",
        harmless=True,
    )


def _name(customer: object, whose: str) -> str | None:
    if customer is None:
        return None
    # An id that is no number might be a name or an e-mail.
    return (
        f"{whose} {customer}"
        if isinstance(customer, int | float)
        else f"{whose} with an id that is no number"
    )


def _rows(opened: Opened, statement: Select[*tuple[Any, ...]]) -> Sequence[Any]:
    return opened.rows(sql_of(statement, opened.layout.engine, literal=True), {})
