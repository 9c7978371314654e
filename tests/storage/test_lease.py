"""The lease: one holder, no clock's victim."""

from __future__ import annotations

import os
import subprocess

import pytest

from smetka.core.processes import birth
from smetka.storage.lease import LEASE_SECONDS, RENEW_SECONDS, Lease, _machine
from smetka.telegram.client import LONGEST_CALL_SECONDS
from tests.fixtures.clock import JUMPS


@pytest.fixture
def make_lease(storage, clock):
    def make(seconds=60.0):
        return Lease(storage, "sender", now=clock, seconds=seconds, clock=clock.monotonic)

    return make


def leave_lease_of(storage, owner, clock):
    with storage.translated():
        storage.collection("leases").insert_one(
            {"_id": "sender", "owner": owner, "fence": 7, "until": clock()}
        )


def test_one_holds_it_and_the_other_waits(make_lease):
    first, second = make_lease(), make_lease()

    assert (first.hold(), second.hold(), first.hold()) == (True, False, True)


def test_a_renewed_lease_is_never_taken(make_lease, clock):
    first, second = make_lease(), make_lease()
    for _ in range(30):
        assert (first.hold(), second.hold()) == (True, False)
        clock.pass_(10)


def test_a_silent_holder_loses_it_after_its_span_and_is_told(make_lease, clock):
    first, second = make_lease(), make_lease()
    first.hold()
    second.hold()
    clock.pass_(60)
    assert not second.hold()
    clock.pass_(1)

    assert (second.hold(), first.hold()) == (True, False)


@pytest.mark.parametrize("jump", JUMPS)
def test_a_jumping_wall_clock_neither_loses_nor_gives_it(make_lease, clock, jump):
    first, second = make_lease(), make_lease()
    first.hold()
    second.hold()
    clock.jump(jump)

    assert (second.hold(), first.hold()) == (False, True)
    clock.pass_(61)
    second.hold()
    clock.pass_(61)
    assert second.hold()


def test_a_released_lease_is_free_at_once(make_lease):
    first, second = make_lease(), make_lease()
    first.hold()
    first.release()

    assert (second.hold(), first.hold()) == (True, False)


def test_each_holder_has_a_mark_of_its_own(make_lease):
    first, second = make_lease(), make_lease()
    first.hold()
    mark = first.owner
    first.release()
    second.hold()
    second.release()
    first.hold()

    assert len({mark, second.owner, first.owner}) == 3


def test_a_dead_process_of_this_machine_need_not_be_waited_for(make_lease, storage, clock):
    dead = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    born = birth(dead.pid)
    dead.kill()
    dead.communicate()
    leave_lease_of(storage, f"{_machine()}/{dead.pid}/{born}/abc", clock)

    assert make_lease().hold()


def test_a_living_process_of_this_machine_and_any_of_another_are_waited_for(make_lease, storage, clock):
    leave_lease_of(storage, f"{_machine()}/{os.getpid()}/{birth(os.getpid())}/abc", clock)
    assert not make_lease().hold()
    with storage.translated():
        storage.collection("leases").update_one({}, {"$set": {"owner": "other:1/999999/1/abc"}})
    assert not make_lease().hold()


def test_the_embedded_rule_keeps_one_winner_of_a_race(make_lease):
    leases = [make_lease() for _ in range(10)]

    assert sum(lease.hold() for lease in leases) == 1


def test_no_call_of_telegram_outlasts_the_lease():
    assert LONGEST_CALL_SECONDS + RENEW_SECONDS < LEASE_SECONDS
