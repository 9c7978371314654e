"""Collecting: everybody who is due, whatever is there already, interrupts or races."""

from __future__ import annotations

import random
import sqlite3
import threading
from datetime import timedelta

import pytest

from smetka.bonus import collection
from smetka.bonus.collection import collect
from smetka.bonus.plan import waiting_without_spending
from smetka.bonus.records import BonusCustomers
from smetka.core.errors import BonusStoreUnavailable
from smetka.core.money import Money
from smetka.ledger import Ledger

THRESHOLD = Money(1000_00)


@pytest.fixture
def shop(make_ledger):
    """A ledger of customers 1 to 60; each spent a hundred times its number in 2026, and 5000 in 2025."""
    customers = [(n, "n", f"{n}@example.com", 30) for n in range(1, 61)]
    payments = [(n, n * 100 + 0.01, 2026) for n in range(1, 61)] + [(n, 5000, 2025) for n in range(1, 61)]
    ledger = Ledger(str(make_ledger(customers, payments)))
    yield ledger
    ledger.close()


@pytest.fixture
def run(shop, storage, clock):
    """A function that collects for 2026."""
    return lambda threshold=THRESHOLD: collect(shop, storage, year=2026, threshold=threshold, now=clock)


@pytest.fixture
def pay(shop):
    """A function that writes a payment of 2026 into the ledger."""

    def pay(user_id, amount):
        with sqlite3.connect(shop.path) as ledger:
            ledger.execute("INSERT INTO user_spending VALUES (?, ?, 2026)", (user_id, amount))
        ledger.close()

    return pay


def stored(customers):
    return {one.user_id: one for one in customers.page(1000, year=2026)}


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_everybody_who_exceeds_the_threshold_is_stored_once(run, customers, monkeypatch, batch):
    monkeypatch.setattr(collection, "BATCH", batch)

    first, second = run(), run()

    assert first.as_json() == {"due": 51, "stored": 51, "updated": 0, "unchanged": 0, "flagged": 0}
    assert second.as_json() == {"due": 51, "stored": 0, "updated": 0, "unchanged": 51, "flagged": 0}
    assert list(stored(customers)) == list(range(10, 61))
    one = stored(customers)[10]
    assert (one.total, one.ledger_total, one.matches_ledger) == (Money(1000_01), Money(1000_01), True)
    assert (one.source, one.review, one.threshold) == ("collected", "none", THRESHOLD)
    assert customers.page(9, year=2025) == []


def test_a_repeat_that_changes_nothing_writes_nothing(shop, watched, clock):
    storage, commands = watched
    collect(shop, storage, year=2026, threshold=THRESHOLD, now=clock)
    commands.clear()

    collect(shop, storage, year=2026, threshold=THRESHOLD, now=clock)

    assert {next(iter(command)) for command in commands} == {"find"}


def test_new_payments_are_followed(run, customers, pay, clock):
    run()
    pay(5, 900)
    pay(20, 5)
    clock.time += timedelta(days=1)

    assert run().as_json() == {"due": 52, "stored": 1, "updated": 1, "unchanged": 50, "flagged": 0}
    assert customers.get(2026, 20).total == Money(2005_01)
    assert customers.get(2026, 20).stored_at < customers.get(2026, 20).updated_at


def test_one_who_is_not_due_any_more_is_flagged_and_never_removed(run, customers, pay):
    run()
    pay(10, -500)
    pay(60, -6000.01)

    assert run().flagged == 2
    assert run().flagged == 0
    fallen = customers.get(2026, 10)
    assert (fallen.total, fallen.ledger_total) == (Money(1000_01), Money(500_01))
    assert (fallen.matches_ledger, fallen.review) == (False, "pending")
    assert customers.get(2026, 60).ledger_total == Money(0)
    pay(10, 600)
    run()
    assert (customers.get(2026, 10).review, customers.get(2026, 10).total) == ("none", Money(1100_01))


def test_a_posted_total_is_kept_with_the_ledgers_beside_it(run, customers, pay):
    customers.store(12, 2026, Money(9999_00), threshold=THRESHOLD, ledger_total=Money(1200_01))
    customers.store(3, 2026, Money(1500_00), threshold=THRESHOLD, ledger_total=Money(300_01))

    assert run().stored == 50
    posted = customers.get(2026, 12)
    assert (posted.source, posted.total, posted.ledger_total) == ("api", Money(9999_00), Money(1200_01))
    assert (posted.matches_ledger, posted.review) == (False, "pending")
    assert customers.get(2026, 3).review == "pending"
    pay(12, 8799 - 0.01)
    run()
    assert (customers.get(2026, 12).matches_ledger, customers.get(2026, 12).review) == (True, "none")


def test_an_approval_stands_until_a_figure_changes_and_a_rejection_for_good(run, customers, pay):
    run()
    customers.decide(2026, 20, "rejected")
    customers.store(12, 2026, Money(9999_00), threshold=THRESHOLD, ledger_total=Money(1200_01))
    customers.decide(2026, 12, "approved")
    run()
    assert customers.get(2026, 12).review == "approved"
    pay(12, 5)
    pay(20, 5)
    run()
    assert customers.get(2026, 12).review == "pending"
    assert customers.get(2026, 20).review == "rejected"


