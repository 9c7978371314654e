"""The planner counts; a campaign lists. Both come to the same."""

from __future__ import annotations

import random
from array import array
from datetime import UTC, date, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smetka.bonus.campaigns import Campaign, Campaigns
from smetka.bonus.due import due
from smetka.bonus.plan import Decided, Entitled, Plan, There, decided
from smetka.bonus.planner import Planner
from smetka.bonus.preview import preview
from smetka.bonus.rules import OTHER_THRESHOLDS, Rules
from smetka.core.money import NOTHING, Money
from smetka.ledger import Ledger, Spent
from smetka.ledger.values import PART
from smetka.spending.ranking import Order, Ranking

FIRST, LAST = date(2026, 11, 1), date(2027, 1, 31)

# Few different amounts, so that totals lie on the threshold, a cent beside it, and on each other.
CENTS = st.one_of(
    st.sampled_from([0, 1, 89_99, 90_00, 99_99, 100_00, 100_01, 500_00]), st.integers(-200_00, 2**70)
)
IDS = st.integers(1, 30)
THRESHOLDS = st.one_of(st.sampled_from([0, 1, 99_99, 100_00, 100_01]), st.integers(0, 10**6))
BUDGETS = st.none() | st.sampled_from([0, 1, 99, 100, 100_00]) | st.integers(0, 10**5)


def campaign_of(threshold, value, budget):
    rules = Rules("plan", 2026, threshold, value, FIRST, LAST, budget=budget)
    made = datetime(2026, 11, 1, tzinfo=UTC)
    return Campaign(rules, "Europe/Skopje", "MKD", made, 0, None, issued=True, secret=b"")


def walked(spent, decisions, threshold, value, budget):
    """(due, their cost, reached, their cost) as a campaign finds them, one by one."""
    campaign = campaign_of(threshold, value, budget)
    entitled = Entitled(campaign.rules, spent, decisions)
    found = Plan(campaign, spent, decisions, There(array("q"), 0, NOTHING), entitled)
    reached = list(found.new())
    assert len(reached) + len(list(found.left_out())) == len(entitled)
    return (
        len(entitled),
        sum((each.value for each in entitled), NOTHING),
        len(reached),
        sum((each.value for each in reached), NOTHING),
    )


def counted(outlook):
    return outlook.due, outlook.cost, outlook.reached, outlook.cost_within_budget


def spent_of(totals, nameless=()):
    rows = [(user_id, 30, *divmod(cents, PART)) for user_id, cents in sorted(totals.items())]
    return Spent([*rows, *((name, None, *divmod(cents, PART)) for name, cents in nameless)])


