"""Schedules: each period once, whatever restarts, races, jumps or is away."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from smetka.core.errors import BonusStoreUnavailable, CommandFailed, LedgerUnavailable, NotFound, WrongUsage
from smetka.telegram import schedules as module
from smetka.telegram.cron import after, before, upcoming
from smetka.telegram.schedules import Schedules

SKOPJE = ZoneInfo("Europe/Skopje")
MANAGER, GROUP = 1001, -2002


def at(text):
    """A time of the shop's clocks as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=SKOPJE).astimezone(UTC)


class Figures:
    """Figures that tell what was asked; `away` is a ledger that cannot be read."""

    current_year = 2026

    def __init__(self, report):
        self.report, self.asked, self.away = report, [], False

    def averages(self, year, basis=None):
        return {**self.report, **self._told("averages", year, basis)}

    def bonus(self, year):
        return self._told("bonus", year)

    def shop(self, year):
        return self._told("shop", year)

    def _told(self, kind, *details):
        if self.away:
            raise LedgerUnavailable("it is locked")
        self.asked.append((kind, *details))
        return {"year": details[0], "currency": "MKD"}


@pytest.fixture
def figures(make_report):
    return Figures(make_report())


@pytest.fixture
def make_schedules(storage, clock):
    return lambda: Schedules(storage, recipients=(MANAGER, GROUP), timezone=SKOPJE, now=clock)


@pytest.fixture
def schedules(make_schedules, clock):
    clock.time = at("2026-11-23T10:00")  # a Monday
    return make_schedules()


@pytest.fixture
def queued(outbox):
    """A function that tells period and chat of all that schedules have queued, the oldest first."""
    return lambda: sorted(
        ((d.schedule["period"], d.chat) for d in outbox.newest(500)), key=lambda each: (each[0], str(each[1]))
    )


def go_to(clock, text):
    clock.time = at(text)


def test_a_report_is_queued_at_its_time_for_every_chat(schedules, figures, clock, outbox, queued):
    schedules.add("averages", "0 9 * * MON", year="current", basis="payment")
    assert schedules.fire(figures) == 0
    go_to(clock, "2026-11-30T08:59:59")
    assert schedules.fire(figures) == 0
    go_to(clock, "2026-11-30T09:00")

    assert schedules.fire(figures) == 1
    assert schedules.fire(figures) == 0

    period = at("2026-11-30T09:00")
    assert queued() == [(period, GROUP), (period, MANAGER)]
    assert figures.asked == [("averages", 2026, "payment")]
    assert {d.schedule["late"] for d in outbox.newest(9)} == {False}
    assert {d.kind for d in outbox.newest(9)} == {"averages"}


def test_a_schedule_may_name_its_chats(schedules, figures, clock, queued):
    schedules.add("shop", "0 9 * * *", chats=[4242, "@managers"])
    go_to(clock, "2026-11-24T09:00:01")

    schedules.fire(figures)

    assert [chat for _, chat in queued()] == [4242, "@managers"]


@pytest.mark.parametrize(
    ("kind", "year", "asked"),
    [
        ("bonus", "current", ("bonus", 2026)),
        ("bonus", "all", ("bonus", 2026)),
        ("bonus", "previous", ("bonus", 2025)),
        ("shop", "all", ("shop", None)),
        ("averages", "2020", ("averages", 2020, None)),
    ],
)
def test_the_year_is_meant_as_of_the_day_it_is_sent(schedules, figures, clock, kind, year, asked):
    schedules.add(kind, "0 9 * * *", year=year)
    go_to(clock, "2026-11-24T09:00")

    schedules.fire(figures)

    assert figures.asked == [asked]


@pytest.mark.parametrize(("minutes", "late"), [(4, False), (6, True), (60 * 24 * 3, True)])
def test_what_was_missed_is_sent_once_and_says_that_it_is_late(
    schedules, figures, clock, outbox, minutes, late
):
    schedules.add("averages", "0 9 * * MON")
    clock.time = at("2026-11-30T09:00") + timedelta(minutes=minutes)

    schedules.fire(figures)
    schedules.fire(figures)

    assert {(d.chat, d.schedule["late"]) for d in outbox.newest(9)} == {(MANAGER, late), (GROUP, late)}
    assert len(outbox.newest(9)) == 2


def test_of_several_that_were_missed_the_latest_is_sent(schedules, figures, clock, queued):
    schedules.add("averages", "0 9 * * MON", chats=[MANAGER])
    go_to(clock, "2026-12-16T12:00")

    schedules.fire(figures)

    assert queued() == [(at("2026-12-14T09:00"), MANAGER)]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        # 29 March 2026: 02:00 becomes 03:00. 25 October 2026: 03:00 becomes 02:00 once more.
        (("2026-03-28T12:00", "2026-03-30T12:00"), ["2026-03-29T03:00", "2026-03-30T02:30"]),
        (("2026-10-24T12:00", "2026-10-26T12:00"), ["2026-10-25T02:30", "2026-10-26T02:30"]),
    ],
    ids=["forward: a time that does not exist", "back: a time that exists twice"],
)
def test_daylight_saving_leaves_each_day_its_one_report(
    make_schedules, figures, clock, queued, days, expected
):
    begin, end = map(at, days)
    clock.time = begin
    schedules = make_schedules()
    schedules.add("averages", "30 2 * * *", chats=[MANAGER])
    while clock.time <= end:
        schedules.fire(figures)
        clock.time += timedelta(minutes=15)

    assert queued() == [(at(day), MANAGER) for day in expected]


