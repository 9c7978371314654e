"""Who gets a voucher of a campaign, and whom the budget leaves out: reckoned, nothing written."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from smetka.bonus.campaigns import Campaign, Issue
from smetka.bonus.customer_lists import of_standings
from smetka.bonus.lists import Due, chunks_of
from smetka.bonus.rules import Rules
from smetka.bonus.stored import bonus_customer
from smetka.core.money import NOTHING, Money
from smetka.core.progress import Count, unseen
from smetka.ledger import Ledger, Spent
from smetka.storage import Storage
from smetka.storage.standings import standings
from smetka.storage.values import money
from smetka.storage.walk import records

_DECIDED, _DECISION = ("approved", "rejected"), ("user_id", "total_spending", "review")
_IDS = 64
_HALF = 2**63


@dataclass(slots=True)
class Decided:
    """What people decided about customers who are stored for the year's bonus."""

    approved: dict[int, Money] = field(default_factory=dict)
    rejected: set[int] = field(default_factory=set)


@dataclass(slots=True)
class There:
    """The vouchers of a campaign that are there already, and those of a list that was begun.

    Void ones cost nothing, and are not issued anew.

    Attributes:
        begun, begun_cost: those that the list of an issue promises and that are not written yet;
            `vouchers` and `cost` have them too.
    """

    user_ids: array[int]
    vouchers: int
    cost: Money
    begun: int = 0
    begun_cost: Money = NOTHING

    def has(self, user_id: int) -> bool:
        """Whether this customer has one, void or not."""
        place = bisect_left(self.user_ids, user_id)
        return place < len(self.user_ids) and self.user_ids[place] == user_id


class Entitled:
    """All who are due a voucher, in the order in which they get it: the total descending, then the id.

    As one number each, which sorts as they do: 48 bytes instead of a tuple of 200.
    """

    def __init__(self, rules: Rules, spent: Spent, decided: Decided) -> None:
        self._rules, self._approved = rules, decided.approved
        self._ranks = [_rank(i, total.cents) for i, total in exceeding(rules.threshold, spent, decided)]
        self._ranks.sort()

    def __len__(self) -> int:
        return len(self._ranks)

    def __iter__(self) -> Iterator[Due]:
        return map(self._due, self._ranks)

    def _due(self, rank: int) -> Due:
        user_id = (rank & (2**_IDS - 1)) - _HALF
        total = Money(-(rank >> _IDS))
        return Due(user_id, total, self._rules.value_for(total), self._approved.get(user_id) == total)


def exceeding(threshold: Money, spent: Spent, decided: Decided) -> Iterator[tuple[int, Money]]:
    """Who exceeds a threshold, and with what: the ledger's total or an approved one, whichever is larger."""
    for user_id, total in spent.above(threshold):
        if user_id not in decided.rejected:
            yield user_id, max(total, decided.approved.get(user_id, NOTHING))
    for user_id, total in decided.approved.items():
        if total > threshold >= spent.of(user_id):
            yield user_id, total


