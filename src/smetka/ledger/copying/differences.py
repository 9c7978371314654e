"""How two ledgers that should be the same differ."""

from __future__ import annotations

from dataclasses import dataclass

from smetka.core.money import Money, grouped
from smetka.ledger.copying.readings import Readings
from smetka.ledger.ledger import Ledger
from smetka.ledger.spending import SpendingByAge
from smetka.ledger.values import PART


@dataclass(frozen=True, slots=True)
class Sums:
    """What a ledger adds up to; `ignored` and `orphans` are among the payments.

    Attributes:
        by_year: years, and how many payments that count are in each, whoever's, and their sum.
    """

    by_age: SpendingByAge
    by_year: tuple[tuple[int | None, int, Money], ...]

    @property
    def customers(self) -> int:
        """All of them."""
        return sum(row.customers for row in self.by_age.rows)

    @property
    def payments(self) -> int:
        """All of them, whether they count or not."""
        return sum(row.payments for row in self.by_age.rows) + self.ignored + self.orphans

    @property
    def ignored(self) -> int:
        """Payments without a usable amount."""
        return self.by_age.ignored_payments

    @property
    def orphans(self) -> int:
        """Payments of nobody in the ledger."""
        return self.by_age.orphan_payments

    @property
    def total(self) -> Money:
        """What all customers spent."""
        return Money(sum(row.total.cents for row in self.by_age.rows))


def sums_of(ledger: Ledger) -> Sums:
    """What a ledger adds up to.

    Raises:
        LedgerUnavailable: it cannot be read.
    """
    by_year = ledger.read(lambda opened: opened.rows(Readings(opened.layout).by_year(), {}), long=True)
    return Sums(
        ledger.spending_by_age(),
        tuple((year, payments, Money(high * PART + low)) for year, payments, high, low in by_year),
    )


def differences(source: Sums, copy: Sums) -> list[str]:
    """What is not equal, to the cent and the payment: by age, by year, and what is in neither."""
    facts, copied = _facts(source), _facts(copy)
    return [
        f"{name}: {facts.get(name, 'none')} in the source, {copied.get(name, 'none')} in the copy"
        for name in dict.fromkeys([*facts, *copied])
        if facts.get(name) != copied.get(name)
    ]


def _facts(sums: Sums) -> dict[str, str]:
    facts = {
        "payments of nobody": f"{sums.orphans:,}",
        "payments without a usable amount": f"{sums.ignored:,}",
    }
    for row in sums.by_age.rows:
        name = "customers of unknown age" if row.age is None else f"customers of age {row.age}"
        facts[name] = (
            f"{row.customers:,}, {row.spenders:,} of them with {row.payments:,} payments of "
            f"{grouped(row.total)}"
        )
    for year, payments, total in sorted(sums.by_year, key=lambda each: (each[0] is None, each[0])):
        name = "an unknown year" if year is None else f"the year {year}"
        facts[f"payments of {name}"] = f"{payments:,} of {grouped(total)}"
    return facts
