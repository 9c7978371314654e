"""Campaigns, as they are kept."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pymongo.errors import DuplicateKeyError

from smetka.bonus.errors import CampaignExists
from smetka.bonus.rules import Rules, Tier
from smetka.core.errors import NotFound
from smetka.core.exact_json import instant
from smetka.core.money import Money
from smetka.storage import Storage
from smetka.storage.values import decimal128, milliseconds, money

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Issue:
    """One list of vouchers to write, made from the ledger at `planned_at`; `chunks` records hold it."""

    id: str
    chunks: int
    planned_at: datetime
    vouchers: int
    cost: Money
    left_out: int


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as it was read.

    Attributes:
        number: how many issues were begun.
        issued: whether the newest of them is finished.
    """

    rules: Rules
    timezone: str
    currency: str
    created_at: datetime
    number: int
    issue: Issue | None
    issued: bool
    secret: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """What it is called, for ever."""
        return self.rules.name

    @property
    def valid_from(self) -> datetime:
        """The first instant at which its vouchers can be redeemed."""
        return beginning_of(self.rules.first_day, ZoneInfo(self.timezone))

    @property
    def expires_at(self) -> datetime:
        """The first instant at which they cannot be redeemed any more."""
        return beginning_of(self.rules.last_day + timedelta(days=1), ZoneInfo(self.timezone))

    def as_json(self) -> dict[str, Any]:
        """The campaign without its secret; amounts as numbers, days as the shop counts them."""
        rules = self.rules
        return {
            "name": rules.name,
            "year": rules.year,
            "currency": self.currency,
            "threshold": rules.threshold.number,
            "voucher_value": rules.voucher_value.number,
            "tiers": [tier.as_json() for tier in rules.tiers],
            "budget": None if rules.budget is None else rules.budget.number,
            "most_vouchers": rules.most_vouchers,
            "valid_from": str(rules.first_day),
            "valid_until": str(rules.last_day),
            "timezone": self.timezone,
            "expires_at": instant(self.expires_at),
            "created_at": instant(self.created_at),
            "issues": self.number,
            "is_issuing": not self.issued,
        }


def beginning_of(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC, on days that begin twice or not at midnight too."""
    # Of a midnight that is skipped, Python takes the offset from before the gap: its first instant.
    return datetime.combine(day, time.min, zone).astimezone(UTC)


class Campaigns:
    """Keeps campaigns. Thread-safe; every method raises BonusStoreUnavailable when MongoDB is away."""

    def __init__(self, storage: Storage, *, now: Callable[[], datetime]) -> None:
        self._storage, self._now = storage, now

    def create(
        self, rules: Rules, *, timezone: str, currency: str, any_first_day: bool = False
    ) -> tuple[Campaign, bool]:
        """Make a campaign, with a new secret. Returns it and whether it is new.

        Safe to repeat: a campaign of the same rules is answered as it is.

        Args:
            any_first_day: the first day was not chosen but is today's; then one that is there already
                may have begun on another.

        Raises:
            InvalidValue: the rules contradict each other.
            CampaignExists: one of this name has other rules.
        """
        rules.check()
        campaign = Campaign(
            rules=rules,
            timezone=timezone,
            currency=currency,
            created_at=milliseconds(self._now()),
            number=0,
            issue=None,
            issued=True,
            secret=secrets.token_bytes(_SECRET_BYTES),
        )
        with self._storage.translated():
            try:
                self._storage.collection("campaigns").insert_one(_to_record(campaign))
            except DuplicateKeyError:
                there = self.get(rules.name)
                if any_first_day:
                    rules = replace(rules, first_day=there.rules.first_day)
                if (there.rules, there.timezone, there.currency) != (rules, timezone, currency):
                    raise CampaignExists(
                        f"There is a campaign {rules.name} already, with other rules; they never change."
                    ) from None
                return there, False
        return campaign, True

    def get(self, name: str) -> Campaign:
        """One campaign.

        Raises:
            NotFound: there is none of that name.
        """
        with self._storage.translated():
            record = self._storage.collection("campaigns").find_one({"_id": name})
        if record is None:
            raise NotFound(f"There is no campaign {name}.")
        return _campaign(record)

    def all(self) -> list[Campaign]:
        """Every campaign, the newest first."""
        with self._storage.translated():
            found = [_campaign(record) for record in self._storage.collection("campaigns").find()]
        return sorted(found, key=lambda campaign: (campaign.created_at, campaign.name), reverse=True)

    def begin(self, campaign: Campaign, issue: Issue) -> bool:
        """Make a list of vouchers the campaign's newest, unless another began since it was read."""
        change = {"number": campaign.number + 1, "issued": False, "issue": _issue_record(issue)}
        return self._change(campaign.name, {"number": campaign.number, "issued": True}, change)

    def finish(self, campaign: Campaign) -> bool:
        """Note that every voucher of the newest list is written. False when somebody else did before."""
        return self._change(campaign.name, {"number": campaign.number, "issued": False}, {"issued": True})

    def _change(self, name: str, expected: dict[str, Any], change: dict[str, Any]) -> bool:
        with self._storage.translated():
            campaigns = self._storage.collection("campaigns")
            return bool(campaigns.update_one({"_id": name, **expected}, {"$set": change}).matched_count)


def _to_record(campaign: Campaign) -> dict[str, Any]:
    rules = campaign.rules
    optional = {
        "budget": None if rules.budget is None else decimal128(rules.budget),
        "most_vouchers": rules.most_vouchers,
    }
    return {
        "_id": rules.name,
        "year": rules.year,
        "threshold": decimal128(rules.threshold),
        "voucher_value": decimal128(rules.voucher_value),
        "tiers": [{"above": decimal128(t.above), "value": decimal128(t.value)} for t in rules.tiers],
        "first_day": str(rules.first_day),
        "last_day": str(rules.last_day),
        "timezone": campaign.timezone,
        "currency": campaign.currency,
        "secret": campaign.secret,
        "created_at": campaign.created_at,
        "number": campaign.number,
        "issued": campaign.issued,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _campaign(record: dict[str, Any]) -> Campaign:
    budget = record.get("budget")
    rules = Rules(
        name=record["_id"],
        year=int(record["year"]),
        threshold=money(record["threshold"]),
        voucher_value=money(record["voucher_value"]),
        first_day=date.fromisoformat(record["first_day"]),
        last_day=date.fromisoformat(record["last_day"]),
        tiers=tuple(Tier(money(tier["above"]), money(tier["value"])) for tier in record["tiers"]),
        budget=None if budget is None else money(budget),
        most_vouchers=record.get("most_vouchers"),
    )
    return Campaign(
        rules=rules,
        timezone=record["timezone"],
        currency=record["currency"],
        created_at=record["created_at"],
        number=int(record["number"]),
        issue=_issue(record["issue"]) if record.get("issue") else None,
        issued=record["issued"],
        secret=bytes(record["secret"]),
    )


def _issue_record(issue: Issue) -> dict[str, Any]:
    return {
        "id": issue.id,
        "chunks": issue.chunks,
        "planned_at": issue.planned_at,
        "vouchers": issue.vouchers,
        "cost": decimal128(issue.cost),
        "left_out": issue.left_out,
    }


def _issue(record: dict[str, Any]) -> Issue:
    return Issue(
        id=record["id"],
        chunks=int(record["chunks"]),
        planned_at=record["planned_at"],
        vouchers=int(record["vouchers"]),
        cost=money(record["cost"]),
        left_out=int(record["left_out"]),
    )
