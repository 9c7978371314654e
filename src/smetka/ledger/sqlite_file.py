"""A ledger in a SQLite file: which file stands there now, and who waits for whose lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from smetka.core.errors import LedgerUnavailable, NotAtOnce
from smetka.ledger import questions
from smetka.ledger.faults import FOREIGN_ERRORS
from smetka.ledger.file_session import FileSession, Replaced, Turns
from smetka.ledger.glance import FileGlance
from smetka.ledger.limits import USUAL, Limits
from smetka.ledger.open_file import OpenFile, fingerprint
from smetka.ledger.patience import Lock, Patience
from smetka.ledger.source import LONG_QUESTIONS, in_turn
from smetka.ledger.spending import CustomerTotal

T = TypeVar("T")

MOST_REPLACED = 5
"""Times that a question begins anew because another file was put in the place of its own."""


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
        self._lock, self._turns = Lock(), Turns()
        # Those who ask for one customer always find a connection free of questions about all.
        self._long_questions = threading.BoundedSemaphore(LONG_QUESTIONS)

    def read(self, ask: Callable[[FileSession], T], *, long: bool = False) -> T:
        """Ask the file as it is now, waiting for other processes' locks and translating faults."""
        if not long:
            return self._patiently(lambda patience: self._ask(ask, patience, self._current))
        with in_turn(self._long_questions, self.shown):
            return self._patiently(lambda patience: self._ask(ask, patience, self._current, self._turns))

    def read_now(self, ask: Callable[[FileSession], T]) -> T:
        """Like `read`, for what must not be asked as tables were declared a moment ago."""
        # A write-ahead log changes without the file.
        return self._patiently(lambda patience: self._ask(ask, patience, self._unchanged))

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
        return self._patiently(lambda _: self._unchanged().number)

    def ping(self) -> None:
        """Return if it can be read and has the two tables with their columns."""
        self.version()

    def close(self) -> None:
        """Close all connections. Asking again opens them again."""
        with self._opening:
            self._retire()

    def _patiently(self, do: Callable[[Patience], T]) -> T:
        patience, replaced = Patience(self._lock, self.path, self._limits.file_lock), 0
        while True:
            try:
                answer = do(patience)
            except FOREIGN_ERRORS as error:
                patience.wait(error)
            except Replaced:
                replaced += 1
                if replaced == MOST_REPLACED:
                    raise LedgerUnavailable(f"{self.path} is replaced again and again.") from None
            else:
                patience.renew()
                return answer

    def _ask(
        self,
        ask: Callable[[FileSession], T],
        patience: Patience,
        look: Callable[[], OpenFile],
        turns: Turns | None = None,
    ) -> T:
        while True:
            opened = look()
            answer = ask(FileSession(opened, patience, seconds=self._limits.file_question, turns=turns))
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

    def _unchanged(self) -> OpenFile:
        opened = self._current()
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
