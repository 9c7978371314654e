"""What became of a campaign: its vouchers by state, by day and by age group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from smetka.bonus.campaigns import Campaign
from smetka.bonus.followed import AS_ISSUED, FollowedVouchers, State, Vouchers
from smetka.bonus.vouchers import STATUSES, status_at
from smetka.core.age_groups import AgeGroup, name_of_group
from smetka.core.errors import LedgerUnavailable
from smetka.core.money import Money
from smetka.ledger import Spent
from smetka.storage import Storage


@dataclass(slots=True)
class _Sum:
    vouchers: int = 0
    cents: int = 0

    def add(self, cents: int, vouchers: int = 1) -> None:
        self.vouchers += vouchers
        self.cents += cents

    def as_json(self) -> dict[str, Any]:
        return {"vouchers": self.vouchers, "value": Money(self.cents).number}


@dataclass(slots=True)
class _Sums:
    """What all vouchers of a campaign come to, kept up with each change.

    Attributes:
        states: as each is kept; what time does to them is not in it.
        held: the reservations, with their values.
    """

    vouchers: Vouchers
    additions: int
    spent: Spent | None
    groups: Sequence[AgeGroup]
    zone: ZoneInfo
    total: _Sum = field(default_factory=_Sum)
    states: dict[str, _Sum] = field(default_factory=dict)
    held: dict[int, tuple[datetime | None, int]] = field(default_factory=dict)
    days: dict[date, _Sum] = field(default_factory=dict)
    issued_by_age: dict[str | None, _Sum] = field(default_factory=dict)
    redeemed_by_age: dict[str | None, _Sum] = field(default_factory=dict)

    def reckon(self) -> None:
        """Add all up."""
        for name in (*(group.name for group in self.groups), None):
            self.issued_by_age[name], self.redeemed_by_age[name] = _Sum(), _Sum()
        states = self.vouchers.states
        for user_id, cents in zip(self.vouchers.user_ids, self.vouchers.cents, strict=True):
            self.total.add(cents)
            self.issued_by_age[self._group(user_id)].add(cents)
            self._count(user_id, cents, states.get(user_id, AS_ISSUED), 1)
        self.vouchers.on_change = self._change

    def is_of(self, vouchers: Vouchers, spent: Spent | None) -> bool:
        """Whether these vouchers and ages are what was added up; changes of states came in since."""
        return self.vouchers is vouchers and self.additions == vouchers.additions and self.spent is spent

    def _change(self, user_id: int, cents: int, before: State, after: State) -> None:
        self._count(user_id, cents, before, -1)
        self._count(user_id, cents, after, 1)

    def _count(self, user_id: int, cents: int, state: State, sign: int) -> None:
        sums = [self.states.setdefault(state.status, _Sum())]
        if state.status == "redeemed" and state.redeemed_at is not None:
            sums.append(self.days.setdefault(state.redeemed_at.astimezone(self.zone).date(), _Sum()))
            sums.append(self.redeemed_by_age[self._group(user_id)])
        for each in sums:
            each.add(sign * cents, sign)
        if state.status == "reserved":
            if sign > 0:
                self.held[user_id] = state.reserved_until, cents
            else:
                self.held.pop(user_id, None)

    def _group(self, user_id: int) -> str | None:
        age = self.spent.age_of(user_id) if self.spent is not None else None
        return name_of_group(age, self.groups)

    def by_status(self, expires_at: datetime, now: datetime) -> dict[str, _Sum]:
        """All vouchers by what they are at an instant: those of a campaign expire together."""
        found = {status: _Sum() for status in STATUSES}
        for status in ("redeemed", "void", "issued"):
            if kept := self.states.get(status):
                found[status_at(status, expires_at, None, now)].add(kept.cents, kept.vouchers)
        for until, cents in self.held.values():
            found[status_at("reserved", expires_at, until, now)].add(cents)
        return found


class CampaignFigures:
    """The figures of campaigns, of which only what has changed is reckoned anew. Thread-safe.

    Args:
        spent: what each customer spent in a year, and their ages.
    """

    def __init__(
        self,
        spent: Callable[[int], Spent],
        storage: Storage,
        *,
        groups: Sequence[AgeGroup],
        now: Callable[[], datetime],
    ) -> None:
        self._spent, self._groups, self._now = spent, groups, now
        self._followed = FollowedVouchers(storage, now=now)
        self._sums: dict[str, _Sums] = {}

    def of(self, campaign: Campaign) -> dict[str, Any]:
        """The campaign and what its vouchers come to now.

        Ages are the ledger's of today. Without the ledger, `by_age_group` is None and all else is there.

        Args:
            campaign: as it was read a moment ago.

        Raises:
            BonusStoreUnavailable: MongoDB is away.
        """
        spent = self._ages(campaign.rules.year)
        with self._followed.lock:
            vouchers = self._followed.of(campaign)
            sums = self._sums.get(campaign.name)
            if sums is None or not sums.is_of(vouchers, spent):
                sums = _Sums(vouchers, vouchers.additions, spent, self._groups, ZoneInfo(campaign.timezone))
                sums.reckon()
                self._sums[campaign.name] = sums
            by_status = sums.by_status(campaign.expires_at, self._now())
            ages = [
                {
                    "age_group": name,
                    "issued": issued.as_json(),
                    "redeemed": sums.redeemed_by_age[name].as_json(),
                }
                for name, issued in sums.issued_by_age.items()
            ]
            days = [(day, each) for day, each in sorted(sums.days.items()) if each.vouchers]
            return {
                **campaign.as_json(),
                "vouchers": sums.total.as_json(),
                "by_status": {status: each.as_json() for status, each in by_status.items()},
                "redeemed_by_day": [{"day": str(day), **each.as_json()} for day, each in days],
                "by_age_group": ages if spent is not None else None,
            }

    def _ages(self, year: int) -> Spent | None:
        try:
            return self._spent(year)
        except LedgerUnavailable:
            return None
