"""What cannot be taken, and where it stands."""

from __future__ import annotations

from typing import Literal

Code = Literal[
    "orders_or_customers", "columns_cut", "items_or_payments", "encodings", "unknown_state", "header_row"
]

SHOWN = 100
"""Characters of a column's name, where it stands in a sentence or beside a rejected row."""


class Refused(Exception):
    """A file or a row that cannot be taken.

    `reason` says what the place does, as in "Line 7 holds a zero byte"; it names the rule and, where
    there is one, the way out. It never holds more of a cell than its mark of currency, or the day of a
    payment. `code` and `values` say the same where somebody says it otherwise, as the page does in its
    language.
    """

    def __init__(
        self,
        reason: str,
        *,
        line: int | None = None,
        column: str | None = None,
        code: Code | None = None,
        values: tuple[str, ...] = (),
    ) -> None:
        super().__init__(reason)
        self.reason, self.line, self.column = reason, line, column
        self.code, self.values = code, values

    @property
    def place(self) -> str:
        """Where it is: the file, a line of it, or a column of that line."""
        column = None if self.column is None else self.column[:SHOWN]
        if self.line is None:
            return "The file" if column is None else f"Column {column}"
        return f"Line {self.line}" if column is None else f"Line {self.line}, column {column}"

    def __str__(self) -> str:
        return f"{self.place} {self.reason}{'' if self.reason.endswith('?') else '.'}"


class ReadAgain(Refused):
    """This value decides how its column is read, and earlier values of it were read otherwise.

    Everything taken from the file so far may be wrong. Read the file again from its beginning with the
    same `Amounts` and `Dates`, which know it now; each asks for that once at most.
    """


class LeftOut(Exception):
    """The row is no payment by rule. Its text is the reason."""
