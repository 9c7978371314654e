"""Answers of the ledger for pages: years, and customers with their payments one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from smetka.core.money import NOTHING, Money
from smetka.ledger.values import PART


@dataclass(frozen=True, slots=True)
class YearSpending:
    """What all customers spent in one year. A spender has a payment that counts.

    Attributes:
        year: None for payments whose year is no whole number.
    """

    year: int | None
    spenders: int
    payments: int
    total: Money


@dataclass(frozen=True, slots=True)
class Customer:
    """A row of a list of customers; name and e-mail are empty where none is stored, or none was asked for.

    Attributes:
        age: in whole years; None is unknown.
    """

    user_id: int
    name: str
    email: str
    age: int | None


@dataclass(frozen=True, slots=True)
class CustomerYear:
    """What one customer spent in one year; `year` is None for payments whose year is no whole number."""

    year: int | None
    payments: int
    total: Money


@dataclass(frozen=True, slots=True)
class CustomerSpending:
    """What one customer spent, in all and year by year; `payments` are those that count.

    Attributes:
        age: in whole years; None is unknown.
        by_year: years with a payment that counts, ascending, None last.
    """

    user_id: int
    age: int | None
    total: Money
    payments: int
    by_year: tuple[CustomerYear, ...]

    def in_year(self, year: int) -> Money:
        """What was spent in one year."""
        return next((each.total for each in self.by_year if each.year == year), NOTHING)


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment.

    Attributes:
        amount: in whole cents; None when it does not count.
        year: None when it is no whole number.
        stored: what stands in the ledger as the amount, to be shown; empty for NULL.
    """

    amount: Money | None
    year: int | None
    stored: str


def years_of(found: Iterable[Any]) -> tuple[YearSpending, ...]:
    """Put the rows of `page_statements.spending_by_year` together."""
    years = (
        YearSpending(year, spenders, payments, Money(high * PART + low))
        for year, spenders, payments, high, low in found
    )
    return tuple(sorted(years, key=_unknown_last))


def customer_of(user_id: int, found: Iterable[Any]) -> CustomerSpending | None:
    """Put the rows of `page_statements.customer` together; None when nobody has that id."""
    known, age, years = 0, None, []
    for kind, value, count, high, low in found:
        if kind == "customer":
            known, age = count, value
        else:
            years.append(CustomerYear(value, count, Money(high * PART + low)))
    if not known:
        return None
    total = sum((year.total for year in years), NOTHING)
    payments = sum(year.payments for year in years)
    return CustomerSpending(user_id, age, total, payments, tuple(sorted(years, key=_unknown_last)))


def _unknown_last(of_year: YearSpending | CustomerYear) -> tuple[bool, int]:
    return of_year.year is None, of_year.year or 0