def post_all(customers, user_id, total, *, ledger_total, year_total):
    """Store a total of all years, as a POST without a year does."""
    customers.store(
        user_id, 2026, total, threshold=THRESHOLD, ledger_total=ledger_total, year_total=year_total
    )


@pytest.mark.parametrize(("user_id", "review"), [(12, "none"), (3, "pending")], ids=["due", "not due"])
def test_a_total_of_all_years_is_as_true_after_collecting_as_before(run, customers, user_id, review):
    of_all, of_the_year = Money(5000_00 + user_id * 100_00 + 1), Money(user_id * 100_00 + 1)
    post_all(customers, user_id, of_all, ledger_total=of_all, year_total=of_the_year)
    before = customers.get(2026, user_id)

    run()

    assert customers.get(2026, user_id) == before
    assert (before.matches_ledger, before.ledger_total, before.review) == (True, of_all, review)


def test_collecting_follows_the_years_total_beside_one_of_all_years(run, customers, pay):
    post_all(customers, 12, Money(6200_01), ledger_total=Money(6200_01), year_total=Money(1200_01))
    pay(12, -900)

    assert (run().flagged, run().flagged) == (1, 0)
    record = customers.get(2026, 12)
    assert (record.total, record.ledger_total, record.matches_ledger) == (
        Money(6200_01),
        Money(6200_01),
        True,
    )
    assert (record.basis_period, record.year_total, record.review) == ("all", Money(300_01), "pending")
    pay(12, 900)
    run()
    assert customers.get(2026, 12).review == "none"


def test_a_total_that_differs_from_that_of_all_years_is_not_made_right_by_the_years(run, customers):
    post_all(customers, 12, Money(1200_01), ledger_total=Money(6200_01), year_total=Money(1200_01))

    run()

    assert (customers.get(2026, 12).matches_ledger, customers.get(2026, 12).review) == (False, "pending")


def test_the_record_is_the_same_whether_it_is_collected_or_posted_first(run, customers):
    run()
    post_all(customers, 12, Money(6200_01), ledger_total=Money(6200_01), year_total=Money(1200_01))
    collected_first = customers.get(2026, 12)
    customers.decide(2026, 12, "removed")
    post_all(customers, 12, Money(6200_01), ledger_total=Money(6200_01), year_total=Money(1200_01))
    run()

    assert customers.get(2026, 12) == collected_first


def test_an_approved_total_of_all_years_stands_until_the_years_changes(run, customers, pay):
    post_all(customers, 12, Money(6200_01), ledger_total=Money(6200_01), year_total=Money(1200_01))
    post_all(customers, 3, Money(5300_01), ledger_total=Money(5300_01), year_total=Money(300_01))
    for user_id in (3, 12):
        customers.decide(2026, user_id, "approved")
    run()
    assert {customers.get(2026, user_id).review for user_id in (3, 12)} == {"approved"}

    pay(3, 5)
    pay(12, 5)
    run()

    assert {customers.get(2026, user_id).review for user_id in (3, 12)} == {"pending"}


def test_an_approval_is_of_a_total_of_one_period(customers):
    total = Money(2000_00)
    customers.store(12, 2026, total, threshold=THRESHOLD, ledger_total=Money(1200_01))
    customers.decide(2026, 12, "approved")

    post_all(customers, 12, total, ledger_total=Money(6200_01), year_total=Money(1200_01))
    assert customers.get(2026, 12).review == "pending"
    customers.decide(2026, 12, "approved")
    post_all(customers, 12, total, ledger_total=Money(6200_01), year_total=Money(1200_01))
    assert customers.get(2026, 12).review == "approved"
    customers.store(12, 2026, total, threshold=THRESHOLD, ledger_total=Money(1200_01))
    assert (customers.get(2026, 12).review, customers.get(2026, 12).basis_period) == ("pending", "2026")


@pytest.fixture
def earlier(customers, storage):
    """A function that stores a record as earlier versions did: it does not say of what period it is."""

    def store(user_id, total, ledger_total, *, source="api", review=None):
        customers.store(user_id, 2026, total, threshold=THRESHOLD, ledger_total=ledger_total)
        if review:
            customers.decide(2026, user_id, review)
        told = {"$unset": {"basis_period": "", "ledger_year_total": ""}, "$set": {"source": source}}
        with storage.translated():
            storage.collection("bonus_customers").update_one({"user_id": user_id}, told)

    return store


def test_an_earlier_versions_record_keeps_what_it_was_compared_with(run, customers, earlier):
    earlier(12, Money(6200_01), Money(6200_01))
    earlier(3, Money(5300_01), Money(5300_01), review="approved")
    earlier(4, Money(5400_01), Money(5400_01), review="rejected")
    earlier(5, Money(5500_01), Money(5500_01))
    assert (customers.get(2026, 12).basis_period, customers.get(2026, 12).year_total) == (None, None)

    run()

    found = {one.user_id: one for one in stored(customers).values() if one.basis_period is None}
    assert {user_id: one.review for user_id, one in found.items()} == {
        3: "approved",
        4: "rejected",
        5: "pending",
        12: "none",
    }
    assert {one.matches_ledger for one in found.values()} == {True}
    assert found[3].year_total == Money(300_01)


