"""Issuing: whom a plain reckoning names, whatever breaks, repeats or races."""

from __future__ import annotations

import random
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from smetka.bonus import codes, issuing
from smetka.bonus.audit import Audit
from smetka.bonus.campaigns import Campaigns, Issue
from smetka.bonus.issuing import Issuing
from smetka.bonus.redemptions import Order, Redemptions
from smetka.bonus.rules import Rules, Tier
from smetka.bonus.vouchers import of_campaign
from smetka.core.errors import BonusStoreUnavailable, BonusStoreUnusable
from smetka.core.money import Money
from smetka.ledger import Ledger

NAME = "year-end-2026"
THRESHOLD = Money(1000_00)
TIERS = (Tier(Money(3000_00), Money(250_00)), Tier(Money(5000_00), Money(700_00)))


def spending(seed=1):
    """Payments of 90 customers in 2026, in cents: many totals come several times, some fall by refunds."""
    chance = random.Random(seed)
    payments = []
    for user_id in range(1, 91):
        payments += [(user_id, chance.randrange(0, 20) * 100_00)] * chance.randrange(1, 5)
        payments.append((user_id, chance.choice([0, 1, -1, 50, -500_00])))
    return payments


@pytest.fixture
def payments():
    return spending()


@pytest.fixture
def shop(make_ledger, payments):
    customers = [(n, f"Customer {n}", f"{n}@example.com", 18 + n % 60) for n in range(1, 91)]
    ledger = Ledger(
        str(make_ledger(customers, [(user_id, cents / 100, 2026) for user_id, cents in payments]))
    )
    yield ledger
    ledger.close()


@pytest.fixture(autouse=True)
def _short_chunks(monkeypatch):
    monkeypatch.setattr(issuing, "CHUNK", 7)


@pytest.fixture
def campaigns(storage, clock):
    return Campaigns(storage, now=clock)


@pytest.fixture
def create(campaigns):
    def create(**changes):
        chosen = {
            "name": NAME,
            "year": 2026,
            "threshold": THRESHOLD,
            "voucher_value": Money(100_00),
            "first_day": date(2026, 11, 1),
            "last_day": date(2027, 1, 31),
            "tiers": TIERS,
            **changes,
        }
        return campaigns.create(Rules(**chosen), timezone="Europe/Skopje", currency="MKD")[0]

    return create


@pytest.fixture
def issue(shop, storage, clock):
    return lambda: Issuing(shop, storage, now=clock).issue(NAME, "owner")


@pytest.fixture
def held(storage):
    """A function that tells who holds vouchers: (customer, value in cents), by customer."""
    return lambda: [(one.user_id, one.value.cents) for one in of_campaign(storage, NAME)]


@pytest.fixture
def pay(shop, payments):
    def pay(user_id, cents):
        payments.append((user_id, cents))
        with sqlite3.connect(shop.path) as ledger:
            ledger.execute("INSERT INTO user_spending VALUES (?, ?, 2026)", (user_id, cents / 100))
        ledger.close()

    return pay


def oracle(payments, *, budget=None, most=None, there=()):
    """Who holds a voucher in the end, reckoned the plain way; `there` held theirs before."""
    totals = {}
    for user_id, cents in payments:
        totals[user_id] = totals.get(user_id, 0) + cents
    result = dict(there)
    for total, user_id in sorted((-total, user_id) for user_id, total in totals.items()):
        total = -total
        if total <= THRESHOLD.cents or user_id in result:
            continue
        value = 700_00 if total > 5000_00 else 250_00 if total > 3000_00 else 100_00
        if budget is not None and sum(result.values()) + value > budget:
            break
        if most is not None and len(result) + 1 > most:
            break
        result[user_id] = value
    return sorted(result.items())


@pytest.mark.parametrize("seed", range(1, 5))
@pytest.mark.parametrize(
    "limits",
    [{}, {"budget": 0}, {"budget": 5000_00}, {"budget": 6123_45}, {"most": 0}, {"most": 13}],
    ids=str,
)
def test_everybody_the_plain_reckoning_names_and_nobody_else(
    make_ledger, storage, clock, create, held, seed, limits
):
    paid = spending(seed)
    path = make_ledger(
        [(n, "n", None, 30) for n in range(1, 91)], [(i, cents / 100, 2026) for i, cents in paid]
    )
    budget, most = limits.get("budget"), limits.get("most")
    create(budget=None if budget is None else Money(budget), most_vouchers=most)
    expected = oracle(paid, budget=budget, most=most)

    done = Issuing(Ledger(str(path)), storage, now=clock).issue(NAME, "owner")

    assert held() == expected
    assert (done.vouchers, done.cost.cents) == (len(expected), sum(value for _, value in expected))
    assert done.left_out == len(oracle(paid)) - len(expected)


