"""The shop's own database: read, never written."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from smetka.errors import LedgerUnavailable, NotAtOnce
from smetka.ledger import questions
from smetka.ledger.customers import Customer, CustomerSpending, Payment, YearSpending
from smetka.ledger.faults import FOREIGN_ERRORS, is_locked, unavailable
from smetka.ledger.glance import Glance
from smetka.ledger.open_file import OpenFile, fingerprint
from smetka.ledger.questions import QuestionName
from smetka.ledger.spending import CustomerTotal, Person, SpendingByAge, Spent
from smetka.ledger_path import ledger_path

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
        return self._read_now(lambda now: questions.total_spent(now.rows, now.layout, user_id, year))

    def spending_by_age(self, year: int | None = None) -> SpendingByAge:
        """What all customers spent, in one year or in all, by their age today."""
        return self.read(
            lambda opened: questions.spending_by_age(opened.rows, opened.layout, year), long=True
        )

    def spending_by_customer(self, year: int | None = None) -> Spent:
        """What each customer with a payment that counts spent, in one year or in all."""
        return self.read(
            lambda opened: questions.spending_by_customer(opened.fold, opened.layout, year), long=True
        )

    def spending_by_year(self) -> tuple[YearSpending, ...]:
        """What all customers spent in each year, ascending; last what has no whole number as its year.

        Only payments that count, of customers in the ledger: it adds up to what `spending_by_age` does.
        """
        return self.read(lambda opened: questions.spending_by_year(opened.rows, opened.layout), long=True)

    def customers(
        self, limit: int, *, after: int | None = None, text: str = "", in_names: bool = False
    ) -> list[Customer]:
        """At most `limit` customers with positive whole numbers as ids, ascending, each id once.

        Without `text` a page costs the same wherever it starts, given a primary key; with one, up to a
        look at every customer. An id that stands there twice has its lowest known age, and a name and an
        e-mail of any of its rows that were found.

        Args:
            after: only ids above it, which is how to get the next page.
            text: only the customer whose id it is, when it is all digits; and with `in_names` those whose
                name or e-mail contains it, in lower, upper or title case.
            in_names: read names and e-mails, which are empty otherwise, and look for `text` in them.
        """
        return self._read_now(
            lambda now: questions.customers(
                now.rows, now.layout, limit, after=after, text=text, in_names=in_names
            )
        )

    def customer(self, user_id: int) -> CustomerSpending:
        """What one customer spent, in all and in each year.

        Raises:
            UnknownCustomer: nobody has that id.
        """
        return self._read_now(lambda now: questions.customer(now.rows, now.layout, user_id))

    def payments(self, user_id: int, limit: int, *, offset: int = 0) -> list[Payment]:
        """At most `limit` payments that bear an id, the newest year first, then the largest amount.

        Also those that do not count, last in their year; and those of an id that is in nobody's row.
        """
        return self._read_now(
            lambda now: questions.payments(now.rows, now.layout, user_id, limit, offset=offset)
        )

    def statement_of(self, question: QuestionName, *, by_year: bool = False) -> str:
        """The SQL that answers a question, to be shown; its parameters are `:user_id` and `:year`.

        Args:
            by_year: of one year instead of all; makes no difference to `spending_by_year`.
        """
        return self._read_now(lambda now: questions.statement_of(now.layout, question, by_year=by_year))

    def person(self, user_id: int) -> Person | None:
        """A customer's name and e-mail, empty where none is stored; None when nobody has that id."""
        return self._read_now(lambda now: questions.person(now.rows, now.layout, user_id))

    def glance(self) -> Glance:
        """The file as it is now, for questions that must not wait.

        Raises:
            NotAtOnce: it is not open, or cannot be read.
        """
        opened = self._opened
        try:
            if opened is not None and opened.is_current(fingerprint(self.path)):
                return Glance(opened)
        except (LedgerUnavailable, OSError):
            pass  # `read` will tell
        raise NotAtOnce

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

    def _read_now(self, ask: Callable[[OpenFile], T]) -> T:
        # A write-ahead log changes without the file: tables may be declared otherwise by now.
        return self.read(lambda opened: ask(self._unchanged(opened)))

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
