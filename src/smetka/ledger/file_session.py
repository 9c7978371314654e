"""One question's way to a ledger's file: it waits for locks, ends in time and lets a shop write between."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from smetka.core.errors import LedgerUnavailable
from smetka.ledger.faults import is_locked, waits_for_rollback
from smetka.ledger.layout import Layout
from smetka.ledger.open_file import OpenFile
from smetka.ledger.patience import Patience
from smetka.ledger.questions import Rows

T = TypeVar("T")

STEPS_BETWEEN_LOOKS = 500_000
"""Of SQLite's machine, between two looks at the clock and the file: some hundredths of a second.

Each needs the interpreter, which a busy process gives back late.
"""

PAUSE_SECONDS = 0.002
"""Between two statements of a long question."""


_PAGES = 1024
"""Copied at a time."""


class Replaced(Exception):
    """Another file stands at the path by now, or none."""


class Turns:
    """Statements about all of a file, which this process lets overlap only while nobody writes.

    SQLite lets nobody begin to read whom a writer waits for, but a process that reads already passes on its
    lock to its own threads: one statement after the other could keep a shop waiting for ever.
    """

    def __init__(self) -> None:
        self._changed = threading.Lock()
        self._running = 0

    @contextmanager
    def one(self, opened: OpenFile) -> Iterator[None]:
        """A statement, when it is its turn."""
        while not self._begin(opened):
            time.sleep(PAUSE_SECONDS)
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1

    def _begin(self, opened: OpenFile) -> bool:
        with self._changed:
            if self._running and opened.is_being_written():
                return False
            self._running += 1
            return True


class FileSession:
    """As `source.Opened` says.

    Args:
        seconds: how long a statement may take.
        turns: those of the file, for a question about all of it.
    """

    def __init__(
        self, opened: OpenFile, patience: Patience, *, seconds: float, turns: Turns | None = None
    ) -> None:
        self._opened, self._patience, self._seconds, self._turns = opened, patience, seconds, turns

    @property
    def layout(self) -> Layout:
        """How its tables are declared."""
        return self._opened.layout

    def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Run one statement, which is a transaction of its own."""
        return self._answered(lambda connection: connection.execute(sql, parameters).fetchall())

    def fold(self, sql: str, parameters: Mapping[str, Any], take: Callable[[Iterator[Any]], T]) -> T:
        """Like `rows`, for more of them than should be in memory: `take` gets them one by one.

        It must not ask the file itself, which would wait for a turn that is its own.
        """
        return self._answered(lambda connection: take(connection.execute(sql, parameters)))

    def at_one_moment(self, ask: Callable[[Rows], T]) -> T:
        """What `ask` finds by several statements, which are one transaction."""

        def transaction(connection: sqlite3.Connection) -> T:
            connection.execute("BEGIN")
            try:
                return ask(lambda sql, parameters: connection.execute(sql, parameters).fetchall())
            finally:
                connection.execute("COMMIT")

        return self._answered(transaction)

    def copy(self, into: sqlite3.Connection, go_on: Callable[[int, int, int], None]) -> None:
        """Copy the file in pieces, each of which holds its lock for a moment.

        Args:
            go_on: told the status, pages that remain and all pages after each piece; raises to give up.
        """
        with self._opened.connection() as connection:
            connection.backup(into, pages=_PAGES, progress=go_on, sleep=PAUSE_SECONDS)

    def _answered(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        while True:
            try:
                # No connection is held while a lock is waited for, so that it cannot use up the pool.
                answer = self._ask(ask)
            except sqlite3.OperationalError as error:
                if not is_locked(error) and not waits_for_rollback(error):
                    raise
                self._patience.wait(error)
            else:
                self._patience.renew()
                return answer

    def _ask(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        if self._turns is None:
            return self._watched(ask)
        with self._turns.one(self._opened):
            answer = self._watched(ask)
        time.sleep(PAUSE_SECONDS)
        return answer

    def _watched(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        late = time.monotonic() + self._seconds
        why: list[Exception] = []

        def must_end() -> bool:
            if time.monotonic() > late:
                why.append(
                    LedgerUnavailable(f"{self._opened.path} did not answer within {self._seconds:g} s.")
                )
            elif self._opened.is_replaced():
                why.append(Replaced())
            return bool(why)

        with self._opened.connection() as connection:
            connection.set_progress_handler(must_end, STEPS_BETWEEN_LOOKS)
            try:
                return ask(connection)
            except sqlite3.OperationalError:
                if why:
                    raise why[0] from None
                raise
            finally:
                connection.set_progress_handler(None, 0)
