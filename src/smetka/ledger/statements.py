"""The two questions as SQL, written with SQLAlchemy Core and compiled once for each layout.

Each is one statement, so that its answer is of one moment. Payments that do not count are sorted
out by WHERE, which costs a third of what a CASE in each aggregate does; how many they are follows
from the number of all payments, which SQLite counts without looking at them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Subquery,
    bindparam,
    case,
    column,
    exists,
    func,
    literal_column,
    null,
    select,
    table,
    union_all,
)
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.sql.expression import CompoundSelect

from smetka.ledger import values
from smetka.ledger.layout import CUSTOMERS, PAYMENTS, Layout
from smetka.ledger.values import Expression

PART = 10**6
"""Sums of cents beyond 64 bits are taken again in two parts: millions of cents, and the rest."""

_SQLITE = sqlite_dialect(paramstyle="named")
ZERO: Expression = literal_column("0")
"""Nothing, where a row of another kind has a number."""

_ONE: Expression = literal_column("1")


@dataclass(frozen=True, slots=True)
class Question:
    """A question as SQL, and as the same, slower, whose sums cannot overflow."""

    sql: str
    wide_sql: str


@lru_cache(maxsize=32)
def total_spent(layout: Layout, *, by_year: bool) -> Question:
    """One row `(known, payments, high, low)` for `:user_id` (and `:year`)."""
    return question_of(lambda wide: _total_spent(Tables(layout), by_year=by_year, wide=wide))


@lru_cache(maxsize=32)
def spending_by_age(layout: Layout, *, by_year: bool) -> Question:
    """Rows `(kind, age, customers, spenders, payments, high, low)`, several of a kind and age.

    The kinds are `customer`, `paid` (what customers of that age paid), `orphan` (payments that
    count, of nobody in `user_info`) and `all` (how many payments there are, usable or not).
    """
    return question_of(lambda wide: _spending_by_age(Tables(layout), by_year=by_year, wide=wide))


@lru_cache(maxsize=32)
def spending_by_customer(layout: Layout, *, by_year: bool) -> Question:
    """Rows `(id, age, high, low)` by id, one for each customer with a payment that counts."""
    return question_of(lambda wide: _spending_by_customer(Tables(layout), by_year=by_year, wide=wide))


@lru_cache(maxsize=8)
def person(layout: Layout) -> str:
    """Rows `(name, email)` for `:user_id`, whatever is stored there; NULL where there is no such column."""
    tables = Tables(layout)
    columns = (column(name) if name in layout.personal else null() for name in ("name", "email"))
    return compiled(
        select(*columns).select_from(tables.customers).where(tables.customer_id == bindparam("user_id"))
    )


def question_of(build: Callable[[bool], Select[*tuple[Any, ...]] | CompoundSelect[Any]]) -> Question:
    """The statement that `build` makes, without and with sums that cannot overflow."""
    return Question(*(compiled(build(wide)) for wide in (False, True)))


def compiled(statement: Select[*tuple[Any, ...]] | CompoundSelect[Any]) -> str:
    """A statement as SQL for SQLite, its parameters as `:name`."""
    return str(statement.compile(dialect=_SQLITE))


def as_sql(statement: Select[*tuple[Any, ...]]) -> str:
    """A statement without parameters as SQL for SQLite."""
    return str(statement.compile(dialect=_SQLITE, compile_kwargs={"literal_binds": True}))


class Tables:
    """The two tables, each value read as its column's declaration demands."""

    def __init__(self, layout: Layout) -> None:
        self.ids_unique = layout.ids_unique
        customers = table(CUSTOMERS, column("user_id", Integer), column("age"))
        payments = table(PAYMENTS, column("user_id", Integer), column("money_spent"), column("year", Integer))
        self.customers, self.payments = customers, payments
        self.customer_id = values.identity(
            customers.c.user_id, numeric=(CUSTOMERS, "user_id") in layout.numeric
        )
        self.age = values.whole_years(customers.c.age, numeric=(CUSTOMERS, "age") in layout.numeric)
        self.payer_id = values.identity(payments.c.user_id, numeric=(PAYMENTS, "user_id") in layout.numeric)
        self.amount = values.number(
            payments.c.money_spent, numeric=(PAYMENTS, "money_spent") in layout.numeric
        )
        self.year = values.identity(payments.c.year, numeric=(PAYMENTS, "year") in layout.numeric)

    def period(self, *, by_year: bool) -> list[ColumnElement[bool]]:
        """The conditions a payment of the period fulfils."""
        return [self.year == bindparam("year")] if by_year else []

    def one_row_an_id(self) -> FromClause:
        """Customers with an id, each once: an id that stands there twice has its lowest known age."""
        rows = select(self.customer_id.label("id"), self.age.label("age"))
        if self.ids_unique:
            return rows.subquery("customers")
        each = rows.where(self.customers.c.user_id.is_not(None)).subquery()
        # As a CTE that is named twice it is worked out once, and joined by an index made on the way.
        return select(each.c.id, func.min(each.c.age).label("age")).group_by(each.c.id).cte("customers")

    def customers_by_age(self, customers: FromClause) -> list[Subquery]:
        """How many customers there are of each age; rows without an id are customers who cannot pay."""
        ages = [select(customers.c.age).subquery()]
        if not self.ids_unique:
            nameless = select(self.age.label("age")).where(self.customers.c.user_id.is_(None))
            ages.append(nameless.subquery())
        return [
            select(each.c.age, func.count().label("customers")).group_by(each.c.age).subquery()
            for each in ages
        ]


