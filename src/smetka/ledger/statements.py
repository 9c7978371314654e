"""The questions as SQL, written with SQLAlchemy Core and compiled once for each layout.

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
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    TableClause,
    bindparam,
    case,
    column,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
    table,
    union_all,
)
from sqlalchemy.sql.expression import CompoundSelect

from smetka.ledger.engines import VALUES, sql_of
from smetka.ledger.layout import CUSTOMERS, PAYMENTS, Layout
from smetka.ledger.values import Expression

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
    return question_of(layout, lambda wide: _total_spent(Tables(layout), by_year=by_year, wide=wide))


@lru_cache(maxsize=32)
def totals_spent(layout: Layout, *, by_year: bool) -> Question:
    """Rows `(kind, id, payments, high, low)` for `:user_ids` (and `:year`): `customer` and `paid`."""
    return question_of(layout, lambda wide: _totals_spent(Tables(layout), by_year=by_year, wide=wide))


@lru_cache(maxsize=32)
def spending_by_age(layout: Layout, *, by_year: bool) -> Question:
    """Rows `(kind, age, customers, spenders, payments, high, low)`, several of a kind and age.

    The kinds are `customer`, `paid` (what customers of that age paid), `orphan` (payments that
    count, of nobody in `user_info`) and `all` (how many payments there are, usable or not).
    """
    return question_of(
        layout, lambda wide: spending_by(Tables(layout), lambda age: age, by_year=by_year, wide=wide)
    )


@lru_cache(maxsize=32)
def spending_by_customer(layout: Layout, *, by_year: bool) -> Question:
    """Rows `(id, age, high, low)` by id, one for each customer with a payment that counts."""
    return question_of(layout, lambda wide: _spending_by_customer(Tables(layout), by_year=by_year, wide=wide))


@lru_cache(maxsize=8)
def person(layout: Layout) -> str:
    """Rows `(name, email)` for `:user_id`, whatever begins there; NULL where there is no such column."""
    tables = Tables(layout)
    columns = (tables.values.beginning(tables.personal(name), "text") for name in ("name", "email"))
    return sql_of(
        select(*columns).select_from(tables.customers).where(tables.customer_id == bindparam("user_id")),
        layout.engine,
    )


def question_of(
    layout: Layout, build: Callable[[bool], Select[*tuple[Any, ...]] | CompoundSelect[Any]]
) -> Question:
    """The statement that `build` makes, without and with sums that cannot overflow."""
    return Question(*(sql_of(build(wide), layout.engine) for wide in (False, True)))


class Tables:
    """The two tables, or those rows of both for which `part` holds, each value read as declared."""

    def __init__(self, layout: Layout, part: str | None = None) -> None:
        self.layout, self.ids_unique = layout, layout.ids_unique
        self.values = values = VALUES[layout.engine]
        customers = _part_of(table(CUSTOMERS, column("user_id", BigInteger), column("age")), part)
        user_id, year = (column(name, BigInteger) for name in ("user_id", "year"))
        payments = _part_of(table(PAYMENTS, user_id, column("money_spent"), year), part)
        self.customers, self.payments = customers, payments
        self._id_kind = layout.kind(CUSTOMERS, "user_id")
        self.amount_kind = layout.kind(PAYMENTS, "money_spent")
        self._year_kind = layout.kind(PAYMENTS, "year")
        self.customer_id = values.identity(customers.c.user_id, self._id_kind)
        self._age_kind = layout.kind(CUSTOMERS, "age")
        self.age = values.whole_years(customers.c.age, self._age_kind)
        self.payer_id = values.identity(payments.c.user_id, layout.kind(PAYMENTS, "user_id"))
        self.amount = values.number(payments.c.money_spent, self.amount_kind)
        self.year = values.identity(payments.c.year, self._year_kind)

    @property
    def is_payable(self) -> ColumnElement[bool]:
        """The payment counts."""
        return self.values.is_payable(self.amount, self.amount_kind)

    @property
    def whole_year(self) -> ColumnElement[int | None]:
        """The year as an integer; NULL when it is no whole number."""
        return self.values.whole_number(self.year, self._year_kind)

    @property
    def year_is_whole(self) -> ColumnElement[bool]:
        """The year is a whole number."""
        return self.values.is_whole(self.year, self._year_kind)

    @property
    def id_is_whole(self) -> ColumnElement[bool]:
        """The customer's id is a whole number."""
        return self.values.is_whole(self.customer_id, self._id_kind)

    @property
    def has_number(self) -> ColumnElement[bool]:
        """The payment's amount is a number, infinity included."""
        return self.values.is_number(self.amount, self.amount_kind)

    @property
    def is_missing(self) -> ColumnElement[bool]:
        """The payment has no amount."""
        return self.values.is_missing(self.payments.c.money_spent, self.amount_kind)

    @property
    def age_is_missing(self) -> ColumnElement[bool]:
        """The customer has no age, or an empty text for one; else one that is unknown is none."""
        missing = self.values.is_missing(self.customers.c.age, self._age_kind)
        has_texts = self.layout.engine == "sqlite" or self._age_kind == "text"
        return or_(missing, self.customers.c.age == literal_column("''")) if has_texts else missing

    @property
    def is_infinite(self) -> ColumnElement[bool]:
        """The payment's amount is infinite."""
        return self.values.is_infinite(self.amount, self.amount_kind)

    @property
    def is_text(self) -> ColumnElement[bool]:
        """The payment's amount is stored as text."""
        return self.values.is_text(self.payments.c.money_spent, self.amount_kind)

    @property
    def is_blob(self) -> ColumnElement[bool]:
        """The payment's amount is stored as raw bytes."""
        return self.values.is_blob(self.payments.c.money_spent, self.amount_kind)

    def cents(self, amount: Expression | None = None) -> ColumnElement[int]:
        """A payable amount of the table, or of a query of it, in whole cents."""
        return self.values.cents(self.amount if amount is None else amount, self.amount_kind)

    def sums(self, amount: Expression, *, wide: bool) -> tuple[Expression, Expression]:
        """The sum of such amounts in cents, as `high * PART + low`."""
        return self.values.sums(self.cents(amount), wide=wide)

    def personal(self, name: str) -> Expression:
        """The name or the e-mail of a customer; NULL where there is no such column."""
        return self.values.text(column(name) if name in self.layout.personal else null())

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


