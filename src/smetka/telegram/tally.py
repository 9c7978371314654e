"""How many deliveries there are in each state, followed by what changes instead of counted.

Nothing that is delivered ever changes again: of those only the number is kept. The others are few, and are
known by their ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

from smetka.storage import Storage
from smetka.storage.walk import records
from smetka.telegram.delivery import DELIVERED, STATES, Record

MARGIN = timedelta(minutes=1)
"""What the clocks of processes may differ by, with the time that a write may take."""

_END = datetime(9999, 12, 31, tzinfo=UTC)


class Tally:
    """Counts for one process. Thread-safe; every method raises BonusStoreUnavailable when MongoDB is away."""

    def __init__(self, storage: Storage, *, now: Callable[[], datetime]) -> None:
        self._storage, self._now = storage, now
        self._lock = Lock()
        self._states: dict[str, str] | None = None
        self._since = _END
        self._delivered: tuple[int, datetime] | None = None

    def counts(self) -> dict[str, int]:
        """How many are in each state but `delivered`."""
        with self._lock:
            began = self._now() - MARGIN
            if self._states is None:
                states, since = self._read(), began
            else:
                states, since = self._states, min(self._since, began)
            # What was changed since the last look, or while this one was taken.
            for record in self._touched(since):
                states[record["_id"]] = record["state"]
                if record["state"] == DELIVERED:
                    del states[record["_id"]]
            self._states, self._since = states, began
            return dict.fromkeys((each for each in STATES if each != DELIVERED), 0) | Counter(states.values())

    def delivered(self) -> tuple[int, datetime]:
        """How many were delivered before a time that is not long ago, and that time."""
        with self._lock:
            until = self._now() - MARGIN
            if self._delivered is None or until < self._delivered[1]:
                found = records(self._storage, "deliveries", fields=("state", "updated_at"))
                count = sum(each["state"] == DELIVERED and each["updated_at"] < until for each in found)
            else:
                before, since = self._delivered
                count = before + self.delivered_within(since, until)
            self._delivered = count, until
            return count, until

    def delivered_within(self, since: datetime, until: datetime = _END) -> int:
        """How many were delivered in this time: their last change was their delivery."""
        return sum(record["state"] == DELIVERED for record in self._touched(since, until))

    def _read(self) -> dict[str, str]:
        states: dict[str, str] = {}
        for state in STATES:
            if state == DELIVERED:
                continue
            with self._storage.at_leisure():
                found = self._storage.collection("deliveries").find({"state": state}, ["state"])
                states |= {record["_id"]: record["state"] for record in found}
        return states

    def _touched(self, since: datetime, until: datetime = _END) -> list[Record]:
        # By the time alone: asked for the state too, the embedded server looks at all that is delivered.
        query = {"updated_at": {"$gte": since, "$lt": until}}
        with self._storage.at_leisure():
            return list(self._storage.collection("deliveries").find(query, ["state"]))
