"""The outbox: one record per message and chat in MongoDB, from queued to delivered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from smetka.errors import NotFound, WrongState
from smetka.exact_json import instant
from smetka.storage import Storage
from smetka.telegram.chats import ChatId
from smetka.telegram.reports import from_record, report_id_of, to_record

Record = dict[str, Any]

QUEUED, SENDING, DELIVERED, WAITING = "queued", "sending", "delivered", "waiting"
UNKNOWN, FAILED, HELD, CANCELLED = "unknown", "failed", "held", "cancelled"
STATES = (QUEUED, SENDING, DELIVERED, WAITING, UNKNOWN, FAILED, HELD, CANCELLED)
DUE = (QUEUED, WAITING)
RETRIABLE = (UNKNOWN, FAILED, HELD, CANCELLED)
CANCELLABLE = (QUEUED, WAITING, UNKNOWN, HELD)

_DUPLICATE_KEY = 11000


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one chat, as its record was when it was read.

    `chat` is the recipient as the settings name it, `send_to` where it has moved since. `attempt`
    counts claims and, with `owner`, fences them; `faults` counts those that ended in a fault. `sent`
    are the parts that arrived, by name, with their message ids.
    """

    id: str
    kind: str
    report_id: str
    chat: ChatId
    send_to: ChatId
    state: str
    attempt: int
    faults: int
    owner: str | None
    created_at: datetime
    next_attempt_at: datetime
    delivered_at: datetime | None
    message_id: int | None
    reason: str | None
    report: Record
    language: Literal["en", "mk"] | None
    schedule: Record | None = None
    sent: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For lists; the figures are left out."""
        return {
            "id": self.id,
            "kind": self.kind,
            "report_id": self.report_id,
            "chat": self.chat,
            "state": self.state,
            "attempts": self.attempt,
            "queued_at": _instant(self.created_at),
            "next_attempt_at": _instant(self.next_attempt_at) if self.state in DUE else None,
            "delivered_at": _instant(self.delivered_at),
            "message_id": self.message_id,
            "messages": [{"part": part, "message_id": number} for part, number in self.sent.items()],
            "schedule": self.schedule["name"] if self.schedule else None,
            "reason": self.reason,
        }


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

        Args:
            name: of this sending, the same at each repetition: what is queued under it is not queued again.
            kind: what the report is: `averages`, `bonus`, `shop`, `customer` or `reply`.
            report: its figures as JSON; amounts are int or Decimal. No name and no e-mail.
            language: what it is written in; the chat's own unless given.
            schedule: `name` and `period` of the schedule it belongs to, and whether it is `late`.
        """
        now = self._now()
        extra = {"language": language, "schedule": schedule}
        records = [
            {
                **new_record(
                    f"{name}-{chat}",
                    kind,
                    report,
                    chat,
                    question=name,
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
        only = {key: value for key, value in (("state", state), ("chat", chat)) if value is not None}
        if after is None:
            return self._page(only, limit)
        same_time = self._page({**only, "created_at": after.created_at, "_id": {"$lt": after.id}}, limit)
        if len(same_time) == limit:
            return same_time
        return same_time + self._page(
            {**only, "created_at": {"$lt": after.created_at}}, limit - len(same_time)
        )

    def _page(self, query: Record, limit: int) -> list[Delivery]:
        with self._storage.translated():
            found = self._storage.collection("deliveries").find(query)
            return [_delivery(r) for r in found.sort([("created_at", -1), ("_id", -1)]).limit(limit)]

    def get(self, delivery_id: str) -> Delivery:
        """One delivery.

        Raises:
            NotFound: there is none of that id.
        """
        with self._storage.translated():
            record = self._storage.collection("deliveries").find_one({"_id": delivery_id})
        if record is None:
            raise NotFound(f"There is no delivery {delivery_id}.")
        return _delivery(record)

    def counts(self, states: Iterable[str]) -> dict[str, int]:
        """How many deliveries are in each of these states."""
        with self._storage.translated():
            deliveries = self._storage.collection("deliveries")
            return {state: deliveries.count_documents({"state": state}) for state in states}

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

    def next_due(self, *, busy: Iterable[ChatId] = ()) -> Delivery | None:
        """The delivery that is due longest, those to `busy` chats left aside."""
        now, chats = self._now(), list(busy)
        # One that was changed later than now was so before the clock was set back: how long it has
        # waited cannot be told. Asked apart, since `$or` has the embedded server read all of them.
        return self._first_due({"next_attempt_at": {"$lte": now}}, chats) or self._first_due(
            {"updated_at": {"$gt": now}}, chats
        )

    def _first_due(self, when: Record, busy: list[ChatId]) -> Delivery | None:
        query = {"state": {"$in": list(DUE)}, **when}
        if busy:
            query["chat"] = {"$nin": busy}
        with self._storage.translated():
            found = self._storage.collection("deliveries").find(query).sort("next_attempt_at", 1).limit(1)
            return next((_delivery(record) for record in found), None)

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
                _delivery(record)
                for record in self._storage.collection("deliveries").find({"state": SENDING})
            ]

    def touched_since(self, span: timedelta) -> list[Delivery]:
        """What was claimed or settled within this time."""
        query = {"updated_at": {"$gt": self._now() - span}, "attempt": {"$gt": 0}}
        with self._storage.translated():
            return [_delivery(record) for record in self._storage.collection("deliveries").find(query)]

    def _change(self, expected: Record, fields: Record) -> bool:
        change: Record = {"$set": {name: v for name, v in fields.items() if v is not None}}
        change["$set"]["updated_at"] = self._now()
        if gone := {name: "" for name, value in fields.items() if value is None}:
            change["$unset"] = gone
        with self._storage.translated():
            result = self._storage.collection("deliveries").update_one(expected, change)
            return result.matched_count == 1


def new_record(
    record_id: str,
    kind: str,
    report: Record,
    chat: ChatId,
    *,
    question: str,
    report_id: str,
    now: datetime,
    sequence: int = 0,
) -> Record:
    """A delivery as it is queued."""
    return {
        "_id": record_id,
        "kind": kind,
        "question": question,
        "sequence": sequence,
        "report_id": report_id,
        "chat": chat,
        "state": QUEUED,
        "attempt": 0,
        "faults": 0,
        "created_at": now,
        "updated_at": now,
        "next_attempt_at": now,
        "report": to_record(report),
    }


def insert_new(deliveries: Collection[Record], records: list[Record]) -> list[Record]:
    """Write records in one go. Returns those written, not those whose id was there already."""
    if not records:
        return []
    try:
        deliveries.insert_many(records, ordered=False)
    except BulkWriteError as error:
        faults = error.details["writeErrors"]
        if error.details["writeConcernErrors"] or any(f["code"] != _DUPLICATE_KEY for f in faults):
            raise
        there = {records[fault["index"]]["_id"] for fault in faults}
        return [record for record in records if record["_id"] not in there]
    return records


def _delivery(record: Record) -> Delivery:
    return Delivery(
        id=record["_id"],
        kind=record["kind"],
        report_id=record["report_id"],
        chat=record["chat"],
        send_to=record.get("send_to") or record["chat"],
        state=record["state"],
        attempt=record["attempt"],
        faults=record["faults"],
        owner=record.get("owner"),
        created_at=record["created_at"],
        next_attempt_at=record["next_attempt_at"],
        delivered_at=record.get("delivered_at"),
        message_id=record.get("message_id"),
        reason=record.get("reason"),
        report=from_record(record["report"]),
        language=record.get("language"),
        schedule=record.get("schedule"),
        sent={part["part"]: part["message_id"] for part in record.get("sent") or ()},
    )


def _instant(value: datetime | None) -> str | None:
    return instant(value) if value else None
