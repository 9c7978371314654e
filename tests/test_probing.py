"""A process that worked and then does not is killed soon; one that is only starting is given time."""

from __future__ import annotations

import subprocess
import sys
import time
from threading import Event

import pytest

from smetka import probing
from tests.selection import not_quick


class Sleeper:
    """A process that does nothing, as the parent sees its children."""

    def __init__(self):
        self.child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])

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
    """A function that probes the process with these answers, the last one for ever."""
    monkeypatch.setattr(probing, "PROBE_SECONDS", 0.1)
    monkeypatch.setattr(probing, "FIRST_SECONDS", 0.01)
    stopping = Event()

    def start(*answers):
        ahead = list(answers)
        probing.probe("sleeper", sleeper, lambda: ahead.pop(0) if len(ahead) > 1 else ahead[0], stopping)

    yield start
    stopping.set()


def test_one_that_worked_and_hangs_is_killed(sleeper, probe):
    probe(True, False)

    assert sleeper.child.wait(20) == -9


def test_a_probe_that_fails_now_and_then_kills_nobody(sleeper, probe):
    probe(True, False, False, True, False, False, True)
    time.sleep(1)

    assert sleeper.poll() is None


def test_one_that_only_starts_is_given_time(sleeper, probe, monkeypatch):
    monkeypatch.setattr(probing, "PATIENCE_SECONDS", 2)
    began = time.monotonic()
    probe(False)

    assert sleeper.child.wait(20) == -9
    assert time.monotonic() - began >= 2


def test_one_that_answers_at_last_is_not_counted_by_its_start(sleeper, probe):
    probe(*[False] * 50, True)
    time.sleep(1)

    assert sleeper.poll() is None


def test_what_hangs_right_after_its_start_is_noticed(sleeper, probe, monkeypatch):
    """It worked for less time than lies between two probes of one that works."""
    monkeypatch.setattr(probing, "PROBE_SECONDS", 0.5)
    began = time.monotonic()
    probing.probe("sleeper", sleeper, lambda: time.monotonic() < began + 0.3, Event())

    assert sleeper.child.wait(30) == -9
