"""The shop as a whole: what it earned, from how many, and how unevenly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from smetka.core.money import NOTHING, Money
from smetka.ledger import Ledger
from smetka.spending.ranking import Ranking


@dataclass(frozen=True, slots=True)
class Distribution:
    """How spending is spread over customers. A spender has at least one payment that counts.

    `median` is of what a spender spent, the mean of the middle two when their number is even, rounded
    half up; None without spenders. The top tenth are the spenders who spent most, rounded up to whole
    customers.
    """

    year: int | None
    total: Money
    customers: int
    spenders: int
    payments: int
    median: Money | None
    top_tenth: int
    top_tenth_total: Money

    def as_json(self, *, currency: str) -> dict[str, Any]:
        """The figures; amounts as numbers."""
        return {
            "year": self.year,
            "currency": currency,
            "total_spending": self.total.number,
            "customers": self.customers,
            "spenders": self.spenders,
            "payments": self.payments,
            "median": None if self.median is None else self.median.number,
            "top_tenth": self.top_tenth,
            "top_tenth_spending": self.top_tenth_total.number,
        }


def distribution(ledger: Ledger, year: int | None) -> Distribution:
    """Ask the ledger, in one year or in all. Customers without payments count as customers only.

    Raises:
        LedgerUnavailable: the ledger cannot be read.
    """
    rows = ledger.spending_by_age(year).rows
    ranking = Ranking.of(ledger.spending_by_customer(year))
    top_tenth, top_tenth_total = ranking.top_tenth
    return Distribution(
        year,
        sum((row.total for row in rows), NOTHING),
        sum(row.customers for row in rows),
        sum(row.spenders for row in rows),
        sum(row.payments for row in rows),
        ranking.median,
        top_tenth,
        top_tenth_total,
    )
