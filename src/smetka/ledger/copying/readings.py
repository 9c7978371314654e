"""The rows of a batch as SQL, every value read as the questions read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    not_,
    null,
    select,
)

from smetka.ledger.engines import sql_of
from smetka.ledger.layout import CUSTOMERS, PAYMENTS, Layout
from smetka.ledger.statements import Tables
from smetka.ledger.values import Expression

if TYPE_CHECKING:
    from smetka.ledger.copying.batches import Batch

LAST_YEAR = 2**31 - 1
"""Years beyond it either way are copied as unknown: targets hold them in 32 bits."""


class Readings:
    """Statements over a ledger that is declared in one way."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._tables = tables = Tables(layout)
        values = tables.values
        payer_kind = layout.kind(PAYMENTS, "user_id")
        self._payer = values.whole_number(tables.payer_id, payer_kind)
        self._has_payer = values.is_whole(tables.payer_id, payer_kind)
        self._cents = case((tables.is_payable, tables.cents()))
        limit: Expression = literal_column(str(LAST_YEAR))
        self._year = case((tables.year.between(-limit, limit), tables.whole_year))
        self._customer = values.whole_number(tables.customer_id, layout.kind(CUSTOMERS, "user_id"))
        self._name, self._email = (values.text(tables.personal(each)) for each in ("name", "email"))

    def odd_ids(self) -> str:
        """One row: customers without an id, and those whose id is no whole number."""
        user_id = self._tables.customers.c.user_id
        odd = and_(user_id.is_not(None), not_(self._tables.id_is_whole))
        one: Expression = literal_column("1")
        counts = select(func.count(case((user_id.is_(None), one))), func.count(case((odd, one))))
        return self._sql(counts.select_from(self._tables.customers))

    def ids(self, table: str) -> str:
        """Rows `(id, rows)` by id; NULL for all ids that are no whole numbers. Customers are once each."""
        if table == PAYMENTS:
            payers = select(self._payer.label("id")).select_from(self._tables.payments).subquery()
            return self._sql(select(payers.c.id, func.count()).group_by(payers.c.id).order_by(payers.c.id))
        customers = select(self._customer.label("id")).select_from(self._tables.customers).subquery()
        count = case((customers.c.id.is_(None), func.count()), else_=literal_column("1"))
        return self._sql(select(customers.c.id, count).group_by(customers.c.id).order_by(customers.c.id))

    def by_year(self) -> str:
        """Rows `(year, payments, high, low)` of all payments that count, whoever's; NULL for odd years."""
        tables = self._tables
        counted = (
            select(self._year.label("year"), tables.amount.label("amount"))
            .where(tables.is_payable)
            .subquery()
        )
        # A third of the time of the question that asks for customers' alone.
        return self._sql(
            select(counted.c.year, func.count(), *tables.sums(counted.c.amount, wide=True)).group_by(
                counted.c.year
            )
        )

    def rows(self, batch: Batch) -> tuple[str, dict[str, Any]]:
        """A statement and its parameters.

        Rows are `(id, name, email, age)`, each whole id once, or `(id, cents, year)`.
        """
        statement = self._payments(batch) if batch.table == PAYMENTS else self._customers(batch)
        parameters: dict[str, Any] = {}
        if batch.by != "ctid" and batch.low is not None:
            parameters |= {"low": batch.low, "high": batch.high}
        if batch.offset is not None:
            # Rows that are equal in all columns may change places.
            statement = (
                statement.order_by(*(column.nulls_last() for column in statement.selected_columns[1:]))
                .limit(bindparam("rows"))
                .offset(bindparam("offset"))
            )
            parameters |= {"rows": batch.rows, "offset": batch.offset}
        return self._sql(statement), parameters

    def _payments(self, batch: Batch) -> Select[Any, Any, Any]:
        tables = self._tables
        where = self._range(batch, tables.payer_id, self._payer, self._has_payer)
        return select(self._payer, self._cents, self._year).select_from(tables.payments).where(where)

    def _customers(self, batch: Batch) -> Select[Any, Any, Any, Any]:
        tables = self._tables
        where = self._range(batch, tables.customer_id, self._customer, tables.id_is_whole)
        rows = select(
            self._customer.label("id"),
            self._name.label("name"),
            self._email.label("email"),
            tables.age.label("age"),
        )
        rows = rows.select_from(tables.customers).where(where)
        if tables.ids_unique or batch.low is None:
            return rows
        each = rows.subquery()
        name, email = tables.values.one_row_of(each.c.name, each.c.email)
        return select(each.c.id, name, email, func.min(each.c.age)).group_by(each.c.id)

    def _range(
        self, batch: Batch, value: Expression, whole: Expression, is_whole: ColumnElement[bool]
    ) -> ColumnElement[bool]:
        if batch.by == "ctid":
            assert batch.low is not None
            assert batch.high is not None
            place: Expression = literal_column("ctid")
            return and_(place >= _block(batch.low), place < _block(batch.high + 1))
        low: Expression = bindparam("low")
        high: Expression = bindparam("high")
        if batch.by == "rowid":
            rowid: Expression = literal_column("_rowid_")
            return rowid.between(low, high)
        if batch.low is None:
            return whole.is_(null())
        # By the column itself, so that its index is of use.
        return and_(value.between(low, high), is_whole)

    def _sql(self, statement: Select[*tuple[Any, ...]]) -> str:
        return sql_of(statement, self._layout.engine)


def _block(number: int) -> Expression:
    return literal_column(f"'({number},0)'::tid")
