"""What a stored value counts as: SQL expressions over columns of any declared type and content.

SQLite lets every column hold every kind of value, and compares text and blobs as greater than any
number, so that `age >= 48` alone is true for 'abc'. In a column of numeric type what is text there
is no number: SQLite would have stored it as one.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Integer, LargeBinary, Numeric, and_, case, cast, func, literal_column

from smetka.age_groups import OLDEST_AGE

LARGEST_PAYMENT = 10**10
"""Payments beyond this either way are mistakes; up to it, cents are exact in a REAL."""

Expression = ColumnElement[Any]


def identity(value: Expression, *, numeric: bool) -> Expression:
    """An id or a year as a column of numeric type would have stored it: '007' is 7, 'abc' stays text."""
    if numeric:
        return value
    number = cast(value, Numeric)
    # The cast's numeric affinity is lent to the other side: it is equal when all of the text is the number.
    return case((and_(is_text(value), number == value), number), else_=value)


def number(value: Expression, *, numeric: bool) -> Expression:
    """The value if it is a number, or text that is a plain decimal one; else NULL or no number either."""
    if numeric:
        return value
    return case(
        (is_number(value), value),
        (and_(is_text(value), is_plain_decimal(value)), cast(value, Numeric)),
    )


def is_payable(amount: Expression) -> ColumnElement[bool]:
    """A `number` is an amount that counts. Text, blobs, infinity and NULL fail the comparison."""
    limit: Expression = literal_column(f"{LARGEST_PAYMENT}.0")
    return amount.between(-limit, limit)


def cents(amount: Expression) -> ColumnElement[int]:
    """A payable amount in whole cents, which unlike REAL amounts add up exactly."""
    return cast(func.round(amount * literal_column("100")), Integer)


def whole_years(age: Expression, *, numeric: bool) -> ColumnElement[int | None]:
    """An age in whole years, fractions cut; NULL when unknown."""
    value = number(age, numeric=numeric)
    years = cast(value, Integer)
    # The cast makes 0 of text and blobs, hence the look at the type.
    known = and_(is_number(value), years.between(literal_column("0"), literal_column(str(OLDEST_AGE))))
    return case((known, years))


def is_number(value: Expression) -> ColumnElement[bool]:
    """Stored as a number, infinity included."""
    return func.typeof(value).in_([literal_column("'integer'"), literal_column("'real'")])


def is_whole(value: Expression) -> ColumnElement[bool]:
    """A number without a fraction, 2023.0 included."""
    return and_(is_number(value), value == cast(value, Integer))


def whole_number(value: Expression) -> ColumnElement[int | None]:
    """The value as an integer if it is a whole number, else NULL."""
    return case((is_whole(value), cast(value, Integer)))


def is_text(value: Expression) -> ColumnElement[bool]:
    """Stored as text."""
    return func.typeof(value) == literal_column("'text'")


def is_blob(value: Expression) -> ColumnElement[bool]:
    """Stored as raw bytes."""
    return func.typeof(value) == literal_column("'blob'")


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
        # GLOB stops reading at a zero byte.
        func.length(cast(text, LargeBinary)) == func.length(text),
    )


def _glob(text: Expression, pattern: str) -> ColumnElement[bool]:
    return text.op("GLOB", is_comparison=True)(literal_column(f"'{pattern}'"))