def _total_spent(tables: Tables, *, by_year: bool, wide: bool) -> Select[bool, int, Any, Any]:
    customer: Expression = bindparam("user_id")
    known = exists(select(_ONE).select_from(tables.customers).where(tables.customer_id == customer))
    return (
        select(known, func.count(), *sums(values.cents(tables.amount), wide=wide))
        .select_from(tables.payments)
        .where(tables.payer_id == customer, values.is_payable(tables.amount), *tables.period(by_year=by_year))
    )


def _spending_by_age(tables: Tables, *, by_year: bool, wide: bool) -> CompoundSelect[Any]:
    period = tables.period(by_year=by_year)
    customers = tables.one_row_an_id()
    paid = paid_by_customer(tables, period, wide=wide)
    known = customers.c.id.is_not(None)
    by_age = (
        select(
            case((known, word("paid")), else_=word("orphan")).label("kind"),
            customers.c.age,
            ZERO,
            func.count(),
            func.sum(paid.c.payments),
            func.sum(paid.c.high),
            func.sum(paid.c.low),
        )
        .select_from(paid.outerjoin(customers, customers.c.id == paid.c.id))
        .group_by(literal_column("kind"), customers.c.age)
    )
    payments = select(func.count()).select_from(tables.payments).where(*period).scalar_subquery()
    return union_all(
        by_age,
        *(
            select(word("customer"), ages.c.age, ages.c.customers, *[ZERO] * 4)
            for ages in tables.customers_by_age(customers)
        ),
        select(word("all"), null(), ZERO, ZERO, payments, ZERO, ZERO),
    )


def _spending_by_customer(tables: Tables, *, by_year: bool, wide: bool) -> Select[Any, Any, Any]:
    customers = tables.one_row_an_id()
    paid = paid_by_customer(tables, tables.period(by_year=by_year), wide=wide)
    return (
        select(customers.c.id, customers.c.age, paid.c.high, paid.c.low)
        .select_from(paid.join(customers, customers.c.id == paid.c.id))
        .order_by(customers.c.id)
    )


def paid_by_customer(tables: Tables, period: list[ColumnElement[bool]], *, wide: bool) -> Subquery:
    """Payments that count and their sum, by whoever made them."""
    payments = (
        select(tables.payer_id.label("id"), tables.amount.label("amount"))
        .where(values.is_payable(tables.amount), *period)
        .subquery()
    )
    high, low = sums(values.cents(payments.c.amount), wide=wide)
    return (
        select(payments.c.id, func.count().label("payments"), high.label("high"), low.label("low"))
        .group_by(payments.c.id)
        .subquery("paid")
    )


def sums(cents: ColumnElement[int], *, wide: bool) -> tuple[Expression, Expression]:
    """The sum of cents as `high * PART + low`."""
    if not wide:
        return ZERO, func.coalesce(func.sum(cents), ZERO)
    part = literal_column(str(PART), Integer)
    # SQLite's integer division and remainder both round towards zero, so that the parts fit together.
    return func.coalesce(func.sum(cents // part), ZERO), func.coalesce(func.sum(cents % part), ZERO)


def word(plain: str) -> Expression:
    """A word of letters only, as SQL text."""
    return literal_column(f"'{plain}'")
