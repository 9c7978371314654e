"""What a check-up of a ledger says: the facts, and everything odd with its meaning for the figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from smetka.core.money import Money


@dataclass(frozen=True, slots=True)
class Problem:
    """Something odd.

    Attributes:
        count: how many rows have it (or ids, columns, whatever `meaning` speaks of).
        example: one of them by its id; never a name, an e-mail or other content.
        harmless: the figures are what they should be.
    """

    kind: str
    count: int
    example: str | None
    meaning: str
    harmless: bool = False


@dataclass(frozen=True, slots=True)
class CheckUp:
    """The facts and the problems. `years` counts payments, those left out of the figures too."""

    customers: int
    spenders: int
    payments: int
    counted_payments: int
    total: Money
    years: dict[int, int]
    youngest: int | None
    oldest: int | None
    problems: tuple[Problem, ...]

    def as_json(self) -> dict[str, Any]:
        """All of it under plain names."""
        return {
            "customers": self.customers,
            "spenders": self.spenders,
            "payments": self.payments,
            "counted_payments": self.counted_payments,
            "total_spending": self.total.number,
            "first_year": min(self.years, default=None),
            "last_year": max(self.years, default=None),
            "payments_by_year": {str(year): count for year, count in self.years.items()},
            "youngest": self.youngest,
            "oldest": self.oldest,
            "problems": [asdict(problem) for problem in self.problems],
        }
