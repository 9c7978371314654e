"""The outbox: one record per message and chat in MongoDB, from queued to delivered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smetka.errors import NotFound
from smetka.exact_json import instant
from smetka.storage import Storage

QUEUED, SENDING, DELIVERED, WAITING = "queued", "sending", "delivered", "waiting"
UNKNOWN, FAILED, HELD = "unknown", "failed", "held"
DUE = (QUEUED, WAITING)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one chat, as its record was when it was read.

    `chat` is the recipient as the settings name it, `send_to` where it has moved since. `attempt`
    counts claims and, with `owner`, fences them; `faults` counts those that ended in a fault.
    `report` is as the record keeps it, see `reports.from_record`.
    """

    id: str
    report_id: str
    chat: int | str
    send_to: int | str
    state: str
    attempt: int
    faults: int
    owner: str | None
    created_at: datetime
    next_attempt_at: datetime
    delivered_at: datetime | None
    message_id: int | None
    reason: str | None
    report: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """For lists; the figures are left out."""
        return {
            "id": self.id,
            "report_id": self.report_id,
            "chat": self.chat,
            "state": self.state,
            "attempts": self.attempt,
            "queued_at": _instant(self.created_at),
            "next_attempt_at": _instant(self.next_attempt_at) if self.state in DUE else None,
            "delivered_at": _instant(self.delivered_at),
            "message_id": self.message_id,
            "reason": self.reason,
        }


class Outbox:
    """Reads, claims and settles deliveries. Thread-safe; times are aware and stored as UTC.

    A record changes by one compare-and-set: whoever loses a race changes nothing and is told so.
    Every method raises BonusStoreUnavailable when MongoDB is away; repeating is safe.
    """

    def __init__(self, storage: Storage, *, now: Callable[[], datetime]) -> None:
        self._storage, self._now = storage, now

    def newest(self, limit: int) -> list[Delivery]:
        """The deliveries queued last, newest first."""
        with self._storage.translated():
            found = self._storage.collection("deliveries").find().sort("created_at", -1).limit(limit)
            return [_delivery(record) for record in found]

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

    def next_due(self, *, busy: Iterable[int | str] = ()) -> Delivery | None:
        """The delivery that is due longest, those to `busy` chats left aside."""
        now, chats = self._now(), list(busy)
        # One that was changed later than now was so before the clock was set back: how long it has
        # waited cannot be told. Asked apart, since `$or` has the embedded server read all of them.
        return self._first_due({"next_attempt_at": {"$lte": now}}, chats) or self._first_due(
            {"updated_at": {"$gt": now}}, chats
        )

    def _first_due(self, when: dict[str, Any], busy: list[int | str]) -> Delivery | None:
        query = {"state": {"$in": list(DUE)}, "kind": "averages", **when}  # other kinds: a later version's
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
        return self.get(delivery.id) if changed else None

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

    def _change(self, expected: dict[str, Any], fields: dict[str, Any]) -> bool:
        change: dict[str, Any] = {"$set": {name: v for name, v in fields.items() if v is not None}}
        change["$set"]["updated_at"] = self._now()
        if gone := {name: "" for name, value in fields.items() if value is None}:
            change["$unset"] = gone
        with self._storage.translated():
            result = self._storage.collection("deliveries").update_one(expected, change)
            return result.matched_count == 1


def _delivery(record: dict[str, Any]) -> Delivery:
    return Delivery(
        id=record["_id"],
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
        report=record["report"],
    )


def _instant(value: datetime | None) -> str | None:
    return instant(value) if value else None
