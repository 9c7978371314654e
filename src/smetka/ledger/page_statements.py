"""The questions of pages as SQL, written as those in `statements` are, and each one statement, too."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, case, func, null, or_, select, union_all
from sqlalchemy.sql.expression import CompoundSelect

from smetka.ledger.engines import sql_of
from smetka.ledger.layout import Layout
from smetka.ledger.statements import ZERO, Question, Tables, question_of, word, zeros
from smetka.ledger.values import Expression


@lru_cache(maxsize=8)
def spending_by_year(layout: Layout) -> Question:
    """Rows `(year, spenders, payments, high, low)`, one a year; NULL for years that are no whole numbers.

    Only payments that count, of customers in `user_info`.
    """
    return question_of(layout, lambda wide: _spending_by_year(Tables(layout), wide=wide))


@lru_cache(maxsize=8)
def customer(layout: Layout) -> Question:
    """Rows `(kind, value, count, high, low)` for `:user_id`.

    One of the kind `customer`: the lowest known age, and how often the id stands in `user_info`. One of
    the kind `year` for each year with payments that count, how many they are, and their sum.
    """
    return question_of(layout, lambda wide: _customer(Tables(layout), wide=wide))


@lru_cache(maxsize=8)
def payments(layout: Layout) -> str:
    """Rows `(cents, year, money_spent)` of `:user_id`, `:limit` of them after the first `:offset`.

    The newest year first, then the largest amount. Cents are NULL when the payment does not count, the
    year when it is no whole number; these come last.
    """
    tables = Tables(layout)
    cents = case((tables.is_payable, tables.cents()))
    year, stored = tables.whole_year, tables.payments.c.money_spent
    statement = (
        select(cents, year, tables.values.beginning(stored, tables.amount_kind))
        .where(tables.payer_id == bindparam("user_id"))
        .order_by(*(each.desc().nulls_last() for each in (year, cents, stored)))
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
    )
    return sql_of(statement, layout.engine)


@lru_cache(maxsize=8)
def samples(layout: Layout) -> tuple[str, ...]:
    """Any one row of each table: of `(id, age)`, and of `(payer's id, amount, year)`."""
    tables = Tables(layout)
    customer = select(tables.customer_id, tables.age).select_from(tables.customers)
    payment = select(tables.payer_id, tables.amount, tables.year).select_from(tables.payments)
    one_each = customer.limit(1), payment.limit(1)
    return tuple(sql_of(statement, layout.engine, literal=True) for statement in one_each)


@lru_cache(maxsize=64)
def customers(layout: Layout, *, in_names: bool, by_id: bool, patterns: int) -> str:
    r"""Rows `(id, name, email, age)` with whole ids above `:after`, by id, `:limit` of them.

    Args:
        in_names: names and e-mails are read; else they are NULL.
        by_id: customer `:user_id` is looked for.
        patterns: how many of `:pattern_0`, `:pattern_1`... are looked for in names and e-mails; in them
            `\` takes their meaning from `%` and `_`. Any match will do, of a pattern or of the id; when
            nothing is looked for, all customers are found.
    """
    tables = Tables(layout)
    name, email = (
        tables.personal(stored) if in_names else tables.values.text(null()) for stored in ("name", "email")
    )
    looked_for = [tables.customer_id == bindparam("user_id")] if by_id else []
    looked_for += [
        tables.values.like(stored, bindparam(f"pattern_{number}"))
        for stored in (name, email)
        for number in range(patterns)
    ]
    rows: Select[Any, Any, Any, Any] = (
        select(
            tables.values.whole(tables.customer_id).label("id"),
            tables.values.beginning(name, "text").label("name"),
            tables.values.beginning(email, "text").label("email"),
            tables.age.label("age"),
        )
        .select_from(tables.customers)
        .where(tables.id_is_whole, tables.customer_id > bindparam("after"))
    )
    if looked_for:
        rows = rows.where(or_(*looked_for))
    if layout.ids_unique:
        # By the column itself, in whose order SQLite can read; not by what it is cast to.
        return sql_of(rows.order_by(tables.customer_id).limit(bindparam("limit")).offset(ZERO), layout.engine)
    return sql_of(_each_once(tables, rows), layout.engine)


def _each_once(tables: Tables, rows: Select[Any, Any, Any, Any]) -> Select[Any, Any, Any, Any]:
    """One of the rows of each id, with the lowest known age of all rows that have it, found or not."""
    found = rows.subquery()
    name, email = tables.values.one_row_of(found.c.name, found.c.email)
    page = (
        select(found.c.id, name.label("name"), email.label("email"))
        .group_by(found.c.id)
        .order_by(found.c.id)
        .limit(bindparam("limit"))
        .offset(ZERO)  # else SQLAlchemy makes a parameter of it
        .cte("page")
    )
    each = select(tables.customer_id.label("id"), tables.age.label("age")).subquery()
    # Looked up in the page: joined with it, all customers would be read again for each of its rows.
    ages = (
        select(each.c.id, func.min(each.c.age).label("age"))
        .where(each.c.id.in_(select(page.c.id)))
        .group_by(each.c.id)
        .subquery()
    )
    return (
        select(page.c.id, page.c.name, page.c.email, ages.c.age)
        .select_from(page.join(ages, ages.c.id == page.c.id))
        .order_by(page.c.id)
    )


def _spending_by_year(tables: Tables, *, wide: bool) -> Select[Any, Any, Any, Any, Any]:
    known = select(tables.customer_id).select_from(tables.customers)
    paid = (
        select(
            tables.whole_year.label("year"),
            tables.payer_id.label("id"),
            tables.amount.label("amount"),
        )
        .where(tables.is_payable, tables.payer_id.in_(known))
        .subquery("paid")
    )
    return select(
        paid.c.year,
        func.count(paid.c.id.distinct()),
        func.count(),
        *tables.sums(paid.c.amount, wide=wide),
    ).group_by(paid.c.year)


def _customer(tables: Tables, *, wide: bool) -> CompoundSelect[Any]:
    asked: Expression = bindparam("user_id")
    known = (
        select(word("customer"), func.min(tables.age), func.count(), *zeros(2))
        .select_from(tables.customers)
        .where(tables.customer_id == asked)
    )
    payments = (
        select(tables.whole_year.label("year"), tables.amount.label("amount"))
        .where(tables.payer_id == asked, tables.is_payable)
        .subquery()
    )
    by_year = select(
        word("year"), payments.c.year, func.count(), *tables.sums(payments.c.amount, wide=wide)
    ).group_by(payments.c.year)
    return union_all(known, by_year)
