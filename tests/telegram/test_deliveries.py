"""Announcing: who gets a report now, who has it already, and what the asker is told."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import psutil
import pytest
from bson import Decimal128

from smetka.storage import Storage
from smetka.telegram.deliveries import Deliveries
from smetka.telegram.reports import from_record
from tests.fixtures.clock import JUMPS
from tests.waiting import eventually

MANAGER, GROUP = 1001, -2002


def records(storage):
    with storage.translated():
        return list(storage.collection("deliveries").find().sort([("sequence", 1), ("chat", 1)]))


def fail(storage, chat):
    with storage.translated():
        storage.collection("deliveries").update_many({"chat": chat}, {"$set": {"state": "failed"}})


def test_one_record_per_chat_is_queued(announcer, storage, make_report):
    told = announcer((MANAGER, GROUP)).announce(make_report())

    first, second = records(storage)
    assert (told.status, told.recipients) == ("queued", 2)
    assert {first["chat"], second["chat"]} == {MANAGER, GROUP}
    assert first["report_id"] == second["report_id"] == told.report_id
    assert first["state"] == "queued"


def test_the_answer_has_the_reason_only_when_there_is_one(announcer, make_report):
    assert set(announcer().announce(make_report()).as_json()) == {"status", "recipients", "report_id"}
    assert announcer(()).announce(make_report()).as_json() == {
        "status": "disabled",
        "recipients": 0,
        "report_id": None,
    }
    assert "reason" in announcer().announce(make_report(), suppress=True).as_json()


def test_amounts_are_kept_exactly_and_never_as_floats(announcer, storage, make_report):
    announcer().announce(make_report(notification={"status": "queued"}))

    (record,) = records(storage)

    def leaves(value):
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return [value] if children is None else [leaf for child in children for leaf in leaves(child)]

    assert not any(isinstance(leaf, float) for leaf in leaves(record["report"]))
    assert record["report"]["average_spending"]["31-36"] == Decimal128(Decimal(20843))
    assert "notification" not in record["report"]
    assert from_record(record["report"]) == make_report()


def test_another_process_knows_what_was_sent(announcer, make_report):
    first = announcer().announce(make_report())
    again = announcer().announce(make_report())

    assert (again.status, again.report_id) == ("already_sent", first.report_id)


def test_another_question_is_another_report(announcer, make_report):
    deliveries = announcer()
    statuses = [
        deliveries.announce(make_report(**change)).status
        for change in (
            {},
            {"year": 2024},
            {"year": None},
            {"basis": "payment"},
            {"first_average": "20707.99"},
            {},
        )
    ]

    assert statuses == ["queued"] * 5 + ["already_sent"]


def test_the_cool_down_is_counted_from_queueing(announcer, clock, make_report):
    first = announcer().announce(make_report())
    clock.pass_(599)
    within = announcer().announce(make_report())
    clock.pass_(1)
    after = announcer().announce(make_report())

    assert (within.status, within.recipients, within.report_id) == ("already_sent", 1, first.report_id)
    assert after.status == "queued"
    assert after.report_id != first.report_id


@pytest.mark.parametrize("jump", JUMPS)
def test_after_a_jump_of_the_clock_a_cool_down_begins_anew(announcer, clock, make_report, jump):
    deliveries = announcer()
    deliveries.announce(make_report())
    clock.jump(jump)
    statuses = [deliveries.announce(make_report()).status for _ in range(2)]
    clock.pass_(599)
    statuses.append(deliveries.announce(make_report()).status)
    clock.pass_(1)
    statuses.append(deliveries.announce(make_report()).status)

    assert statuses == ["queued", "already_sent", "already_sent", "queued"]


@pytest.mark.parametrize("jump", JUMPS)
def test_a_jump_of_the_clock_uses_up_nobodys_six_reports(announcer, clock, make_report, jump):
    deliveries = announcer()
    for year in range(2010, 2016):
        deliveries.announce(make_report(year=year))
    assert deliveries.announce(make_report(year=2020)).status == "suppressed"
    clock.jump(jump)

    assert deliveries.announce(make_report(year=2020)).status == "queued"


def test_a_clock_set_back_by_less_than_a_cool_down_ends_it_late_and_not_never(announcer, clock, make_report):
    deliveries = announcer()
    deliveries.announce(make_report())
    clock.jump(-300)
    assert deliveries.announce(make_report()).status == "already_sent"
    clock.pass_(900)

    assert deliveries.announce(make_report()).status == "queued"


def test_memory_does_not_outlast_the_cool_down(announcer, clock, make_report):
    deliveries = announcer()
    deliveries.announce(make_report())
    clock.pass_(599)
    assert deliveries.announce(make_report()).status == "already_sent"
    clock.pass_(1)

    assert deliveries.announce(make_report()).status == "queued"


def test_a_failed_message_ends_the_cool_down(announcer, storage, clock, make_report):
    deliveries = announcer((MANAGER, GROUP))
    deliveries.announce(make_report())
    fail(storage, MANAGER)
    clock.pass_(2)

    told = deliveries.announce(make_report())

    assert (told.status, told.recipients) == ("queued", 1)
    assert [record["chat"] for record in records(storage)] == [GROUP, MANAGER, MANAGER]


def test_fifty_chats_cost_one_write_and_a_repeated_question_costs_no_database(watched, clock, make_report):
    storage, commands = watched
    deliveries = Deliveries(
        storage, recipients=range(1, 51), cooldown_seconds=600, now=clock, limit_seconds=30
    )

    told = deliveries.announce(make_report())

    (written,) = (command for command in commands if "insert" in command)
    assert (told.status, told.recipients, len(written["documents"])) == ("queued", 50, 50)
    assert len(commands) <= 4
    commands.clear()
    assert deliveries.announce(make_report()).status == "already_sent"
    assert commands == []


def test_a_chat_added_later_still_gets_the_report(announcer, storage, make_report):
    first = announcer((MANAGER,)).announce(make_report())
    told = announcer((MANAGER, GROUP)).announce(make_report())

    assert (told.status, told.recipients, told.report_id) == ("queued", 1, first.report_id)
    assert len(records(storage)) == 2
    assert announcer((MANAGER, GROUP)).announce(make_report()).recipients == 2


def test_chats_whose_cool_downs_began_apart_each_get_the_next_report(announcer, storage, clock, make_report):
    announcer((MANAGER,)).announce(make_report())
    clock.pass_(300)
    both = announcer((MANAGER, GROUP))
    assert both.announce(make_report()).recipients == 1
    clock.pass_(300)  # over for the manager, not for the group
    assert (both.announce(make_report()).status, len(records(storage))) == ("queued", 3)
    clock.pass_(300)  # over for the group, not for the manager
    assert (both.announce(make_report()).status, len(records(storage))) == ("queued", 4)
    clock.pass_(10)
    assert both.announce(make_report()).status == "already_sent"


def test_no_message_about_a_period_without_payments(announcer, storage, make_report):
    told = announcer().announce(make_report(payments=0))

    assert (told.status, told.recipients) == ("suppressed", 0)
    assert records(storage) == []


def test_a_seventh_report_within_the_cool_down_is_suppressed(announcer, storage, clock, make_report):
    deliveries = announcer()
    statuses = []
    for year in range(2020, 2028):
        statuses.append(deliveries.announce(make_report(year=year)).status)
        clock.pass_(10)

    assert statuses == ["queued"] * 6 + ["suppressed"] * 2
    assert announcer((GROUP,)).announce(make_report(year=2027)).status == "queued"
    clock.pass_(600 - 80)  # the first of the six is as old as the cool-down
    assert deliveries.announce(make_report(year=2027)).status == "queued"
    assert len(records(storage)) == 8


def test_without_a_cool_down_every_question_is_announced(announcer, storage, make_report):
    deliveries = announcer(cooldown_seconds=0)
    told = [deliveries.announce(make_report()) for _ in range(8)]

    assert {notification.status for notification in told} == {"queued"}
    assert len({notification.report_id for notification in told}) == 8
    assert len(records(storage)) == 8


def test_processes_that_race_on_a_question_leave_one_record_per_chat(
    mongodb_uri, storage, clock, make_report
):
    chats = tuple(range(1, 6))
    storages = [Storage(mongodb_uri, patience=30) for _ in range(8)]
    for one in storages:
        one.ping(30)
    processes = [
        Deliveries(one, recipients=chats, cooldown_seconds=600, now=clock, limit_seconds=30)
        for one in storages
    ]
    for round_ in range(5):
        start = threading.Barrier(len(processes))

        def ask(process, start=start):
            start.wait()
            return process.announce(make_report())

        with ThreadPoolExecutor(len(processes)) as pool:
            told = list(pool.map(ask, processes))

        found = records(storage)
        assert len(found) == len(chats) * (round_ + 1)
        assert len({(record["chat"], record["sequence"]) for record in found}) == len(found)
        assert {notification.status for notification in told} <= {"queued", "already_sent"}
        clock.pass_(600)
    for one in storages:
        one.close()


def test_threads_that_race_on_different_questions_obey_the_limit(announcer, storage, make_report):
    deliveries = announcer()

    def ask(year):
        return deliveries.announce(make_report(year=year)).status

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(ask, range(2000, 2012)))

    assert sorted(statuses) == ["queued"] * 6 + ["suppressed"] * 6
    assert len(records(storage)) == 6


@pytest.mark.process
def test_mongodb_being_away_is_told_with_the_reason(clock, make_report):
    storage = Storage("mongodb://127.0.0.1:1/smetka")
    deliveries = Deliveries(storage, recipients=[MANAGER], cooldown_seconds=600, now=clock)

    told = deliveries.announce(make_report())

    storage.close()
    assert (told.status, told.recipients) == ("unavailable", 0)
    assert "MongoDB" in told.reason


def test_what_was_announced_is_known_while_mongodb_is_away(storage, clock, make_report):
    deliveries = Deliveries(storage, recipients=[MANAGER], cooldown_seconds=600, now=clock, limit_seconds=30)
    queued = deliveries.announce(make_report())
    storage.close()  # from here on every use is refused, as when the server is gone

    clock.pass_(599)
    told = deliveries.announce(make_report())
    other = deliveries.announce(make_report(year=2024))
    clock.pass_(2)
    later = deliveries.announce(make_report())

    assert (told.status, told.report_id) == ("already_sent", queued.report_id)
    assert (other.status, later.status) == ("unavailable", "unavailable")


def test_a_mongodb_that_hangs_costs_an_answer_a_moment_once(embedded_server, mongodb_uri, clock, make_report):
    storage = Storage(mongodb_uri)
    storage.ping(30)
    deliveries = Deliveries(storage, recipients=[MANAGER], cooldown_seconds=600, now=clock)
    os.kill(embedded_server.pid, signal.SIGSTOP)
    try:
        # A process at work in the kernel stops a moment later, and may answer until then.
        while psutil.Process(embedded_server.pid).status() != psutil.STATUS_STOPPED:
            time.sleep(0.01)
        began = time.monotonic()
        told = [deliveries.announce(make_report(year=year)).status for year in (2023, 2024, 2025)]
        took = time.monotonic() - began
    finally:
        os.kill(embedded_server.pid, signal.SIGCONT)

    assert told == ["unavailable"] * 3
    assert took < 2 * 0.25
    # One that was written after its asker had gone is told as sent already.
    eventually(lambda: deliveries.announce(make_report(year=2022)).status in {"queued", "already_sent"})
    storage.close()
