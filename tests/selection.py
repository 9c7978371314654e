"""Which tests run: all but the long ones; with `--long` those alone; with `--quick` those that only compute.

A test only computes when it is not below `tests/e2e`, is not marked `process`, and none of its fixtures is: a fixture
that starts a process or opens a socket says so with `@not_quick`. Whatever else starts one or opens one, fails.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

import pytest

WHOLE_PROCESSES = "e2e"
BEYOND_COMPUTING = frozenset(
    {
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.sendto",
        "subprocess.Popen",
    }
)
"""What Python tells its audit hooks before it starts a process or uses a socket."""

Fixture = TypeVar("Fixture", bound=Callable)


def not_quick(fixture: Fixture) -> Fixture:
    """Say of a fixture, below `@pytest.fixture`, that it starts a process or opens a socket."""
    fixture.not_quick = True
    return fixture


def computes(item: pytest.Item) -> bool:
    """Whether the test is one of `make quick`."""
    if item.get_closest_marker("process") or WHOLE_PROCESSES in item.path.parts:
        return False
    fixtures = (each for several in item._fixtureinfo.name2fixturedefs.values() for each in several)
    return not any(hasattr(each.func, "not_quick") for each in fixtures)


class Selection:
    """Leaves out what was not asked for."""

    def __init__(self, *, quick: bool, long: bool) -> None:
        self._quick, self._long = quick, long
        self._left = 0

    def pytest_ignore_collect(self, collection_path):
        """None of these is quick, so they need not be read."""
        return True if self._quick and collection_path.name == WHOLE_PROCESSES else None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config, items):
        kept, left = [], []
        for item in items:
            long = item.get_closest_marker("long") is not None
            wanted = long == self._long and (not self._quick or computes(item))
            (kept if wanted else left).append(item)
            self._left += long and not wanted
        if left:
            config.hook.pytest_deselected(items=left)
            items[:] = kept

    def pytest_sessionfinish(self, session):
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["long"] = self._left

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        self._left = getattr(node, "workeroutput", {}).get("long", self._left)

    def pytest_terminal_summary(self, terminalreporter):
        if self._left and not self._quick:
            terminalreporter.write_line(f"Long tests left to `make torture` (--long): {self._left}.")


class Watch:
    """Fails a test that should only compute, and does more."""

    def __init__(self, *, quick: bool) -> None:
        self._everywhere = quick  # else a thread of an earlier test may still be busy with its server
        self._test: str | None = None
        self._thread = 0
        self._did = ""
        sys.addaudithook(self._hear)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item):
        return (yield from self._watched(item))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        return (yield from self._watched(item))

    def _watched(self, item):
        self._thread, self._did = threading.get_ident(), ""
        self._test = item.nodeid if computes(item) else None
        try:
            return (yield)
        finally:
            self._test = None
            if self._did:
                raise pytest.fail.Exception(self._did, pytrace=False) from None

    def _hear(self, event, _):
        if self._test is None or event not in BEYOND_COMPUTING:
            return
        if self._everywhere or threading.get_ident() == self._thread:
            self._did = (
                f"{self._test} did {event}, which is no part of `make quick`: "
                "mark the test with `pytest.mark.process`, or its fixture with `@not_quick` (tests/selection.py)."
            )
            raise SystemExit(
                self._did
            )  # no `except Exception` takes it, and a thread ends by it without noise


def pytest_addoption(parser):
    group = parser.getgroup("selection")
    group.addoption("--quick", action="store_true", help="only tests that need no server and no process")
    group.addoption("--long", action="store_true", help="only tests that are long for a reason")


def pytest_configure(config):
    quick, long = config.getoption("quick"), config.getoption("long")
    config.pluginmanager.register(Selection(quick=quick, long=long))
    config.pluginmanager.register(Watch(quick=quick))
