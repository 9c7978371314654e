"""Schedules: reports that are queued by themselves, each period once, in the shop's time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

import structlog
from pymongo.errors import DuplicateKeyError

from smetka.core.errors import CommandFailed, NotFound, WrongUsage
from smetka.core.exact_json import instant
from smetka.core.shown_text import HIDDEN, has_hidden
from smetka.settings import Basis
from smetka.storage import Storage
from smetka.telegram.cron import after, before, checked_cron, upcoming
from smetka.telegram.figures import Figures
from smetka.telegram.outbox import Outbox
from smetka.telegram.topics import ChatId

Kind = Literal["averages", "bonus", "shop"]
KINDS: tuple[str, ...] = get_args(Kind)

LATE_AFTER = timedelta(minutes=5)
"""A report that is queued this much after its time says that it is late."""

MOST_REMEMBERED = 50
"""Periods that a schedule remembers to have seen to: more than any clock that jumped could repeat."""

_NAME = re.compile(r"[^\s/\x00-\x1f](?:[^/\x00-\x1f]{0,58}[^\s/\x00-\x1f])?")
_log = structlog.get_logger(__name__)


def checked(cron: str, name: str | None, *, now: datetime, timezone: ZoneInfo) -> str:
    """The cron expression of a new schedule in its plainest form.

    Raises:
        WrongUsage: it cannot be read, or the name is none.
        NeverComes: no day fits the expression.
    """
    if name is not None and (not _NAME.fullmatch(name) or has_hidden(name)):
        raise WrongUsage(
            f"A schedule's name has 1 to 60 characters and no slash, and nothing hidden: {HIDDEN}."
        )
    return checked_cron(cron, now, timezone)


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is sent where, and when.

    Attributes:
        cron: five fields, in the shop's time zone; what Debian's cron does about daylight saving holds, as
            docs/decisions/0007 says.
        chats: empty for those that the settings name at the time.
        year: `all`, `current`, `previous` or a year.
        fired: the latest periods that were seen to, as instants.
    """

    name: str
    kind: Kind
    cron: str
    chats: tuple[ChatId, ...]
    year: str
    basis: Basis | None
    created_at: datetime
    fired: tuple[datetime, ...] = ()
    revision: int = 0

    def due(self, now: datetime, timezone: ZoneInfo) -> datetime | None:
        """The period that is to be seen to now, if any: the latest one, when several were missed.

        What was seen to ahead of now belongs to a clock that was wrong: it silences nothing before it,
        and is not seen to again when its time comes.
        """
        latest = before(self.cron, now, timezone)
        if latest is None or latest < self.created_at:
            return None
        last = max((period for period in self.fired if period <= now), default=None)
        return latest if last is None or latest > last else None

    def as_json(self, next_at: datetime | None) -> dict[str, Any]:
        """For lists."""
        last = max(self.fired, default=None)
        return {
            "name": self.name,
            "kind": self.kind,
            "cron": self.cron,
            "chats": list(self.chats) or "all",
            "year": self.year,
            "basis": self.basis,
            "created_at": instant(self.created_at),
            "last_at": instant(last) if last else None,
            "next_at": instant(next_at) if next_at else None,
        }


