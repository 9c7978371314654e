"""What a bonus would cost, at once, for whatever threshold, value and budget are tried."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from smetka.bonus.lists import Due
from smetka.bonus.plan import Decided
from smetka.bonus.rules import other_thresholds, smallest_near_miss
from smetka.core.money import NOTHING, Money
from smetka.ledger import Spent


class Ranking(Protocol):
    """What each spender spent, in order; see `smetka.spending.ranking`."""

    def above(self, threshold: Money) -> int:
        """How many spent more than the threshold."""

    def between(self, low: Money, high: Money) -> int:
        """How many spent from `low` up to and with `high`."""


class Order(Protocol):
    """The same by id, who spent most first."""

    def above(self, threshold: Money) -> Iterator[tuple[int, Money]]:
        """Those who spent more than the threshold."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """Who would get a voucher at a threshold, and what that costs.

    Attributes:
        due, cost: without regard to the budget.
        reached, cost_within_budget: with it.
    """

    threshold: Money
    due: int
    cost: Money
    reached: int
    cost_within_budget: Money


class Planner:
    """Calculates by counting, not by listing: any threshold costs a few microseconds.

    It comes to what `plan.Entitled` does for a campaign without tiers and vouchers yet.
    """

    def __init__(self, ranking: Ranking, spent: Spent, decided: Decided) -> None:
        self._ranking, self._spent, self._decided = ranking, spent, decided
        # A rejected customer gets none, whatever the ledger says; nor does one without a usable id.
        self._out = [spent.of(user_id) for user_id in decided.rejected]
        self._out += [total for _, total in spent.nameless]
        self._approved = [(total, spent.of(user_id)) for user_id, total in decided.approved.items()]

    def outlook(self, threshold: Money, value: Money, budget: Money | None) -> Outlook:
        """Vouchers of one value for all who exceed the threshold, as far as the budget goes."""
        due = self._ranking.above(threshold) - sum(total > threshold for total in self._out)
        due += sum(posted > threshold >= ledger for posted, ledger in self._approved)
        reached = due if budget is None else min(due, budget.cents // value.cents)
        return Outlook(threshold, due, Money(due * value.cents), reached, Money(reached * value.cents))

    def around(self, threshold: Money, value: Money, budget: Money | None) -> Iterator[Outlook]:
        """The same for this threshold and those tried beside it, ascending."""
        for each in sorted([threshold, *other_thresholds(threshold)]):
            yield self.outlook(each, value, budget)

    def due(self, order: Order, threshold: Money, value: Money) -> Iterator[Due]:
        """Those who would get one, who spent most first, equals by id."""
        by_ledger = (
            Due(user_id, total, value, approved=False)
            for user_id, total in order.above(threshold)
            if user_id not in self._decided.rejected and user_id not in self._decided.approved
        )
        both = ((i, posted, self._spent.of(i)) for i, posted in self._decided.approved.items())
        approved = [
            Due(user_id, max(posted, ledger), value, approved=posted >= ledger)
            for user_id, posted, ledger in both
            if max(posted, ledger) > threshold
        ]
        return heapq.merge(by_ledger, sorted(approved, key=_rank), key=_rank)

    def near_misses(self, threshold: Money) -> int:
        """How many spent at least nine tenths of the threshold, and do not exceed it."""
        smallest = max(smallest_near_miss(threshold), Money(1))
        return self._ranking.between(smallest, threshold) if threshold > NOTHING else 0


def _rank(due: Due) -> tuple[int, int]:
    return -due.total.cents, due.user_id
