"""The values of SQLite, where every column holds every kind of value.

It compares text and blobs as greater than any number, so that `age >= 48` alone is true for 'abc'.
In a column of numeric type what is text there is no number: SQLite would have stored it as one.
"""

from __future__ import annotations

from sqlalchemy import (
    ColumnElement,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    null,
    select,
)

from smetka.core.age_groups import OLDEST_AGE
from smetka.ledger.values import LARGEST_PAYMENT, LONGEST_TEXT, PART, Expression, Kind

_ZERO: Expression = literal_column("0")
_ONE: Expression = literal_column("1")
_LONGEST: Expression = literal_column(str(LONGEST_TEXT))


class SQLiteValues:
    """As `values.Values` says; kinds are `number` and `any`."""

    lists_all = True

    def identity(self, value: Expression, kind: Kind) -> Expression:  # noqa: D102
        if kind == "number":
            return value
        number = cast(value, Numeric)
        # The cast's numeric affinity is lent to the other side: equal when all of the text is the number.
        return case((and_(self.is_text(value, kind), number == value), number), else_=value)

    def number(self, value: Expression, kind: Kind) -> Expression:  # noqa: D102
        if kind == "number":
            return value
        return case(
            (_is_number(value), value),
            (and_(self.is_text(value, kind), is_plain_decimal(value)), cast(value, Numeric)),
        )

    def is_payable(self, amount: Expression, kind: Kind) -> ColumnElement[bool]:  # noqa: ARG002, D102
        # Text, blobs, infinity and NULL fail the comparison.
        limit: Expression = literal_column(f"{LARGEST_PAYMENT}.0")
        return amount.between(-limit, limit)

    def cents(self, amount: Expression, kind: Kind) -> ColumnElement[int]:  # noqa: ARG002, D102
        return cast(func.round(amount * literal_column("100")), Integer)

    def sums(self, cents: ColumnElement[int], *, wide: bool) -> tuple[Expression, Expression]:  # noqa: D102
        if not wide:
            return _ZERO, func.coalesce(func.sum(cents), _ZERO)
        part = literal_column(str(PART), Integer)
        # SQLite's integer division and remainder both round towards zero, so that the parts fit together.
        return func.coalesce(func.sum(cents // part), _ZERO), func.coalesce(func.sum(cents % part), _ZERO)

    def in_the_middle(self, high: Expression, low: Expression, *, wide: bool) -> Expression:  # noqa: D102
        # All: window functions cost half as much again as all the rest of a statement.
        return func.group_concat(high.concat(literal_column("':'")).concat(low) if wide else low)

    def largest(self, high: Expression, low: Expression, *, wide: bool) -> Expression:  # noqa: ARG002, D102
        return null() if wide else func.max(low)

    def whole_years(self, age: Expression, kind: Kind) -> ColumnElement[int | None]:  # noqa: D102
        value = self.number(age, kind)
        years = cast(value, Integer)
        # The cast makes 0 of text and blobs, hence the look at the type.
        known = and_(_is_number(value), years.between(_ZERO, literal_column(str(OLDEST_AGE))))
        return case((known, years))

    def whole(self, value: Expression) -> ColumnElement[int]:  # noqa: D102
        return cast(value, Integer)

    def is_whole(self, value: Expression, kind: Kind) -> ColumnElement[bool]:  # noqa: ARG002, D102
        return and_(_is_number(value), value == cast(value, Integer))

    def whole_number(self, value: Expression, kind: Kind) -> ColumnElement[int | None]:  # noqa: D102
        return case((self.is_whole(value, kind), cast(value, Integer)))

    def is_number(self, amount: Expression, kind: Kind) -> ColumnElement[bool]:  # noqa: ARG002, D102
        return _is_number(amount)

    def is_missing(self, value: Expression, kind: Kind) -> ColumnElement[bool]:  # noqa: ARG002, D102
        return value.is_(None)

    def is_infinite(self, amount: Expression, kind: Kind) -> ColumnElement[bool]:  # noqa: ARG002, D102
        return func.abs(amount) == literal_column("9e999")

    def is_text(self, value: Expression, kind: Kind) -> ColumnElement[bool]:  # noqa: ARG002, D102
        return func.typeof(value) == literal_column("'text'")

    def is_blob(self, value: Expression, kind: Kind) -> ColumnElement[bool]:  # noqa: ARG002, D102
        return func.typeof(value) == literal_column("'blob'")

    def text(self, value: Expression) -> Expression:  # noqa: D102
        return value

    def beginning(self, value: Expression, kind: Kind) -> Expression:  # noqa: ARG002, D102
        # Counted in bytes: what counts characters stops at a zero byte, which may stand in a short text too.
        size = func.length(cast(value, LargeBinary))
        cut = func.substr(value, _ONE, _LONGEST).concat(literal_column("'…'"))
        return case((size > literal_column(str(4 * LONGEST_TEXT)), cut), else_=value)

    def like(self, value: Expression, pattern: Expression) -> ColumnElement[bool]:  # noqa: D102
        # Cast, since SQLite is often built so that LIKE matches no blobs.
        return cast(value, Text).like(pattern, escape="\\")

    def one_row_of(self, *values: Expression) -> list[Expression]:  # noqa: D102
        # SQLite takes all columns that are not grouped from one and the same row.
        return [*values]

    def is_one_of(self, value: Expression, name: str) -> ColumnElement[bool]:  # noqa: D102
        return value.in_(select(func.json_each(bindparam(name)).table_valued("value").c.value))


def is_plain_decimal(text: Expression) -> ColumnElement[bool]:
    """An optional sign, ASCII digits, and possibly a point and more digits; nothing else."""
    signed = func.substr(text, literal_column("1"), literal_column("1")).in_(
        [literal_column("'+'"), literal_column("'-'")]
    )
    digits = case((signed, func.substr(text, literal_column("2"))), else_=text)
    return and_(
        _glob(digits, "[0-9]*"),
        _glob(digits, "*[0-9]"),
        ~_glob(digits, "*[^0-9.]*"),
        ~_glob(digits, "*.*.*"),
        # GLOB stops reading at a zero character. Not by bytes: a file may be in UTF-16.
        func.instr(text, func.char(literal_column("0"))) == literal_column("0"),
    )


def _is_number(value: Expression) -> ColumnElement[bool]:
    return func.typeof(value).in_([literal_column("'integer'"), literal_column("'real'")])


def _glob(text: Expression, pattern: str) -> ColumnElement[bool]:
    return text.op("GLOB", is_comparison=True)(literal_column(f"'{pattern}'"))
