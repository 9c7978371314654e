"""Bringing along what earlier versions stored, once, before anything else is asked of a database.

Only fields are added; nothing is changed or taken away. One process does it; the others wait. Each step is
safe to repeat, to interrupt at any point, and for several processes at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice

import pymongo
from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import PyMongoError

from smetka.storage.batches import parts
from smetka.storage.lease import Lease
from smetka.storage.schema import BONUS_CUSTOMERS
from smetka.storage.standings import FOLLOWING, NotedStandings, with_what_follows, year_and_standing
from smetka.storage.values import Record
from smetka.storage.walk import BATCH_SECONDS, Source, records

TOGETHER = 500
LISTS = "lists of bonus customers"
"""The one step so far: the fields that they are read by."""

BACKED_UP = f"backup before {LISTS}"
LOOK_SECONDS = 0.5
"""How often those that wait look whether it is done, or whether who does it is gone."""

Tell = Callable[[int | None], object]
BackUp = Callable[[Source, Callable[[], object]], bool]


class Upgrade:
    """Of one database, by whichever process comes first.

    Args:
        tell: told now and then how many records were brought along; None where another process does it.
        back_up: called once before the first record is changed, with where to read and what to call now and
            then meanwhile; True when a backup is there.
    """

    def __init__(self, database: Database[Record], tell: Tell, back_up: BackUp) -> None:
        self._database, self._tell, self._back_up = database, tell, back_up
        self._source = Unlimited(database)
        # One as long as this process lives: what it began before the server went away, it goes on with.
        self._lease = Lease(self._source, "upgrade", now=_now)

    def run(self) -> None:
        """Return when a database is what this version writes.

        Raises:
            PyMongoError: the server is away, or refuses.
        """
        if self._is_noted(LISTS):
            return
        if self._database[BONUS_CUSTOMERS.name].find_one({}, ["_id"]) is None:
            self._note(LISTS)
        while not self._is_noted(LISTS):
            if not self._lease.hold():
                self._tell(None)
                time.sleep(LOOK_SECONDS)
                continue
            try:
                if self._bring_along():
                    self._note(LISTS)
            finally:
                with suppress(PyMongoError):
                    self._lease.release()

    def _bring_along(self) -> bool:
        """False when another process took this one for gone, and goes on with it."""
        done, noted = 0, NotedStandings()
        while True:
            before, older = done, records(self._source, BONUS_CUSTOMERS.name, {"standing": None})
            for batch in _batches(older):
                if not done:
                    self._tell(0)
                    self._see_to_backup()
                if not self._lease.hold():
                    return False
                with pymongo.timeout(BATCH_SECONDS):
                    _upgrade(self._database, batch, noted)
                self._tell(done := done + len(batch))
            if done == before:  # else once more: an older process may be writing still
                return True

    def _see_to_backup(self) -> None:
        if not self._is_noted(BACKED_UP) and self._back_up(self._source, self._lease.hold):
            self._note(BACKED_UP)

    def _is_noted(self, step: str) -> bool:
        return self._database["upgrades"].find_one({"_id": step}) is not None

    def _note(self, step: str) -> None:
        self._database["upgrades"].update_one({"_id": step}, {"$set": {"finished_at": _now()}}, upsert=True)


def _now() -> datetime:
    return datetime.now(UTC)


def _upgrade(database: Database[Record], batch: list[Record], noted: NotedStandings) -> None:
    whole = [with_what_follows(record) for record in batch]
    noted.note(database["bonus_years"], map(year_and_standing, whole))
    # Only as it was read: an older process may be writing still.
    as_read = ("user_id", "year", "source", "review", "total_spending", "matches_ledger")
    changes = [
        UpdateOne(
            {name: record[name] for name in as_read}, {"$set": {name: record[name] for name in FOLLOWING}}
        )
        for record in whole
    ]
    for part in parts(changes):
        database[BONUS_CUSTOMERS.name].bulk_write(part, ordered=False)


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

    @contextmanager
    def translated(self) -> Iterator[None]:
        """With the time that a busy server needs."""
        with self.at_leisure():
            yield