class Schedules:
    """Keeps schedules, and queues what is due. Thread-safe; times are aware and stored as UTC.

    Every method raises BonusStoreUnavailable when MongoDB is away; repeating is safe.

    Args:
        recipients: the chats of those schedules that name none.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        recipients: Sequence[ChatId],
        timezone: ZoneInfo,
        now: Callable[[], datetime],
    ) -> None:
        self._storage, self._outbox = storage, Outbox(storage, now=now)
        self._recipients, self._timezone, self._now = tuple(recipients), timezone, now

    def add(
        self,
        kind: Kind,
        cron: str,
        *,
        chats: Iterable[ChatId] = (),
        year: str = "all",
        basis: Basis | None = None,
        name: str | None = None,
    ) -> Schedule:
        """A new schedule, from now on.

        Args:
            name: the kind, and a number when that is taken, unless given.

        Raises:
            WrongUsage, NeverComes: see `checked`.
            CommandFailed: there is a schedule of that name.
        """
        expression = checked(cron, name, now=self._now(), timezone=self._timezone)
        there = {schedule.name for schedule in self.all()}
        free = (f"{kind}-{number}" for number in range(2, len(there) + 3))
        name = name or next(each for each in (kind, *free) if each not in there)
        schedule = Schedule(name, kind, expression, tuple(chats), year, basis, self._now())
        with self._storage.translated():
            try:
                self._storage.collection("schedules").insert_one(_record(schedule))
            except DuplicateKeyError:
                raise CommandFailed(f"There is a schedule {name} already.") from None
        return schedule

    def all(self) -> list[Schedule]:
        """All schedules, by name."""
        with self._storage.translated():
            return [_schedule(r) for r in self._storage.collection("schedules").find().sort("_id", 1)]

    def get(self, name: str) -> Schedule:
        """One schedule.

        Raises:
            NotFound: there is none of that name.
        """
        with self._storage.translated():
            record = self._storage.collection("schedules").find_one({"_id": name})
        if record is None:
            raise NotFound(f"There is no schedule {name}.")
        return _schedule(record)

    def remove(self, name: str) -> None:
        """End a schedule. What it queued stays queued.

        Raises:
            NotFound: there is none of that name.
        """
        with self._storage.translated():
            result = self._storage.collection("schedules").delete_one({"_id": name})
        if not result.deleted_count:
            raise NotFound(f"There is no schedule {name}.")

    def next_at(self, schedule: Schedule) -> datetime | None:
        """When it is due next."""
        return after(schedule.cron, self._now(), self._timezone)

    def next_times(self, schedule: Schedule) -> list[datetime]:
        """When it is due next, and the two times after that."""
        return upcoming(schedule.cron, self._now(), self._timezone, 3)

    def run(self, name: str, figures: Figures, *, mark: str) -> list[str]:
        """Queue a schedule's report now, whatever its time. Returns the deliveries' ids.

        Args:
            mark: tells one such order from another; the same one queues nothing twice.

        Raises:
            NotFound: there is no schedule of that name.
            LedgerUnavailable: nothing is queued.
        """
        schedule = self.get(name)
        return self._queue(schedule, figures, f"{schedule.name} {mark}", {"name": name})

    def fire(self, figures: Figures) -> int:
        """Queue what is due now, each period once whoever else does so; returns how many reports.

        Raises:
            LedgerUnavailable: what is due stays due.
        """
        now, fired = self._now(), 0
        for schedule in self.all():
            period = schedule.due(now, self._timezone)
            if period is None:
                continue
            # First the deliveries, whose ids are the period's, then the note that it was seen to: who
            # is interrupted in between does it again, and finds them there.
            late = now - period > LATE_AFTER
            self._queue(
                schedule,
                figures,
                f"{schedule.name} {instant(period)}",
                {"name": schedule.name, "period": period, "late": late},
            )
            if self._note(schedule, period):
                fired += 1
                _log.info("schedule-fired", name=schedule.name, period=instant(period), late=late)
        return fired

    def _queue(self, schedule: Schedule, figures: Figures, mark: str, note: dict[str, Any]) -> list[str]:
        report = report_of(figures, schedule.kind, schedule.year, schedule.basis)
        chats = schedule.chats or self._recipients
        return self._outbox.queue(f"schedule {mark}", schedule.kind, report, chats, schedule=note)

    def _note(self, schedule: Schedule, period: datetime) -> bool:
        # Those to come are kept too: they are the ones that must not be sent again.
        fired = sorted({*schedule.fired, period})[-MOST_REMEMBERED:]
        with self._storage.translated():
            result = self._storage.collection("schedules").update_one(
                {"_id": schedule.name, "revision": schedule.revision},
                {"$set": {"fired": fired, "revision": schedule.revision + 1}},
            )
            return result.matched_count == 1


def report_of(figures: Figures, kind: Kind, year: str, basis: Basis | None) -> dict[str, Any]:
    """The report of a kind, of `all` years, the `current`, the `previous` or another one."""
    of = year_of(year, figures)
    match kind:
        case "averages":
            return figures.averages(of, basis)
        case "bonus":
            return figures.bonus(figures.current_year if of is None else of)
        case "shop":
            return figures.shop(of)


def year_of(text: str, figures: Figures) -> int | None:
    """The year that a word or a number means today; None for all."""
    match text:
        case "all":
            return None
        case "current":
            return figures.current_year
        case "previous":
            return figures.current_year - 1
    return int(text)


def _record(schedule: Schedule) -> dict[str, Any]:
    record = {
        "_id": schedule.name,
        "kind": schedule.kind,
        "cron": schedule.cron,
        "chats": list(schedule.chats),
        "year": schedule.year,
        "created_at": schedule.created_at,
        "fired": list(schedule.fired),
        "revision": schedule.revision,
    }
    return record if schedule.basis is None else {**record, "basis": schedule.basis}


def _schedule(record: dict[str, Any]) -> Schedule:
    return Schedule(
        record["_id"],
        record["kind"],
        record["cron"],
        tuple(record["chats"]),
        record["year"],
        record.get("basis"),
        record["created_at"],
        tuple(record["fired"]),
        record["revision"],
    )