@given(
    totals=st.dictionaries(IDS, CENTS, max_size=20),
    nameless=st.lists(st.tuples(st.sampled_from(["abc", 2.5, b"3"]), CENTS), max_size=3),
    decisions=st.dictionaries(IDS, st.tuples(st.booleans(), CENTS), max_size=8),
    threshold=THRESHOLDS,
    value=st.sampled_from([1, 99, 100, 500_00]),
    budget=BUDGETS,
)
@example({1: 100_00}, [("abc", 500_00)], {1: (True, 100_01)}, 100_00, 100, 99)
@example({1: 500_00, 2: 500_00}, [], {1: (False, 0), 2: (True, 90_00)}, 100_00, 100, None)
@example({}, [], {}, 0, 1, 0)
def test_an_outlook_is_what_a_campaign_would_come_to(totals, nameless, decisions, threshold, value, budget):
    spent = spent_of(totals, nameless)
    decisions_ = Decided(
        {user_id: Money(cents) for user_id, (is_approved, cents) in decisions.items() if is_approved},
        {user_id for user_id, (is_approved, _) in decisions.items() if not is_approved},
    )
    planner = Planner(Ranking.of(spent), spent, decisions_)
    terms = Money(threshold), Money(value), None if budget is None else Money(budget)

    assert counted(planner.outlook(*terms)) == walked(spent, decisions_, *terms)
    entitled = Entitled(campaign_of(*terms).rules, spent, decisions_)
    assert list(planner.due(Order(spent), *terms[:2])) == list(entitled)

    around = list(planner.around(*terms))
    others = {threshold * each // 100 for each in OTHER_THRESHOLDS}
    assert [each.threshold.cents for each in around] == sorted({threshold, *others})
    for each in around:
        assert counted(each) == walked(spent, decisions_, each.threshold, *terms[1:])


@given(totals=st.dictionaries(IDS, CENTS, max_size=20), threshold=THRESHOLDS)
def test_near_misses_spent_nine_tenths_and_do_not_exceed(totals, threshold):
    spent = spent_of(totals, [("abc", 95_00)])
    planner = Planner(Ranking.of(spent), spent, Decided())
    near = [
        cents
        for cents in [*totals.values(), 95_00]
        if cents > 0 and cents * 10 >= threshold * 9 and cents <= threshold
    ]

    assert planner.near_misses(Money(threshold)) == len(near)


@pytest.mark.parametrize("seed", range(4))
def test_a_plan_of_a_real_shop_is_what_its_preview_says(make_ledger, storage, clock, customers, seed):
    chance = random.Random(seed)
    # Text ids, as some shops have them: not every one is a number.
    schema = (
        "CREATE TABLE user_info (user_id TEXT PRIMARY KEY, name TEXT, email TEXT, age INTEGER);"
        "CREATE TABLE user_spending (user_id TEXT, money_spent REAL, year INTEGER);"
    )
    ids = [*map(str, range(1, 60)), "abc", "7b"]
    payments = [(each, chance.choice([899.99, 900, 1000, 1000.01, 2500, -5.05]), 2026) for each in ids[:50]]
    payments += [("abc", 2500, 2026), ("7b", 900, 2026), ("1", 50_000, 2025), ("nobody", 9999, 2026)]
    ledger = Ledger(str(make_ledger([(each, "n", "e", 30) for each in ids], payments, schema=schema)))
    threshold, value = Money(1000_00), Money(500_00)
    for user_id in chance.sample(range(1, 70), 30):
        total = Money(chance.choice([900_00, 1000_00, 1000_01, 7000_00]))
        customers.store(user_id, 2026, total, threshold=threshold, ledger_total=NOTHING)
        if (decision := chance.choice(["approved", "rejected", None])) is not None:
            customers.decide(2026, user_id, decision)
    customers.store(2, 2025, Money(9000_00), threshold=threshold, ledger_total=NOTHING)
    customers.decide(2025, 2, "rejected")
    by_ledger = due(ledger, 2026, threshold)
    over = [(total, int(each)) for each, total, year in payments[:50] if total > 1000 and year == 2026]
    assert by_ledger.customers == len(over)
    assert [user_id for user_id, _ in by_ledger.largest] == [
        user_id for _, user_id in sorted(over, key=lambda one: (-one[0], one[1]))[:10]
    ]
    spent, decisions = ledger.spending_by_customer(2026), decided(storage, 2026)
    planner = Planner(Ranking.of(spent), spent, decisions)

    for budget in (None, Money(0), Money(499_99), Money(4750_00)):
        name = f"budget-{budget}"
        rules = Rules(name, 2026, threshold, value, FIRST, LAST, budget=budget)
        made, _ = Campaigns(storage, now=clock).create(rules, timezone="Europe/Skopje", currency="MKD")
        told = preview(made, ledger, storage, groups=(), now=clock())
        outlook = planner.outlook(threshold, value, budget)
        assert (outlook.due, outlook.cost.number) == (told["customers_due"], told["cost"])
        assert (outlook.reached, outlook.cost_within_budget.number) == (
            told["customers_reached"],
            told["cost_within_budget"],
        )
        assert planner.near_misses(threshold) == told["near_misses"]["customers"]
        beside = [each for each in planner.around(threshold, value, budget) if each.threshold != threshold]
        assert [
            {"threshold": each.threshold.number, "customers_due": each.due, "cost": each.cost.number}
            for each in beside
        ] == told["other_thresholds"]
        assert outlook.due > 5
    ledger.close()
