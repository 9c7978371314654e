"""Lists and counts of deliveries are those of a look at all of them, and ask for closed ranges."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest

from smetka.storage import newest
from smetka.telegram import tally
from smetka.telegram.delivery import DELIVERED, STATES
from smetka.telegram.outbox import Outbox, Place
from smetka.telegram.tally import MARGIN, Tally


@pytest.fixture
def small_steps(monkeypatch):
    for name, value in {"STEP": 3, "WIDEST": 4, "KEPT_EACH": 2, "FOLLOWED_SECONDS": 0.0}.items():
        monkeypatch.setattr(newest, name, value)


def queue(outbox, clock, count, chance):
    """Reports to some chats each, a while after each other."""
    for number in range(count):
        clock.time += chance.choice([timedelta(0), timedelta(milliseconds=1), timedelta(days=40)])
        outbox.queue(f"{clock()} {number}", "shop", {"year": 2026}, chance.sample([1, 2, 3, 4, "@shop"], 3))


def settle_some(storage, clock, chance):
    """Some deliveries are in other states than before, as their senders write it down."""
    for record in looked_at(storage):
        if record["state"] != DELIVERED and chance.random() < 0.5:
            state = chance.choice([DELIVERED, DELIVERED, *STATES])
            change = {"state": state, "updated_at": clock()}
            with storage.within(60):
                storage.collection("deliveries").update_one({"_id": record["_id"]}, {"$set": change})


def looked_at(storage):
    with storage.within(60):
        return list(storage.collection("deliveries").find())


def pages(outbox, size, **filters):
    found, after = [], None
    while page := outbox.newest(size, after=after, **filters):
        found += page
        assert len(found) <= 100, "a page that does not go on"
        after = Place(page[-1].created_at, page[-1].id)
    return [each.id for each in found]


def test_every_list_is_that_of_a_look_at_all(storage, clock, small_steps):
    chance, outbox = random.Random(1), Outbox(storage, now=clock)
    for _ in range(2):
        queue(outbox, clock, 12, chance)
        settle_some(storage, clock, chance)
        there = sorted(looked_at(storage), key=lambda each: (each["created_at"], each["_id"]), reverse=True)
        for chat in (None, 2, "@shop"):
            for state in (None, "delivered", "failed", "queued"):
                assert pages(outbox, 7, state=state, chat=chat) == [
                    each["_id"]
                    for each in there
                    if chat in (None, each["chat"]) and state in (None, each["state"])
                ]


@pytest.mark.parametrize("filters", [{}, {"chat": 2}, {"state": "failed"}, {"state": "failed", "chat": 2}])
def test_a_page_asks_for_ranges_that_are_closed(watched, clock, small_steps, filters):
    storage, commands = watched
    outbox = Outbox(storage, now=clock)
    queue(outbox, clock, 12, random.Random(2))
    outbox.newest(1)
    outbox._newest._again_at = float("inf")
    commands.clear()

    outbox.newest(5, **filters)

    asked = [each["filter"] for each in commands if each.get("find") == "deliveries"]
    assert asked
    for query in asked:
        bounds = query["_id"] if "_id" in query else query["created_at"]
        assert set(bounds) in ({"$gte", "$lt"}, {"$gte", "$lte"})
        assert len(query) <= 2, "of an index of two fields"


def test_counts_follow_what_changes(storage, clock):
    chance, outbox = random.Random(3), Outbox(storage, now=clock)
    tallies = [Tally(storage, now=clock), Tally(storage, now=clock)]
    for _ in range(8):
        queue(outbox, clock, 2, chance)
        settle_some(storage, clock, chance)
        clock.time += chance.choice([timedelta(0), timedelta(seconds=50), timedelta(hours=3)])
        for each in chance.sample(tallies, 1):
            found = Counter(record["state"] for record in looked_at(storage))
            before, since = each.delivered()
            assert each.counts() | {DELIVERED: before + each.delivered_within(since)} == {
                state: found[state] for state in STATES
            }


def test_all_are_looked_at_once(storage, clock, monkeypatch):
    outbox, followed = Outbox(storage, now=clock), Tally(storage, now=clock)
    first, second = outbox.queue("one", "shop", {"year": 2026}, [1, 2])
    followed.delivered()
    followed.counts()
    monkeypatch.delattr(tally, "records")
    monkeypatch.delattr(Tally, "_read")
    for delivery_id in (first, second):
        assert outbox.settle(outbox.claim(outbox.get(delivery_id), "me"), DELIVERED)
        clock.time += MARGIN

    assert followed.counts()["queued"] == 0
    assert followed.delivered() == (1, clock() - MARGIN)


def test_a_change_by_a_clock_that_is_behind_is_counted(storage, clock):
    outbox, followed = Outbox(storage, now=clock), Tally(storage, now=clock)
    (delivery_id,) = outbox.queue("one", "shop", {"year": 2026}, [1])
    followed.counts()
    followed.counts()
    clock.time -= MARGIN
    outbox.cancel(delivery_id)
    clock.time += MARGIN

    assert (followed.counts()["queued"], followed.counts()["cancelled"]) == (0, 1)
