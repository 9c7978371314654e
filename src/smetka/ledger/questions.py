"""The questions, put to whoever runs a statement."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from smetka.errors import UnknownCustomer
from smetka.ledger import statements
from smetka.ledger.faults import is_overflow
from smetka.ledger.layout import Layout
from smetka.ledger.spending import CustomerTotal, Person, SpendingByAge, Spent, spending_of
from smetka.ledger.statements import PART, Question
from smetka.money import Money

T = TypeVar("T")

Rows = Callable[[str, Mapping[str, Any]], list[Any]]
"""Runs a statement with its parameters and returns all its rows."""

Fold = Callable[[str, Mapping[str, Any], Callable[[Iterator[Any]], Spent]], Spent]
"""Runs a statement with its parameters and hands its rows on one by one."""


def total_spent(rows: Rows, layout: Layout, user_id: int, year: int | None) -> CustomerTotal:
    """What one customer spent, in one year or in all.

    Raises:
        UnknownCustomer: nobody has that id.
    """
    if not _fits(user_id):
        raise UnknownCustomer(user_id)
    question = statements.total_spent(layout, by_year=year is not None)
    [(known, payments, high, low)] = _asked(rows, question, user_id=user_id, year=_storable(year))
    if not known:
        raise UnknownCustomer(user_id)
    return CustomerTotal(user_id, Money(high * PART + low), payments)


def spending_by_age(rows: Rows, layout: Layout, year: int | None) -> SpendingByAge:
    """What all customers spent, in one year or in all, by their age today."""
    question = statements.spending_by_age(layout, by_year=year is not None)
    return spending_of(_asked(rows, question, year=_storable(year)))


def spending_by_customer(fold: Fold, layout: Layout, year: int | None) -> Spent:
    """What each customer with a payment that counts spent, in one year or in all."""
    question = statements.spending_by_customer(layout, by_year=year is not None)
    return _asked(lambda sql, parameters: fold(sql, parameters, Spent), question, year=_storable(year))


def person(rows: Rows, layout: Layout, user_id: int) -> Person | None:
    """A customer's name and e-mail; None when nobody has that id."""
    found = rows(statements.person(layout), {"user_id": user_id}) if _fits(user_id) else []
    return Person(*map(_as_text, found[0])) if found else None


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


def _asked(run: Callable[[str, Mapping[str, Any]], T], question: Question, **parameters: Any) -> T:
    try:
        return run(question.sql, parameters)
    except sqlite3.Error as error:
        if not is_overflow(error):
            raise
        return run(question.wide_sql, parameters)


def _storable(year: int | None) -> int | None:
    # A year no column can hold is compared as NULL, which is equal to nothing.
    return None if year is None or not _fits(year) else year


def _fits(value: int) -> bool:
    return -(2**63) <= value < 2**63
