"""What a campaign would cost and whom it would reach, with what a careful person would want to know."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from smetka.bonus.campaigns import Campaign
from smetka.bonus.customer_lists import of_standings
from smetka.bonus.lists import Due
from smetka.bonus.plan import Plan, exceeding, plan
from smetka.bonus.rules import other_thresholds, smallest_near_miss
from smetka.bonus.warnings import (
    Sum,
    Undecided,
    Words,
    warnings_of_records,
    warnings_of_the_ledger,
    warnings_of_the_plan,
)
from smetka.core.age_groups import AgeGroup, name_of_group
from smetka.core.money import NOTHING, Money
from smetka.core.progress import Count, Progress, unseen
from smetka.ledger import Ledger
from smetka.settings import Language
from smetka.storage import Storage
from smetka.storage.standings import standings
from smetka.storage.values import money

SHOWN = 10
"""Customers named in each list: those concerned most."""


def comes_to(found: Mapping[str, Any]) -> tuple[int, Money]:
    """Whom a preview reaches, and what they cost, within the budget."""
    return found["customers_reached"], Money.from_decimal(Decimal(found["cost_within_budget"]))


def preview(
    campaign: Campaign,
    ledger: Ledger,
    storage: Storage,
    *,
    groups: Sequence[AgeGroup],
    now: datetime,
    language: Language = "en",
    progress: Progress = unseen,
) -> dict[str, Any]:
    """The campaign as an issue of this moment would make it; writes nothing.

    `customers_due` and `cost` are without regard to the budget, `customers_reached` and
    `cost_within_budget` with it and with the vouchers that are there already or that the list of an
    interrupted issue promises.

    Raises:
        LedgerUnavailable, BonusStoreUnavailable: either cannot be read.
        BonusStoreUnusable: a part of the list of an interrupted issue is gone.
    """
    count = Count(progress)
    found, words = plan(campaign, ledger, storage, count), Words(language, campaign.currency)
    due, by_tier, by_age = Sum(), _by_tier(campaign), _by_age(groups)
    for each in count.over(found.entitled):
        due.add(each)
        by_tier[each.value].add(each)
        by_age[name_of_group(found.spent.age_of(each.user_id), groups)].add(each)
    there = found.there
    reached = Sum(there.vouchers, there.cost)
    for each in found.new():
        reached.add(each)
    left_out, first_out = _counted(found.left_out())
    tie = _tie(found)
    undecided = _undecided(storage, found, count)
    return {
        **campaign.as_json(),
        "customers_due": due.customers,
        "cost": due.cost.number,
        "customers_reached": reached.customers,
        "cost_within_budget": reached.cost.number,
        "already_issued": (
            Sum(there.vouchers - there.begun, Money(there.cost.cents - there.begun_cost.cents)).as_json()
        ),
        "begun": Sum(there.begun, there.begun_cost).as_json(),
        "left_out": {**left_out.as_json(), "first": [_due_json(each) for each in first_out]},
        "tie": tie,
        "by_tier": _tiers_json(campaign, by_tier),
        "by_age_group": [{"age_group": name, **each.as_json()} for name, each in by_age.items()],
        "near_misses": _near_misses(found),
        "other_thresholds": _other_thresholds(found),
        "submissions": {
            "approved": len(found.decided.approved),
            "rejected": len(found.decided.rejected),
            "waiting": undecided.waiting,
            "without_spending": undecided.without_spending,
            "mismatching": undecided.mismatching,
        },
        "warnings": [
            *warnings_of_the_plan(found, due, (left_out, first_out), words, tie=tie, now=now),
            *warnings_of_records(found, undecided, words),
            *warnings_of_the_ledger(found, ledger, words),
        ],
    }


def _undecided(storage: Storage, found: Plan, count: Count) -> Undecided:
    rules, undecided = found.campaign.rules, Undecided()
    # Those collected and left in peace are in the ledger's own figures.
    fit = {*standings()} - {*standings(source="collected", review="none")}
    for record in count.over(of_standings(storage, rules.year, fit)):
        user_id, total = int(record["user_id"]), money(record["total_spending"])
        undecided.mismatching += not record["matches_ledger"]
        is_open = record["review"] in {"none", "pending"}
        in_year = found.spent.of(user_id)
        is_waiting = is_open and total > rules.threshold >= in_year
        undecided.waiting += is_waiting
        undecided.without_spending += is_waiting and in_year == NOTHING
    return undecided


def _by_tier(campaign: Campaign) -> dict[Money, Sum]:
    rules = campaign.rules
    return {value: Sum() for value in (rules.voucher_value, *(tier.value for tier in rules.tiers))}


def _tiers_json(campaign: Campaign, by_tier: dict[Money, Sum]) -> list[dict[str, Any]]:
    rules = campaign.rules
    bounds = (rules.threshold, *(tier.above for tier in rules.tiers))
    return [
        {"above": above.number, "voucher_value": value.number, **each.as_json()}
        for above, (value, each) in zip(bounds, by_tier.items(), strict=True)
    ]


def _by_age(groups: Sequence[AgeGroup]) -> dict[str | None, Sum]:
    return {group.name: Sum() for group in groups} | {None: Sum()}


def _counted(dues: Iterable[Due]) -> tuple[Sum, list[Due]]:
    """The sum, and the first few."""
    total = Sum()
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
    smallest = smallest_near_miss(threshold)
    near = (
        (user_id, total)
        for user_id, total in found.spent
        if smallest <= total <= threshold and total > NOTHING
    )
    count, nearest = 0, []
    for user_id, total in near:
        count += 1
        if not isinstance(user_id, int):
            continue  # counted, but nothing can be asked about such an id
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
    """How many would be due, and what that would cost, were the threshold another."""
    rules = found.campaign.rules
    others = other_thresholds(rules.threshold)
    sums = {other: Sum() for other in others}
    lowest = others[0] if others else rules.threshold
    for user_id, total in exceeding(lowest, found.spent, found.decided):
        due = Due(user_id, total, rules.value_for(total), approved=False)
        for other in others:
            if total <= other:
                break
            sums[other].add(due)
    return [
        {"threshold": other.number, "customers_due": each.customers, "cost": each.cost.number}
        for other, each in sums.items()
    ]
