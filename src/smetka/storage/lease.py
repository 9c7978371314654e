"""A lease: which one process does something, guarded against two at once and against jumping clocks."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from smetka.core.processes import birth
from smetka.storage.values import Record

LEASE_SECONDS = 90.0
"""Longer than the longest call of the Bot API and a slow search for its name, so that nobody takes
over during one."""

RENEW_SECONDS = 5.0

_NOBODY = ""


def since_boot() -> float:
    """Seconds that no clock setting changes and that go on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Store(Protocol):
    """Where leases are kept: a `Storage`."""

    def collection(self, name: str) -> Collection[Record]:
        """One of ours."""

    def translated(self) -> AbstractContextManager[None]:
        """For one use."""


class Lease:
    """A document in `leases` that one process holds and renews. For one thread.

    The holder trusts the time since its last renewal, never the wall clock. Who waits takes over
    when the document has not changed for the whole span on its own clock, at once when the holder
    let go, and at once when the holder was a process of this machine that is gone. `until` is for
    people to read.

    Methods raise BonusStoreUnavailable when MongoDB is away; repeating is safe.
    """

    def __init__(
        self,
        storage: Store,
        name: str,
        *,
        now: Callable[[], datetime],
        seconds: float = LEASE_SECONDS,
        clock: Callable[[], float] = since_boot,
    ) -> None:
        self._storage, self._name, self._now, self._seconds, self._clock = storage, name, now, seconds, clock
        self._me = f"{_machine()}/{os.getpid()}/{birth(os.getpid())}/{uuid.uuid4().hex[:8]}"
        self._fence: int | None = None
        self._renewed_at = 0.0
        self._seen: tuple[Any, ...] | None = None
        self._seen_at = 0.0

    @property
    def owner(self) -> str:
        """Who holds it and for the how manieth time: the mark on all that is claimed under it."""
        return f"{self._me}#{self._fence}"

    def hold(self) -> bool:
        """Take, keep or renew the lease; False while another holds it."""
        started = self._clock()
        if self._fence is not None and started - self._renewed_at < min(RENEW_SECONDS, self._seconds / 3):
            return True
        with self._storage.translated():
            if self._fence is not None and self._write(self._me, self._fence, self._fence):
                self._renewed_at = started
                return True
            self._fence = None
            return self._take(started)

    def release(self) -> None:
        """Let go, so that whoever waits need not wait. Safe to repeat."""
        if self._fence is not None:
            with self._storage.translated():
                self._leases().update_one(
                    {"_id": self._name, "owner": self._me, "fence": self._fence},
                    {"$set": {"owner": _NOBODY, "until": self._now()}},
                )
            self._fence = None

    def _take(self, started: float) -> bool:
        found = self._leases().find_one({"_id": self._name})
        if found is None:
            if self._insert():
                self._fence, self._renewed_at = 1, started
            return self._fence is not None
        owner, fence = found["owner"], int(found["fence"])
        if self._is_free(found, started) and self._write(owner, fence, fence + 1):
            self._fence, self._renewed_at = fence + 1, started
            return True
        return False

    def _is_free(self, found: dict[str, Any], started: float) -> bool:
        if found["owner"] == _NOBODY or _is_gone(found["owner"]):
            return True
        seen = (found["owner"], found["fence"], found["until"])
        if seen != self._seen:
            self._seen, self._seen_at = seen, started
        return started - self._seen_at > self._seconds

    def _insert(self) -> bool:
        try:
            self._leases().insert_one(
                {"_id": self._name, "owner": self._me, "fence": 1, "until": self._until()}
            )
        except DuplicateKeyError:  # another was faster
            return False
        return True

    def _write(self, owner: str, fence: int, new_fence: int) -> bool:
        result = self._leases().update_one(
            {"_id": self._name, "owner": owner, "fence": fence},
            {"$set": {"owner": self._me, "fence": new_fence, "until": self._until()}},
        )
        return bool(result.matched_count == 1)

    def _until(self) -> datetime:
        return self._now() + timedelta(seconds=self._seconds)

    def _leases(self) -> Any:
        return self._storage.collection("leases")


def _machine() -> str:
    """This boot of this machine and its space of pids: containers have their own."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}:{Path('/proc/self/ns/pid').stat().st_ino}"


def _is_gone(owner: str) -> bool:
    """Whether the owner was a process of this machine that runs no more."""
    machine, pid, born, _ = owner.split("/")
    return machine == _machine() and str(birth(int(pid))) != born
