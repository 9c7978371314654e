"""Whose turn it is among questions about many records, and how long the server is left to others after one.

The embedded server answers nobody while it reads for one of them, and a web process answers slowly while it
turns what was read into a list. So they take turns, and while somebody in a hurry is about, such as a till,
each is followed by a rest, in proportion to what it took.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, local

from smetka.core.errors import BonusStoreLate, BonusStoreUnavailable

HURRY_SECONDS = 1.0
"""So long after somebody in a hurry used the store, others in a hurry are to be expected."""

REST = 1.5
"""How many times as long as what went before a rest is: they have a quarter of the time then."""

UNSEEN_REST = 1.0
"""The same where whoever is in a hurry cannot be seen: it may be in vain."""

LONGEST_REST_SECONDS = 1.0
"""After a question that could not be cut into short ones: others about many records wait for this, too."""


class Leisure:
    """The turns and the rests of one process, safe for all threads.

    Nobody in a hurry ever waits here.

    Args:
        is_guest: the server is other processes', who may be in a hurry at any time: rest always.
        clock: seconds that pass.
        work: seconds of work of the thread that calls.
    """

    def __init__(
        self,
        *,
        is_guest: bool = False,
        clock: Callable[[], float] = time.monotonic,
        work: Callable[[], float] = time.thread_time,
    ) -> None:
        self._is_guest, self._clock, self._work = is_guest, clock, work
        self._changed = Condition()
        self._waiting: deque[object] = deque()
        self._is_taken = self._is_closed = False
        self._hurried_at = self._rest_until = -math.inf
        self._rested = 0.0
        self._resting_since: float | None = None
        self._thread = local()

    def see_hurry(self) -> None:
        """Somebody in a hurry uses the store: not one who asks about many records in between."""
        if getattr(self._thread, "has_time", False):
            return
        now = self._clock()
        if now - getattr(self._thread, "seen_at", -math.inf) > HURRY_SECONDS:
            self._hurried_at = now

    def take_time(self) -> None:
        """What the thread that calls asks for is for lists and pages about many: never in a hurry."""
        self._thread.has_time = True

    @contextmanager
    def turn(self, seconds: float) -> Iterator[float]:
        """Ask in the block, alone, after the rest that is due; gives how many of the seconds are left.

        Time for rests is none of the seconds.

        Raises:
            BonusStoreLate: those before it took too long.
            BonusStoreUnavailable: it was closed meanwhile.
        """
        left = self._take(seconds)
        began = self._clock()
        try:
            yield left
        finally:
            with self._changed:
                self._is_taken = False
                self._thread.seen_at = self._clock()
                self._thread.worked = self._work()
                self._owe(self._thread.seen_at - began)
                self._changed.notify_all()

    def close(self) -> None:
        """End all waiting at once. Safe to repeat."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _take(self, seconds: float) -> float:
        ticket = object()
        with self._changed:
            if not self._is_guest:
                # What this thread made of its last answer kept this process from others.
                self._owe(self._work() - getattr(self._thread, "worked", self._work()))
            began = self._clock()
            rested = self._rested_by(began)
            self._waiting.append(ticket)
            try:
                while True:
                    if self._is_closed:
                        raise BonusStoreUnavailable("the connection is closed")
                    now = self._clock()
                    left = seconds - (now - began) + self._rested_by(now) - rested
                    if self._waiting[0] is not ticket or self._is_taken:
                        if left <= 0:
                            raise BonusStoreLate("other questions about many records are being answered")
                        self._changed.wait(left)
                    elif rest := self._rest(now):
                        self._resting_since = now
                        self._changed.wait(rest)
                        self._rested, self._resting_since = self._rested_by(self._clock()), None
                    else:
                        self._is_taken = True
                        self._thread.seen_at = now
                        return left
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def _owe(self, seconds: float) -> None:
        now = self._clock()
        rest = (UNSEEN_REST if self._is_guest else REST) * seconds
        self._rest_until = min(max(self._rest_until, now) + rest, now + LONGEST_REST_SECONDS)

    def _rest(self, now: float) -> float:
        until = self._rest_until
        if not self._is_guest:
            until = min(until, self._hurried_at + HURRY_SECONDS)
        return max(until - now, 0.0)

    def _rested_by(self, now: float) -> float:
        return self._rested + (0.0 if self._resting_since is None else now - self._resting_since)