def test_a_repeat_gives_nobody_another(create, issue, held, clock):
    create()
    first = issue()
    before = held()
    clock.time += timedelta(days=1)

    again = issue()

    assert (first.vouchers, again.vouchers, again.cost, again.campaign.number) == (
        len(before),
        0,
        Money(0),
        1,
    )
    assert held() == before


def test_new_payments_add_only_the_newly_due_and_never_more_than_the_budget(
    create, issue, held, payments, pay
):
    everybody = sum(value for _, value in oracle(payments))
    create(budget=Money(everybody + 1500_00))  # two of 700 fit, and not the third
    issue()
    first = held()
    due = {user_id for user_id, _ in first}
    poor = sorted({user_id for user_id, _ in payments} - due)[:4]
    for user_id in poor:
        pay(user_id, 20_000_00)

    done = issue()

    assert held() == oracle(payments, budget=everybody + 1500_00, there=first)
    assert [value for _, value in set(held()) - set(first)] == [700_00, 700_00]
    assert (done.vouchers, done.left_out, done.campaign.number) == (2, 2, 2)


def test_payments_of_nobody_the_ledger_knows_earn_nothing(create, issue, held, payments, pay):
    pay(200, 99_999_00)
    create()
    issue()
    assert held() == oracle(payments[:-1])


def test_a_voucher_keeps_its_value_when_its_holder_spends_more_or_less(create, issue, held, pay):
    create()
    issue()
    before = held()
    for user_id, _ in before[:10]:
        pay(user_id, 50_000_00)
    for user_id, _ in before[10:20]:
        pay(user_id, -50_000_00)

    issue()

    assert held() == before


