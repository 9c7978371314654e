"""What a campaign would cost and whom it would reach, with what a careful person would want to know."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from smetka.age_groups import AgeGroup
from smetka.bonus.campaigns import Campaign
from smetka.bonus.plan import Due, Plan, plan
from smetka.ledger import Ledger
from smetka.money import NOTHING, Money, grouped
from smetka.storage import Storage
from smetka.storage.values import money
from smetka.storage.walk import records

SHOWN = 10
"""Customers named in each list: those concerned most."""

NEAR_TENTHS = 9
"""A near miss spent at least nine tenths of the threshold, and does not exceed it."""

ALMOST_ALL_TENTHS = 9
"""A threshold that so many tenths of the spenders exceed selects hardly anybody."""

_OTHER_THRESHOLDS = (25, 50, 75, 125, 150, 200, 300, 500)
"""In hundredths of the campaign's own."""


@dataclass(slots=True)
class _Undecided:
    """Records that nobody has decided about.

    Attributes:
        waiting: how many exceed the threshold by the stored total, and not by the ledger's.
        mismatching: how many differ from what the ledger said then, decided ones included.
    """

    waiting: int = 0
    mismatching: int = 0


@dataclass(slots=True)
class _Sum:
    """Vouchers, counted and added up."""

    customers: int = 0
    cost: Money = NOTHING

    def add(self, due: Due) -> None:
        self.customers += 1
        self.cost += due.value

    def as_json(self) -> dict[str, Any]:
        return {"customers": self.customers, "cost": self.cost.number}


def preview(
    campaign: Campaign,
    ledger: Ledger,
    storage: Storage,
    *,
    groups: Sequence[AgeGroup],
    now: datetime,
) -> dict[str, Any]:
    """The campaign as an issue of this moment would make it; writes nothing.

    `customers_due` and `cost` are without regard to the budget, `customers_reached` and
    `cost_within_budget` with it and with the vouchers that are there already.

    Raises:
        LedgerUnavailable, BonusStoreUnavailable: either cannot be read.
    """
    found = plan(campaign, ledger, storage)
    due, by_tier, by_age = _Sum(), _by_tier(campaign), _by_age(groups)
    for each in found.entitled:
        due.add(each)
        by_tier[each.value].add(each)
        by_age[_group(groups, found.spent.age_of(each.user_id))].add(each)
    reached = _Sum(found.there.vouchers, found.there.cost)
    for each in found.new():
        reached.add(each)
    left_out, first_out = _counted(found.left_out())
    undecided = _undecided(storage, found)
    return {
        **campaign.as_json(),
        "customers_due": due.customers,
        "cost": due.cost.number,
        "customers_reached": reached.customers,
        "cost_within_budget": reached.cost.number,
        "already_issued": {"customers": found.there.vouchers, "cost": found.there.cost.number},
        "left_out": {**left_out.as_json(), "first": [_due_json(each) for each in first_out]},
        "tie": _tie(found),
        "by_tier": _tiers_json(campaign, by_tier),
        "by_age_group": [{"age_group": name, **each.as_json()} for name, each in by_age.items()],
        "near_misses": _near_misses(found),
        "other_thresholds": _other_thresholds(found),
        "submissions": {
            "approved": len(found.decided.approved),
            "rejected": len(found.decided.rejected),
            "waiting": undecided.waiting,
            "mismatching": undecided.mismatching,
        },
        "warnings": [
            *_warnings_of_the_plan(found, due, (left_out, first_out), now),
            *_warnings_of_records(found, undecided),
            *_warnings_of_the_ledger(found, ledger),
        ],
    }


def _undecided(storage: Storage, found: Plan) -> _Undecided:
    rules, undecided = found.campaign.rules, _Undecided()
    # Those collected and left in peace are in the ledger's own figures. Two walks: asked for by $or or
    # $nor, the embedded server leaves the index and looks at all records for each slice.
    collected = {"source": "collected", "review": {"$in": ["pending", "approved", "rejected"]}}
    walks = (
        records(storage, "bonus_customers", {"year": rules.year, **query})
        for query in ({"source": "api"}, collected)
    )
    for record in chain.from_iterable(walks):
        user_id, total = int(record["user_id"]), money(record["total_spending"])
        undecided.mismatching += not record["matches_ledger"]
        is_open = record["review"] in {"none", "pending"}
        undecided.waiting += is_open and total > rules.threshold >= found.spent.of(user_id)
    return undecided


def _by_tier(campaign: Campaign) -> dict[Money, _Sum]:
    rules = campaign.rules
    return {value: _Sum() for value in (rules.voucher_value, *(tier.value for tier in rules.tiers))}


def _tiers_json(campaign: Campaign, by_tier: dict[Money, _Sum]) -> list[dict[str, Any]]:
    rules = campaign.rules
    bounds = (rules.threshold, *(tier.above for tier in rules.tiers))
    return [
        {"above": above.number, "voucher_value": value.number, **each.as_json()}
        for above, (value, each) in zip(bounds, by_tier.items(), strict=True)
    ]


def _by_age(groups: Sequence[AgeGroup]) -> dict[str | None, _Sum]:
    return {group.name: _Sum() for group in groups} | {None: _Sum()}


def _group(groups: Sequence[AgeGroup], age: int | None) -> str | None:
    """The name of the group of an age; None for whoever is in none."""
    return next((group.name for group in groups if age in group), None)


def _counted(dues: Iterable[Due]) -> tuple[_Sum, list[Due]]:
    """The sum, and the first few."""
    total = _Sum()
    first: list[Due] = []
    for due in dues:
        total.add(due)
        if len(first) < SHOWN:
            first.append(due)
    return total, first


