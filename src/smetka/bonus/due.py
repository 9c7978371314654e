"""Who is due a bonus by the ledger's own figures."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any

from smetka.bonus.rules import smallest_near_miss
from smetka.core.money import NOTHING, Money
from smetka.ledger import Ledger

SHOWN = 10
"""Of the customers who are due, so many are named by their ids: those who spent most."""


@dataclass(frozen=True, slots=True)
class Due:
    """The customers whose spending of a year exceeds the threshold, and those who nearly reached it."""

    year: int
    threshold: Money
    customers: int
    total: Money
    near_misses: int
    largest: tuple[tuple[int, Money], ...]

    def as_json(self, *, currency: str) -> dict[str, Any]:
        """The figures; amounts as numbers."""
        return {
            "year": self.year,
            "currency": currency,
            "threshold": self.threshold.number,
            "customers_due": self.customers,
            "total_spending": self.total.number,
            "near_misses": self.near_misses,
            "customers": [
                {"user_id": user_id, "total_spending": total.number} for user_id, total in self.largest
            ],
        }


def due(ledger: Ledger, year: int, threshold: Money) -> Due:
    """Ask the ledger. A near miss spent at least nine tenths of the threshold and does not exceed it.

    Raises:
        LedgerUnavailable: the ledger cannot be read.
    """
    spent = ledger.spending_by_customer(year)
    over = list(spent.above(threshold))
    near = sum(smallest_near_miss(threshold) <= total <= threshold for _, total in spent)
    largest = heapq.nsmallest(SHOWN, over, key=lambda customer: (-customer[1].cents, customer[0]))
    return Due(
        year,
        threshold,
        len(over),
        sum((total for _, total in over), NOTHING),
        near,
        tuple(largest),
    )
