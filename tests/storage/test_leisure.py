"""Questions about many records take turns, and leave the server to whoever is in a hurry."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from smetka.core.errors import BonusStoreLate, BonusStoreUnavailable
from smetka.storage import Storage, leisure
from smetka.storage.leisure import HURRY_SECONDS, LONGEST_REST_SECONDS, REST, UNSEEN_REST, Leisure
from tests.waiting import eventually


class Time:
    """Seconds that pass when a test says so, or when somebody waits."""

    def __init__(self):
        self.now, self.worked, self.waits = 1000.0, 50.0, []
        self.meanwhile = lambda: None

    def wait(self, seconds):
        self.waits.append(seconds)
        self.now += seconds
        self.meanwhile()


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def make(time):
    def make(**more):
        made = Leisure(clock=lambda: time.now, work=lambda: time.worked, **more)
        made._changed.wait = time.wait
        return made

    return make


def ask(of, time, took=0.1):
    with of.turn(10) as left:
        time.now += took
    return left


def in_another_thread(what):
    thread = threading.Thread(target=what)
    thread.start()
    thread.join(20)


def test_at_full_speed_when_nobody_is_in_a_hurry(make, time):
    alone = make()
    for _ in range(5):
        assert ask(alone, time) == 10

    assert time.waits == []


def test_a_rest_follows_while_somebody_is_in_a_hurry(make, time):
    beside = make()
    ask(beside, time)
    in_another_thread(beside.see_hurry)
    ask(beside, time)

    assert time.waits == [pytest.approx(REST * 0.1)]


def test_a_rest_ends_when_nobody_is_in_a_hurry_any_more(make, time):
    beside = make()
    in_another_thread(beside.see_hurry)
    time.now += HURRY_SECONDS - 0.11
    ask(beside, time)
    ask(beside, time)

    assert time.waits == [pytest.approx(0.01)]


def test_a_rest_takes_nothing_of_its_own_time(make, time):
    beside = make()
    ask(beside, time)
    in_another_thread(beside.see_hurry)

    assert ask(beside, time) == pytest.approx(10)


def test_no_rest_is_longer_than_the_longest(make, time):
    beside = make()
    ask(beside, time, took=60)
    in_another_thread(beside.see_hurry)
    time.meanwhile = lambda: in_another_thread(beside.see_hurry)
    ask(beside, time)

    assert sum(time.waits) == pytest.approx(LONGEST_REST_SECONDS)


def test_what_a_thread_makes_of_its_answer_is_followed_by_a_rest_too(make, time):
    beside = make()
    ask(beside, time)
    time.worked += 0.2
    in_another_thread(beside.see_hurry)
    ask(beside, time)

    assert time.waits == [pytest.approx(REST * 0.3)]


def test_who_asks_for_a_list_is_not_in_a_hurry_in_between(make, time):
    alone = make()
    ask(alone, time)
    alone.see_hurry()
    ask(alone, time)
    assert time.waits == []

    time.now += HURRY_SECONDS + 0.01
    alone.see_hurry()  # the same thread, for somebody else
    ask(alone, time)
    ask(alone, time)
    assert len(time.waits) == 1


def test_a_thread_for_lists_is_never_in_a_hurry(make, time):
    beside = make()
    ask(beside, time)
    in_another_thread(lambda: (beside.take_time(), beside.see_hurry()))
    ask(beside, time)
    assert time.waits == []

    in_another_thread(beside.see_hurry)  # what a thread said of itself is of no other
    ask(beside, time)
    assert len(time.waits) == 1


def test_a_guest_rests_whoever_is_there(make, time):
    guest = make(is_guest=True)
    ask(guest, time)
    time.worked += 0.5  # which leaves the server alone
    ask(guest, time)

    assert time.waits == [pytest.approx(UNSEEN_REST * 0.1)]


def test_who_waits_for_a_turn_in_vain_is_late(make, time):
    busy = make()
    told = []

    def late():
        try:
            ask(busy, time)
        except BonusStoreLate as error:
            told.append(error.reason)

    with busy.turn(10):
        in_another_thread(late)

    assert told == ["other questions about many records are being answered"]
    assert time.waits == [10]
    ask(busy, time)  # the next one's turn


def test_nobody_is_late_because_another_rests():
    real = Leisure()
    got = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leisure, "REST", 1e6)
        patch.setattr(leisure, "LONGEST_REST_SECONDS", 0.5)
        patch.setattr(leisure, "HURRY_SECONDS", 60.0)
        with real.turn(10):
            pass
        in_another_thread(real.see_hurry)
        threads = [
            threading.Thread(target=lambda number=number: got.append((number, ask_really(real, 0.2))))
            for number in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)

    assert sorted(number for number, _ in got) == [0, 1]
    assert [left for _, left in got] == ["asked", "asked"]


def ask_really(of, seconds):
    try:
        with of.turn(seconds):
            return "asked"
    except BonusStoreLate:
        return "late"


def test_one_at_a_time_in_the_order_they_came():
    real, order, inside = Leisure(), [], []

    def asks(number):
        with real.turn(60):
            inside.append(number)
            order.append((number, len(inside)))
            inside.remove(number)

    with real.turn(60):
        threads = []
        for number in range(4):
            threads.append(threading.Thread(target=asks, args=(number,)))
            threads[-1].start()
            eventually(lambda number=number: len(real._waiting) == number + 1)
        assert order == []
    for thread in threads:
        thread.join(20)

    assert order == [(number, 1) for number in range(4)]


def test_a_fault_gives_the_turn_to_the_next(make, time):
    busy = make()
    with pytest.raises(ZeroDivisionError), busy.turn(10):
        raise ZeroDivisionError

    ask(busy, time)


def test_who_uses_the_store_is_in_a_hurry(mongodb_uri, monkeypatch):
    with closing(Storage(mongodb_uri)) as storage:
        storage.ping(30)
        seen = []
        monkeypatch.setattr(storage._leisure, "see_hurry", lambda: seen.append(1))
        with storage.at_leisure():
            pass
        assert seen == []
        with storage.translated():
            pass
        with storage.within(30):
            pass
        assert seen == [1, 1]


def test_a_store_that_is_closed_ends_all_waiting(mongodb_uri):
    storage = Storage(mongodb_uri)
    storage.ping(30)
    told = []

    def waits():
        try:
            with storage.at_leisure(600):
                pass
        except BonusStoreUnavailable as error:
            told.append(error.reason)

    with storage._leisure.turn(10):
        thread = threading.Thread(target=waits)
        thread.start()
        eventually(lambda: storage._leisure._waiting)
        storage.close()
        thread.join(20)

    assert told == ["the connection is closed"]
