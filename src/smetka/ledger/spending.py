"""Answers of the ledger."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from smetka.core.age_groups import AgeGroup
from smetka.core.money import NOTHING, Money
from smetka.core.periods import OpenYear
from smetka.ledger.values import PART

_BEYOND = 2**63
_PIECE = 2**16


@dataclass(frozen=True, slots=True)
class CustomerTotal:
    """What one customer spent; `payments` are those that count."""

    user_id: int
    total: Money
    payments: int

    def as_json(self, *, year: int | None, currency: str, period: OpenYear | None = None) -> dict[str, Any]:
        """The answer of `GET /total_spent/<user_id>`; `period` is of a year that is not over."""
        answer = {
            "user_id": self.user_id,
            "total_spending": self.total.number,
            "payments": self.payments,
            "year": year,
            "currency": currency,
        }
        return answer if period is None else {**answer, "period": period.as_json()}


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of a customer beside the id and the age: for owners only, and never kept."""

    name: str
    email: str


class Spent:
    """What each spender spent and how old each is, by id, in as few bytes as it takes: 18 a customer.

    Attributes:
        nameless: spenders whose ids are no whole numbers of 64 bits, so that nothing can be kept of them.
    """

    def __init__(self, rows: Iterable[tuple[Any, int | None, int, int]] = ()) -> None:
        self.ids, self._ages = array("q"), array("h")
        self.nameless: list[tuple[Any, Money]] = []
        # Sums beyond 64 bits are possible, if hardly ever seen.
        self._cents: array[int] | list[int] = array("q")
        for user_id, age, high, low in rows:
            if not isinstance(user_id, int) or not -_BEYOND <= user_id < _BEYOND:
                self.nameless.append((user_id, Money(high * PART + low)))
                continue
            self.ids.append(user_id)
            self._ages.append(-1 if age is None else age)
            try:
                self._cents.append(high * PART + low)
            except OverflowError:
                self._cents = [*self._cents, high * PART + low]

    def __len__(self) -> int:
        return len(self.ids) + len(self.nameless)

    def __iter__(self) -> Iterator[tuple[Any, Money]]:
        return chain(self.known(), self.nameless)

    def known(self) -> Iterator[tuple[int, Money]]:
        """All but the nameless, by id."""
        return ((user_id, Money(cents)) for user_id, cents in zip(self.ids, self._cents, strict=True))

    def of(self, user_id: int) -> Money:
        """What a customer spent; nothing, when that is nobody's id."""
        place = self._place(user_id)
        return NOTHING if place is None else Money(self._cents[place])

    def age_of(self, user_id: int) -> int | None:
        """A spender's age in whole years; None when it is unknown, or that is no spender's id."""
        place = self._place(user_id)
        return None if place is None or self._ages[place] < 0 else self._ages[place]

    def by_age(self) -> Iterator[tuple[int | None, int]]:
        """Each spender's age and cents; of the nameless the age is not kept, and they are left out."""
        for age, cents in zip(self._ages, self._cents, strict=True):
            yield (None if age < 0 else age), cents

    def above(self, threshold: Money) -> Iterator[tuple[int, Money]]:
        """Those who exceed the threshold, by id; without the nameless."""
        for user_id, cents in zip(self.ids, self._cents, strict=True):
            if cents > threshold.cents:
                yield user_id, Money(cents)

    def _place(self, user_id: int) -> int | None:
        place = bisect_left(self.ids, user_id)
        return place if place < len(self.ids) and self.ids[place] == user_id else None


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


@dataclass(frozen=True, slots=True)
class GroupRow:
    """All customers of one age group; None is none of them.

    Attributes:
        median: of what its spenders spent, the mean of the middle two when their number is even, rounded half
            up; None without spenders.
        largest: what the one who spent most did.
    """

    group: str | None
    customers: int
    spenders: int
    payments: int
    total: Money
    median: Money | None
    largest: Money | None


@dataclass(frozen=True, slots=True)
class SpendingByGroup:
    """As `SpendingByAge`; `rows` by group as the shop has them, then those in none."""

    rows: tuple[GroupRow, ...]
    ignored_payments: int
    orphan_payments: int


def groups_of(found: Iterable[Any], groups: Iterable[AgeGroup]) -> SpendingByGroup:
    """Put the rows of `statements.spending_by_group` together."""
    middles: dict[str | None, tuple[Money, Money]] = {}

    def without_middles() -> Iterator[Any]:
        for kind, group, customers, spenders, payments, middle, largest, high, low in found:
            if kind == "paid":
                middles[group] = _median(middle, largest)
            yield kind, group, customers, spenders, payments, high, low

    sums, ignored, orphans = _sums(without_middles())
    rows = []
    for name in (*(group.name for group in groups), None):
        customers, spenders, paid, cents = sums.get(name, (0, 0, 0, 0))
        median, largest = middles.get(name, (None, None))
        rows.append(GroupRow(name, customers, spenders, paid, Money(cents), median, largest))
    return SpendingByGroup(tuple(rows), ignored, orphans)


def _median(middle: str, largest: int | None) -> tuple[Money, Money]:
    """The median of the sums in a text, and the largest, which is among them when it is not known."""
    ordered = sorted(_sums_in(middle))
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return Money(low + high).average(2), Money(ordered[-1] if largest is None else int(largest))


def _sums_in(text: str) -> Iterator[int]:
    """The sums, piece by piece: of millions, a text for each would take more than all else."""
    read = _cents if ":" in text else int
    begin = 0
    while begin < len(text):
        end = text.find(",", begin + _PIECE)
        end = len(text) if end < 0 else end
        yield from map(read, text[begin:end].split(","))
        begin = end + 1


def _cents(text: str) -> int:
    high, _, low = text.rpartition(":")
    return int(high or 0) * PART + int(low)


def spending_of(found: Iterable[Any]) -> SpendingByAge:
    """Put the rows of `statements.spending_by_age` together."""
    sums, ignored, orphans = _sums(found)
    rows = tuple(
        AgeRow(age, customers, spenders, paid, Money(cents))
        for age, (customers, spenders, paid, cents) in sorted(
            sums.items(), key=lambda item: (item[0] is None, item[0])
        )
    )
    return SpendingByAge(rows, ignored_payments=ignored, orphan_payments=orphans)


def _sums(found: Iterable[Any]) -> tuple[dict[Any, list[int]], int, int]:
    """Customers, spenders, payments and cents by age or group; how many payments are ignored, or orphans."""
    sums: defaultdict[Any, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    payments = counted = orphans = 0
    for kind, key, *counts, high, low in found:
        match kind:
            case "all":
                payments += counts[2]
            case "orphan":
                orphans += counts[2]
                counted += counts[2]
            case _:
                counted += counts[2]
                row = (*counts, high * PART + low)
                sums[key] = [before + more for before, more in zip(sums[key], row, strict=True)]
    return sums, payments - counted, orphans


def totals_of(found: Iterable[Any]) -> dict[int, CustomerTotal]:
    """Put the rows of `statements.totals_spent` together."""
    known: set[int] = set()
    paid: dict[int, CustomerTotal] = {}
    for kind, user_id, payments, high, low in found:
        if kind == "customer":
            known.add(int(user_id))
        else:
            paid[int(user_id)] = CustomerTotal(int(user_id), Money(high * PART + low), payments)
    return {user_id: paid.get(user_id) or CustomerTotal(user_id, NOTHING, 0) for user_id in known}
