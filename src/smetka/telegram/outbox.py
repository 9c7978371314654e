"""The outbox: one record per message and chat in MongoDB, from queued to delivered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from smetka.core.errors import NotFound, WrongState
from smetka.storage import Storage
from smetka.storage.newest import PAGES, NewestFirst
from smetka.telegram.delivery import (
    CANCELLED,
    DELIVERED,
    DUE,
    FAILED,
    HELD,
    QUEUED,
    SENDING,
    UNKNOWN,
    WAITING,
    Delivery,
    Record,
    delivery_of,
    insert_new,
    new_record,
)
from smetka.telegram.reports import question_of, report_id_of
from smetka.telegram.tally import Tally
from smetka.telegram.topics import ChatId

RETRIABLE = (UNKNOWN, FAILED, HELD, CANCELLED)
CANCELLABLE = (QUEUED, WAITING, UNKNOWN, HELD)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of a list ended."""

    created_at: datetime
    id: str


class Outbox:
    """Queues, reads, claims and settles deliveries. Thread-safe; times are aware and stored as UTC.

    A record changes by one compare-and-set: whoever loses a race changes nothing and is told so.
    Every method raises BonusStoreUnavailable when MongoDB is away; repeating is safe.
    """

    def __init__(self, storage: Storage, *, now: Callable[[], datetime]) -> None:
        self._storage, self._now = storage, now
        self._newest = NewestFirst(storage, "deliveries", "created_at")
        self._tally = Tally(storage, now=now)

    def queue(
        self,
        name: str,
        kind: str,
        report: Record,
        chats: Iterable[ChatId],
        *,
        language: Literal["en", "mk"] | None = None,
        schedule: Record | None = None,
    ) -> list[str]:
        """Queue a report for each of these chats, once whoever repeats it. Returns the ids.

        Averages count for the cool-down of announcements: the same figures are not announced again at
        once. What somebody asked the bot for (`asked`) does not.

        Args:
            name: of this sending, the same at each repetition: what is queued under it is not queued again.
            kind: what the report is: `averages`, `asked` (averages too), `bonus`, `campaign`, `shop`,
                `customer` or `reply`.
            report: its figures as JSON; amounts are int or Decimal. No name and no e-mail.
            language: what it is written in; the chat's own unless given.
            schedule: `name` and `period` of the schedule it belongs to, and whether it is `late`.
        """
        now = self._now()
        extra = {"language": language, "schedule": schedule}
        question = question_of(report) if kind == "averages" else name
        records = [
            {
                **new_record(
                    f"{name}-{chat}",
                    kind,
                    report,
                    chat,
                    question=question,
                    report_id=report_id_of(name, kind),
                    now=now,
                ),
                **{key: value for key, value in extra.items() if value is not None},
            }
            for chat in dict.fromkeys(chats)
        ]
        with self._storage.translated():
            insert_new(self._storage.collection("deliveries"), records)
        return [record["_id"] for record in records]

    def newest(
        self,
        limit: int,
        *,
        state: str | None = None,
        chat: ChatId | None = None,
        after: Place | None = None,
    ) -> list[Delivery]:
        """The deliveries queued last, newest first; `after` goes on where another page ended."""
        same, only, index = {}, {}, PAGES
        if chat is not None:
            same, index = {"chat": chat}, "recent_of_chat"
        if state is not None:
            # By far the most are delivered; of the other states there are fewer than of a chat.
            if chat is None or state != DELIVERED:
                same, only, index = {"state": state}, same, "pages_of_state"
            else:
                only = {"state": state}
        before = None if after is None else (after.created_at, after.id)
        found = self._newest.page(limit, before=before, same=same, only=only, index=index)
        return [delivery_of(record) for record in found]

    def get(self, delivery_id: str) -> Delivery:
        """One delivery.

        Raises:
            NotFound: there is none of that id.
        """
        with self._storage.translated():
            record = self._storage.collection("deliveries").find_one({"_id": delivery_id})
        if record is None:
            raise NotFound(f"There is no delivery {delivery_id}.")
        return delivery_of(record)

    def counts(self) -> dict[str, int]:
        """How many deliveries are in each state but `delivered`."""
        return self._tally.counts()

    def delivered(self) -> tuple[int, datetime]:
        """How many were delivered before a time that is not long ago, and that time.

        The first answer of a process is a look at all deliveries.
        """
        return self._tally.delivered()

    def delivered_since(self, time: datetime) -> int:
        """How many were delivered at this time or later; cheap, when that is not long ago."""
        return self._tally.delivered_within(time)

    def retry(self, delivery_id: str) -> Delivery:
        """Send once more what failed, is held, was cancelled or has an unknown outcome: on somebody's word.

        Raises:
            NotFound: there is none of that id.
            WrongState: it is under way, or was delivered.
        """
        return self._by_hand(
            delivery_id, RETRIABLE, "sent again", QUEUED, faults=0, next_attempt_at=self._now(), reason=None
        )

    def cancel(self, delivery_id: str) -> Delivery:
        """Never send what is not sent yet.

        Raises:
            NotFound: there is none of that id.
            WrongState: it is being sent at this moment, was delivered, or has failed.
        """
        return self._by_hand(delivery_id, CANCELLABLE, "cancelled", CANCELLED, reason="Cancelled by hand.")

    def _by_hand(
        self, delivery_id: str, allowed: Sequence[str], done: str, state: str, **fields: Any
    ) -> Delivery:
        while True:
            found = self.get(delivery_id)
            if found.state not in allowed:
                raise WrongState(
                    f"Delivery {delivery_id} is {found.state}; only one that is "
                    f"{', '.join(allowed[:-1])} or {allowed[-1]} can be {done}."
                )
            expected = {"_id": delivery_id, "state": found.state, "attempt": found.attempt}
            if self._change(expected, {"state": state, **fields}):
                return self.get(delivery_id)

    def due(self, limit: int, *, busy: Iterable[ChatId] = ()) -> list[Delivery]:
        """The deliveries that are due longest, those to `busy` chats left aside."""
        now, chats = self._now(), list(busy)
        # One that was changed later than now was so before the clock was set back: how long it has
        # waited cannot be told. Asked apart, since `$or` has the embedded server read all of them.
        return self._due_longest(limit, {"next_attempt_at": {"$lte": now}}, chats) or self._due_longest(
            limit, {"updated_at": {"$gt": now}}, chats
        )

    def _due_longest(self, limit: int, when: Record, busy: list[ChatId]) -> list[Delivery]:
        query = {"state": {"$in": list(DUE)}, **when}
        if busy:
            query["chat"] = {"$nin": busy}
        with self._storage.translated():
            found = self._storage.collection("deliveries").find(query).sort("next_attempt_at", 1)
            return [delivery_of(record) for record in found.limit(limit)]

    def claim(self, delivery: Delivery, owner: str) -> Delivery | None:
        """Take a due delivery for sending; None when somebody changed it first."""
        # update_one and not findAndModify: the embedded server walks the whole collection for that.
        changed = self._change(
            {"_id": delivery.id, "state": delivery.state, "attempt": delivery.attempt},
            {"state": SENDING, "attempt": delivery.attempt + 1, "owner": owner},
        )
        return (
            replace(delivery, state=SENDING, attempt=delivery.attempt + 1, owner=owner) if changed else None
        )

    def settle(self, claimed: Delivery, state: str, **fields: Any) -> bool:
        """Write down how a claim ended; False when the claim is not ours any more. Safe to repeat.

        Args:
            fields: what else is written; None takes a field away.
        """
        return self._change(
            {"_id": claimed.id, "state": SENDING, "owner": claimed.owner, "attempt": claimed.attempt},
            {"state": state, **fields},
        )

    def claimed(self) -> list[Delivery]:
        """All that is claimed now, whoever claimed it."""
        with self._storage.translated():
            return [
                delivery_of(record)
                for record in self._storage.collection("deliveries").find({"state": SENDING})
            ]

    def touched_since(self, span: timedelta) -> list[Delivery]:
        """What was claimed or settled within this time."""
        query = {"updated_at": {"$gt": self._now() - span}, "attempt": {"$gt": 0}}
        with self._storage.translated():
            return [delivery_of(record) for record in self._storage.collection("deliveries").find(query)]

    def _change(self, expected: Record, fields: Record) -> bool:
        change: Record = {"$set": {name: v for name, v in fields.items() if v is not None}}
        change["$set"]["updated_at"] = self._now()
        if gone := {name: "" for name, value in fields.items() if value is None}:
            change["$unset"] = gone
        with self._storage.translated():
            result = self._storage.collection("deliveries").update_one(expected, change)
            return result.matched_count == 1
