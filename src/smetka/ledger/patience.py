"""How long a question waits for the locks of other processes on a ledger's file."""

from __future__ import annotations

import time
from pathlib import Path

from smetka.ledger.faults import is_locked, unavailable, waits_for_rollback
from smetka.ledger.imports.recovery import undo_killed_import

LOCK_REMEMBERED_SECONDS = 1.0
"""How long after one waited in vain the others do not wait at all."""

_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.001, 0.05


class Lock:
    """What those who ask one file know of its lock from each other."""

    def __init__(self) -> None:
        self.believed_until = 0.0


class Patience:
    """That of one question: counted from the first lock that it meets, and anew after each answer.

    Args:
        seconds: how long one lock is waited for.
    """

    def __init__(self, lock: Lock, path: Path, seconds: float) -> None:
        self._lock, self._path, self._seconds = lock, path, seconds
        self._give_up: float | None = None
        self._pause = _SHORTEST_PAUSE_SECONDS

    def renew(self) -> None:
        """Something was answered: nobody's lock is in the way."""
        self._lock.believed_until = 0.0
        self._give_up, self._pause = None, _SHORTEST_PAUSE_SECONDS

    def wait(self, error: Exception) -> None:
        """Wait a moment, after which asking again may help.

        Raises:
            LedgerUnavailable: it would not, or was waited for in vain.
        """
        now = time.monotonic()
        if self._give_up is None:
            self._give_up = now + self._seconds
        undone = waits_for_rollback(error) and now < self._give_up and undo_killed_import(self._path)
        if not undone and (not is_locked(error) or now < self._lock.believed_until):
            raise unavailable(error, self._path) from error
        if now >= self._give_up:
            self._lock.believed_until = now + LOCK_REMEMBERED_SECONDS
            raise unavailable(error, self._path) from error
        time.sleep(min(self._pause, self._give_up - now))
        self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS)
