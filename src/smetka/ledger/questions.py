"""The questions, put to whoever runs a statement."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

from smetka.core.age_groups import AgeGroup
from smetka.core.errors import UnknownCustomer
from smetka.core.money import Money
from smetka.ledger import group_statements, page_statements, statements
from smetka.ledger.customers import (
    Customer,
    CustomerSpending,
    Payment,
    YearSpending,
    customer_of,
    years_of,
)
from smetka.ledger.engines import as_shown
from smetka.ledger.faults import is_overflow
from smetka.ledger.layout import Layout
from smetka.ledger.spending import (
    CustomerTotal,
    Person,
    SpendingByAge,
    SpendingByGroup,
    Spent,
    groups_of,
    spending_of,
    totals_of,
)
from smetka.ledger.statements import Question
from smetka.ledger.values import LONGEST_TEXT, PART

T = TypeVar("T")

QuestionName = Literal[
    "total_spent", "spending_by_age", "spending_by_group", "spending_by_customer", "spending_by_year"
]
"""The questions whose statements are shown."""

LONGEST_SEARCH = 1000
"""Names are not searched for longer texts: SQLite refuses long patterns."""

_WILDCARD, _ESCAPED = re.compile(r"[%_\\]"), r"\\\g<0>"

# What no name can be found by: LIKE stops reading at a zero byte, and surrogates are no parameter.
_UNSEARCHABLE = re.compile(r"[\x00\ud800-\udfff]")

_LARGEST = 2**63 - 1

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


def totals_spent(
    rows: Rows, layout: Layout, user_ids: Sequence[int], year: int | None
) -> dict[int, CustomerTotal]:
    """What each of a few customers spent, in one year or in all; without those whom nobody knows."""
    question = statements.totals_spent(layout, by_year=year is not None)
    asked = [user_id for user_id in user_ids if _fits(user_id)]
    # SQLite has no lists.
    as_parameter = json.dumps(asked) if layout.engine == "sqlite" else asked
    return totals_of(_asked(rows, question, user_ids=as_parameter, year=_storable(year)))


def spending_by_age(rows: Rows, layout: Layout, year: int | None) -> SpendingByAge:
    """What all customers spent, in one year or in all, by their age today."""
    question = statements.spending_by_age(layout, by_year=year is not None)
    return spending_of(_asked(rows, question, year=_storable(year)))


def spending_by_group(
    rows: Rows, layout: Layout, groups: tuple[AgeGroup, ...], year: int | None
) -> SpendingByGroup:
    """What all customers spent, in one year or in all, by the groups of their ages today."""
    question = group_statements.spending_by_group(layout, groups, by_year=year is not None)
    return groups_of(_asked(rows, question, year=_storable(year)), groups)


def spending_by_customer(fold: Fold, layout: Layout, year: int | None) -> Spent:
    """What each customer with a payment that counts spent, in one year or in all."""
    question = statements.spending_by_customer(layout, by_year=year is not None)
    return _asked(lambda sql, parameters: fold(sql, parameters, Spent), question, year=_storable(year))


def person(rows: Rows, layout: Layout, user_id: int) -> Person | None:
    """A customer's name and e-mail; None when nobody has that id."""
    found = rows(statements.person(layout), {"user_id": user_id}) if _fits(user_id) else []
    return Person(*map(_as_text, found[0])) if found else None


def spending_by_year(rows: Rows, layout: Layout) -> tuple[YearSpending, ...]:
    """What all customers spent in each year."""
    return years_of(_asked(rows, page_statements.spending_by_year(layout)))


def customers(
    rows: Rows, layout: Layout, limit: int, *, after: int | None, text: str, in_names: bool
) -> list[Customer]:
    """The first customers whose ids are above `after`, by id; those that `text` finds, unless it is empty."""
    by_id = text.isascii() and text.isdigit()
    patterns = _patterns(text) if in_names else []
    if len(text) > LONGEST_SEARCH or (text and not by_id and not patterns):
        return []
    sql = page_statements.customers(layout, in_names=in_names, by_id=by_id, patterns=len(patterns))
    found = rows(
        sql,
        {
            "after": _clamped(after or 0),
            "limit": _clamped(limit),
            "user_id": _storable(int(text)) if by_id else None,
            **{f"pattern_{number}": pattern for number, pattern in enumerate(patterns)},
        },
    )
    return [Customer(user_id, _as_text(name), _as_text(email), age) for user_id, name, email, age in found]


def customer(rows: Rows, layout: Layout, user_id: int) -> CustomerSpending:
    """What one customer spent, in all and in each year.

    Raises:
        UnknownCustomer: nobody has that id.
    """
    if _fits(user_id):
        found = _asked(rows, page_statements.customer(layout), user_id=user_id)
        if (answer := customer_of(user_id, found)) is not None:
            return answer
    raise UnknownCustomer(user_id)


def payments(rows: Rows, layout: Layout, user_id: int, limit: int, *, offset: int) -> list[Payment]:
    """The payments that bear one id, the newest year first, then the largest amount."""
    if not _fits(user_id):
        return []
    parameters = {"user_id": user_id, "limit": _clamped(limit), "offset": _clamped(offset)}
    return [
        Payment(None if cents is None else Money(cents), year, _as_text(stored))
        for cents, year, stored in rows(page_statements.payments(layout), parameters)
    ]


def sample(rows: Rows, layout: Layout) -> None:
    """Read a customer and a payment, where there are any, as every answer does."""
    for statement in page_statements.samples(layout):
        rows(statement, {})


def statement_of(
    layout: Layout, question: QuestionName, *, by_year: bool, groups: tuple[AgeGroup, ...], **values: int
) -> str:
    """The SQL of a question, with the values of its parameters in it."""
    if question == "spending_by_group":
        asked = group_statements.spending_by_group(layout, groups, by_year=by_year)
    else:
        asked = _question(layout, question, by_year=by_year)
    return as_shown(asked.sql, layout.engine, values)


def _question(layout: Layout, question: QuestionName, *, by_year: bool) -> Question:
    match question:
        case "total_spent":
            return statements.total_spent(layout, by_year=by_year)
        case "spending_by_age" | "spending_by_group":
            return statements.spending_by_age(layout, by_year=by_year)
        case "spending_by_customer":
            return statements.spending_by_customer(layout, by_year=by_year)
        case "spending_by_year":
            return page_statements.spending_by_year(layout)


def _patterns(text: str) -> list[str]:
    r"""LIKE patterns that contain the text, as it is and as it is usually written, `\` before wildcards.

    LIKE itself takes ASCII letters of either case for the same, but no others.
    """
    if not text or _UNSEARCHABLE.search(text):
        return []
    ways = [text]
    if not text.isascii():
        ways += [text.lower(), text.upper(), text.title(), text.capitalize()]
    return [f"%{_WILDCARD.sub(_ESCAPED, way)}%" for way in dict.fromkeys(ways)]


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        text = value.decode("utf-8", "replace")
    else:
        text = "" if value is None else str(value)
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"


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


def _clamped(number: int) -> int:
    # SQLite takes a negative limit for none at all, and no parameter beyond 64 bits.
    return max(0, min(number, _LARGEST))


def _fits(value: int) -> bool:
    return -(2**63) <= value < 2**63
