"""The newest records first, page by page, however many there are and however they lie in time.

The embedded server reads all that a question matches, then sorts, then cuts. So a page is read by ranges of
an index that are closed at both ends. How far a range may reach, marks say: places in the order of the
records with about `STEP` of them between two. They are a hint and never the truth: the ranges between them
cover the whole line, so that a wrong mark costs time and no record.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from threading import Lock
from typing import Any

from smetka.storage.connection import Storage
from smetka.storage.values import Record
from smetka.storage.walk import BATCH_SECONDS, records

STEP = 64
"""Records between two marks."""

WIDEST = 32
"""Steps that one question reaches over, however few records it finds."""

FOLLOWED_SECONDS = 5.0
"""How long nobody looks for new marks: what has come meanwhile is read as a whole."""

KEPT_EACH = 16
"""New marks after which they are kept for other processes, too."""

PAGES = "pages"
"""The index by time and id."""

Place = tuple[datetime, str]
"""Where a record stands: its time, and its id among those of the same time."""

_BEGIN: Place = (datetime(1, 1, 1, tzinfo=UTC), "")
_END: Place = (datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC), "")
_TICK = timedelta(milliseconds=1)
_BEHIND_IDS = "\U0010ffff"


class NewestFirst:
    """One collection along its index `pages`: (time, `_id`). Thread-safe.

    Every method raises BonusStoreUnavailable when MongoDB is away.

    Args:
        field: the time, which every record has and which never changes.
    """

    def __init__(self, storage: Storage, name: str, field: str) -> None:
        self._storage, self._name, self._field = storage, name, field
        self._marks: list[Place] = []
        self._kept: int | None = None
        self._indexes: frozenset[str] = frozenset()
        self._again_at = 0.0
        self._lock = Lock()

    def page(
        self,
        wanted: int,
        *,
        before: Place | None = None,
        same: Mapping[str, Any] | None = None,
        only: Mapping[str, Any] | None = None,
        index: str = PAGES,
    ) -> list[Record]:
        """The newest records, in that order.

        Args:
            before: only those behind this place.
            same: fields and their values; an index begins with them and goes on with the time.
            only: further ones, in no index.
            index: the one for `same`.
        """
        if not self._has(PAGES, index):
            return self._by_looking_at_all(wanted, before, {**(same or {}), **(only or {})})
        marks = self._followed()
        high, found = before or _END, list[Record]()
        nearest, span = bisect_left(marks, high), max(wanted // STEP, 1)
        while len(found) < wanted and high > _BEGIN:
            nearest -= span
            low = marks[nearest] if nearest >= 0 else _BEGIN
            got = sorted(self._between(low, high, same, only or {}), key=self._place)
            if len(got) > 4 * STEP * span and not (same or only):
                self._see(got, low)
            found += reversed(got)
            high, span = low, 1 if len(got) > STEP else min(2 * span, WIDEST)
        return found[:wanted]

    def _has(self, *indexes: str) -> bool:
        """Whether there are these: not where an earlier version left more records than they are made for."""
        if not self._indexes.issuperset(indexes):
            with self._storage.translated():
                self._indexes = frozenset(self._storage.collection(self._name).index_information())
        return self._indexes.issuperset(indexes)

    def _by_looking_at_all(self, wanted: int, before: Place | None, only: Record) -> list[Record]:
        order = [(self._field, -1), ("_id", -1)]
        found: list[Record] = []
        if before is not None:
            found = self._found({self._field: before[0], "_id": {"$lt": before[1]}, **only})
            found.sort(key=self._place, reverse=True)
            only = {self._field: {"$lt": before[0]}, **only}
        with self._storage.at_leisure():
            cursor = self._storage.collection(self._name).find(only).sort(order)
            return [*found, *cursor.limit(wanted)][:wanted]

    def _followed(self) -> list[Place]:
        """The marks, with those of what has come since the last look."""
        with self._lock:
            if self._kept is None:
                self._load()
            if time.monotonic() >= self._again_at:
                last = self._marks[-1] if self._marks else _BEGIN
                after = round(last[0].timestamp() * 1000) - 1 if self._marks else None
                self._mark(records(self._storage, self._name, fields=(self._field,), after=after), last)
                self._again_at = time.monotonic() + FOLLOWED_SECONDS
            return list(self._marks)

    def _see(self, found: list[Record], low: Place) -> None:
        """Mark records that came late, between marks that are there already."""
        with self._lock:
            self._mark(iter(found), low)

    def _mark(self, found: Iterator[Record], low: Place) -> None:
        """Mark each `STEP`th of these, which come in the order of their times.

        Args:
            low: the mark before them.
        """
        count = 0
        for moment, together in groupby(found, key=itemgetter(self._field)):
            ids = sorted(record["_id"] for record in together if (moment, record["_id"]) >= low)
            if count >= STEP:
                self._add((moment, ""))
                count = 0
            for record_id in ids[STEP::STEP]:
                self._add((moment, record_id))
            count += len(ids) % STEP if len(ids) > STEP else len(ids)
        if self._kept is not None and len(self._marks) >= self._kept + KEPT_EACH:
            self._keep()

    def _add(self, mark: Place) -> None:
        place = bisect_left(self._marks, mark)
        if self._marks[place : place + 1] != [mark]:
            self._marks.insert(place, mark)

    def _between(
        self, low: Place, high: Place, same: Mapping[str, Any] | None, only: Mapping[str, Any]
    ) -> Iterable[Record]:
        if same:
            # No index of these has the id or `only`, and a question that named them would leave the index.
            within = {"$gte": low[0], "$lte" if high[1] else "$lt": high[0]}
            found = self._found({**same, self._field: within})
            return (
                record
                for record in found
                if low <= self._place(record) < high and all(record.get(k) == v for k, v in only.items())
            )
        return (record for query in self._ranges(low, high) for record in self._found({**query, **only}))

    def _ranges(self, low: Place, high: Place) -> Iterator[Record]:
        (begin, first_id), (end, end_id) = low, high
        if begin == end:
            yield {self._field: begin, "_id": {"$gte": first_id, "$lt": end_id}}
            return
        if first_id:
            yield {self._field: begin, "_id": {"$gte": first_id, "$lt": _BEHIND_IDS}}
            begin += _TICK
        if begin < end:
            yield {self._field: {"$gte": begin, "$lt": end}}
        if end_id:
            yield {self._field: end, "_id": {"$gte": "", "$lt": end_id}}

    def _found(self, query: Record) -> list[Record]:
        with self._storage.at_leisure(BATCH_SECONDS):
            return list(self._storage.collection(self._name).find(query))

    def _place(self, record: Record) -> Place:
        return record[self._field], record["_id"]

    def _load(self) -> None:
        with self._storage.translated():
            kept = self._storage.collection("marks").find_one({"_id": self._name})
        self._marks = [(moment, record_id) for moment, record_id in kept["places"]] if kept else []
        self._kept = len(self._marks)

    def _keep(self) -> None:
        with self._storage.translated():
            self._storage.collection("marks").update_one(
                {"_id": self._name}, {"$set": {"places": [list(mark) for mark in self._marks]}}, upsert=True
            )
        self._kept = len(self._marks)
