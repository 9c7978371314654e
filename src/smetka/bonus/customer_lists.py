"""Lists of the customers who are stored for a bonus: filtered, in several orders, from any place on.

By id and by total each page is a few closed ranges of an index, however many records there are. By time there
is no index, which every write would pay for: the keys of all are looked through.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Literal

from bson import Int64

from smetka.bonus.stored import BonusCustomer, bonus_customer
from smetka.storage import Storage
from smetka.storage.ordered import in_order, sampled
from smetka.storage.standings import BY_TOTAL, standings
from smetka.storage.values import Record
from smetka.storage.walk import records

Sort = Literal["user_id", "total_spending", "-total_spending", "stored_at", "-stored_at"]
"""What a list is sorted by within a year; with a minus the largest comes first. Equals by user id."""

_NAME = "bonus_customers"
_KEYS = ("user_id", "stored_at", "total_cents")
FEW, MANY = 2, 8
"""Of a sample of one in 1,024."""

TOGETHER = 1000
"""Records that are read together where all are wanted."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page of a list ended, and how that list is sorted.

    Attributes:
        value: of the sorted field: an id, cents, or milliseconds since 1970.
    """

    year: int
    user_id: int
    sort: Sort
    value: int

    @classmethod
    def of(cls, customer: BonusCustomer, sort: Sort) -> Position:
        """A customer's position in a list that is sorted so."""
        match sort.lstrip("-"):
            case "total_spending":
                value = customer.total.cents
            case "stored_at":
                value = round(customer.stored_at.timestamp() * 1000)
            case _:
                value = customer.user_id
        return cls(customer.year, customer.user_id, sort, value)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who is in a list; None is everybody.

    Attributes:
        source: `api` or `collected`.
        review: what was decided, as in `standings.REVIEWS`.
        matches: whether the stored total is the ledger's.
    """

    source: str | None = None
    review: str | None = None
    matches: bool | None = None

    @property
    def query(self) -> Record:
        """The same for MongoDB."""
        only = {"source": self.source, "review": self.review, "matches_ledger": self.matches}
        return {name: value for name, value in only.items() if value is not None}


def listed(
    storage: Storage,
    chosen: Chosen,
    *,
    year: int | None,
    sort: Sort,
    after: Position | None,
    wanted: int,
) -> Iterator[BonusCustomer]:
    """Records by year, the latest first, and within it as `sort` says; read as they are asked for.

    Args:
        after: the one to go on behind, in the same order.
        wanted: how many are likely to be read.

    Raises:
        BonusStoreUnavailable: MongoDB went away, or is late.
    """
    for each, there in _years(storage, year):
        if after is None or each <= after.year:
            begin = after if after and each == after.year else None
            yield from map(bonus_customer, _OfYear(storage, chosen, each, there).sorted(sort, begin, wanted))


def of_standings(
    storage: Storage, year: int, fit: Iterable[str], fields: Iterable[str] | None = None
) -> Iterator[Record]:
    """The raw records of a year that are of these standings, each once, in no order.

    Args:
        fields: those that are needed, of `standings.BY_TOTAL` at least; all unless given.

    Raises:
        BonusStoreUnavailable: MongoDB went away, or is late.
    """
    wanted = set(fit)
    for each, there in _years(storage, year):
        found = (
            in_order(storage, _NAME, BY_TOTAL, {"year": each, "standing": standing}, TOGETHER, fields=fields)
            for standing in sorted(wanted & there)
        )
        yield from _once(chain.from_iterable(found))


def _once(found: Iterable[Record]) -> Iterator[Record]:
    """Each record of a year once: one that is decided about meanwhile may be met in two standings."""
    seen = set[int]()
    for record in found:
        if record["user_id"] not in seen:
            seen.add(record["user_id"])
            yield record


def _years(storage: Storage, year: int | None) -> list[tuple[int, set[str]]]:
    """The years that there are or were records of, the latest first, and what standings."""
    with storage.translated():
        found = list(storage.collection("bonus_years").find({} if year is None else {"_id": year}))
    return sorted(((int(each["_id"]), set(each["standings"])) for each in found), reverse=True)


class _OfYear:
    def __init__(self, storage: Storage, chosen: Chosen, year: int, there: set[str]) -> None:
        self._storage, self._chosen, self._year, self._there = storage, chosen, year, there
        fit = standings(chosen.source, chosen.review, chosen.matches)
        self._standings = [each for each in fit if each in there]
        self._leaves_out = not there.issubset(fit)

    def sorted(self, sort: Sort, after: Position | None, wanted: int) -> Iterator[Record]:
        if sort in {"total_spending", "-total_spending"}:
            return self._by_total(after, wanted, is_descending=sort.startswith("-"))
        is_rare = self._is_rare()
        if sort == "user_id" and not is_rare:
            return self._by_id(after, wanted)
        return self._looked_through(self._keys(is_rare=is_rare), sort, after)

    def _by_total(self, after: Position | None, wanted: int, *, is_descending: bool) -> Iterator[Record]:
        place = None if after is None else (after.value, after.user_id)
        sign = -1 if is_descending else 1
        found = heapq.merge(
            *(
                self._of_standing(each, wanted, is_descending=is_descending, after=place)
                for each in self._standings
            ),
            key=lambda record: (sign * int(record["total_cents"]), int(record["user_id"])),
        )
        yield from _once(found)

    def _by_id(self, after: Position | None, wanted: int) -> Iterator[Record]:
        query = {"year": self._year, **self._chosen.query}
        last = None if after is None else after.user_id
        return records(self._storage, _NAME, query, after=last, wanted=wanted)

    def _looked_through(self, keys: Iterator[Record], sort: Sort, after: Position | None) -> Iterator[Record]:
        """From the keys of all that fit; then each record that is asked for by itself."""
        sign = -1 if sort.startswith("-") else 1
        places = ((sign * _place(record, sort), int(record["user_id"])) for record in keys)
        if after is not None:
            last = (sign * after.value, after.user_id)
            places = (place for place in places if place > last)
        for _, user_id in sorted(places):
            with self._storage.translated():
                key = {"user_id": Int64(user_id), "year": self._year}
                record = self._storage.collection(_NAME).find_one(key)
            if record is not None:  # not taken away since
                yield record

    def _keys(self, *, is_rare: bool) -> Iterator[Record]:
        if is_rare:
            return chain.from_iterable(
                self._of_standing(each, TOGETHER, fields=_KEYS) for each in self._standings
            )
        return records(self._storage, _NAME, {"year": self._year, **self._chosen.query}, _KEYS)

    def _is_rare(self) -> bool:
        """Whether so few fit, of so many, that they are better sought for than met on the way."""
        if not self._leaves_out:
            return False
        fit = sum(self._sampled(each) for each in self._standings)
        return fit <= FEW and sum(self._sampled(each) for each in self._there) >= MANY

    def _sampled(self, standing: str) -> int:
        return sampled(self._storage, _NAME, BY_TOTAL, self._same(standing))

    def _of_standing(
        self,
        standing: str,
        wanted: int,
        *,
        is_descending: bool = False,
        after: tuple[int, int] | None = None,
        fields: Iterable[str] | None = None,
    ) -> Iterator[Record]:
        return in_order(
            self._storage,
            _NAME,
            BY_TOTAL,
            self._same(standing),
            wanted,
            is_descending=is_descending,
            after=after,
            fields=fields,
        )

    def _same(self, standing: str) -> Record:
        return {"year": self._year, "standing": standing}


def _place(record: Record, sort: Sort) -> int:
    if sort == "user_id":
        return int(record["user_id"])
    stored_at: datetime = record["stored_at"]
    return round(stored_at.timestamp() * 1000)
