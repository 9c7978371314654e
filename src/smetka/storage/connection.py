"""The connection to MongoDB: bounded in time, durable in every write, well again by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from datetime import UTC
from pathlib import Path
from threading import Lock

import pymongo
from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo import MongoClient, ReadPreference
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from smetka.core.errors import BonusStoreLate, BonusStoreUnavailable
from smetka.storage import fitness
from smetka.storage.availability import Availability
from smetka.storage.client import let_go, take_apart
from smetka.storage.ensure import ensure
from smetka.storage.faults import (
    FOREIGN,
    UPGRADE,
    Absence,
    absence,
    being_upgraded,
    is_absent,
    is_timeout,
    means_absence,
)
from smetka.storage.home import Home
from smetka.storage.leisure import Leisure
from smetka.storage.safety_copy import back_up_before_upgrade
from smetka.storage.upgrade import Upgrade
from smetka.storage.values import Record
from smetka.storage.walk import Source

PING_SECONDS = 1.0
# The driver looks whether its time is over only each half second while it finds no server.
DRIVER_LAG_SECONDS = 0.25
# How long a server whose answer was late has to show that it is there.
VERDICT_SECONDS = 0.75
LEISURE_SECONDS = 10.0
"""For a question about many records, with the wait for its turn, without rests."""
# For the collections and indexes that are made the first time, and as long again for the trial of the server:
# a hosted cluster, on the other side of the world, needs a while for either, and the embedded server for an
# index of a new field, for which it looks at all that is there.
ENSURE_SECONDS = 30.0
UPGRADE_PAUSE_SECONDS = 0.5


class Storage:
    """One MongoDB database, for all threads of a process. Make it after forking, not before.

    Nothing is connected until the first use. Every use is bounded: 2 seconds unless the URI names
    another `timeoutMS`, less by `within`, more by `at_leisure`; whether a server that was late is away
    takes a moment more. While it is away every use is refused at once, until a thread that looks each half
    second has found the server again and seen to its collections. Writes are acknowledged when they are
    on disk by majority, whatever the URI says.

    Args:
        patience: seconds that each use is bounded by, where that is more than the URI's: for whoever had
            rather wait for a busy server than start again. One that is away is noticed as early.
        is_logged: what becomes of the server is logged; a command says it itself.
        is_guest: the server is other processes': they may be in a hurry at any time.
        data_dir: where the embedded server is, if the URI is its: a backup is made there before an upgrade.
    """

    def __init__(
        self,
        uri: str,
        *,
        patience: float = 0.0,
        is_logged: bool = True,
        is_guest: bool = False,
        data_dir: Path | None = None,
    ) -> None:
        self._address = take_apart(uri)
        self._patience = max(self._address.timeout_seconds, patience) - DRIVER_LAG_SECONDS
        self._client: MongoClient[Record] | None = None
        self._opened: Database[Record] | None = None
        self._client_lock = Lock()
        self._closed = False
        self._is_fit = False
        self._upgrade: Upgrade | None = None
        self._data_dir = data_dir
        # One at a time: two keep the embedded server no less busy, and each of them twice as long.
        self._leisure = Leisure(is_guest=is_guest)
        self._availability = Availability(self._connect, self._explain, is_logged=is_logged)

    @property
    def available(self) -> bool:
        """False from a connection's fault on, until the server is found again."""
        return self._availability.is_there

    def collection(self, name: str) -> Collection[Record]:
        """A collection; use it inside of `translated` or `within`. Times come back aware, in UTC.

        Raises:
            BonusStoreUnavailable: the URI cannot be used.
        """
        try:
            return self._database()[name]
        except FOREIGN as error:
            raise self._explain(error).error() from None

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the driver's errors into ours, and refuse at once while the server is away.

        What the block wants to know about (DuplicateKeyError), it catches itself.

        Raises:
            BonusStoreUnavailable: the outcome of a write that was under way is unknown.
            BonusStoreLate: so it is, but the server is there.
            BonusStoreUnusable: it is refused or lacks something, and repeating does not help.
        """
        with self.within(self._patience):
            yield

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Like `translated`, with a limit for the whole block. Nested, the shorter limit holds.

        Raises:
            BonusStoreUnavailable: as `translated`, or the time is over.
        """
        if why := self._availability.why_away(seconds):
            raise why.error()
        if seconds < self._patience and self._availability.is_suspected:
            raise BonusStoreUnavailable("it did not answer in time a moment ago")
        self._leisure.see_hurry()
        with self._bounded(seconds):
            yield

    @contextmanager
    def at_leisure(self, seconds: float = LEISURE_SECONDS) -> Iterator[None]:
        """Like `translated`, for questions about many records: they have more time, and wait for each other.

        While somebody uses the store by `translated` or `within`, they leave it most of the time: so each
        is to be short, a slice. Never one inside of another.

        Raises:
            BonusStoreLate: also, those before it took too long.
            BonusStoreUnavailable, BonusStoreUnusable: as `translated`.
        """
        seconds = max(seconds, self._patience)
        if why := self._availability.why_away(seconds):
            raise why.error()
        with self._leisure.turn(seconds) as left, self._bounded(max(left, self._patience)):
            yield

    def take_time(self) -> None:
        """Say of the thread that calls that lists need not rest for what it asks, whatever that is."""
        self._leisure.take_time()

    @contextmanager
    def _bounded(self, seconds: float) -> Iterator[None]:
        began = time.monotonic()
        try:
            with pymongo.timeout(seconds):
                yield
        except FOREIGN as error:
            why = self._explain(error)
            # A shorter limit around this one may have ended it.
            in_a_hurry = min(seconds, 2 * (time.monotonic() - began)) < self._patience
            if is_timeout(error) and in_a_hurry:
                # A distant server may be too slow for an announcement and good for all else.
                self._availability.suspect()
            elif is_timeout(error) and self._is_only_late():
                raise BonusStoreLate(why.reason) from None
            elif means_absence(error):
                self._availability.lost(why)
            raise why.error() from None

    def _is_only_late(self) -> bool:
        """Whether a server that did not answer in time answers what costs it nothing."""
        database = self._database()
        if is_absent(database.client.topology_description):
            return False
        try:
            # In a context of its own: the time of the question is over.
            Context().run(self._ask_quickly, database)
        except FOREIGN:
            return False
        return True

    @staticmethod
    def _ask_quickly(database: Database[Record]) -> None:
        with pymongo.timeout(VERDICT_SECONDS):
            database.command("ping")

    def ping(self, seconds: float = PING_SECONDS) -> None:
        """Ask the server whether it is there, whoever else waited in vain.

        Raises:
            BonusStoreUnavailable: it is not, with the reason.
        """
        if why := self._availability.why_away(seconds):
            raise why.error()
        with self._bounded(seconds):
            self._database().command("ping")

    def wait_for_upgrade(self, tell: Callable[[], object] = lambda: None) -> None:
        """Return when no records of an earlier version are being brought along, however long that takes.

        Args:
            tell: called once if there is something to wait for.
        """
        is_told = False
        while (why := self._availability.why_away(self._patience)) and why.causes == UPGRADE:
            if not is_told:
                is_told = True
                tell()
            time.sleep(UPGRADE_PAUSE_SECONDS)

    def close(self) -> None:
        """Let go of the connections. Safe to repeat; every later use is refused."""
        self._availability.close()
        self._leisure.close()
        with self._client_lock:
            self._closed = True
            if self._client:
                let_go(self._client)

    def _connect(self) -> None:
        database = self._database()
        usual = self._patience + DRIVER_LAG_SECONDS
        try:
            with pymongo.timeout(self._address.timeout_seconds):
                database.command("ping")
        except FOREIGN as error:
            # One that is busy, or just choosing its primary, may be waited for; one that is away not.
            if not is_timeout(error) or is_absent(database.client.topology_description):
                raise
            with pymongo.timeout(usual):
                database.command("ping")
        limit = max(ENSURE_SECONDS, usual)
        # Known again only at the end: one that had nothing may be another server than before.
        was_fit, self._is_fit = self._is_fit, False
        with pymongo.timeout(limit):
            has_new = ensure(database)
        if has_new or not was_fit:
            with pymongo.timeout(limit):
                fitness.check(database)
        self._upgrade = self._upgrade or Upgrade(database, self._tell_of_upgrade, self._back_up)
        self._upgrade.run()
        self._is_fit = True

    def _tell_of_upgrade(self, done: int | None) -> None:
        self._availability.lost(being_upgraded(done))

    def _back_up(self, source: Source, tell: Callable[[], object]) -> bool:
        """Only of the embedded server: whoever runs another one sees to that."""
        if self._data_dir is None or not Home(self._data_dir).has_password(self._address.secrets):
            return False
        return back_up_before_upgrade(self._data_dir, source, tell)

    def _database(self) -> Database[Record]:
        with self._client_lock:
            if self._closed:
                raise BonusStoreUnavailable("the connection is closed")
            if self._opened is None:
                self._client = self._address.client()
                self._opened = self._client.get_database(
                    self._address.database,
                    codec_options=CodecOptions(
                        tz_aware=True, tzinfo=UTC, datetime_conversion=DatetimeConversion.DATETIME_CLAMP
                    ),
                    read_preference=ReadPreference.PRIMARY,
                    write_concern=WriteConcern(w="majority", j=True),
                    read_concern=ReadConcern("majority"),
                )
            return self._opened

    def _explain(self, error: Exception) -> Absence:
        servers = self._client.topology_description if self._client else None
        return absence(error, self._address.secrets, servers)