def test_what_an_earlier_version_collected_is_of_the_year(run, customers, earlier, pay):
    earlier(12, Money(1200_01), Money(1200_01), source="collected")
    record = customers.get(2026, 12)
    assert (record.basis_period, record.year_total) == ("2026", Money(1200_01))
    assert run().unchanged == 1

    pay(12, 5)
    run()

    assert (customers.get(2026, 12).total, customers.get(2026, 12).basis_period) == (Money(1205_01), "2026")


def test_who_waits_and_spent_nothing_is_counted_whatever_version_stored_it(customers, earlier, storage):
    post_all(customers, 1, Money(5100_00), ledger_total=Money(5100_00), year_total=Money(0))
    post_all(customers, 2, Money(5200_00), ledger_total=Money(5200_00), year_total=Money(200_00))
    earlier(3, Money(1300_00), Money(0), source="collected")
    earlier(4, Money(1400_00), Money(400_00), source="collected")
    earlier(5, Money(1500_00), Money(0))

    assert {record.review for record in stored(customers).values()} == {"pending"}
    assert waiting_without_spending(storage, 2026) == 2, "of 5 it is not known what year that nothing is of"


def test_an_earlier_versions_approval_outlives_the_same_total(customers, earlier):
    earlier(12, Money(6200_01), Money(5_00), review="approved")

    post_all(customers, 12, Money(6200_01), ledger_total=Money(6200_01), year_total=Money(1200_01))

    assert (customers.get(2026, 12).review, customers.get(2026, 12).basis_period) == ("approved", "all")


def test_another_threshold_is_another_question(run, customers):
    run()

    done = run(Money(5000_00))

    assert (done.due, done.updated, done.flagged) == (11, 11, 40)
    assert customers.get(2026, 10).review == "pending"
    assert run().as_json() == {"due": 51, "stored": 0, "updated": 51, "unchanged": 0, "flagged": 0}
    assert {one.review for one in stored(customers).values()} == {"none"}


@pytest.mark.parametrize("seed", range(8))
def test_interrupted_anywhere_and_run_again_it_is_as_if_undisturbed(
    run, customers, storage, monkeypatch, seed
):
    monkeypatch.setattr(collection, "BATCH", 5)
    chance, steps = random.Random(seed), []
    collection_of = storage.collection
    breaks_at = chance.randrange(1, 22)

    def breaking(name):
        steps.append(name)
        if len(steps) == breaks_at:
            raise BonusStoreUnavailable("killed")
        return collection_of(name)

    monkeypatch.setattr(storage, "collection", breaking)
    with pytest.raises(BonusStoreUnavailable):
        run()
    monkeypatch.setattr(storage, "collection", collection_of)
    run()

    assert list(stored(customers)) == list(range(10, 61))
    assert run().unchanged == 51


def test_two_at_once_do_no_harm(shop, storage, customers, clock, monkeypatch):
    monkeypatch.setattr(collection, "BATCH", 4)
    done = []
    threads = [
        threading.Thread(
            target=lambda: done.append(collect(shop, storage, year=2026, threshold=THRESHOLD, now=clock))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert list(stored(customers)) == list(range(10, 61))
    assert sum(each.stored for each in done) == 51
    assert all(one.review == "none" for one in stored(customers).values())


def test_progress_is_told(shop, storage, clock, monkeypatch):
    monkeypatch.setattr(collection, "BATCH", 20)
    told = []

    collect(shop, storage, year=2026, threshold=THRESHOLD, now=clock, progress=lambda *n: told.append(n))

    assert [of for _, of in told] == [60] * 3
    assert [looked_at for looked_at, _ in told] == sorted(looked_at for looked_at, _ in told)
    assert told[-1] == (60, 60)


@pytest.mark.parametrize(
    ("decision", "total", "review"),
    [
        ("approved", Money(2000_00), "approved"),
        ("approved", Money(2001_00), "pending"),
        ("rejected", Money(2000_00), "rejected"),
        ("rejected", Money(2001_00), "rejected"),
    ],
)
@pytest.mark.parametrize("by", ["the same process", "another process"])
def test_a_decision_outlives_a_repeated_post_as_far_as_it_should(
    customers, storage, clock, decision, total, review, by
):
    first = customers.store(1, 2026, Money(2000_00), threshold=THRESHOLD, ledger_total=Money(5_00))
    customers.decide(2026, 1, decision)

    again = (customers if "same" in by else BonusCustomers(storage, clock)).store(
        1, 2026, total, threshold=THRESHOLD, ledger_total=Money(5_00)
    )

    assert not again.created
    assert again.stored_at == first.stored_at
    assert (customers.get(2026, 1).review, customers.get(2026, 1).total) == (review, total)