def _due_json(due: Due) -> dict[str, Any]:
    return {
        "user_id": due.user_id,
        "total_spending": due.total.number,
        "voucher_value": due.value.number,
    }


def _tie(found: Plan) -> dict[str, Any] | None:
    """Who has the same total and is parted by the cut, where only the smaller id decides."""
    if not found.cut.is_a_tie or found.cut.first_out is None:
        return None
    first = found.cut.first_out
    equal = [each.user_id for each in found.entitled if each.total == first.total]
    reached = [user_id for user_id in equal if user_id < first.user_id]
    out = [user_id for user_id in equal if user_id >= first.user_id]
    return {
        "total_spending": first.total.number,
        "customers_reached": len(reached),
        "customers_left_out": len(out),
        "reached": reached[:SHOWN],
        "left_out": out[:SHOWN],
    }


def _near_misses(found: Plan) -> dict[str, Any]:
    threshold = found.campaign.rules.threshold
    near = (
        (user_id, total)
        for user_id, total in found.spent
        if total <= threshold and total.cents * 10 >= threshold.cents * NEAR_TENTHS and total > NOTHING
    )
    count, nearest = 0, []
    for user_id, total in near:
        count += 1
        nearest.append((-total.cents, user_id))
        if len(nearest) > SHOWN * 100:
            nearest = heapq.nsmallest(SHOWN, nearest)
    return {
        "customers": count,
        "nearest": [
            {
                "user_id": user_id,
                "total_spending": Money(-minus).number,
                # One cent more than the threshold is what exceeds it.
                "lacks": Money(threshold.cents + minus + 1).number,
            }
            for minus, user_id in heapq.nsmallest(SHOWN, nearest)
        ],
    }


def _other_thresholds(found: Plan) -> list[dict[str, Any]]:
    """How many would be due by the ledger, and what that would cost, were the threshold another."""
    rules = found.campaign.rules
    others = sorted({Money(rules.threshold.cents * each // 100) for each in _OTHER_THRESHOLDS})
    sums = {other: _Sum() for other in others}
    for user_id, total in found.spent:
        due = Due(user_id, total, rules.value_for(total), approved=False)
        for other in others:
            if total <= other:
                break
            sums[other].add(due)
    return [
        {"threshold": other.number, "customers_due": each.customers, "cost": each.cost.number}
        for other, each in sums.items()
    ]


def _warnings_of_the_plan(
    found: Plan, due: _Sum, left_out: tuple[_Sum, list[Due]], now: datetime
) -> list[str]:
    rules, currency = found.campaign.rules, found.campaign.currency
    warnings = []
    if now >= found.campaign.expires_at:
        warnings.append(f"The vouchers are not valid any more: their last day was {rules.last_day}.")
    spenders = len(found.spent)
    if not due.customers:
        warnings.append(
            f"Nobody is due a voucher: nobody spent more than {grouped(rules.threshold)} {currency}."
        )
    elif due.customers > 1 and due.customers * 10 >= spenders * ALMOST_ALL_TENTHS:
        warnings.append(
            f"The threshold hardly selects: {due.customers:,} of the {spenders:,} customers with a payment "
            f"in {rules.year} exceed {grouped(rules.threshold)} {currency}."
        )
    out, first_out = left_out
    if out.customers:
        warnings.append(_left_out_words(found, out, first_out))
    if (tie := _tie(found)) is not None:
        warnings.append(
            f"The cut goes through customers who spent the same, {grouped(first_out[0].total)} {currency}: "
            f"{tie['customers_reached']} of them with the smaller ids get a voucher, "
            f"{tie['customers_left_out']} do not."
        )
    return warnings


def _warnings_of_records(found: Plan, undecided: _Undecided) -> list[str]:
    warnings, year = [], found.campaign.rules.year
    if undecided.mismatching:
        warnings.append(
            f"{undecided.mismatching:,} stored totals differ from the ledger's: "
            f"`smetka bonus list --year {year} --mismatch`."
        )
    if undecided.waiting:
        warnings.append(
            f"{undecided.waiting:,} stored customers exceed the threshold by the stored total, not by the "
            f"ledger's of {year}: they get a voucher only when approved."
        )
    return warnings


def _warnings_of_the_ledger(found: Plan, ledger: Ledger) -> list[str]:
    rules, warnings = found.campaign.rules, []
    quality = ledger.spending_by_age(rules.year)
    if quality.orphan_payments:
        warnings.append(f"{quality.orphan_payments:,} payments of {rules.year} are of nobody in the ledger.")
    if quality.ignored_payments:
        warnings.append(f"{quality.ignored_payments:,} payments of {rules.year} have no usable amount.")
    if any(total > rules.threshold for _, total in found.spent.nameless):
        warnings.append(
            "Customers whose ids are not whole numbers exceed the threshold; they get no voucher."
        )
    return warnings


def _left_out_words(found: Plan, left_out: _Sum, first_out: list[Due]) -> str:
    rules, currency = found.campaign.rules, found.campaign.currency
    limits = []
    if rules.budget is not None:
        limits.append(f"the budget of {grouped(rules.budget)} {currency}")
    if rules.most_vouchers is not None:
        limits.append(f"the limit of {rules.most_vouchers:,} vouchers")
    first = first_out[0]
    return (
        f"Not everyone is reached by {' and '.join(limits)}: {left_out.customers:,} are left out, who would "
        f"cost {grouped(left_out.cost)} {currency}, the first of them customer {first.user_id} "
        f"with {grouped(first.total)} {currency}."
    )
