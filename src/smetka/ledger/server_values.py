"""The values of database servers, whose columns hold one type each: PostgreSQL and ClickHouse.

Text that is a plain decimal number is read as SQLite reads it, through a double: the same text, or the
same double, is the same number of cents on every engine.
"""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Double,
    Integer,
    Numeric,
    Text,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal_column,
    or_,
)

from smetka.core.age_groups import OLDEST_AGE
from smetka.ledger.values import LARGEST_PAYMENT, LONGEST_TEXT, Expression, Kind

# As many digits as PostgreSQL can be told to count; SQLite makes infinity of more than 308.
_PLAIN_DECIMAL = literal_column(r"'^[+-]?[0-9]{1,255}(\.[0-9]+)?$'", Text)
_ZERO: Expression = literal_column("0")
_ONE: Expression = literal_column("1")
_TWO: Expression = literal_column("2")
_FIRST: Expression = literal_column("1", Integer)
_HALF, _LESS_HALF = literal_column("0.5", Double), literal_column("-0.5", Double)
_HUNDRED: Expression = literal_column("100", Integer)
_COMMA: Expression = literal_column("','")
_NAN: Expression = literal_column("'NaN'")
_NOT_A_NUMBER = {"decimal", "float"}
"""Kinds that can hold it."""

_LOWEST: Expression = literal_column(str(-(2**63)))
_HIGHEST: Expression = literal_column(str(2**63 - 1))
_HIGHEST_DOUBLE: Expression = literal_column(str(2**63 - 2**10))
"""The largest double that an integer of 64 bits can hold."""


class ServerValues:
    """What both have in common; kinds are `integer`, `decimal`, `float` and `text`."""

    lists_all = False

    def largest(self, high: Expression, low: Expression, *, wide: bool) -> Expression:  # noqa: ARG002, D102
        return func.max(low)

    def is_payable(self, amount: Expression, kind: Kind) -> ColumnElement[bool]:  # noqa: ARG002, D102
        limit: Expression = literal_column(str(LARGEST_PAYMENT))
        return amount.between(-limit, limit)

    def is_whole(self, value: Expression, kind: Kind) -> ColumnElement[bool]:  # noqa: D102
        if kind == "integer":
            return value.is_not(None)
        highest = _HIGHEST if kind == "decimal" else _HIGHEST_DOUBLE
        whole = and_(value.between(_LOWEST, highest), value == func.trunc(value))
        return func.coalesce(whole, false())

    def whole_number(self, value: Expression, kind: Kind) -> ColumnElement[int | None]:  # noqa: D102
        if kind == "integer":
            return value
        return case((self.is_whole(value, kind), self.whole(value)))

    def is_text(self, value: Expression, kind: Kind) -> ColumnElement[bool]:  # noqa: D102
        return value.is_not(None) if kind == "text" else false()

    def is_blob(self, value: Expression, kind: Kind) -> ColumnElement[bool]:  # noqa: ARG002, D102
        return false()

    def whole(self, value: Expression) -> ColumnElement[int]:  # noqa: D102
        return cast(value, BigInteger)


class PostgreSQLValues(ServerValues):
    """As `values.Values` says; one more kind is `money`. Sums of bigint are numeric, and cannot overflow."""

    def identity(self, value: Expression, kind: Kind) -> Expression:  # noqa: D102
        match kind:
            case "decimal":
                return func.trim_scale(value)
            case "text":
                return case((_matches(value), func.trim_scale(cast(value, Numeric))))
            case _:
                return value

    def number(self, value: Expression, kind: Kind) -> Expression:  # noqa: D102
        if kind == "money":
            return cast(value, Numeric)
        return case((_matches(value), cast(value, Double))) if kind == "text" else value

    def cents(self, amount: Expression, kind: Kind) -> ColumnElement[int]:  # noqa: D102
        if kind == "integer":
            return cast(amount, BigInteger) * _HUNDRED
        if kind in {"decimal", "money"}:
            return cast(func.round(amount * _HUNDRED), BigInteger)
        # Its own round() of a double takes halves to the even neighbour.
        half = case((amount < _ZERO, _LESS_HALF), else_=_HALF)
        return cast(func.trunc(cast(amount, Double) * _HUNDRED + half), BigInteger)

    def sums(self, cents: ColumnElement[int], *, wide: bool) -> tuple[Expression, Expression]:  # noqa: ARG002, D102
        return _ZERO, func.coalesce(func.sum(cents), _ZERO)

    def in_the_middle(self, high: Expression, low: Expression, *, wide: bool) -> Expression:  # noqa: ARG002, D102
        half: Expression = literal_column("0.5")
        lower, upper = (func.percentile_disc(half).within_group(each) for each in (low, low.desc()))
        return func.concat(lower, _COMMA, upper)

    def whole_years(self, age: Expression, kind: Kind) -> ColumnElement[int | None]:  # noqa: D102
        years = self.number(age, kind)
        if kind != "integer":
            years = func.trunc(years)
        return case((years.between(_ZERO, literal_column(str(OLDEST_AGE))), cast(years, Integer)))

    def is_number(self, amount: Expression, kind: Kind) -> ColumnElement[bool]:  # noqa: D102
        return and_(amount.is_not(None), amount != _NAN) if kind in _NOT_A_NUMBER else amount.is_not(None)

    def is_missing(self, value: Expression, kind: Kind) -> ColumnElement[bool]:  # noqa: D102
        return or_(value.is_(None), value == _NAN) if kind in _NOT_A_NUMBER else value.is_(None)

    def is_infinite(self, amount: Expression, kind: Kind) -> ColumnElement[bool]:  # noqa: D102
        if kind not in _NOT_A_NUMBER:
            return false()
        # As text, since older servers know no infinite numeric.
        return cast(amount, Text).in_([literal_column("'Infinity'"), literal_column("'-Infinity'")])

    def text(self, value: Expression) -> Expression:  # noqa: D102
        return cast(value, Text)

    def beginning(self, value: Expression, kind: Kind) -> Expression:  # noqa: D102
        return func.left(value, literal_column(str(LONGEST_TEXT + 1))) if kind == "text" else value

    def like(self, value: Expression, pattern: Expression) -> ColumnElement[bool]:  # noqa: D102
        return value.ilike(pattern)

    def one_row_of(self, *values: Expression) -> list[Expression]:  # noqa: D102
        from sqlalchemy.dialects.postgresql import aggregate_order_by  # late, as in `engines`

        return [func.array_agg(aggregate_order_by(value, *values))[_FIRST] for value in values]

    def is_one_of(self, value: Expression, name: str) -> ColumnElement[bool]:  # noqa: D102
        return value == func.any(bindparam(name, type_=ARRAY(BigInteger)))


