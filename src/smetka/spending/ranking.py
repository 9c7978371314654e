"""Customers in the order of what they spent: what half of them exceed, and how many any amount does."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from smetka.core.age_groups import OLDEST_AGE, AgeGroup, name_of_group
from smetka.core.money import NOTHING, Money
from smetka.ledger import Spent

MOST_CLASSES = 16
_ROUND = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class SpendingClass:
    """How many customers spent from `low` up to, and without, `high`; None is without a limit."""

    low: Money | None
    high: Money | None
    customers: int


class Ranking:
    """What each spender spent, ascending: 8 bytes a customer. A spender has a payment that counts."""

    def __init__(self, cents: Iterable[int]) -> None:
        ordered = sorted(cents)
        self._cents: array[int] | list[int]
        try:
            self._cents = array("q", ordered)
        except OverflowError:  # sums beyond 64 bits are possible, if hardly ever seen
            self._cents = ordered
        self.total = Money(sum(ordered))

    @classmethod
    def of(cls, spent: Spent) -> Ranking:
        """All spenders."""
        return cls(total.cents for _, total in spent)

    def __len__(self) -> int:
        return len(self._cents)

    @property
    def mean(self) -> Money | None:
        """What a spender spent on average, rounded once."""
        return self.total.average(len(self)) if len(self) else None

    @property
    def median(self) -> Money | None:
        """What the spender in the middle spent, the mean of the middle two when their number is even."""
        if not len(self):
            return None
        low, high = self._cents[(len(self) - 1) // 2], self._cents[len(self) // 2]
        return Money(low + high).average(2)

    @cached_property
    def top_tenth(self) -> tuple[int, Money]:
        """How many the spenders are who spent most, a tenth rounded up, and what they spent together."""
        tenth = -(-len(self) // 10)
        return tenth, Money(sum(self._cents[len(self) - tenth :]))

    def above(self, threshold: Money) -> int:
        """How many spent more than the threshold."""
        return len(self) - bisect_right(self._cents, threshold.cents)

    def total_above(self, threshold: Money) -> Money:
        """What those who spent more than the threshold spent together."""
        return Money(sum(self._cents[bisect_right(self._cents, threshold.cents) :]))

    def between(self, low: Money, high: Money) -> int:
        """How many spent from `low` up to and with `high`."""
        return max(bisect_right(self._cents, high.cents) - bisect_left(self._cents, low.cents), 0)

    def place(self, total: Money) -> int:
        """The rank of who spent this much: 1 for who spent most; equals share it."""
        return self.above(total) + 1

    def classes(self, threshold: Money) -> list[SpendingClass]:
        """The spenders sorted into at most `MOST_CLASSES` classes of one round width.

        The classes reach as far as nine tenths of the spenders, and past the threshold where that is not
        far beyond; the last holds all who spent more, and one before them all those below nothing.
        """
        if not len(self):
            return []
        most = max(self._cents[len(self) * 9 // 10], 1)
        if threshold.cents <= most * 2:
            most = max(most, threshold.cents + threshold.cents // 4)
        width = _width(most)
        number = max(-(-most // width), 1)
        bounds = [Money(width * place) for place in range(number + 1)]
        places = [bisect_left(self._cents, bound.cents) for bound in bounds]
        found = [
            SpendingClass(low, high, end - begin)
            for low, high, begin, end in zip(bounds, bounds[1:], places, places[1:], strict=False)
        ]
        if places[0]:
            found.insert(0, SpendingClass(None, NOTHING, places[0]))
        if places[-1] < len(self):
            found.append(SpendingClass(bounds[-1], None, len(self) - places[-1]))
        return found


class Order:
    """Spenders by their ids, who spent most first, equals by id: 16 bytes each; without the nameless."""

    def __init__(self, spent: Spent) -> None:
        ordered = sorted((-total.cents, user_id) for user_id, total in spent.known())
        self._ids = array("q", (user_id for _, user_id in ordered))
        self._minus: array[int] | list[int] = [minus for minus, _ in ordered]
        with suppress(OverflowError):  # sums beyond 64 bits are possible, if hardly ever seen
            self._minus = array("q", self._minus)

    def above(self, threshold: Money) -> Iterator[tuple[int, Money]]:
        """Those who spent more than the threshold."""
        end = bisect_left(self._minus, -threshold.cents)
        return ((self._ids[place], Money(-self._minus[place])) for place in range(end))


def by_age_group(spent: Spent, groups: Sequence[AgeGroup]) -> dict[str | None, Ranking]:
    """The spenders of each age group; under None those of none."""
    names = {age: name_of_group(age, groups) for age in range(OLDEST_AGE + 1)}
    found: dict[str | None, list[int]] = {name: [] for name in (*(group.name for group in groups), None)}
    for age, cents in spent.by_age():
        found[None if age is None else names[age]].append(cents)
    return {name: Ranking(cents) for name, cents in found.items()}


def _width(most: int) -> int:
    """The smallest round width, in cents, of which few enough reach so far."""
    power = 100
    while True:
        for digit in _ROUND:
            if most <= digit * power * (MOST_CLASSES - 2):
                return digit * power
        power *= 10
