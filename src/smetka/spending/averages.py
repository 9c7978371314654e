"""Average spending by age group, on three bases, exact to the cent."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from smetka.core import exact_json
from smetka.core.age_groups import AgeGroup
from smetka.core.money import NOTHING, Money
from smetka.core.periods import OpenYear
from smetka.ledger import GroupRow, Ledger
from smetka.settings import Basis

SHARES = Decimal("0.0001")
"""What a share is rounded to, half up: hundredths of a percent."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What some customers spent together; a spender has at least one payment that counts."""

    customers: int
    spenders: int
    payments: int
    total: Money

    @classmethod
    def of(cls, row: GroupRow) -> Figures:
        """The figures of a row."""
        return cls(row.customers, row.spenders, row.payments, row.total)

    def average(self, basis: Basis) -> Money | None:
        """The total divided by the number of what `basis` names, rounded once; None when there are none."""
        count = {"spender": self.spenders, "payment": self.payments, "customer": self.customers}[basis]
        return self.total.average(count) if count else None

    def as_json(self) -> dict[str, Any]:
        """The counts and the total."""
        return {
            "customers": self.customers,
            "spenders": self.spenders,
            "payments": self.payments,
            "total_spending": self.total.number,
        }


@dataclass(frozen=True, slots=True)
class GroupAverages:
    """An age group and its figures.

    Attributes:
        median: of what its spenders spent, `largest` what the one who spent most did; None without spenders.
    """

    group: AgeGroup
    figures: Figures
    median: Money | None = None
    largest: Money | None = None

    @property
    def largest_share(self) -> Decimal | None:
        """What one customer makes of what the group spent; None of nothing, or of less than nothing."""
        if self.largest is None or self.figures.total <= NOTHING:
            return None
        share = Decimal(self.largest.cents) / Decimal(self.figures.total.cents)
        return share.quantize(SHARES, ROUND_HALF_UP)

    def as_json(self) -> dict[str, Any]:
        """The figures, the three averages, and how far an average can be trusted."""
        return {
            "age_group": self.group.name,
            **self.figures.as_json(),
            "average_per_spender": _number(self.figures.average("spender")),
            "average_per_payment": _number(self.figures.average("payment")),
            "average_per_customer": _number(self.figures.average("customer")),
            "median_per_spender": _number(self.median),
            "largest_share": self.largest_share,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Averages as they are told: the answer's values, and the same as JSON."""

    values: dict[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class Averages:
    """The statistic. `outside` are the customers in no group, too young or of unknown age."""

    year: int | None
    age_groups: tuple[GroupAverages, ...]
    outside: Figures
    ignored_payments: int
    orphan_payments: int
    _reports: dict[tuple[Basis, str], tuple[OpenYear | None, Report]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def report(self, *, basis: Basis, currency: str, period: OpenYear | None = None) -> Report:
        """What `as_json` tells, made once: dividing and writing cost more than all else of an answer.

        Made anew when the period is another by now: the next day of a year that is not over.
        """
        of, made = self._reports.get((basis, currency), (None, None))
        if made is None or of != period:
            values = self.as_json(basis=basis, currency=currency, period=period)
            made = Report(values, exact_json.dumps(values))
            self._reports[basis, currency] = period, made
        return made

    def as_json(self, *, basis: Basis, currency: str, period: OpenYear | None = None) -> dict[str, Any]:
        """The answer of `GET /average_spending_by_age`.

        Args:
            basis: which average is the headline.
            period: the year as it is today, if it is not over.
        """
        return {
            "average_spending": {
                row.group.name: _number(row.figures.average(basis)) for row in self.age_groups
            },
            "basis": basis,
            "year": self.year,
            **({} if period is None else {"period": period.as_json()}),
            "currency": currency,
            "age_groups": [row.as_json() for row in self.age_groups],
            "outside": self.outside.as_json(),
            "data_quality": {
                "ignored_payments": self.ignored_payments,
                "orphan_payments": self.orphan_payments,
            },
        }


def average_by_age_group(ledger: Ledger, groups: tuple[AgeGroup, ...], year: int | None) -> Averages:
    """Ask the ledger for the groups, which do not overlap.

    Raises:
        LedgerUnavailable: the ledger cannot be read.
    """
    spending = ledger.spending_by_group(groups, year)
    *rows, outside = spending.rows
    return Averages(
        year,
        tuple(
            GroupAverages(group, Figures.of(row), row.median, row.largest)
            for group, row in zip(groups, rows, strict=True)
        ),
        Figures.of(outside),
        spending.ignored_payments,
        spending.orphan_payments,
    )


def _number(average: Money | None) -> int | Decimal | None:
    return None if average is None else average.number
