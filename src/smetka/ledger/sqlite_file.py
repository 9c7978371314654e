"""A ledger in a SQLite file: which file stands there now, and who waits for whose lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from smetka.errors import LedgerUnavailable, NotAtOnce
from smetka.ledger import questions
from smetka.ledger.faults import FOREIGN_ERRORS, is_locked, unavailable, waits_for_rollback
from smetka.ledger.glance import FileGlance
from smetka.ledger.imports.recovery import undo_killed_import
from smetka.ledger.limits import USUAL, Limits
from smetka.ledger.open_file import OpenFile, fingerprint
from smetka.ledger.source import LONG_QUESTIONS, in_turn
from smetka.ledger.spending import CustomerTotal

T = TypeVar("T")

LOCK_REMEMBERED_SECONDS = 1.0
"""How long after one waited in vain the others do not wait at all."""


class SQLiteFile:
    """As `source.Source` says; an answer reflects every commit made before the question.

    A file that was replaced, mended or overwritten is opened anew; a locked one is waited for
    `Limits.file_lock`.
    """

    def __init__(self, path: Path, *, even_unfinished: bool = False, limits: Limits = USUAL) -> None:
        self._even_unfinished, self._limits = even_unfinished, limits
        self.path = path
        self.shown = str(path)
        self._opening = threading.Lock()
        self._opened: OpenFile | None = None
        self._openings = 0
        self._locked_until = 0.0
        # Those who ask for one customer always find a connection free of questions about all.
        self._long_questions = threading.BoundedSemaphore(LONG_QUESTIONS)

    def read(self, ask: Callable[[OpenFile], T], *, long: bool = False) -> T:
        """Ask the file as it is now, waiting for other processes' locks and translating faults."""
        give_up = time.monotonic() + self._limits.file_lock
        pause = 0.001
        while True:
            try:
                answer = self._ask_in_turn(ask) if long else self._ask(ask)
            except FOREIGN_ERRORS as error:
                now = time.monotonic()
                undone = waits_for_rollback(error) and now < give_up and undo_killed_import(self.path)
                if not undone and (not is_locked(error) or now < self._locked_until):
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

    def read_now(self, ask: Callable[[OpenFile], T]) -> T:
        """Like `read`, for what must not be asked as tables were declared a moment ago."""
        # A write-ahead log changes without the file.
        return self.read(lambda opened: ask(self._unchanged(opened)))

    def glance(self) -> FileGlance:
        """The file as it is now, for questions that must not wait.

        Raises:
            NotAtOnce: it is not open, or cannot be read.
        """
        opened = self._opened
        try:
            if opened is not None and opened.is_current(fingerprint(self.path)):
                return FileGlance(opened)
        except (LedgerUnavailable, OSError):
            pass  # `read` will tell
        raise NotAtOnce

    def totals_spent(self, user_ids: Sequence[int], year: int | None) -> dict[int, CustomerTotal]:
        """What each of a few customers spent, asked in one go; without those whom nobody knows."""
        return self.read_now(lambda now: questions.totals_spent(now.rows, now.layout, user_ids, year))

    def version(self) -> int:
        """Grows whenever the file, and so an answer, may have changed."""
        return self.read(lambda opened: self._unchanged(opened).number)

    def ping(self) -> None:
        """Return if it can be read and has the two tables with their columns."""
        self.version()

    def close(self) -> None:
        """Close all connections. Asking again opens them again."""
        with self._opening:
            self._retire()

    def _ask_in_turn(self, ask: Callable[[OpenFile], T]) -> T:
        with in_turn(self._long_questions, self.shown):
            return self._ask(ask)

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
        self._opened = OpenFile(self.path, self._openings, even_unfinished=self._even_unfinished)
        return self._opened

    def _retire(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.retire()
