"""Where the time of the tests goes: `make test-times`.

A plugin of pytest, loaded by `-p tests.times`. Each test process notes, for each test's three parts and for each
fixture, how long it took and how much of that was its own computing; what is left is waiting: for a server, a
browser, another process, the disk. The notes of all processes make one table in the terminal. With TIMES=FILE in
the environment the notes themselves are written there as JSON, to compare two runs.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from pathlib import Path

import pytest

SLOWEST = 50


class Times:
    """The notes of one test process."""

    def __init__(self):
        self.began = time.monotonic()
        self.tests = defaultdict(lambda: [0.0, 0.0])
        self.fixtures = defaultdict(lambda: [0.0, 0.0, 0])
        self.last = self.began
        self.inner = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        wall, cpu = time.monotonic(), time.process_time()
        result = yield
        self.last = time.monotonic()
        note = self.tests[item.nodeid]
        note[0] += self.last - wall
        note[1] += time.process_time() - cpu
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef, request):
        wall, cpu = time.monotonic(), time.process_time()
        self.inner.append([0.0, 0.0])
        try:
            return (yield)
        finally:
            wall, cpu = time.monotonic() - wall, time.process_time() - cpu
            inner = self.inner.pop()
            if self.inner:
                self.inner[-1][0] += wall
                self.inner[-1][1] += cpu
            note = self.fixtures[f"{fixturedef.baseid or 'pytest'}::{fixturedef.argname}"]
            note[0] += wall - inner[0]
            note[1] += cpu - inner[1]
            note[2] += 1

    def as_json(self):
        return {
            "seconds": self.last - self.began,
            "tests": dict(self.tests),
            "fixtures": dict(self.fixtures),
        }

    def pytest_sessionfinish(self, session):
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["times"] = json.dumps(self.as_json())


class Table:
    """The notes of all test processes, in the process that shows them."""

    def __init__(self, own):
        self.own = own
        self.workers = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        if notes := getattr(node, "workeroutput", {}).get("times"):
            self.workers.append(json.loads(notes))

    def pytest_terminal_summary(self, terminalreporter):
        workers = self.workers or [self.own.as_json()]
        if to := os.environ.get("TIMES"):
            Path(to).write_text(json.dumps(workers), encoding="utf-8")
        for line in table(workers):
            terminalreporter.write_line(line)


def _added(notes, key):
    sums = {}
    for name, values in notes:
        so_far = sums.setdefault(key(name), [0] * len(values))
        sums[key(name)] = [a + b for a, b in zip(so_far, values, strict=True)]
    return sorted(sums.items(), key=lambda pair: -pair[1][0])


def table(workers):
    """The lines that say where the time went."""
    tests = [pair for worker in workers for pair in worker["tests"].items()]
    fixtures = [pair for worker in workers for pair in worker["fixtures"].items()]
    longest = max(worker["seconds"] for worker in workers)
    yield ""
    yield "| test process | tests | seconds in them | computing | waiting | idle at the end |"
    yield "|---|---:|---:|---:|---:|---:|"
    for number, worker in enumerate(workers):
        inside = sum(wall for wall, _ in worker["tests"].values())
        cpu = sum(cpu for _, cpu in worker["tests"].values())
        yield (
            f"| {number} | {len(worker['tests'])} | {inside:.0f} | {cpu:.0f} | {inside - cpu:.0f} "
            f"| {longest - worker['seconds']:.0f} |"
        )
    yield ""
    yield "| file | seconds | waiting |"
    yield "|---|---:|---:|"
    for name, (wall, cpu) in _added(tests, lambda name: name.split("::")[0]):
        yield f"| {name} | {wall:.1f} | {wall - cpu:.1f} |"
    yield ""
    yield "| fixture | times | seconds | waiting |"
    yield "|---|---:|---:|---:|"
    for name, (wall, cpu, times) in _added(fixtures, str):
        if wall >= 1:
            yield f"| {name} | {times} | {wall:.1f} | {wall - cpu:.1f} |"
    yield ""
    yield f"| the {SLOWEST} slowest tests | seconds | waiting |"
    yield "|---|---:|---:|"
    for name, (wall, cpu) in _added(tests, str)[:SLOWEST]:
        yield f"| {name} | {wall:.1f} | {wall - cpu:.1f} |"


def pytest_configure(config):
    own = Times()
    config.pluginmanager.register(own)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Table(own))
