"""Answers of the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from smetka.ledger.statements import PART
from smetka.money import Money


@dataclass(frozen=True, slots=True)
class CustomerTotal:
    """What one customer spent; `payments` are those that count."""

    user_id: int
    total: Money
    payments: int

    def as_json(self, *, year: int | None, currency: str) -> dict[str, Any]:
        """The answer of `GET /total_spent/<user_id>`."""
        return {
            "user_id": self.user_id,
            "total_spending": self.total.number,
            "payments": self.payments,
            "year": year,
            "currency": currency,
        }


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of a customer beside the id and the age: for owners only, and never kept."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class AgeRow:
    """All customers of one age in whole years; None is unknown. A spender has a payment that counts."""

    age: int | None
    customers: int
    spenders: int
    payments: int
    total: Money


@dataclass(frozen=True, slots=True)
class SpendingByAge:
    """Every customer and every payment, each in one place.

    Attributes:
        rows: by age, the youngest first, unknown last.
        ignored_payments: those without a usable amount, whoever's.
        orphan_payments: those that would count, of nobody in the ledger.
    """

    rows: tuple[AgeRow, ...]
    ignored_payments: int
    orphan_payments: int


def spending_of(found: Iterable[Any]) -> SpendingByAge:
    """Put the rows of `statements.spending_by_age` together."""
    ages: defaultdict[int | None, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    payments = counted = orphans = 0
    for kind, age, *counts, high, low in found:
        match kind:
            case "all":
                payments = counts[2]
            case "orphan":
                orphans += counts[2]
                counted += counts[2]
            case _:
                counted += counts[2]
                row = (*counts, high * PART + low)
                ages[age] = [before + more for before, more in zip(ages[age], row, strict=True)]
    rows = tuple(
        AgeRow(age, customers, spenders, paid, Money(cents))
        for age, (customers, spenders, paid, cents) in sorted(
            ages.items(), key=lambda item: (item[0] is None, item[0])
        )
    )
    return SpendingByAge(rows, ignored_payments=payments - counted, orphan_payments=orphans)
