"""The shop's own database: read, never written."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from smetka.errors import LedgerUnavailable, UnknownCustomer
from smetka.ledger import statements
from smetka.ledger.faults import FOREIGN_ERRORS, is_locked, is_overflow, unavailable
from smetka.ledger.open_file import OpenFile, fingerprint
from smetka.ledger.spending import CustomerTotal, SpendingByAge, spending_of
from smetka.ledger.statements import PART, Question
from smetka.ledger_path import ledger_path
from smetka.money import Money

T = TypeVar("T")

LOCK_WAIT_SECONDS = 1.2
"""How long a question waits for another process's lock."""

LOCK_REMEMBERED_SECONDS = 1.0
"""How long after one waited in vain the others do not wait at all."""

_LONG_QUESTIONS = 2
_LONG_QUESTION_WAIT_SECONDS = 30.0


class Ledger:
    """The customers and payments in a SQLite file, opened read-only.

    Opens nothing until asked. Threads may share one. Each answer is of one moment, and reflects every
    commit made before the question: a file that was replaced, mended or overwritten is opened anew.

    Every method raises LedgerUnavailable while the file cannot be read, whatever the reason, and
    answers again as soon as it can; a locked file is waited for `LOCK_WAIT_SECONDS`.

    Args:
        location: path of a SQLite file, or a sqlite:/// URL.

    Raises:
        WrongUsage: `location` is neither.
    """

    def __init__(self, location: str) -> None:
        self.path = ledger_path(location)
        self._opening = threading.Lock()
        self._opened: OpenFile | None = None
        self._openings = 0
        self._locked_until = 0.0
        # Those who ask for one customer always find a connection free of questions about all.
        self._long_questions = threading.BoundedSemaphore(_LONG_QUESTIONS)

    def total_spent(self, user_id: int, year: int | None = None) -> CustomerTotal:
        """What one customer spent, in one year or in all.

        Raises:
            UnknownCustomer: nobody has that id.
        """
        if not _fits(user_id):
            raise UnknownCustomer(user_id)

        def ask(opened: OpenFile) -> CustomerTotal:
            question = statements.total_spent(opened.layout, by_year=year is not None)
            [(known, payments, high, low)] = _rows(opened, question, user_id=user_id, year=_storable(year))
            if not known:
                raise UnknownCustomer(user_id)
            return CustomerTotal(user_id, Money(high * PART + low), payments)

        return self.read(ask)

    def spending_by_age(self, year: int | None = None) -> SpendingByAge:
        """What all customers spent, in one year or in all, by their age today."""

        def ask(opened: OpenFile) -> SpendingByAge:
            question = statements.spending_by_age(opened.layout, by_year=year is not None)
            return spending_of(_rows(opened, question, year=_storable(year)))

        return self.read(ask, long=True)

    def version(self) -> int:
        """Grows whenever the file, and so an answer, may have changed."""
        return self.read(lambda opened: self._unchanged(opened).number)

    def ping(self) -> None:
        """Return if the ledger can be read and has the two tables with their columns."""
        self.version()

    def close(self) -> None:
        """Close all connections. Asking again opens them again."""
        with self._opening:
            self._retire()

    def read(self, ask: Callable[[OpenFile], T], *, long: bool = False) -> T:
        """Ask the file as it is now, waiting for other processes' locks and translating faults.

        Args:
            long: `ask` reads all payments; only few such run at a time.
        """
        give_up = time.monotonic() + LOCK_WAIT_SECONDS
        pause = 0.001
        while True:
            try:
                answer = self._ask_in_turn(ask) if long else self._ask(ask)
            except FOREIGN_ERRORS as error:
                now = time.monotonic()
                if not is_locked(error) or now < self._locked_until:
                    raise unavailable(error, self.path) from error
                if now >= give_up:
                    self._locked_until = now + LOCK_REMEMBERED_SECONDS
                    raise unavailable(error, self.path) from error
            else:
                self._locked_until = 0.0
                return answer
            # No connection is held meanwhile, so that a lock cannot use up the pool.
            time.sleep(min(pause, give_up - now))
            pause = min(pause * 2, 0.05)

    def _ask_in_turn(self, ask: Callable[[OpenFile], T]) -> T:
        if not self._long_questions.acquire(timeout=_LONG_QUESTION_WAIT_SECONDS):
            raise LedgerUnavailable(f"Too many questions about all of {self.path} are waiting.")
        try:
            return self._ask(ask)
        finally:
            self._long_questions.release()

    def _ask(self, ask: Callable[[OpenFile], T]) -> T:
        while True:
            opened = self._current()
            answer = ask(opened)
            now = self._opened
            # A file of other declarations may have taken its place before the connection was made.
            if now is None or now.layout == opened.layout:
                return answer

    def _current(self) -> OpenFile:
        try:
            seen = fingerprint(self.path)
        except (LedgerUnavailable, OSError):
            self.close()  # a deleted file's space is freed only when nobody has it open
            raise
        opened = self._opened
        if opened is not None and opened.is_current(seen):
            return opened
        with self._opening:
            if self._opened is not None and self._opened.is_current(fingerprint(self.path)):
                return self._opened
            return self._open()

    def _unchanged(self, opened: OpenFile) -> OpenFile:
        if opened.is_unchanged():
            return opened
        with self._opening:
            # Whoever opened another one did so after this question was asked.
            return self._open() if self._opened is None or self._opened is opened else self._opened

    def _open(self) -> OpenFile:
        self._retire()
        self._openings += 1
        self._opened = OpenFile(self.path, self._openings)
        return self._opened

    def _retire(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.retire()


def _rows(opened: OpenFile, question: Question, **parameters: Any) -> Any:
    try:
        return opened.rows(question.sql, parameters)
    except sqlite3.Error as error:
        if not is_overflow(error):
            raise
        return opened.rows(question.wide_sql, parameters)


def _storable(year: int | None) -> int | None:
    # A year no column can hold is compared as NULL, which is equal to nothing.
    return None if year is None or not _fits(year) else year


def _fits(value: int) -> bool:
    return -(2**63) <= value < 2**63
