"""Look at all of a ledger: what is in it, and what is odd about it."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Select, case, false, func, select

from smetka.core.age_groups import AgeGroup
from smetka.core.money import Money
from smetka.ledger import findings, statements
from smetka.ledger.damage import damage
from smetka.ledger.engines import sql_of
from smetka.ledger.file_session import FileSession
from smetka.ledger.findings import Finding
from smetka.ledger.layout import INDEXED, NEEDED, PAYMENTS, Layout
from smetka.ledger.ledger import Ledger
from smetka.ledger.questions import Rows
from smetka.ledger.report import CheckUp, Problem
from smetka.ledger.slices import can_be_sliced, slices
from smetka.ledger.source import Opened
from smetka.ledger.spending import spending_of
from smetka.ledger.statements import Tables, paid_by_customer
from smetka.ledger.values import Expression


def check_up(ledger: Ledger, groups: tuple[AgeGroup, ...], *, current_year: int) -> CheckUp:
    """Look at every row of the ledger, and at the file as SQLite's own check does.

    A file is looked at a few customers at a time, so that the shop can write in between: each customer with
    all payments is of one moment, but not all of them of the same, which is then told.

    Args:
        groups: the shop's age groups.
        current_year: payments of later years are implausible.

    Raises:
        LedgerUnavailable: it cannot be read, or is damaged where the figures are.
    """
    looks = _Looks(groups, current_year)
    return ledger.read(lambda opened: _check(opened, ledger, looks), long=True)


def _check(opened: Opened, ledger: Ledger, looks: _Looks) -> CheckUp:
    version = ledger.version() if ledger.path else None
    if isinstance(opened, FileSession) and can_be_sliced(opened.layout):
        seen = list(slices(opened, partial(looks.look, opened.layout)))
    else:
        seen = [looks.look(opened.layout, opened.rows, None, {})]
    spending = spending_of(row for each in seen for row in each.spending)
    ages = [row.age for row in spending.rows if row.age is not None]
    counted = sum(row.payments for row in spending.rows) + spending.orphan_payments
    years: Counter[int] = Counter()
    for each in seen:
        years.update({int(year): count for year, count in each.years})
    problems = [
        *(_file(opened, ledger.path) if isinstance(opened, FileSession) and ledger.path else []),
        *_odd(looks.of_payments, [each.payments for each in seen], "a payment of customer"),
        *_orphans([each.orphans for each in seen]),
        *_odd(looks.of_customers, [each.customers for each in seen], "customer"),
        *_duplicates([each.twice for each in seen]),
        *_declarations(opened.layout),
        *_index(opened),
        *(_written() if ledger.path and ledger.version() != version else []),
    ]
    return CheckUp(
        customers=sum(row.customers for row in spending.rows),
        spenders=sum(row.spenders for row in spending.rows),
        payments=counted + spending.ignored_payments,
        counted_payments=counted,
        total=Money(sum(row.total.cents for row in spending.rows)),
        years=dict(sorted(years.items())),
        youngest=min(ages, default=None),
        oldest=max(ages, default=None),
        problems=tuple(problems),
    )


class _Seen(NamedTuple):
    """What was found in some rows of both tables; that of `_Looks` with the same names."""

    spending: list[Any]
    years: list[Any]
    payments: Sequence[Any]
    orphans: Sequence[Any]
    customers: Sequence[Any]
    twice: Sequence[Any]


class _Looks:
    """The statements of a check-up, for all rows or for a part of them."""

    def __init__(self, groups: tuple[AgeGroup, ...], current_year: int) -> None:
        self.of_payments, self.of_customers = (
            findings.of_payments(current_year),
            findings.of_customers(groups),
        )
        self._written = cache(self._write)

    def look(self, layout: Layout, rows: Rows, part: str | None, where: Mapping[str, Any]) -> _Seen:
        """Look at those rows for which `part` holds, with the parameters `where`."""
        spending, years, payments, orphans, customers, twice = (
            rows(statement, where) if statement else [(0, None)] for statement in self._written(layout, part)
        )
        return _Seen(spending, years, payments[0], orphans[0], customers[0], twice[0])

    def _write(self, layout: Layout, part: str | None) -> tuple[str, ...]:
        tables = Tables(layout, part)
        written = (
            statements.spending_by(tables, lambda age: age, by_year=False, wide=True),
            _count_by_year(tables),
            _count_odd(tables, self.of_payments, tables.payer_id),
            _count_orphans(tables),
            _count_odd(tables, self.of_customers, tables.customer_id),
            None if tables.ids_unique else _count_duplicates(tables),
        )
        return tuple("" if each is None else sql_of(each, layout.engine, literal=True) for each in written)


def _count_by_year(tables: Tables) -> Select[Any, Any]:
    each = (
        select(tables.year.label("year")).select_from(tables.payments).where(tables.year_is_whole).subquery()
    )
    return select(each.c.year, func.count()).group_by(each.c.year)


def _count_odd(tables: Tables, looked_for: list[Finding], of_whom: Expression) -> Select[*tuple[Any, ...]]:
    """Everything that is looked for in one table, in one pass."""
    return select(
        *(
            counted
            for finding in looked_for
            for condition in (finding.condition(tables),)
            for worse in (finding.harmful_if(tables) if finding.harmful_if else false(),)
            for counted in (
                func.count(case((condition, 1))),
                func.min(case((condition, of_whom))),
                func.count(case((worse, 1))),
            )
        )
    )


def _count_orphans(tables: Tables) -> Select[Any, Any]:
    customers, paid = tables.one_row_an_id(), paid_by_customer(tables, [], wide=True)
    return (
        select(func.sum(paid.c.payments), func.min(paid.c.id))
        .select_from(paid.outerjoin(customers, customers.c.id == paid.c.id))
        .where(customers.c.id.is_(None))
    )


def _count_duplicates(tables: Tables) -> Select[Any, Any]:
    ids = select(tables.customer_id.label("id")).where(tables.customers.c.user_id.is_not(None)).subquery()
    twice = select(ids.c.id).group_by(ids.c.id).having(func.count() > 1).subquery()
    return select(func.count(), func.min(twice.c.id))


def _file(opened: FileSession, path: Path) -> Iterator[Problem]:
    messages = damage(opened, path)
    if messages is None:
        yield Problem(
            "damage-not-looked-for",
            1,
            None,
            "Whether the file is damaged was not looked at. SQLite's own check would keep the shop from "
            "writing, so it is made of a copy; there is no room for one, or the shop wrote all the time. "
            "Check again when it is quiet.",
            harmless=True,
        )
    elif messages:
        meaning = (
            f"SQLite finds the file inconsistent; figures may be wrong. The first finding: {messages[0]}."
        )
        yield Problem("damaged", len(messages), None, meaning)
    yield from _folder(opened, path)


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


def _odd(looked_for: list[Finding], seen: list[Sequence[Any]], whose: str) -> Iterator[Problem]:
    for place, finding in enumerate(looked_for):
        count, example = _together([row[3 * place : 3 * place + 2] for row in seen])
        if count:
            harmful = any(row[3 * place + 2] for row in seen)
            harmless = finding.harmless and not harmful
            yield Problem(finding.kind, count, _name(example, whose), finding.meaning, harmless)


def _together(seen: Iterable[Sequence[Any]]) -> tuple[int, Any]:
    """How many they are, and the first example; slices are by ascending ids."""
    counted = [(count, example) for count, example in seen if count]
    return (
        sum(count for count, _ in counted),
        next((example for _, example in counted if example is not None), None),
    )


def _orphans(seen: list[Sequence[Any]]) -> Iterator[Problem]:
    count, example = _together(seen)
    if count:
        meaning = "They are of customers who are not in user_info, and are left out of the averages."
        yield Problem("orphan-payment", count, _name(example, "a payment of customer"), meaning)


def _duplicates(seen: list[Sequence[Any]]) -> Iterator[Problem]:
    count, example = _together(seen)
    if count:
        meaning = (
            "These ids stand in user_info more than once; each counts as one customer, of the lowest age."
        )
        yield Problem("id-twice", count, _name(example, "customer"), meaning)


def _written() -> Iterator[Problem]:
    meaning = (
        "The shop wrote to the ledger while it was looked at: what it wrote may be in these figures or not."
    )
    yield Problem("written-meanwhile", 1, None, meaning, harmless=True)


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