class ClickHouseValues(ServerValues):
    """As `values.Values` says. Sums are made in 128 bits, since those of 64 overflow in silence."""

    def identity(self, value: Expression, kind: Kind) -> Expression:  # noqa: D102
        if kind == "text":
            return case((_match(value), func.toFloat64OrNull(value)))
        return value

    def number(self, value: Expression, kind: Kind) -> Expression:  # noqa: D102
        return case((_match(value), func.toFloat64OrNull(value))) if kind == "text" else value

    def cents(self, amount: Expression, kind: Kind) -> ColumnElement[int]:  # noqa: D102
        # What does not count may be looked at, too, and must not overflow.
        counted = func.multiIf(self.is_payable(amount, kind), amount, _ZERO)
        if kind == "integer":
            return func.toInt64(counted) * _HUNDRED
        if kind == "decimal":
            return func.toInt64(func.round(counted * _HUNDRED))
        # Its own round() of a double takes halves to the even neighbour.
        half = func.multiIf(counted < _ZERO, _LESS_HALF, _HALF)
        return func.toInt64(func.trunc(counted * _HUNDRED + half))

    def sums(self, cents: ColumnElement[int], *, wide: bool) -> tuple[Expression, Expression]:  # noqa: ARG002, D102
        return _ZERO, func.coalesce(func.sum(func.toInt128(cents)), _ZERO)

    def in_the_middle(self, high: Expression, low: Expression, *, wide: bool) -> Expression:  # noqa: ARG002, D102
        # Its own medians take no numbers of 128 bits.
        ordered = func.arraySort(func.groupArray(low))
        lower, upper = (
            func.arrayElement(ordered, func.intDiv(func.count() + more, _TWO)) for more in (_ONE, _TWO)
        )
        return func.concat(func.toString(lower), _COMMA, func.toString(upper))

    def whole_years(self, age: Expression, kind: Kind) -> ColumnElement[int | None]:  # noqa: D102
        years = self.number(age, kind)
        if kind != "integer":
            years = func.trunc(years)
        known = years.between(_ZERO, literal_column(str(OLDEST_AGE)))
        return case((known, func.toInt16(func.multiIf(known, years, _ZERO))))

    def whole(self, value: Expression) -> ColumnElement[int]:  # noqa: D102
        return func.toInt64(value)

    def whole_number(self, value: Expression, kind: Kind) -> ColumnElement[int | None]:  # noqa: D102
        if kind == "integer":
            return value
        is_whole = self.is_whole(value, kind)
        return case((is_whole, func.toInt64(func.multiIf(is_whole, value, _ZERO))))

    def is_number(self, amount: Expression, kind: Kind) -> ColumnElement[bool]:  # noqa: D102
        known = amount.is_not(None)
        return and_(known, func.isNaN(amount) == _ZERO) if kind in {"float", "text"} else known

    def is_missing(self, value: Expression, kind: Kind) -> ColumnElement[bool]:  # noqa: D102
        return or_(value.is_(None), func.isNaN(value) == _ONE) if kind == "float" else value.is_(None)

    def is_infinite(self, amount: Expression, kind: Kind) -> ColumnElement[bool]:  # noqa: D102
        return func.isInfinite(amount) == _ONE if kind in {"float", "text"} else false()

    def text(self, value: Expression) -> Expression:  # noqa: D102
        return func.toString(value)

    def beginning(self, value: Expression, kind: Kind) -> Expression:  # noqa: D102
        return (
            func.substringUTF8(value, _ONE, literal_column(str(LONGEST_TEXT + 1)))
            if kind == "text"
            else value
        )

    def like(self, value: Expression, pattern: Expression) -> ColumnElement[bool]:  # noqa: D102
        # Other letters than ASCII come in each case as patterns of their own.
        lowered: ColumnElement[str] = func.lower(value)
        return lowered.like(func.lower(pattern))

    def one_row_of(self, *values: Expression) -> list[Expression]:  # noqa: D102
        least = func.min(func.tuple(*(func.ifNull(value, literal_column("''")) for value in values)))
        return [func.tupleElement(least, literal_column(str(place))) for place in range(1, len(values) + 1)]

    def is_one_of(self, value: Expression, name: str) -> ColumnElement[bool]:  # noqa: D102
        return value.op("IN", is_comparison=True)(bindparam(name))


def _matches(value: Expression) -> ColumnElement[bool]:
    return value.op("~", is_comparison=True)(_PLAIN_DECIMAL)


def _match(value: Expression) -> ColumnElement[bool]:
    pattern = literal_column(r"'^[+-]?[0-9]{1,255}(\\.[0-9]+)?$'", Text)
    return func.match(value, pattern) == _ONE
