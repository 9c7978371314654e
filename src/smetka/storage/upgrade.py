"""Bringing along what earlier versions stored, once, before anything else is asked of a database.

Only fields are added; nothing is changed or taken away. Each step is safe to repeat, to interrupt at any
point, and for several processes at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice

import pymongo
from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database

from smetka.storage.schema import BONUS_CUSTOMERS
from smetka.storage.standings import FOLLOWING, NotedStandings, with_what_follows, year_and_standing
from smetka.storage.values import Record
from smetka.storage.walk import BATCH_SECONDS, records

TOGETHER = 500
LISTS = "lists of bonus customers"
"""The one step so far: the fields that they are read by."""

Tell = Callable[[int], object]


def bring_along(database: Database[Record], tell: Tell) -> None:
    """Bring a database to what this version writes, once.

    Args:
        tell: told now and then how many records were brought along.

    Raises:
        PyMongoError: the server is away, or refuses.
    """
    if database["upgrades"].find_one({"_id": LISTS}):
        return
    done, noted = 0, NotedStandings()
    while True:
        before, older = done, records(Unlimited(database), BONUS_CUSTOMERS.name, {"standing": None})
        for batch in _batches(older):
            with pymongo.timeout(BATCH_SECONDS):
                _upgrade(database, batch, noted)
            tell(done := done + len(batch))
        if done == before:  # else once more: an older process may be writing still
            break
    finished = {"$set": {"finished_at": datetime.now(UTC)}}
    database["upgrades"].update_one({"_id": LISTS}, finished, upsert=True)


def _upgrade(database: Database[Record], batch: list[Record], noted: NotedStandings) -> None:
    whole = [with_what_follows(record) for record in batch]
    noted.note(database["bonus_years"], map(year_and_standing, whole))
    # Only as it was read: an older process may be writing still.
    as_read = ("user_id", "year", "source", "review", "total_spending", "matches_ledger")
    database[BONUS_CUSTOMERS.name].bulk_write(
        [
            UpdateOne(
                {name: record[name] for name in as_read}, {"$set": {name: record[name] for name in FOLLOWING}}
            )
            for record in whole
        ],
        ordered=False,
    )


def _batches(found: Iterator[Record]) -> Iterator[list[Record]]:
    while batch := list(islice(found, TOGETHER)):
        yield batch


class Unlimited:
    """A database as a source of records before anybody else may read it."""

    def __init__(self, database: Database[Record]) -> None:
        self._database = database

    def collection(self, name: str) -> Collection[Record]:
        """One of ours."""
        return self._database[name]

    @contextmanager
    def at_leisure(self, seconds: float = BATCH_SECONDS) -> Iterator[None]:
        """Without waiting for others: there are none."""
        with pymongo.timeout(seconds):
            yield
