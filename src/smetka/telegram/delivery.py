"""One message to one chat as a record in `deliveries`: its states, its fields, how it is written and read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from smetka.core.exact_json import instant
from smetka.telegram.reports import from_record, to_record
from smetka.telegram.topics import ChatId

Record = dict[str, Any]

QUEUED, SENDING, DELIVERED, WAITING = "queued", "sending", "delivered", "waiting"
UNKNOWN, FAILED, HELD, CANCELLED = "unknown", "failed", "held", "cancelled"
STATES = (QUEUED, SENDING, DELIVERED, WAITING, UNKNOWN, FAILED, HELD, CANCELLED)
DUE = (QUEUED, WAITING)

_DUPLICATE_KEY = 11000


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one chat, as its record was when it was read.

    `chat` is the recipient as the settings name it, `send_to` where it has moved since. `attempt`
    counts claims and, with `owner`, fences them; `faults` counts those that ended in a fault. `sent`
    are the parts that arrived, by name, with their message ids. `without` is what the chat does not allow:
    `picture`, `file`.
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
    without: tuple[str, ...] = ()

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


def delivery_of(record: Record) -> Delivery:
    """A record as it was read."""
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
        without=tuple(record.get("without") or ()),
    )


def _instant(value: datetime | None) -> str | None:
    return instant(value) if value else None
