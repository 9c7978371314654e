"""Where the questions of a ledger are put: a file or a server, open as it is at the moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from smetka.core.errors import LedgerUnavailable
from smetka.ledger.glance import Glance
from smetka.ledger.layout import Layout
from smetka.ledger.spending import CustomerTotal

T = TypeVar("T")

LONG_QUESTIONS = 2
"""Questions about all payments that run at a time."""

_LONG_QUESTION_WAIT_SECONDS = 30.0


class Opened(Protocol):
    """A ledger that is open, and how its tables are declared."""

    @property
    def layout(self) -> Layout:
        """How its tables are declared."""
        ...

    def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Run one statement, which is a transaction of its own."""
        ...

    def fold(self, sql: str, parameters: Mapping[str, Any], take: Callable[[Iterator[Any]], T]) -> T:
        """Like `rows`, for more of them than should be in memory: `take` gets them one by one."""
        ...


class Source(Protocol):
    """A place a ledger can be in. Every method raises LedgerUnavailable while it cannot be read."""

    @property
    def shown(self) -> str:
        """Where it is, for people: no password is in it."""
        ...

    def read(self, ask: Callable[[Opened], T], *, long: bool = False) -> T:
        """Put a question, translating faults; `long` ones read all payments, and few run at a time."""
        ...

    def read_now(self, ask: Callable[[Opened], T]) -> T:
        """Like `read`, for what must not be asked as tables were declared a moment ago."""
        ...

    def glance(self) -> Glance:
        """The ledger for questions that must not wait; raises NotAtOnce where none can be answered so."""
        ...

    def totals_spent(self, user_ids: Sequence[int], year: int | None) -> dict[int, CustomerTotal]:
        """What each of a few customers spent, asked in one go; without those whom nobody knows."""
        ...

    def version(self) -> int:
        """Grows whenever the data, and so an answer, may have changed."""
        ...

    def ping(self) -> None:
        """Return if it can be read and has the two tables with their columns."""
        ...

    def close(self) -> None:
        """Close all connections. Asking again opens them again."""
        ...


@contextmanager
def in_turn(long_questions: threading.BoundedSemaphore, shown: str) -> Iterator[None]:
    """Wait for one of the few places of long questions.

    Raises:
        LedgerUnavailable: all stayed taken.
    """
    if not long_questions.acquire(timeout=_LONG_QUESTION_WAIT_SECONDS):
        raise LedgerUnavailable(f"Too many questions about all of {shown} are waiting.")
    try:
        yield
    finally:
        long_questions.release()
