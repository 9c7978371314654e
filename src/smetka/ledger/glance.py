"""A look at the ledger that never waits."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Protocol

from smetka.core.errors import NotAtOnce
from smetka.ledger import questions
from smetka.ledger.faults import FOREIGN_ERRORS
from smetka.ledger.open_file import OpenFile
from smetka.ledger.spending import CustomerTotal


class Glance(Protocol):
    """The ledger as it is at one moment, for questions that must not wait.

    Every question raises NotAtOnce when its answer would need a lock of another process, a connection
    to be made or a long look, or is that the ledger cannot be read. Ask the Ledger then.
    """

    @property
    def version(self) -> int:
        """As `Ledger.version`, of the moment when it is asked first."""
        ...

    def total_spent(self, user_id: int, year: int | None = None) -> CustomerTotal:
        """As `Ledger.total_spent`.

        Raises:
            UnknownCustomer: nobody has that id.
            NotYetAsked: a server must be asked.
        """
        ...


class NotYetAsked(NotAtOnce):
    """A server knows: `Ledger.totals_spent` asks it for many such questions in one go."""

    def __init__(self, user_id: int, year: int | None) -> None:
        super().__init__()
        self.user_id, self.year = user_id, year


class FileGlance:
    """A glance at an open file."""

    def __init__(self, opened: OpenFile) -> None:
        self._opened = opened

    @cached_property
    def version(self) -> int:
        """Looked up once."""
        try:
            unchanged = self._opened.is_unchanged()
        except FOREIGN_ERRORS:
            raise NotAtOnce from None
        if not unchanged:
            raise NotAtOnce
        return self._opened.number

    def total_spent(self, user_id: int, year: int | None = None) -> CustomerTotal:
        """Asked at once."""
        opened = self._opened
        _ = self.version  # tables in a write-ahead log may be declared otherwise by now
        try:
            return questions.total_spent(opened.rows_at_once, opened.layout, user_id, year)
        except FOREIGN_ERRORS:
            raise NotAtOnce from None


class ServerGlance:
    """A glance at what is known of a server.

    Args:
        version: raises NotAtOnce when the server must be asked.
    """

    def __init__(self, version: Callable[[], int]) -> None:
        self._version = version

    @property
    def version(self) -> int:
        """Of the last look at the server."""
        return self._version()

    def total_spent(self, user_id: int, year: int | None = None) -> CustomerTotal:
        """Raises NotYetAsked: nothing is kept of single customers."""
        raise NotYetAsked(user_id, year)


class KnownTotal:
    """A glance that knows one total, which was asked for just now, and nothing else."""

    def __init__(self, total: CustomerTotal, year: int | None) -> None:
        self._total, self._year = total, year

    @property
    def version(self) -> int:
        """Raises NotAtOnce."""
        raise NotAtOnce

    def total_spent(self, user_id: int, year: int | None = None) -> CustomerTotal:
        """The one that is known; raises NotAtOnce for another."""
        if (user_id, year) != (self._total.user_id, self._year):
            raise NotAtOnce
        return self._total