def _rank(user_id: int, cents: int) -> int:
    return (-cents << _IDS) + user_id + _HALF


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the budget ends: `first_out` is the first who does not fit. All None when everybody does.

    Attributes:
        last_in: who got the last voucher, now or before.
    """

    last_in: Due | None
    first_out: Due | None

    @property
    def is_a_tie(self) -> bool:
        """Whether only the smaller id made the difference."""
        return bool(self.last_in and self.first_out and self.last_in.total == self.first_out.total)


@dataclass(slots=True)
class Plan:
    """A campaign, reckoned: iterate `new` once, to its end, and `cut` tells what was left out."""

    campaign: Campaign
    spent: Spent
    decided: Decided
    there: There
    entitled: Entitled
    cut: Cut = Cut(None, None)

    def new(self) -> Iterator[Due]:
        """Those who get a voucher now, until the first whose does not fit."""
        rules = self.campaign.rules
        vouchers, cost = self.there.vouchers, self.there.cost
        last_in = None
        for due in self.entitled:
            if self.there.has(due.user_id):
                last_in = due
                continue
            vouchers, cost = vouchers + 1, cost + due.value
            too_dear = rules.budget is not None and cost > rules.budget
            too_many = rules.most_vouchers is not None and vouchers > rules.most_vouchers
            if too_dear or too_many:
                self.cut = Cut(last_in, due)
                return
            last_in = due
            yield due
        self.cut = Cut(last_in, None)

    def comes_to(self) -> tuple[int, Money]:
        """How many vouchers there are in the end, and what they cost; instead of iterating `new`."""
        vouchers, cents = self.there.vouchers, self.there.cost.cents
        for due in self.new():
            vouchers, cents = vouchers + 1, cents + due.value.cents
        return vouchers, Money(cents)

    def left_out(self) -> Iterator[Due]:
        """Those who are due and are not reached; after `new` came to its end."""
        is_out = False
        for due in self.entitled:
            is_out = is_out or due == self.cut.first_out
            if is_out and not self.there.has(due.user_id):
                yield due


def plan(campaign: Campaign, ledger: Ledger, storage: Storage, count: Count | None = None) -> Plan:
    """Work out a campaign by the ledger as it is, what was decided, and vouchers that are there or begun.

    Due are those whose total of the year exceeds the threshold, by the ledger or by a submission that
    was approved, whichever is larger; nobody who was rejected.

    Raises:
        LedgerUnavailable, BonusStoreUnavailable: either cannot be read.
        BonusStoreUnusable: a part of the list that was begun is gone.
    """
    spent = ledger.spending_by_customer(campaign.rules.year)
    decisions = decided(storage, campaign.rules.year)
    return Plan(
        campaign=campaign,
        spent=spent,
        decided=decisions,
        there=there(storage, campaign, count or Count(unseen)),
        entitled=Entitled(campaign.rules, spent, decisions),
    )


def decided(storage: Storage, year: int) -> Decided:
    """What people decided about a year's bonus, by a look at every record of it.

    Raises:
        BonusStoreUnavailable: MongoDB is away.
    """
    query = {"year": year, "review": {"$in": list(_DECIDED)}}
    return _decisions(records(storage, "bonus_customers", query, _DECISION))


def decided_as_listed(storage: Storage, year: int) -> Decided:
    """The same as lists tell it: at once, however many are stored. Vouchers are issued by the other.

    Raises:
        BonusStoreUnavailable: MongoDB is away.
    """
    fit = [each for review in _DECIDED for each in standings(review=review)]
    return _decisions(of_standings(storage, year, fit, (*_DECISION, "total_cents")))


def _decisions(found: Iterable[dict[str, Any]]) -> Decided:
    decisions = Decided()
    for record in found:
        if record["review"] == "approved":
            decisions.approved[int(record["user_id"])] = money(record["total_spending"])
        else:
            decisions.rejected.add(int(record["user_id"]))
    return decisions


def waiting_without_spending(storage: Storage, year: int) -> int:
    """How many wait for a decision who spent nothing in the bonus's year, when the ledger was asked last.

    Raises:
        BonusStoreUnavailable: MongoDB is away.
    """
    waiting = of_standings(storage, year, standings(review="pending"))
    return sum(bonus_customer(record).year_total == NOTHING for record in waiting)


def there(storage: Storage, campaign: Campaign, count: Count) -> There:
    """The vouchers of a campaign that are there, and those that its unfinished list promises.

    Raises:
        BonusStoreUnavailable: MongoDB is away.
        BonusStoreUnusable: a part of that list is gone.
    """
    user_ids, vouchers, cents = array("q"), 0, 0
    kept = records(storage, "vouchers", {"campaign": campaign.name}, ("user_id", "value", "status"))
    for record in count.over(kept):
        user_ids.append(int(record["user_id"]))
        if record["status"] != "void":
            vouchers, cents = vouchers + 1, cents + money(record["value"]).cents
    found = There(user_ids, vouchers, Money(cents))
    return found if campaign.issued or campaign.issue is None else _with_begun(storage, found, campaign.issue)


def _with_begun(storage: Storage, written: There, issue: Issue) -> There:
    missing = [
        (due.user_id, due.value)
        for dues in chunks_of(storage, issue)
        for due in dues
        if not written.has(due.user_id)
    ]
    cost = sum((value for _, value in missing), NOTHING)
    return There(
        array("q", sorted((*written.user_ids, *(user_id for user_id, _ in missing)))),
        written.vouchers + len(missing),
        written.cost + cost,
        len(missing),
        cost,
    )
