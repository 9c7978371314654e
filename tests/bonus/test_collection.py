"""Collecting: everybody who is due, whatever is there already, interrupts or races."""

from __future__ import annotations

import random
import sqlite3
import threading
from datetime import timedelta

import pytest

from smetka.bonus import collection
from smetka.bonus.collection import collect
from smetka.bonus.records import BonusCustomers
from smetka.errors import BonusStoreUnavailable
from smetka.ledger import Ledger
from smetka.money import Money

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
