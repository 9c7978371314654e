"""The ledger's file as it is now, opened: dropped as a whole as soon as the file is another."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import time
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy.pool import QueuePool

from smetka.core.errors import LedgerUnavailable, NotAtOnce
from smetka.ledger.layout import Layout, read_layout

_CONNECTIONS_KEPT = 4

AT_ONCE_STEPS = 20_000
"""The most steps of SQLite's machine for an answer that is given at once: a millisecond or two.

Not a time: a busy machine must not pass for a long question.
"""

_STEPS_BETWEEN_LOOKS = 1000
_NOT_AGAIN_SECONDS = 1.0


def fingerprint(path: Path) -> tuple[int, ...]:
    """Which file stands at the path and when it was last touched.

    The time of change (ctime) also tells of permissions taken away, and of a file overwritten by a
    copy that kept its times. It does not tell of commits to a write-ahead log.

    Raises:
        LedgerUnavailable: what stands there is no file.
        OSError: nothing does, or it cannot be looked at.
    """
    found = os.stat(path)  # noqa: PTH116 - at every question; Path.stat costs as much again
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "not a file"
        raise LedgerUnavailable(f"{path} is {kind}.")
    if found.st_size == 0:
        raise LedgerUnavailable(f"{path} is empty: it has no tables yet.")
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def connect(path: Path, mode: str = "ro") -> sqlite3.Connection:
    """Open the file, never making one. No waiting for locks: those who ask decide how long to try."""
    connection = sqlite3.connect(
        # Quoted, whatever characters the name holds.
        f"file:{quote(os.fsencode(path))}?mode={mode}",
        uri=True,
        timeout=0,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.text_factory = _lenient_text
    return connection


def _lenient_text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


class OpenFile:
    """Connections to one file in one state, and how its tables are declared.

    Args:
        number: grows by one with each opening.
        even_unfinished: half a copy will do.

    Raises:
        LedgerUnavailable, sqlite3.Error: it cannot be read, or is no ledger.
    """

    def __init__(self, path: Path, number: int, *, even_unfinished: bool = False) -> None:
        self.path, self.number = path, number
        self._retired = False
        # Seen before connecting: a change in between is then noticed at the next question.
        self._seen = fingerprint(path)
        self._inode = self._seen[:2]
        real = path.resolve()
        self._journal = real.with_name(f"{real.name}-journal")
        self._watch_lock = threading.Lock()
        self._watch = connect(path)
        self._looks_left: int | None = None
        self._not_at_once_before = 0.0
        try:
            self._data_version = self._read_data_version()
            self.layout: Layout = read_layout(self._watch).check(even_unfinished=even_unfinished)
            self._watch.set_progress_handler(self._is_too_long, _STEPS_BETWEEN_LOOKS)
        except BaseException:
            self._watch.close()
            raise
        # A pool without an engine: its bookkeeping would double the time of a question. What it is
        # typed to hold is a protocol that sqlite3's own connections do not match to the letter.
        opens: Any = partial(connect, path)
        self._pool = QueuePool(
            opens,
            pool_size=_CONNECTIONS_KEPT,
            # As many as ask at once: whoever waited for one would not be told that the file was
            # replaced, and the threads of the web process bound their number.
            max_overflow=-1,
            use_lifo=True,  # the one used last has the file's pages at hand
            reset_on_return=None,
        )

    def is_current(self, seen: Hashable) -> bool:
        """Nothing was changed since it was opened, as far as `fingerprint` tells."""
        return seen == self._seen

    def is_unchanged(self) -> bool:
        """Nobody committed since it was opened. Takes SQLite's lock, and so fails on a locked file."""
        with self._watch_lock:
            return not self._retired and self._read_data_version() == self._data_version

    def is_replaced(self) -> bool:
        """Another file stands at the path by now, or none."""
        try:
            found = self.path.stat()
        except OSError:
            return True
        return (found.st_dev, found.st_ino) != self._inode

    def is_being_written(self) -> bool:
        """Somebody is, as far as a rollback journal tells. A write-ahead log locks nobody out."""
        try:
            return self._journal.stat().st_size > 0
        except OSError:
            return False

    def rows_at_once(self, sql: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Run one statement on the connection that is there for what is quick, and never long.

        Raises:
            NotAtOnce: it takes more than `AT_ONCE_STEPS`, or another did a moment ago.
            sqlite3.Error: it cannot be read.
        """
        with self._watch_lock:
            if self._retired or time.monotonic() < self._not_at_once_before:
                raise NotAtOnce
            self._looks_left = AT_ONCE_STEPS // _STEPS_BETWEEN_LOOKS
            try:
                return self._watch.execute(sql, parameters).fetchall()
            except sqlite3.OperationalError:
                if self._looks_left > 0:
                    raise
                # So that a ledger without an index costs this little once a second, not each time.
                self._not_at_once_before = time.monotonic() + _NOT_AGAIN_SECONDS
                raise NotAtOnce from None
            finally:
                self._looks_left = None

    def _is_too_long(self) -> bool:
        if self._looks_left is None:
            return False
        self._looks_left -= 1
        return self._looks_left <= 0

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection of the pool, on which every statement is a transaction of its own."""
        pooled = self._pool.connect()
        try:
            connection: Any = pooled.dbapi_connection
            yield connection
        finally:
            pooled.close()
            if self._retired:
                self._pool.dispose()  # it came back after `retire` emptied the pool

    def retire(self) -> None:
        """Close what is idle now; what is in use is closed when it is given back. Safe to repeat."""
        with self._watch_lock:
            self._retired = True
            self._watch.close()
        self._pool.dispose()

    def _read_data_version(self) -> int:
        return int(self._watch.execute("PRAGMA data_version").fetchone()[0])
