"""Who is due a year-end bonus: the rule in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from smetka.bonus.records import BonusCustomers
from smetka.bonus.stored import StoredCustomer
from smetka.core.errors import BelowThreshold, TotalMismatch
from smetka.core.money import Money
from smetka.ledger import Ledger


@dataclass(frozen=True)
class BonusRules:
    """The shop's rules. `verify` says what becomes of a total that differs from the ledger's."""

    threshold: Money
    verify: Literal["record", "require"]
    currency: str
    timezone: ZoneInfo
    now: Callable[[], datetime]

    @property
    def current_year(self) -> int:
        """The calendar year in the shop's time zone."""
        return self.now().astimezone(self.timezone).year


def store_bonus_customer(
    user_id: int,
    total: Money,
    year: int | None,
    *,
    rules: BonusRules,
    ledger: Ledger,
    customers: BonusCustomers,
) -> StoredCustomer:
    """Remember a customer who is due a year-end bonus.

    Safe to repeat: the newest total is kept, `created` is true once.

    Args:
        user_id: the customer's number in the ledger.
        total: spending in the shop's currency; all recorded spending when `year` is None. It is compared
            with the ledger's of the same period, which the record names.
        year: calendar year in the shop's time zone; None counts for the current one.

    Raises:
        UnknownCustomer: the id is not in the ledger.
        BelowThreshold: `total` does not exceed the threshold; reaching it is not enough.
        TotalMismatch: it differs from the ledger's and the rules require equality.
        LedgerUnavailable, BonusStoreUnavailable: nothing is confirmed; repeating is safe.
    """
    bonus_year = rules.current_year if year is None else year
    year_total: Money | None = None
    if year is None:
        known = ledger.customer(user_id)  # both totals of one moment
        spent, year_total = known.total, known.in_year(bonus_year)
    else:
        spent = ledger.total_spent(user_id, year).total
    if total <= rules.threshold:
        raise BelowThreshold(total, rules.threshold, rules.currency)
    if rules.verify == "require" and total != spent:
        raise TotalMismatch(total, spent, rules.currency, year)
    return customers.store(
        user_id, bonus_year, total, threshold=rules.threshold, ledger_total=spent, year_total=year_total
    )
