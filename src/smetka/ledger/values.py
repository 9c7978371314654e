"""What a stored value counts as: the rules, which every database engine has its own SQL for.

An amount is a finite number, or text that is a plain decimal one, up to `LARGEST_PAYMENT` either way;
an age a number from 0 to `OLDEST_AGE`, fractions cut; an id or a year a number, however it is written.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

from sqlalchemy import ColumnElement

LARGEST_PAYMENT = 10**10
"""Payments beyond this either way are mistakes; up to it, cents are exact in a REAL."""

PART = 10**6
"""Sums of cents beyond 64 bits are taken again in two parts: millions of cents, and the rest."""

LONGEST_TEXT = 1000
"""Characters of a name, an e-mail or an amount that are read to be shown. Imports take no longer name."""

Kind = Literal["any", "number", "integer", "decimal", "money", "float", "text"]
"""What the declaration of a column promises: `any` and `number` in SQLite, the others elsewhere."""

Expression = ColumnElement[Any]


class Values(Protocol):
    """SQL expressions over columns of one engine. The `kind` is that of the column a value comes from."""

    def identity(self, value: Expression, kind: Kind) -> Expression:
        """An id or a year as a column of numeric type would have stored it: '007' is 7."""
        ...

    def number(self, value: Expression, kind: Kind) -> Expression:
        """The value if it is a number, or text that is a plain decimal one; else NULL or no number either."""
        ...

    def is_payable(self, amount: Expression, kind: Kind) -> ColumnElement[bool]:
        """A `number` is an amount that counts. Infinity and NULL do not."""
        ...

    def cents(self, amount: Expression, kind: Kind) -> ColumnElement[int]:
        """A payable amount in whole cents, which unlike REAL ones add up exactly; halves away from zero."""
        ...

    def sums(self, cents: ColumnElement[int], *, wide: bool) -> tuple[Expression, Expression]:
        """The sum of cents as `high * PART + low`; `wide` where one number could overflow."""
        ...

    lists_all: bool
    """Whether `in_the_middle` has all sums, so that those of several groups can be put together."""

    def in_the_middle(self, high: Expression, low: Expression, *, wide: bool) -> Expression:
        """Text, of a group of `sums`: those in the middle, `1,2`; or all of them, whose middle is the same.

        Where sums are in two parts, which only one engine does, as `high:low`.
        """
        ...

    def largest(self, high: Expression, low: Expression, *, wide: bool) -> Expression:
        """The largest of a group of `sums`; NULL where no order is known of all."""
        ...

    def whole_years(self, age: Expression, kind: Kind) -> ColumnElement[int | None]:
        """An age in whole years, fractions cut; NULL when unknown."""
        ...

    def whole(self, value: Expression) -> ColumnElement[int]:
        """A whole number as an integer."""
        ...

    def is_whole(self, value: Expression, kind: Kind) -> ColumnElement[bool]:
        """A number without a fraction, 2023.0 included, that an integer of 64 bits can hold."""
        ...

    def whole_number(self, value: Expression, kind: Kind) -> ColumnElement[int | None]:
        """The value as an integer if it is a whole number, else NULL."""
        ...

    def is_number(self, amount: Expression, kind: Kind) -> ColumnElement[bool]:
        """A `number` is one, infinity included."""
        ...

    def is_missing(self, value: Expression, kind: Kind) -> ColumnElement[bool]:
        """Nothing is stored, or what a server calls not a number."""
        ...

    def is_infinite(self, amount: Expression, kind: Kind) -> ColumnElement[bool]:
        """A `number` is infinite, either way."""
        ...

    def is_text(self, value: Expression, kind: Kind) -> ColumnElement[bool]:
        """Stored as text."""
        ...

    def is_blob(self, value: Expression, kind: Kind) -> ColumnElement[bool]:
        """Stored as raw bytes."""
        ...

    def text(self, value: Expression) -> Expression:
        """A name or an e-mail as text, whatever the column holds."""
        ...

    def beginning(self, value: Expression, kind: Kind) -> Expression:
        """A text without most of what is beyond `LONGEST_TEXT` characters; another value as it is."""
        ...

    def like(self, value: Expression, pattern: Expression) -> ColumnElement[bool]:
        r"""The text matches, `\` taking the meaning from wildcards; ASCII letters in either case."""
        ...

    def one_row_of(self, *values: Expression) -> list[Expression]:
        """The values of one row of a group, whichever."""
        ...

    def is_one_of(self, value: Expression, name: str) -> ColumnElement[bool]:
        """An `identity` is in the list of integers of the parameter `name`."""
        ...
