"""Who did what about vouchers and bonus customers, with which key: entries that nobody changes."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

from bson import Int64

from smetka.core.exact_json import instant
from smetka.core.money import Money
from smetka.storage import Storage
from smetka.storage.newest import NewestFirst, Place
from smetka.storage.values import decimal128, milliseconds, money
from smetka.storage.walk import records_of

TERMINAL = "terminal"
"""Who acts through a command: whoever can read the data directory may do everything."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `happened` is None where nothing can tell whether what was begun was carried out.

    Attributes:
        amount: the figure that was decided on: a stored total, a voucher's value, the cost of an issue.
    """

    id: str
    at: datetime
    by: str
    action: str
    subject: dict[str, Any]
    amount: Money | None
    happened: bool | None

    def as_json(self) -> dict[str, Any]:
        """An item of `GET /api/v1/audit`."""
        return {
            "id": self.id,
            "at": instant(self.at),
            "by": self.by,
            "action": self.action,
            **{name: self.subject.get(name) for name in _SUBJECT},
            "amount": self.amount.number if self.amount else None,
            "happened": self.happened,
        }


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SUBJECT = ("campaign", "code", "user_id", "year", "reference", "reason", "customers")


class Audit:
    """Keeps the entries. Every method raises BonusStoreUnavailable when MongoDB is away.

    An entry is written before what it tells of, so that nothing happens without one, whenever a process
    is killed. Whether a voucher was then changed, the voucher's own history says by the entry's id.
    """

    def __init__(self, storage: Storage, *, now: Callable[[], datetime]) -> None:
        self._storage, self._now = storage, now
        self._newest = NewestFirst(storage, "audit", "at")

    def note(self, action: str, by: str, *, amount: Money | None = None, **subject: Any) -> str:
        """Write down that somebody is about to do something. Returns the entry's id.

        Args:
            amount: the figure that is decided on.
            subject: what it is done to; any of campaign, code, user_id, year, reference, reason, customers.
        """
        at = milliseconds(self._now())
        entry_id = f"{round(at.timestamp() * 1000):014d}-{secrets.token_hex(6)}"
        kept = {
            name: Int64(value) if name == "user_id" else value
            for name, value in subject.items()
            if value is not None
        }
        if amount is not None:
            kept["amount"] = decimal128(amount)
        with self._storage.translated():
            self._storage.collection("audit").insert_one(
                {"_id": entry_id, "at": at, "by": by, "action": action, **kept}
            )
        return entry_id

    def page(self, limit: int, *, after: str | None = None, code: str | None = None) -> list[Entry]:
        """The newest entries first; `after` is the id of the last one of the page before."""
        found = (
            self._newest.page(limit, before=_place(after)) if code is None else self._of(code, after)[:limit]
        )
        happened = self._happened({record["code"] for record in found if "code" in record})
        return [
            Entry(
                id=record["_id"],
                at=record["at"],
                by=record["by"],
                action=record["action"],
                subject={name: record.get(name) for name in _SUBJECT},
                amount=money(record["amount"]) if "amount" in record else None,
                happened=record["_id"] in happened if "code" in record else None,
            )
            for record in found
        ]

    def _of(self, code: str, after: str | None) -> list[dict[str, Any]]:
        """All about one voucher: few, since a voucher changes no more often than it may."""
        with self._storage.at_leisure():
            found = [
                record
                for record in self._storage.collection("audit").find({"code": code})
                if after is None or record["_id"] < after
            ]
        return sorted(found, key=itemgetter("_id"), reverse=True)

    def _happened(self, codes: set[str]) -> set[str]:
        vouchers = records_of(self._storage, "vouchers", sorted(codes), ("history.audit",))
        return {event["audit"] for voucher in vouchers for event in voucher.get("history", ())}


def _place(entry_id: str | None) -> Place | None:
    """Where an entry stands: its id begins with its time."""
    if entry_id is None:
        return None
    return _EPOCH + timedelta(milliseconds=int(entry_id.partition("-")[0])), entry_id
