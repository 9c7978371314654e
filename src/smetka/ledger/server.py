"""A ledger on a database server: what both kinds of servers have in common."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from smetka.core.errors import LedgerUnavailable, NotAtOnce
from smetka.ledger import questions
from smetka.ledger.glance import ServerGlance
from smetka.ledger.layout import NEEDED, Layout
from smetka.ledger.limits import USUAL, Limits
from smetka.ledger.source import LONG_QUESTIONS, Opened, in_turn
from smetka.ledger.spending import CustomerTotal
from smetka.ledger.values import Kind
from smetka.settings.ledger_location import Server

T = TypeVar("T")

REMEMBERED_SECONDS = 1.0
"""How long what was worked out counts as current, at least."""

MOST_REMEMBERED_SECONDS = 60.0
"""How long at most: five times as long as the last question about all payments took."""

_DECLARATIONS_SECONDS = 10.0
_NOT_AGAIN_SECONDS = 1.0


class Session(ABC):
    """The open ledger, for questions that may take so many seconds."""

    def __init__(self, layout: Layout, seconds: float) -> None:
        self.layout = layout
        self.seconds = seconds

    @abstractmethod
    def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Run one statement."""

    @abstractmethod
    def fold(self, sql: str, parameters: Mapping[str, Any], take: Callable[[Iterator[Any]], T]) -> T:
        """Run one statement and hand its rows on one by one."""


class ServerSource(ABC):
    """As `source.Source` says. Whoever implements it connects, asks, and knows its server's faults."""

    FOREIGN_ERRORS: tuple[type[Exception], ...]
    """Everything that asking raises by itself."""

    def __init__(self, server: Server, *, even_unfinished: bool = False, limits: Limits = USUAL) -> None:
        self._server, self._even_unfinished, self._limits = server, even_unfinished, limits
        self.shown = server.shown
        self._long_questions = threading.BoundedSemaphore(LONG_QUESTIONS)
        self._versions = threading.Lock()
        self._version, self._looked_at = 0, -MOST_REMEMBERED_SECONDS
        self._state: Hashable = None
        self._last_long_seconds = 0.0
        self._not_at_once_before = 0.0
        self._layout: Layout | None = None
        self._layout_read_at = 0.0

    @abstractmethod
    def _session(self, layout: Layout, seconds: float) -> Session:
        """The ledger for questions that may take so long."""

    @abstractmethod
    def _read_layout(self) -> Layout:
        """Read how the tables are declared. Raises LedgerUnavailable: a table or column is missing."""

    @abstractmethod
    def _read_state(self) -> Hashable:
        """What changes with every commit, or with time where nothing tells."""

    @abstractmethod
    def _explain(self, error: Exception) -> str:
        """One sentence, without the place, about what went wrong."""

    @abstractmethod
    def _is_of_declarations(self, error: Exception) -> bool:
        """The tables are not declared as they were."""

    @abstractmethod
    def close(self) -> None:
        """Close all connections. Asking again opens them again."""

    def read(self, ask: Callable[[Opened], T], *, long: bool = False) -> T:
        """Put a question, translating faults."""
        if not long:
            return self._ask(ask, self._limits.question)
        with in_turn(self._long_questions, self.shown):
            start = time.monotonic()
            answer = self._ask(ask, self._limits.long_question)
            self._last_long_seconds = time.monotonic() - start
            return answer

    def read_now(self, ask: Callable[[Opened], T]) -> T:
        """As `read`: tables declared otherwise are noticed by the error, or within seconds."""
        return self.read(ask)

    def glance(self) -> ServerGlance:
        """What is known of the server; it is asked for totals by `totals_spent`.

        Raises:
            NotAtOnce: it did not answer a moment ago.
        """
        if time.monotonic() < self._not_at_once_before:
            raise NotAtOnce
        return ServerGlance(self._version_at_once)

    def totals_spent(self, user_ids: Sequence[int], year: int | None) -> dict[int, CustomerTotal]:
        """What each of a few customers spent, asked in one go; without those whom nobody knows."""
        try:
            return self._ask(
                lambda now: questions.totals_spent(now.rows, now.layout, user_ids, year),
                self._limits.together,
            )
        except BaseException:
            self._not_at_once_before = time.monotonic() + _NOT_AGAIN_SECONDS
            raise

    def version(self) -> int:
        """Grows when the data may have changed; the same for `REMEMBERED_SECONDS` or longer."""
        with suppress(NotAtOnce):
            return self._version_at_once()
        # Looked at before anything is computed from it, so that what is computed is at least as new.
        state = self._translated(self._read_state)
        with self._versions:
            if state != self._state:
                self._state, self._version = state, self._version + 1
            self._looked_at = time.monotonic()
            return self._version

    def ping(self) -> None:
        """Return if it can be read and has the two tables with their columns."""
        self._translated(self._fresh_layout)
        self._translated(self._read_state)

    def _version_at_once(self) -> int:
        held = min(MOST_REMEMBERED_SECONDS, max(REMEMBERED_SECONDS, 5 * self._last_long_seconds))
        with self._versions:
            if time.monotonic() - self._looked_at < held:
                return self._version
        raise NotAtOnce

    def _ask(self, ask: Callable[[Opened], T], seconds: float) -> T:
        layout = self._translated(self._current_layout)
        try:
            return ask(self._session(layout, seconds))
        except self.FOREIGN_ERRORS as error:
            if self._is_of_declarations(error) and self._translated(self._fresh_layout) != layout:
                return self._translated(lambda: ask(self._session(self._current_layout(), seconds)))
            raise self._unavailable(error) from None

    def _current_layout(self) -> Layout:
        if self._layout is None or time.monotonic() - self._layout_read_at > _DECLARATIONS_SECONDS:
            return self._fresh_layout()
        return self._layout

    def _fresh_layout(self) -> Layout:
        layout = self._read_layout().check(even_unfinished=self._even_unfinished)
        self._layout, self._layout_read_at = layout, time.monotonic()
        return layout

    def _translated(self, do: Callable[[], T]) -> T:
        try:
            return do()
        except self.FOREIGN_ERRORS as error:
            # Not chained: a driver's own words may hold what must not be shown.
            raise self._unavailable(error) from None

    def _unavailable(self, error: Exception) -> LedgerUnavailable:
        return LedgerUnavailable(f"{self.shown}: {self._server.scrub(self._explain(error))}")


def kinds_of(
    declared: Mapping[str, Mapping[str, str]], kind_of: Callable[[str], Kind | None]
) -> frozenset[tuple[tuple[str, str], Kind]]:
    """The kind of every needed column.

    Args:
        declared: the type of each column of each table, as the server names it.

    Raises:
        LedgerUnavailable: a table, a column or a fitting type is missing; the reason names it.
    """
    kinds = set()
    for table, columns in NEEDED.items():
        if not declared.get(table):
            raise LedgerUnavailable(f"The ledger has no table {table} that this user can see.")
        for column in columns:
            if column not in declared[table]:
                raise LedgerUnavailable(f"The ledger's table {table} has no column {column}.")
            kind = kind_of(declared[table][column])
            is_id = column == "user_id"
            if kind is None or (is_id and kind not in {"integer", "decimal"}):
                raise LedgerUnavailable(
                    f"The ledger's column {table}.{column} is of the type {declared[table][column]}, "
                    f"which is no {'whole number' if is_id else 'number'}; a view can make it one."
                )
            kinds.add(((table, column), kind))
    return frozenset(kinds)
