"""A look at the ledger that never waits."""

from __future__ import annotations

from functools import cached_property

from smetka.errors import NotAtOnce
from smetka.ledger import questions
from smetka.ledger.faults import FOREIGN_ERRORS
from smetka.ledger.open_file import OpenFile
from smetka.ledger.spending import CustomerTotal


class Glance:
    """The open file as it is at one moment, for questions that must not wait.

    Every question raises NotAtOnce when its answer would need a lock of another process, a file to
    be opened or a long look, or is that the ledger cannot be read. Ask the Ledger then.
    """

    def __init__(self, opened: OpenFile) -> None:
        self._opened = opened

    @cached_property
    def version(self) -> int:
        """As `Ledger.version`, of the moment when it is asked first."""
        try:
            unchanged = self._opened.is_unchanged()
        except FOREIGN_ERRORS:
            raise NotAtOnce from None
        if not unchanged:
            raise NotAtOnce
        return self._opened.number

    def total_spent(self, user_id: int, year: int | None = None) -> CustomerTotal:
        """As `Ledger.total_spent`.

        Raises:
            UnknownCustomer: nobody has that id.
        """
        opened = self._opened
        _ = self.version  # tables in a write-ahead log may be declared otherwise by now
        try:
            return questions.total_spent(opened.rows_at_once, opened.layout, user_id, year)
        except FOREIGN_ERRORS:
            raise NotAtOnce from None
