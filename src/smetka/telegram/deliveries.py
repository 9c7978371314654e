"""Announcing a report: which chats it goes to now, and what the asker is told about it."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from smetka.core.errors import NotAtOnce, Unavailable
from smetka.storage import Storage
from smetka.telegram.announcements import Announcements
from smetka.telegram.delivery import FAILED, Record
from smetka.telegram.reports import figures_of, has_payments, question_of
from smetka.telegram.topics import ChatId

MOST_REPORTS = 6
"""Reports of averages that one chat gets within the cool-down; a further one is suppressed."""

LIMIT_SECONDS = 0.25
"""What announcing may cost an answer when MongoDB is slow or gone."""

REMEMBERED = timedelta(seconds=2)
"""How long an announcement is known without asking MongoDB. Short, because the sender is another
process: a message that failed there ends the cool-down, and is known here this much later."""

_QUESTIONS_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Notification:
    """What became of announcing a report.

    `recipients` counts the chats that `status` is true of: those queued now, or those that have it
    already. `report_id` is the id in their message.
    """

    status: Literal["queued", "already_sent", "suppressed", "disabled", "unavailable"]
    recipients: int = 0
    report_id: str | None = None
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The `notification` of an answer; `reason` is there only when there is one."""
        shown = {"status": self.status, "recipients": self.recipients, "report_id": self.report_id}
        return shown if self.reason is None else {**shown, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class _Known:
    """What to tell whoever asks the same from `since` on.

    Until `until` nobody asks MongoDB about it, and until the cool-down `ends` it is still told
    when MongoDB cannot be asked.
    """

    since: datetime
    until: datetime
    ends: datetime
    notification: Notification


class Deliveries:
    """Announces reports by putting records into `deliveries`. Thread-safe.

    The limit of `MOST_REPORTS`, which counts failed messages too, is exact within one process;
    processes that race on different questions may each let one more through. With a cool-down of 0
    every question is announced, and there is no span in which the limit could count.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        recipients: Sequence[ChatId],
        cooldown_seconds: int,
        now: Callable[[], datetime],
        limit_seconds: float = LIMIT_SECONDS,
    ) -> None:
        self._storage, self._announcements = storage, Announcements(storage)
        self._recipients, self._now = tuple(recipients), now
        self._cooldown, self._limit = timedelta(seconds=cooldown_seconds), limit_seconds
        self._turn = threading.Lock()
        self._known: OrderedDict[tuple[Any, ...], _Known] = OrderedDict()
        # The same again by identity, for the report that is asked for at every request: to hash its
        # figures costs as much as the rest of the answer. Holding the report keeps its id its own.
        self._told: dict[int, tuple[dict[str, Any], _Known]] = {}

    def announce(self, report: dict[str, Any], *, suppress: bool = False, wait: bool = True) -> Notification:
        """Queue a report of averages for every chat that does not have it yet. Safe to repeat.

        Args:
            report: the averages' JSON, amounts as int or Decimal; not to be changed later.
            suppress: the asker wants no message; nothing is looked up then.

        Raises:
            NotAtOnce: `wait` is false, and MongoDB must be asked.
        """
        if not self._recipients:
            return Notification("disabled")
        if suppress:
            return Notification("suppressed", reason="No message was wanted.")
        told = self._told.get(id(report))
        if told and self._holds(told[1]):
            return told[1].notification
        if not has_payments(report):
            return Notification("suppressed", reason="There are no payments in this period.")
        figures = figures_of(report)
        if known := self._remembered(figures):
            if len(self._told) >= _QUESTIONS_REMEMBERED:
                self._told.clear()
            self._told[id(report)] = report, known
            return known.notification
        if not wait:
            raise NotAtOnce
        # One at a time, so that the limit is exact; whoever waits too long is told, not delayed.
        if not self._turn.acquire(timeout=self._limit):
            return Notification("unavailable", reason="Another report is being queued right now.")
        try:
            known = self._remembered(figures)
            return known.notification if known else self._announce(report, figures)
        finally:
            self._turn.release()

    def _announce(self, report: dict[str, Any], figures: tuple[Any, ...]) -> Notification:
        # Fails open: an answer to a question is worth more than a message about it.
        try:
            with self._storage.within(self._limit):
                if self._cooldown:
                    return self._queue_where_due(report, figures)
                queued = self._announcements.insert_always(report, self._recipients, self._now())
                return Notification("queued", len(queued), queued[0]["report_id"])
        except Unavailable:
            if known := self._remembered(figures, even_if_stale=True):
                return known.notification
            return Notification("unavailable", reason="MongoDB, where messages wait, cannot be reached.")

    def _queue_where_due(self, report: dict[str, Any], figures: tuple[Any, ...]) -> Notification:
        now, question = self._now(), question_of(report)
        since = now - self._cooldown
        newest = self._announcements.newest(question)
        recent = self._announcements.recent(self._recipients, now, self._cooldown)
        last = _last_of_each_chat(record for record in recent if record["question"] == question)
        reports = Counter(record["chat"] for record in recent)
        having = [record for record in last.values() if record["state"] != FAILED]
        has_it = {record["chat"] for record in having}
        due = [c for c in self._recipients if c not in has_it and reports[c] < MOST_REPORTS]
        numbers = self._announcements.numbers(question, due, newest=newest, last=last, since=since)
        queued = self._announcements.insert(report, question, numbers, now)
        # What is due and yet not written was written by another process in this moment.
        having_later = Notification(
            "already_sent", len(has_it) + len(due), (queued or having or [{}])[0].get("report_id")
        )
        if not has_it and not due:
            having_later = Notification(
                "suppressed", reason=f"Each chat had {MOST_REPORTS} reports within the cool-down."
            )
        oldest = min((record["created_at"] for record in having), default=now)
        ends = oldest + self._cooldown
        self._remember(figures, _Known(now, min(now + REMEMBERED, ends), ends, having_later))
        return Notification("queued", len(queued), queued[0]["report_id"]) if queued else having_later

    def _remembered(self, figures: tuple[Any, ...], *, even_if_stale: bool = False) -> _Known | None:
        known = self._known.get(figures)
        return known if known and self._holds(known, even_if_stale=even_if_stale) else None

    def _holds(self, known: _Known, *, even_if_stale: bool = False) -> bool:
        until = known.ends if even_if_stale else known.until
        # `since` as well: a clock that was set back must not make a memory last.
        return known.since <= self._now() < until

    def _remember(self, figures: tuple[Any, ...], known: _Known) -> None:
        self._known[figures] = known
        self._known.move_to_end(figures)
        while len(self._known) > _QUESTIONS_REMEMBERED:
            self._known.popitem(last=False)


def _last_of_each_chat(records: Iterable[Record]) -> dict[ChatId, Record]:
    return {record["chat"]: record for record in sorted(records, key=lambda record: record["sequence"])}
