"""By what the lists of bonus customers are read: fields that follow from the others of a record.

They are written together with what they follow from, so that no list is behind. Lists are filtered by a
record's standing, and sorted by its total in cents: the embedded server sorts Decimal128 a hundred times more
slowly than whole numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from time import monotonic
from typing import Any

from bson import Int64
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from smetka.storage.ordered import Order, level_of
from smetka.storage.values import Record, money

SOURCES, REVIEWS = ("api", "collected"), ("none", "pending", "approved", "rejected")

FOLLOWING = ("standing", "level", "total_cents")
NOTED_SECONDS = 60.0
"""For so long a standing that was written down is not written down again: a database that was put back to an
earlier day may have forgotten it."""

BY_TOTAL = Order("level", "total_cents", "user_id")
"""Of one year and standing."""


def standing(source: str, review: str, *, matches: bool) -> str:
    """All that lists are filtered by, in one word."""
    return f"{source}-{review}-{'matching' if matches else 'differing'}"


def standings(source: str | None = None, review: str | None = None, matches: bool | None = None) -> list[str]:
    """All that fit; None is for either."""
    return [
        standing(each, its_review, matches=its_matches)
        for each, its_review, its_matches in product(
            SOURCES if source is None else [source],
            REVIEWS if review is None else [review],
            (True, False) if matches is None else [matches],
        )
    ]


def with_what_follows(record: Mapping[str, Any]) -> Record:
    """A bonus customer's record, or what a change writes of one, with the fields that follow from it.

    Args:
        record: at least user_id, source, review, matches_ledger and total_spending.
    """
    return {
        **record,
        "standing": standing(record["source"], record["review"], matches=record["matches_ledger"]),
        "level": level_of(int(record["user_id"])),
        "total_cents": Int64(money(record["total_spending"]).cents),
    }


def year_and_standing(record: Mapping[str, Any]) -> tuple[int, str]:
    """Of a whole record: what `NotedStandings` writes down."""
    return int(record["year"]), record["standing"]


class NotedStandings:
    """Writes down which standings there are, before the first record of one is written. Thread-safe."""

    def __init__(self) -> None:
        self._noted: dict[tuple[int, str], float] = {}

    def note(self, years: Collection[Record], found: Iterable[tuple[int, str]]) -> None:
        """Write down each year and standing that was not written down just now. Safe to repeat."""
        now = monotonic()
        for each in sorted({*found}):
            if self._noted.get(each, -NOTED_SECONDS) <= now - NOTED_SECONDS:
                _write(years, *each)
                self._noted[each] = now


def _write(years: Collection[Record], year: int, standing: str) -> None:
    change = {"$addToSet": {"standings": standing}}
    try:
        years.update_one({"_id": year}, change, upsert=True)
    except DuplicateKeyError:  # somebody else made it in between
        years.update_one({"_id": year}, change)