class Faulty:
    """A storage that breaks at the n-th write: before it, halfway through it, or with its answer lost."""

    def __init__(self, storage, breaks_at, how):
        self._storage, self._breaks_at, self._how = storage, breaks_at, how
        self.writes = 0

    def __getattr__(self, name):
        return getattr(self._storage, name)

    def collection(self, name):
        return FaultyCollection(self, self._storage.collection(name))

    def write(self, method, argument, *rest, **options):
        self.writes += 1
        if self.writes != self._breaks_at:
            return method(argument, *rest, **options)
        if self._how == "halfway" and isinstance(argument, list):
            method(random.Random(self.writes).sample(argument, len(argument) // 2), *rest, **options)
        if self._how == "answer lost":
            method(argument, *rest, **options)
        raise BonusStoreUnavailable("killed")


class FaultyCollection:
    def __init__(self, faulty, collection):
        self._faulty, self._collection = faulty, collection

    def __getattr__(self, name):
        method = getattr(self._collection, name)
        if name not in {"insert_one", "insert_many", "update_one", "delete_many"}:
            return method
        return lambda *arguments, **options: self._faulty.write(method, *arguments, **options)


@pytest.mark.parametrize("how", ["before it", "halfway", "answer lost"])
def test_broken_at_any_write_and_gone_on_with_it_is_as_if_undisturbed(
    create, shop, storage, clock, held, payments, campaigns, how
):
    create(budget=Money(9000_00))
    expected = oracle(payments, budget=9000_00)
    breaks_at = 0
    while True:
        breaks_at += 1
        faulty = Faulty(storage, breaks_at, how)
        try:
            Issuing(shop, faulty, now=clock).issue(NAME, "owner")
        except BonusStoreUnavailable:
            assert set(held()) <= set(expected)
            Issuing(shop, storage, now=clock).issue(NAME, "owner")
            broken = True
        else:
            broken = False
        assert held() == expected
        if not broken:
            break
        for name in ("vouchers", "campaigns", "issues"):
            storage.collection(name).delete_many({})
        create(budget=Money(9000_00))
    chunks = -(-len(expected) // 7)
    assert faulty.writes == 1 + chunks + 1 + chunks + 1  # audit, list, begin, vouchers, finish: each broke


def test_a_run_that_was_killed_is_finished_by_its_own_list_whatever_was_paid_since(
    create, shop, storage, clock, issue, held, payments, pay
):
    """The list is agreed on before the first voucher; who pays afterwards comes in the next one."""
    create(budget=Money(3000_00))
    expected = oracle(payments, budget=3000_00)
    chunks = -(-len(expected) // 7)
    with pytest.raises(BonusStoreUnavailable):
        Issuing(shop, Faulty(storage, 1 + chunks + 1 + 1, "halfway"), now=clock).issue(NAME, "owner")
    pay(5, 1_000_000_00)

    done = issue()

    assert held() == expected
    left_out = {user_id for user_id, _ in oracle(payments)} - {user_id for user_id, _ in expected}
    assert (done.vouchers, done.left_out) == (len(expected), len(left_out))


@pytest.mark.parametrize("budget", [None, Money(6000_00)], ids=["no budget", "a budget"])
def test_runs_side_by_side_do_no_harm(create, issue, held, payments, campaigns, budget):
    create(budget=budget)
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda _: issue(), range(6)))

    assert held() == oracle(payments, budget=budget and budget.cents)
    assert max(each.vouchers for each in done) == len(held())
    assert campaigns.get(NAME).issued


def test_runs_side_by_side_while_customers_pay_keep_the_budget(create, issue, held, pay):
    create(budget=Money(4000_00))

    def pay_and_issue(number):
        pay(number, 3000_00)
        issue()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(pay_and_issue, range(1, 13)))

    assert sum(value for _, value in held()) <= 4000_00
    assert len({user_id for user_id, _ in held()}) == len(held())


def test_two_customers_of_one_code_get_one_each(create, issue, held, payments, storage, monkeypatch):
    """It happens to nobody in a thousand years; here each code is four customers' first."""
    real = codes.derive
    monkeypatch.setattr(
        issuing,
        "derive",
        lambda secret, user_id, attempt=0: real(secret, user_id % 25 if attempt == 0 else user_id, attempt),
    )
    create()

    issue()
    issue()

    assert held() == oracle(payments)
    assert len({one.code for one in of_campaign(storage, NAME)}) == len(held())


def test_codes_that_are_somebody_elses_for_ever_are_a_fault_and_no_endless_loop(create, issue, monkeypatch):
    monkeypatch.setattr(issuing, "derive", lambda *_: "BAAA-AAAA-AAAV")
    create()
    with pytest.raises(BonusStoreUnusable, match="damaged"):
        issue()


def test_a_fault_that_is_no_duplicate_is_no_success(create, storage, issue, held, monkeypatch):
    template = issuing._template
    monkeypatch.setattr(issuing, "_template", lambda *of: template(*of) | {"status": "unheard-of"})
    create()
    with pytest.raises(BonusStoreUnavailable):
        issue()
    assert held() == []


def test_those_rejected_get_none_and_those_approved_by_their_own_total(
    create, issue, held, payments, customers, pay
):
    pay(91, 1)
    pay(92, 1)
    rejected = oracle(payments)[0][0]
    for user_id, total in ((91, 6000_00), (92, 1500_00), (rejected, 9999_00)):
        customers.store(user_id, 2026, Money(total), threshold=THRESHOLD, ledger_total=Money(1))
    customers.decide(2026, 91, "approved")
    customers.decide(2026, rejected, "rejected")
    create()

    issue()
    assert held() == sorted([one for one in oracle(payments) if one[0] != rejected] + [(91, 700_00)])
    customers.decide(2026, 92, "approved")
    issue()
    assert (92, 100_00) in held()


def test_a_void_voucher_frees_its_budget_and_its_holder_gets_no_other(
    create, issue, held, payments, storage, clock
):
    create(budget=Money(5000_00))
    issue()
    best = next(one for one in of_campaign(storage, NAME) if one.value == Money(700_00))
    redemptions = Redemptions(storage, Audit(storage, now=clock), now=clock)
    redemptions.carry_out(best.code, Order("void", "owner", reason="paid back"))

    issue()

    others = [one for one in held() if one[0] != best.user_id]
    assert others == oracle([paid for paid in payments if paid[0] != best.user_id], budget=5000_00)
    assert (best.user_id, 700_00) in held()


def test_progress_is_told_of_what_is_written(create, shop, storage, clock, payments):
    create()
    told = []
    Issuing(shop, storage, now=clock, progress=lambda *n: told.append(n)).issue(NAME, "owner")
    whole = len(oracle(payments))
    assert told == [(min(done, whole), whole) for done in range(7, whole + 7, 7)]


def test_an_issue_is_in_the_audit_before_it_begins(create, shop, storage, clock):
    create()
    with pytest.raises(BonusStoreUnavailable):
        Issuing(shop, Faulty(storage, 2, "before it"), now=clock).issue(NAME, "owner")
    (entry,) = Audit(storage, now=clock).page(5)
    assert (entry.action, entry.by, entry.subject["campaign"], entry.happened) == (
        "issue",
        "owner",
        NAME,
        None,
    )


def test_a_list_that_is_damaged_is_told(create, shop, storage, clock, issue):
    create()
    with pytest.raises(BonusStoreUnavailable):
        Issuing(shop, Faulty(storage, 12, "before it"), now=clock).issue(NAME, "owner")
    storage.collection("issues").delete_many({})
    with pytest.raises(BonusStoreUnusable, match="list of customers is gone"):
        issue()


def test_of_two_lists_that_were_made_at_once_one_counts(create, campaigns, clock):
    campaign = create()
    lists = [Issue(name, 1, clock(), 1, Money(100_00), 0) for name in ("a", "b")]

    assert [campaigns.begin(campaign, each) for each in lists] == [True, False]
    assert campaigns.get(NAME).issue.id == "a"
    assert campaigns.finish(campaigns.get(NAME))
    assert not campaigns.begin(campaign, lists[1])
