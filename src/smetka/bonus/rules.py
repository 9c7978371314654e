"""What a campaign promises: who is given which voucher for a year's spending, and until when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from smetka.core.errors import Fault, InvalidValue
from smetka.core.money import LARGEST_AMOUNT, NOTHING, Money

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
MOST_TIERS = 20
EARLIEST_DAY, LATEST_DAY = date(2000, 1, 1), date(9998, 12, 31)

OTHER_THRESHOLDS = (25, 50, 75, 90, 110, 125, 150, 200, 300, 500)
"""What else is reckoned beside a threshold, in hundredths of it: the same everywhere."""


def smallest_near_miss(threshold: Money) -> Money:
    """What a near miss spent at least: nine tenths of the threshold, which it does not exceed."""
    return Money(-(-threshold.cents * 9 // 10))


def other_thresholds(threshold: Money) -> list[Money]:
    """The thresholds that are tried beside this one, ascending, without it; cut to the cent."""
    others = {Money(threshold.cents * each // 100) for each in OTHER_THRESHOLDS}
    return sorted(each for each in others - {threshold} if each.cents <= LARGEST_AMOUNT * 100)


@dataclass(frozen=True, slots=True)
class Tier:
    """A voucher of another value for those whose total exceeds `above`."""

    above: Money
    value: Money

    def as_json(self) -> dict[str, Any]:
        """The tier; amounts as numbers."""
        return {"above": self.above.number, "value": self.value.number}


@dataclass(frozen=True, slots=True)
class Rules:
    """A campaign's terms. Days are the shop's, both included; `tiers` come to stand the lowest first."""

    name: str
    year: int
    threshold: Money
    voucher_value: Money
    first_day: date
    last_day: date
    tiers: tuple[Tier, ...] = ()
    budget: Money | None = None
    most_vouchers: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "tiers", tuple(sorted(self.tiers, key=lambda tier: tier.above)))

    def value_for(self, total: Money) -> Money:
        """What a voucher for a total is worth: of the highest tier that it exceeds."""
        value = self.voucher_value
        for tier in self.tiers:
            if total > tier.above:
                value = tier.value
        return value

    def check(self) -> None:
        """Look for contradictions.

        Raises:
            InvalidValue: with every one.
        """
        faults = [Fault(detail, pointer=f"/{name}") for name, detail in self._faults()]
        if faults:
            raise InvalidValue(faults)

    def _faults(self) -> list[tuple[str, str]]:
        faults = []
        if not re.fullmatch(NAME, self.name):
            faults.append(
                (
                    "name",
                    "must be 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first",
                )
            )
        if self.threshold < NOTHING:
            faults.append(("threshold", "must not be negative"))
        if self.voucher_value <= NOTHING:
            faults.append(("voucher_value", "must be more than 0"))
        if self.budget is not None and self.budget < NOTHING:
            faults.append(("budget", "must not be negative"))
        faults += [
            (name, f"must be a day from {EARLIEST_DAY} to {LATEST_DAY}")
            for name, day in (("valid_from", self.first_day), ("valid_until", self.last_day))
            if not EARLIEST_DAY <= day <= LATEST_DAY
        ]
        if self.last_day < self.first_day:
            faults.append(("valid_until", f"must not be before valid_from, {self.first_day}"))
        if self.most_vouchers is not None and self.most_vouchers < 0:
            faults.append(("most_vouchers", "must not be negative"))
        if len(self.tiers) > MOST_TIERS:
            faults.append(("tiers", f"must be at most {MOST_TIERS}"))
        return faults + self._faults_of_tiers()

    def _faults_of_tiers(self) -> list[tuple[str, str]]:
        faults = []
        above, value = self.threshold, self.voucher_value
        for tier in self.tiers:
            if tier.above <= above:
                faults.append(("tiers", f"must begin above the threshold and differ: {tier.above} does not"))
            if tier.value <= value:
                faults.append(("tiers", f"must be worth more the higher they are: {tier.value} is not"))
            above, value = tier.above, tier.value
        return faults
