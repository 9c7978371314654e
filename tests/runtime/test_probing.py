"""A process that worked and then does not is killed soon; one that is only starting is given time."""

from __future__ import annotations

import subprocess
import time
from threading import Event

import pytest

from smetka.runtime import probing, server
from tests.selection import not_quick


class Sleeper:
    """A process that does nothing, as the parent sees its children."""

    def __init__(self):
        self.child = subprocess.Popen(["sleep", "600"])

    @property
    def pid(self):
        return self.child.pid

    def spawn(self):
        raise NotImplementedError

    def poll(self):
        return self.child.poll()


@pytest.fixture
@not_quick
def sleeper():
    sleeper = Sleeper()
    yield sleeper
    sleeper.child.kill()
    sleeper.child.wait()


@pytest.fixture
def probe(sleeper, monkeypatch):
    """A function that probes the process with these answers, the last one for ever.

    It returns an event: the last answer was given three times.
    """
    monkeypatch.setattr(probing, "PROBE_SECONDS", 0.1)
    monkeypatch.setattr(probing, "FIRST_SECONDS", 0.01)
    stopping, at_the_end = Event(), Event()

    def start(*answers):
        ahead = iter([*answers, *answers[-1:] * 2])

        def works():
            if (answer := next(ahead, None)) is None:
                at_the_end.set()
            return answers[-1] if answer is None else answer

        probing.probe("sleeper", sleeper, works, stopping)
        return at_the_end

    yield start
    stopping.set()


def test_the_shipped_limits():
    assert (probing.PROBE_SECONDS, probing.FIRST_SECONDS) == (5, 0.5)
    assert (probing.PROBES_THAT_TELL, probing.PATIENCE_SECONDS) == (3, 60)


def test_one_that_worked_and_hangs_is_killed(sleeper, probe):
    probe(True, False)

    assert sleeper.child.wait(20) == -9


def test_a_probe_that_fails_now_and_then_kills_nobody(sleeper, probe):
    assert probe(True, False, False, True, False, False, True).wait(20)

    assert sleeper.poll() is None


def test_one_that_only_starts_is_given_time(sleeper, probe, monkeypatch):
    monkeypatch.setattr(probing, "PATIENCE_SECONDS", 0.5)
    began = time.monotonic()
    probe(False)

    assert sleeper.child.wait(20) == -9
    assert time.monotonic() - began >= 0.5


def test_one_that_answers_at_last_is_not_counted_by_its_start(sleeper, probe):
    assert probe(*[False] * 50, True).wait(20)

    assert sleeper.poll() is None


def test_what_hangs_right_after_its_start_is_noticed(sleeper, probe, monkeypatch):
    """It worked for less time than lies between two probes of one that works."""
    monkeypatch.setattr(probing, "PROBE_SECONDS", 0.4)
    began, stopping = time.monotonic(), Event()
    probing.probe("sleeper", sleeper, lambda: time.monotonic() < began + 0.35, stopping)

    assert sleeper.child.wait(30) == -9
    stopping.set()


def test_as_shipped_it_is_asked_every_five_seconds_and_has_three_tries():
    assert (probing.PROBE_SECONDS, probing.PROBES_THAT_TELL, server.ANSWER_SECONDS) == (5, 3, 5)
