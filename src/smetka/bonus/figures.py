"""What became of a campaign: its vouchers by state, by day and by age group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from smetka.age_groups import AgeGroup, name_of_group
from smetka.bonus.campaigns import Campaign
from smetka.bonus.vouchers import STATUSES, status_at
from smetka.errors import LedgerUnavailable
from smetka.ledger import Ledger, Spent
from smetka.money import Money
from smetka.storage import Storage
from smetka.storage.values import money
from smetka.storage.walk import records

_FIELDS = ("user_id", "value", "status", "expires_at", "reserved_until", "redeemed_at")


@dataclass(slots=True)
class _Sum:
    vouchers: int = 0
    cents: int = 0

    def add(self, value: Money) -> None:
        self.vouchers += 1
        self.cents += value.cents

    def as_json(self) -> dict[str, Any]:
        return {"vouchers": self.vouchers, "value": Money(self.cents).number}


def campaign_figures(
    campaign: Campaign,
    ledger: Ledger,
    storage: Storage,
    *,
    groups: Sequence[AgeGroup],
    now: datetime,
) -> dict[str, Any]:
    """The campaign and the figures of its vouchers at an instant, from one walk over all of them.

    Ages are the ledger's of today. Without the ledger, `by_age_group` is None and all else is there.

    Raises:
        BonusStoreUnavailable: MongoDB is away.
    """
    spent = _spent(ledger, campaign.rules.year)
    zone = ZoneInfo(campaign.timezone)
    total, by_status = _Sum(), {status: _Sum() for status in STATUSES}
    by_day: dict[date, _Sum] = {}
    by_age = {name: (_Sum(), _Sum()) for name in (*(group.name for group in groups), None)}
    for record in records(storage, "vouchers", {"campaign": campaign.name}, _FIELDS):
        value = money(record["value"])
        status = status_at(record["status"], record["expires_at"], record.get("reserved_until"), now)
        total.add(value)
        by_status[status].add(value)
        age = spent.age_of(int(record["user_id"])) if spent is not None else None
        issued, redeemed = by_age[name_of_group(age, groups)]
        issued.add(value)
        if status == "redeemed":
            redeemed.add(value)
            by_day.setdefault(record["redeemed_at"].astimezone(zone).date(), _Sum()).add(value)
    ages = [
        {"age_group": name, "issued": issued.as_json(), "redeemed": redeemed.as_json()}
        for name, (issued, redeemed) in by_age.items()
    ]
    return {
        **campaign.as_json(),
        "vouchers": total.as_json(),
        "by_status": {status: each.as_json() for status, each in by_status.items()},
        "redeemed_by_day": [{"day": str(day), **each.as_json()} for day, each in sorted(by_day.items())],
        "by_age_group": ages if spent is not None else None,
    }


def _spent(ledger: Ledger, year: int) -> Spent | None:
    try:
        return ledger.spending_by_customer(year)
    except LedgerUnavailable:
        return None