@pytest.mark.parametrize("cron", ["*/30 2 * * *", "0,30 2 * * *"])
def test_what_is_due_around_the_changes_of_the_clocks_is_what_is_documented(
    make_schedules, figures, clock, queued, cron
):
    """A star follows the clock on the wall; numbers are of the day, each once, after the gap if need be."""
    schedules = make_schedules()
    nights = [at("2026-03-28T12:00"), at("2026-10-24T12:00")]
    found = []
    clock.time = nights[0]
    schedules.add("averages", cron, chats=[MANAGER])
    for night in nights:
        clock.time = night
        while clock.time < night + timedelta(hours=20):
            schedules.fire(figures)
            clock.time += timedelta(minutes=15)
        found.append([period for period, _ in queued() if night < period < clock.time])
        assert upcoming(cron, night, SKOPJE, 9)[: len(found[-1])] == found[-1]

    october = at("2026-10-25T02:00")
    half_hours = [october + timedelta(minutes=30 * n) for n in range(4)]
    if cron.startswith("*"):
        assert found == [[], half_hours]
    else:
        assert found == [[at("2026-03-29T03:00")], half_hours[:2]]


def test_asked_in_the_second_of_two_equal_hours_what_comes_next_lies_ahead():
    second = at("2026-10-25T02:10") + timedelta(hours=1)

    assert upcoming("30 2 * * *", second, SKOPJE, 2) == [at("2026-10-26T02:30"), at("2026-10-27T02:30")]
    assert after("30 2 * * *", second, SKOPJE) == at("2026-10-26T02:30")


def test_times_that_meet_after_a_gap_are_one():
    night = at("2026-03-28T12:00")

    assert upcoming("0,30 2,3 * * *", night, SKOPJE, 3) == [
        at("2026-03-29T03:00"),
        at("2026-03-29T03:30"),
        at("2026-03-30T02:00"),
    ]


def test_the_second_of_two_equal_hours_still_knows_the_first(make_schedules):
    second = at("2026-10-25T02:30") + timedelta(minutes=40)  # 02:10 for the second time

    assert before("30 2 * * *", second, SKOPJE) == at("2026-10-25T02:30")


@pytest.mark.parametrize(
    "jump",
    [timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=400)],
    ids=["hour", "day", "week", "year"],
)
@pytest.mark.parametrize("direction", [1, -1], ids=["ahead", "back"])
def test_a_clock_that_jumps_and_is_set_right_repeats_nothing_and_silences_nothing(
    schedules, figures, clock, queued, jump, direction
):
    schedules.add("averages", "0 9 * * *", chats=[MANAGER])
    for day in range(24, 27):
        go_to(clock, f"2026-11-{day}T09:00")
        schedules.fire(figures)
    right = clock.time + timedelta(minutes=30)
    clock.time = right + direction * jump
    schedules.fire(figures)
    clock.time = right
    schedules.fire(figures)
    for day in range(27, 31):
        go_to(clock, f"2026-11-{day}T09:00")
        schedules.fire(figures)

    periods = [period for period, _ in queued()]
    assert len(periods) == len(set(periods))
    assert {at(f"2026-11-{day}T09:00") for day in range(24, 31)} <= set(periods)


@pytest.mark.parametrize("moment", ["before the deliveries", "between deliveries and note", "at the note"])
def test_whoever_is_interrupted_does_it_again_and_nothing_twice(
    schedules, figures, clock, queued, monkeypatch, moment
):
    schedules.add("averages", "0 9 * * *")
    go_to(clock, "2026-11-24T09:00")
    broken = []

    def breaking(function, *, after):
        def once(*arguments, **named):
            if after or broken:
                result = function(*arguments, **named)
            if not broken:
                broken.append(1)
                raise BonusStoreUnavailable("the connection broke")
            return result

        return once

    if moment == "at the note":
        monkeypatch.setattr(schedules, "_note", breaking(schedules._note, after=True))
    else:
        outbox = schedules._outbox
        done = moment.startswith("between")
        monkeypatch.setattr(outbox, "queue", breaking(outbox.queue, after=done))
    with pytest.raises(BonusStoreUnavailable):
        schedules.fire(figures)
    schedules.fire(figures)
    schedules.fire(figures)

    assert [chat for _, chat in queued()] == [GROUP, MANAGER]
    assert schedules.get("averages").fired == (at("2026-11-24T09:00"),)