def _part_of(whole: TableClause, part: str | None) -> TableClause | Subquery:
    return whole if part is None else select(whole).where(literal_column(part)).subquery(whole.name)


def _total_spent(tables: Tables, *, by_year: bool, wide: bool) -> Select[bool, int, Any, Any]:
    customer: Expression = bindparam("user_id")
    known = exists(select(_ONE).select_from(tables.customers).where(tables.customer_id == customer))
    return (
        select(known, func.count(), *tables.sums(tables.amount, wide=wide))
        .select_from(tables.payments)
        .where(tables.payer_id == customer, tables.is_payable, *tables.period(by_year=by_year))
    )


def _totals_spent(tables: Tables, *, by_year: bool, wide: bool) -> CompoundSelect[Any]:
    high, low = tables.sums(tables.amount, wide=wide)
    paid = (
        select(word("paid").label("kind"), tables.payer_id.label("id"), func.count(), high, low)
        .where(
            tables.values.is_one_of(tables.payer_id, "user_ids"),
            tables.is_payable,
            *tables.period(by_year=by_year),
        )
        .group_by(tables.payer_id)
    )
    known = select(word("customer"), tables.customer_id, *zeros(3)).where(
        tables.values.is_one_of(tables.customer_id, "user_ids")
    )
    return union_all(paid, known)


def spending_by(
    tables: Tables,
    key: Callable[[Expression], Expression],
    *,
    by_year: bool,
    wide: bool,
    with_middle: bool = False,
) -> CompoundSelect[Any]:
    """What customers spent by their ages, or by what `key` makes of them."""
    period = tables.period(by_year=by_year)
    customers = tables.one_row_an_id()
    paid = paid_by_customer(tables, period, wide=wide)
    known = customers.c.id.is_not(None)
    by_age = with_middle and tables.values.lists_all
    group = customers.c.age if by_age else key(customers.c.age)
    columns: dict[str, Expression] = {"spenders": func.count(), "counted": func.sum(paid.c.payments)}
    if with_middle:
        sums = paid.c.high, paid.c.low
        columns["middle"] = tables.values.in_the_middle(*sums, wide=wide)
        columns["largest"] = tables.values.largest(*sums, wide=wide)
    columns |= {"sum_high": func.sum(paid.c.high), "sum_low": func.sum(paid.c.low)}
    kind = case((known, word("paid")), else_=word("orphan")).label("kind")
    spent = (
        select(kind, group, *zeros(1), *(each.label(name) for name, each in columns.items()))
        .select_from(paid.outerjoin(customers, customers.c.id == paid.c.id))
        .group_by(literal_column("kind"), group)
    )
    if by_age:
        spent = _together(spent.subquery("by_age"), key)
    nothing: list[Expression] = [null().label(name) for name in ("middle", "largest") if with_middle]
    payments = select(func.count()).select_from(tables.payments).where(*period).scalar_subquery()
    return union_all(
        spent,
        *(
            select(word("customer"), key(ages.c.age), ages.c.customers, *zeros(2), *nothing, *zeros(4)[2:])
            for ages in tables.customers_by_age(customers)
        ),
        select(word("all"), null(), *zeros(2), payments, *nothing, *zeros(4)[2:]),
    )


def _together(ages: Subquery, key: Callable[[Expression], Expression]) -> Select[Any]:
    """Lists by age put together by group: cheaper than to look up the group of each customer."""
    group, column = key(ages.c.age), ages.c
    return select(
        column.kind,
        group,
        *zeros(1),
        *(func.sum(column[name]).label(name) for name in ("spenders", "counted")),
        func.group_concat(column.middle).label("middle"),
        func.max(column.largest).label("largest"),
        *(func.sum(column[name]).label(name) for name in ("sum_high", "sum_low")),
    ).group_by(column.kind, group)


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
        .where(tables.is_payable, *period)
        .subquery()
    )
    high, low = tables.sums(payments.c.amount, wide=wide)
    return (
        select(payments.c.id, func.count().label("payments"), high.label("high"), low.label("low"))
        .group_by(payments.c.id)
        .subquery("paid")
    )


def zeros(count: int) -> list[Expression]:
    """Nothing, where rows of another kind have numbers, under names of their own: ClickHouse demands them."""
    return [ZERO.label(f"nothing_{number}") for number in range(count)]


def word(plain: str) -> Expression:
    """A word without quotes, as SQL text."""
    return literal_column(f"'{plain}'")
