"""Work in the background of pages."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from smetka.core.errors import BonusStoreUnavailable
from smetka.web.works import MOST_REMEMBERED, Works
from tests.waiting import eventually


@pytest.fixture
def works():
    return Works()


def ended(works, name):
    return eventually(lambda: (work := works.get(name)) and not work.is_running and work)


def test_work_tells_how_far_it_is_and_what_came_of_it(works):
    told, go_on = threading.Event(), threading.Event()

    def run(tell):
        tell(3, 10)
        told.set()
        assert go_on.wait(30)
        return "the result"

    works.begin("a", run)
    assert told.wait(30)
    seen = works.get("a")
    assert (seen.done, seen.of, seen.is_running, seen.result) == (3, 10, True, None)
    go_on.set()
    work = ended(works, "a")
    assert (work.error, work.result) == (None, "the result")
    assert seen.is_running, "what was looked at stays as it was"
    assert works.get("b") is None


def test_of_many_who_begin_the_same_one_does(works):
    go_on, runs = threading.Event(), []

    def run(tell):
        runs.append(1)
        assert go_on.wait(30)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: works.begin("a", run), range(20)))
    assert works.get("a").is_running
    go_on.set()
    ended(works, "a")
    assert len(runs) == 1
    works.begin("a", run)
    ended(works, "a")
    assert len(runs) == 2


def test_what_goes_wrong_is_a_sentence_or_ours(works, capsys):
    def away(tell):
        raise BonusStoreUnavailable("no answer")

    def broken(tell):
        raise ZeroDivisionError

    for name, run in (("away", away), ("broken", broken)):
        works.begin(name, run)
    assert ended(works, "away").error == str(BonusStoreUnavailable("no answer"))
    assert ended(works, "broken").error == "internal-error"
    log = eventually(lambda: "ZeroDivisionError" in (text := capsys.readouterr().out) and text)
    assert "no answer" in log


def test_the_latest_are_remembered_and_those_that_run(works):
    go_on = threading.Event()
    works.begin("long", lambda tell: go_on.wait(30))
    for number in range(MOST_REMEMBERED + 5):
        works.begin(str(number), lambda tell: None)
        ended(works, str(number))

    assert [works.get(str(number)) is None for number in range(6)] == [True] * 4 + [False] * 2
    assert works.get("long").is_running
    go_on.set()
    ended(works, "long")


def test_work_that_somebody_waits_for_is_seen_until_its_end(works):
    with works.awaited("a") as tell:
        tell(3, 10)
        seen = works.get("a")
        assert (seen.done, seen.of, seen.is_running) == (3, 10, True)
        assert [work.done for work in works.running("a")] == [3]
        assert works.running("b") == []

    assert works.get("a") is None
    assert works.running("a") == []


def test_of_two_that_somebody_waits_for_the_newest_is_seen(works):
    with works.awaited("a"):
        with works.awaited("a") as tell:
            tell(1, 2)
        assert works.get("a") is None, "no more is known of the first"
        with works.awaited("a") as tell:
            tell(2, 2)
            assert works.get("a").done == 2


def test_what_failed_is_kept_as_it_was_raised(works):
    works.begin("a", lambda _tell: 1 / 0)

    assert isinstance(ended(works, "a").failure, ZeroDivisionError)
