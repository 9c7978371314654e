"""Vouchers, as they are kept: one document is the whole truth of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, Literal
from zoneinfo import ZoneInfo

from bson import Int64

from smetka.bonus.errors import UnknownCode
from smetka.core.exact_json import instant
from smetka.core.money import Money
from smetka.storage import Storage
from smetka.storage.values import money
from smetka.storage.walk import records

Action = Literal["redeem", "reserve", "void", "reverse"]
STATUSES = ("issued", "reserved", "redeemed", "void", "expired")


@dataclass(frozen=True, slots=True)
class Event:
    """One change of a voucher.

    Attributes:
        by: whose key it was, or `terminal`.
        reference: the order, as whoever asked named it.
        until: of a reservation, its end.
        key, order: hashes of the Idempotency-Key with whose it was, and of all that was asked.
        audit: id of the audit's entry.
    """

    action: Action
    at: datetime
    by: str
    audit: str
    reference: str | None = None
    reason: str | None = None
    until: datetime | None = None
    key: str | None = None
    order: str | None = None

    def as_json(self, *, with_names: bool) -> dict[str, Any]:
        """A line of the history."""
        shown: dict[str, Any] = {
            "action": self.action,
            "at": instant(self.at),
            "reference": self.reference,
            "reason": self.reason,
        }
        return shown | {"by": self.by} if with_names else shown

    def as_record(self) -> dict[str, Any]:
        """The change as it is kept."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True)
class Voucher:
    """A voucher as it was read.

    Attributes:
        total: what it was earned by; `source` says whose word that is.
        status: as it is kept. What time does to it, `status_at` tells.
        holder: of a reservation, whoever may redeem meanwhile.
        revision: grows with each change.
    """

    code: str
    campaign: str
    user_id: int
    value: Money
    currency: str
    total: Money
    source: str
    status: str
    valid_from: datetime
    expires_at: datetime
    timezone: str
    issued_at: datetime
    revision: int
    reserved_until: datetime | None
    holder: str | None
    redeemed_at: datetime | None
    history: tuple[Event, ...]

    def status_at(self, now: datetime) -> str:
        """Its state at an instant: `issued`, `reserved`, `redeemed`, `void` or `expired`."""
        return status_at(self.status, self.expires_at, self.reserved_until, now)

    @property
    def first_day(self) -> date:
        """The first local day on which it can be redeemed."""
        return self.valid_from.astimezone(ZoneInfo(self.timezone)).date()

    @property
    def last_day(self) -> date:
        """The last one."""
        return (self.expires_at - timedelta(microseconds=1)).astimezone(ZoneInfo(self.timezone)).date()

    def as_json(self, now: datetime, *, with_names: bool) -> dict[str, Any]:
        """The body of `GET /api/v1/vouchers/<code>`.

        Args:
            with_names: whether the history says who, by the names of keys.
        """
        status = self.status_at(now)
        issued = {"action": "issue", "at": instant(self.issued_at), "reference": None, "reason": None}
        return {
            "code": self.code,
            "status": status,
            "value": self.value.number,
            "currency": self.currency,
            "user_id": self.user_id,
            "campaign": self.campaign,
            "total_spending": self.total.number,
            "source": self.source,
            "valid_from": str(self.first_day),
            "valid_until": str(self.last_day),
            "timezone": self.timezone,
            "expires_at": instant(self.expires_at),
            "issued_at": instant(self.issued_at),
            "reserved_until": _instant(self.reserved_until if status == "reserved" else None),
            "redeemed_at": _instant(self.redeemed_at),
            "revision": self.revision,
            "history": [issued, *(event.as_json(with_names=with_names) for event in self.history)],
        }


def status_at(status: str, expires_at: datetime, reserved_until: datetime | None, now: datetime) -> str:
    """What a voucher that is kept as `status` is at an instant.

    A reservation was promised until its own end: the voucher's last day does not cut it short.
    """
    if status in {"redeemed", "void"}:
        return status
    if status == "reserved" and reserved_until and now < reserved_until:
        return "reserved"
    return "expired" if now >= expires_at else "issued"


def find(storage: Storage, code: str) -> Voucher:
    """One voucher, by its code in the spelling that is kept.

    Raises:
        UnknownCode: there is none.
        BonusStoreUnavailable: MongoDB is away.
    """
    with storage.translated():
        record = storage.collection("vouchers").find_one({"_id": code})
    if record is None:
        raise UnknownCode
    return voucher(record)


def of_campaign(storage: Storage, campaign: str) -> Iterator[Voucher]:
    """Every voucher of a campaign, by user id.

    Raises:
        BonusStoreUnavailable: MongoDB went away.
    """
    return map(voucher, records(storage, "vouchers", {"campaign": campaign}))


def of_customer(storage: Storage, user_id: int) -> list[Voucher]:
    """A customer's vouchers of all campaigns, by campaign.

    Raises:
        BonusStoreUnavailable: MongoDB is away.
    """
    with storage.translated():
        found = storage.collection("vouchers").find({"user_id": Int64(user_id)})
        return sorted(map(voucher, found), key=lambda each: each.campaign)


def page(storage: Storage, campaign: str, limit: int, *, after: int | None = None) -> list[Voucher]:
    """Vouchers of a campaign by user id; `after` is the last one of the page before.

    Raises:
        BonusStoreUnavailable: MongoDB is away.
    """
    found = records(storage, "vouchers", {"campaign": campaign}, after=after, wanted=limit)
    return [voucher(record) for record in islice(found, limit)]


def voucher(record: dict[str, Any]) -> Voucher:
    """A record as it was read."""
    return Voucher(
        code=record["_id"],
        campaign=record["campaign"],
        user_id=int(record["user_id"]),
        value=money(record["value"]),
        currency=record["currency"],
        total=money(record["total_spending"]),
        source=record["source"],
        status=record["status"],
        valid_from=record["valid_from"],
        expires_at=record["expires_at"],
        timezone=record["timezone"],
        issued_at=record["issued_at"],
        revision=int(record["revision"]),
        reserved_until=record.get("reserved_until"),
        holder=record.get("holder"),
        redeemed_at=record.get("redeemed_at"),
        history=tuple(Event(**event) for event in record.get("history", ())),
    )


def _instant(time: datetime | None) -> str | None:
    return None if time is None else instant(time)
