"""The first records in the order of a number, by closed ranges of an index, however many there are.

The embedded server answers nothing else quickly: it reads all that a question matches, then sorts, then cuts.
How far a range must reach for a page, a sample says. Each record has a level, drawn by lot from its key: one
in 32 has the first or a higher one, one in 1,024 the second, and so on, as in a skip list (W. Pugh, "Skip
Lists: A Probabilistic Alternative to Balanced Trees", 1990). The index is by level before it is by number, so
that each level is read by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bson import Int64

from smetka.storage.values import Record
from smetka.storage.walk import Source

SPREAD = 32
"""Of so many records of a level one is in the next."""

HIGHEST = 4
_LEAST, _MOST = -(2**63), 2**63 - 1
_MORE = 3
"""Records of a level beyond what is expected to do: few, so that little is read in vain."""


def level_of(key: int) -> int:
    """The level of a record with this key: the same for ever, and unlike that of the next key."""
    lot = int.from_bytes(hashlib.blake2b(str(key).encode(), digest_size=8).digest())
    level = 0
    while level < HIGHEST and lot % SPREAD == 0:
        level, lot = level + 1, lot // SPREAD
    return level


@dataclass(frozen=True, slots=True)
class Order:
    """The fields of an index (…, level, number, key), both of 64 bits."""

    level: str
    number: str
    key: str


@dataclass(frozen=True, slots=True)
class Span:
    """Numbers from `low` to `high`, both included, of one field; the other fields are `same`."""

    same: Mapping[str, Any]
    field: str
    low: int
    high: int
    is_descending: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is no number in it."""
        return self.low > self.high

    def until(self, number: int) -> Span:
        """What comes before a number in it."""
        if self.is_descending:
            return Span(self.same, self.field, number + 1, self.high, is_descending=True)
        return Span(self.same, self.field, self.low, number - 1)

    def behind(self, number: int) -> Span:
        """What comes behind a number in it."""
        if self.is_descending:
            return Span(self.same, self.field, self.low, number - 1, is_descending=True)
        return Span(self.same, self.field, number + 1, self.high)


def in_order(
    storage: Source,
    name: str,
    order: Order,
    same: Mapping[str, Any],
    wanted: int,
    *,
    is_descending: bool = False,
    after: tuple[int, int] | None = None,
    fields: Iterable[str] | None = None,
) -> Iterator[Record]:
    """The records of an order, those with equal numbers by ascending key.

    Args:
        same: the fields before the level in the index, and their values.
        wanted: how many are likely to be read.
        after: the number and the key of the one to go on behind.
        fields: those that are needed, number and key among them; all unless given.

    Raises:
        BonusStoreUnavailable: MongoDB went away, or is late.
    """
    reader = _Reader(storage, name, order, wanted, list(fields) if fields else None)
    span = Span(same, order.number, _LEAST, _MOST, is_descending)
    if after is not None:
        number, key = after
        yield from reader.records(reader.equals(same, number, key + 1))
        span = span.behind(number)
    yield from reader.records(span)


def sampled(storage: Source, name: str, order: Order, same: Mapping[str, Any]) -> int:
    """How many of such records are in a sample of one in 1,024.

    Raises:
        BonusStoreUnavailable: MongoDB went away, or is late.
    """
    reader = _Reader(storage, name, order, 0)
    every = Span(same, order.number, _LEAST, _MOST)
    return sum(len(reader.level(every, level, [order.key])) for level in range(HIGHEST, 1, -1))


class _Reader:
    def __init__(
        self, storage: Source, name: str, order: Order, wanted: int, fields: list[str] | None = None
    ) -> None:
        self._storage, self._name, self._order = storage, name, order
        self._wanted, self._fields = wanted, fields

    def equals(self, same: Mapping[str, Any], number: int, first_key: int) -> Span:
        """The records of one number."""
        order = self._order
        return Span({**same, order.number: Int64(number)}, order.key, first_key, _MOST)

    def records(self, span: Span) -> Iterator[Record]:
        """All of a span, about as many at a time as are wanted."""
        while not span.is_empty:
            end = self._far_enough(span)
            if end is None:
                yield from self._all(span)
                return
            yield from self._all(span.until(end))
            # As many as can be may have this very number: they are read by their keys.
            if span.field == self._order.number:
                yield from self.records(self.equals(span.same, end, _LEAST))
            else:
                yield from self._all(Span(span.same, span.field, end, end))
            span = span.behind(end)

    def _far_enough(self, span: Span) -> int | None:
        """A number before which there are likely enough records, and not many more; None for all of it."""
        end = None
        for level in range(HIGHEST, 0, -1):
            enough = self._wanted // SPREAD**level + _MORE
            numbers = sorted(
                (int(record[span.field]) for record in self.level(span, level, [span.field])),
                reverse=span.is_descending,
            )
            if len(numbers) >= enough:
                end = numbers[enough - 1]
                span = span.until(end)
        return end

    def _all(self, span: Span) -> list[Record]:
        if span.is_empty:
            return []
        found = [record for level in range(HIGHEST + 1) for record in self.level(span, level, self._fields)]
        sign = -1 if span.is_descending else 1
        order = self._order
        return sorted(found, key=lambda each: (sign * int(each[order.number]), int(each[order.key])))

    def level(self, span: Span, level: int, fields: list[str] | None) -> list[Record]:
        """The records of one level, in no order."""
        # Not by $lte, by which the embedded server does not find equal ones where the index goes on behind.
        end = {"$lt": Int64(span.high + 1)} if span.high < _MOST else {"$lte": Int64(_MOST)}
        query = {**span.same, self._order.level: level, span.field: {"$gte": Int64(span.low), **end}}
        with self._storage.at_leisure():
            return list(self._storage.collection(self._name).find(query, fields))