def test_two_who_fire_at_once_queue_each_period_once(make_schedules, schedules, figures, clock, queued):
    schedules.add("averages", "*/1 * * * *")
    workers = [make_schedules() for _ in range(4)]
    for minute in range(1, 6):
        clock.time = at("2026-11-23T10:00") + timedelta(minutes=minute)
        threads = [threading.Thread(target=worker.fire, args=[figures]) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    expected = [at("2026-11-23T10:00") + timedelta(minutes=minute) for minute in range(1, 6)]
    assert queued() == [(period, chat) for period in expected for chat in (GROUP, MANAGER)]


def test_a_ledger_that_is_away_leaves_the_report_due(schedules, figures, clock, outbox):
    schedules.add("averages", "0 9 * * *", chats=[MANAGER])
    go_to(clock, "2026-11-24T09:00")
    figures.away = True
    with pytest.raises(LedgerUnavailable):
        schedules.fire(figures)
    assert outbox.newest(9) == []
    figures.away = False
    go_to(clock, "2026-11-24T09:30")

    schedules.fire(figures)

    (delivery,) = outbox.newest(9)
    assert delivery.schedule == {"name": "averages", "period": at("2026-11-24T09:00"), "late": True}


def test_names_are_given_and_kept_apart(schedules):
    assert schedules.add("averages", "0 9 * * *").name == "averages"
    assert schedules.add("averages", "0 10 * * *").name == "averages-2"
    assert schedules.add("averages", "0 10 * * *", name="понеделник").name == "понеделник"
    with pytest.raises(CommandFailed, match="There is a schedule averages already"):
        schedules.add("averages", "0 9 * * *", name="averages")
    schedules.remove("averages")
    with pytest.raises(NotFound, match="There is no schedule averages"):
        schedules.remove("averages")
    assert [each.name for each in schedules.all()] == ["averages-2", "понеделник"]


@pytest.mark.parametrize(
    ("cron", "sentence"),
    [
        ("0 9 * *", "five fields are needed"),
        ("0 0 9 * * MON", "five fields are needed"),
        ("", "five fields are needed"),
        ("60 9 * * *", "its minute cannot be read"),
        ("0 25 * * *", "its hour cannot be read"),
        ("0 9 * * MONDAY", "its day-of-week cannot be read"),
        ("0 9 32 FEB *", "its day-of-month cannot be read"),
        ("0 9 30 FEBRUARY *", "its month cannot be read"),
        ("0 9 30 2 *", "never comes: no month that it names has such a day"),
        ("0 9 30 FEB *", "never comes: no month that it names has such a day"),
        ("*/5 9 31 4,6,9,11 *", "never comes: no month that it names has such a day"),
        ("0 9 * 2 MON#5", "does not come within the next eight years"),
        ("٠ 9 * * *", "its minute cannot be read"),
    ],
)
def test_a_cron_expression_that_cannot_be_is_refused(schedules, cron, sentence):
    with pytest.raises(WrongUsage, match=sentence):
        schedules.add("averages", cron)
    assert schedules.all() == []


def test_run_sends_now_and_changes_no_period(schedules, figures, outbox):
    schedules.add("shop", "0 9 * * *", chats=[MANAGER])

    first = schedules.run("shop", figures, mark="one")
    again = schedules.run("shop", figures, mark="one")
    schedules.run("shop", figures, mark="two")

    assert first == again
    assert len(outbox.newest(9)) == 2
    assert schedules.get("shop").fired == ()


def test_a_schedule_remembers_no_more_than_it_needs(schedules, figures, clock, monkeypatch):
    monkeypatch.setattr(module, "MOST_REMEMBERED", 3)
    schedules.add("shop", "* * * * *", chats=[MANAGER])
    for _ in range(5):
        clock.time += timedelta(minutes=1)
        schedules.fire(figures)

    assert len(schedules.get("shop").fired) == 3


@pytest.mark.parametrize(
    "cron", ["*/7 * * * *", "0 9 * * MON", "30 2 * * *", "15 3 1 * *", "0 0 29 2 *", "0 12 * * 5L"]
)
def test_looking_back_finds_what_looking_ahead_found(cron):
    now = at("2026-01-01T00:00")
    for _ in range(200):
        coming = after(cron, now, SKOPJE)
        if coming is None:
            return
        assert before(cron, coming, SKOPJE) == coming
        assert before(cron, coming + timedelta(seconds=59), SKOPJE) == coming
        now = coming


def test_what_a_schedule_sent_is_not_announced_again_at_once(
    make_schedules, announcer, make_report, outbox, clock
):
    report = make_report()

    class Averages:
        current_year = 2026

        def averages(self, year, basis=None):
            return report

    clock.time = at("2026-11-23T08:59")
    schedules = make_schedules()
    schedules.add("averages", "0 9 * * *", chats=[MANAGER])
    clock.pass_(61)
    schedules.fire(Averages())

    told = announcer((MANAGER, GROUP)).announce(report)

    assert (told.status, told.recipients) == ("queued", 1)
    assert sorted(delivery.chat for delivery in outbox.newest(9)) == [GROUP, MANAGER]
