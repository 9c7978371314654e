"""Reading all records of a collection, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any, Protocol

from bson import Int64
from bson.datetime_ms import DatetimeMS
from pymongo.collection import Collection

from smetka.storage.values import Record

BATCH = 1000
BATCH_SECONDS = 120.0
"""Long, for a collection that cannot be cut into small slices."""

FEW, MANY = 200, 800
"""Records in a slice: after one with fewer the next is wider, after one with more narrower. Few: the embedded
server answers nobody else meanwhile. Not fewer: a hosted one is asked for each slice."""


EMPTY = 3
"""Slices without a record, each wider than the one before, after which the gap is looked over: that costs a
look at all that lies beyond it."""

FEW_IDS = 50


class Source(Protocol):
    """What records are read from: a `Storage`."""

    def collection(self, name: str) -> Collection[Record]:
        """One of ours."""

    def at_leisure(self, seconds: float = ...) -> AbstractContextManager[None]:
        """For a question about many records."""


@dataclass(frozen=True, slots=True)
class _Path:
    """An indexed field that every record has and that never changes, as a line of whole numbers.

    `begin` and `width` are where most records are expected to begin, and how densely; wrong ones
    cost time alone. `place` is the number of a value as it is read.
    """

    field: str
    value: Callable[[int], Any]
    begin: int
    width: int
    end: int
    place: Callable[[Any], int]


_CUSTOMERS = _Path("user_id", Int64, begin=1, width=1000, end=2**63 - 1, place=int)
_DELIVERIES = _Path(
    "created_at",
    DatetimeMS,
    begin=int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1000,
    width=3_600_000,
    end=int(datetime(9999, 1, 1, tzinfo=UTC).timestamp()) * 1000,
    place=lambda time: int(time.timestamp() * 1000),
)
_PATHS = {
    "bonus_customers": _CUSTOMERS,
    "vouchers": _CUSTOMERS,
    "deliveries": _DELIVERIES,
    "audit": replace(_DELIVERIES, field="at", width=60_000),
}


def records(
    storage: Source,
    name: str,
    query: Record | None = None,
    fields: Iterable[str] | None = None,
    *,
    after: int | None = None,
    wanted: int | None = None,
) -> Iterator[Record]:
    """Every record that is there when the first is asked for, once, and perhaps later ones.

    In the order of the collection's path, if it has one: bonus customers and vouchers by user id.

    Slice by slice along an index. The embedded server reads all that a question matches before it
    answers, and lets nobody else in meanwhile: asked for a million records at once it needs
    gigabytes and answers nobody for so long that it is taken for hung. A page by `_id` costs it a
    look at the whole collection each time.

    Args:
        query: which records; it must not name the path's field.
        fields: those that are needed; all unless given.
        after: only those behind this place on the path.
        wanted: how many are likely to be read, where that is not all of them.

    Raises:
        BonusStoreUnavailable: MongoDB went away.
    """
    path = _PATHS.get(name)
    ask = partial(_found, storage, name, path.field if path else None, list(fields) if fields else None)
    query = query or {}
    if path is None:
        yield from ask(query)
        return
    low, width, empty = path.begin, path.width if wanted is None else 2 * wanted, 0
    if after is None or after < low:
        before = {"$lt": path.value(low)} | ({} if after is None else {"$gt": path.value(after)})
        yield from ask({**query, path.field: before})
    else:
        low = after + 1
    while low + width < path.end:
        count = 0
        within = {"$gte": path.value(low), "$lt": path.value(low + width)}
        for record in ask({**query, path.field: within}):
            count += 1
            yield record
        low += width
        empty = 0 if count else empty + 1
        if empty == EMPTY:
            empty = 0
            # Over the gap at once, to wherever the next record of any kind is.
            first = _first(storage, name, path, low)
            if first is None:
                return
            low = max(low, first)
        if count < FEW:
            width *= 2 if count else 4
        elif count > MANY:
            width = max(width // 2, 1)
    yield from ask({**query, path.field: {"$gte": path.value(low)}})


def records_of(
    storage: Source, name: str, ids: Sequence[Any], fields: Iterable[str] | None = None
) -> Iterator[Record]:
    """The records with these `_id`s, as far as they are there.

    A few at a time: the embedded server compares every record with every id of a longer list.

    Raises:
        BonusStoreUnavailable: MongoDB went away.
    """
    for place in range(0, len(ids), FEW_IDS):
        yield from _found(
            storage,
            name,
            None,
            list(fields) if fields else None,
            {"_id": {"$in": list(ids[place : place + FEW_IDS])}},
        )


def _first(storage: Source, name: str, path: _Path, low: int) -> int | None:
    """Where the first record from a place on stands, whatever it is; None when there is none."""
    with storage.at_leisure(BATCH_SECONDS):
        found = storage.collection(name).find({path.field: {"$gte": path.value(low)}}, [path.field])
        record = next(iter(found.sort(path.field).limit(1)), None)
    return None if record is None else path.place(record[path.field])


def _found(
    storage: Source, name: str, order: str | None, fields: list[str] | None, query: Record
) -> Iterator[Record]:
    with storage.at_leisure(BATCH_SECONDS):
        found = storage.collection(name).find(query, fields, batch_size=BATCH)
        cursor = iter(found.sort(order) if order else found)
    while True:
        with storage.at_leisure(BATCH_SECONDS):
            batch = list(islice(cursor, BATCH))
        yield from batch
        if len(batch) < BATCH:
            return
