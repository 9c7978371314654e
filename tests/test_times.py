"""The table of where the time went is true."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY
from tests.times import SLOWEST, table

ONE = {
    "seconds": 9.0,
    "tests": {
        "a.py::test_first": [4.0, 1.0],
        "a.py::test_second": [2.0, 2.0],
        "b.py::test_third": [1.0, 0.5],
    },
    "fixtures": {"tests::server": [3.0, 0.5, 1], "tests::small": [0.2, 0.2, 40]},
}
OTHER = {
    "seconds": 7.5,
    "tests": {"b.py::test_fourth": [6.5, 0.5]},
    "fixtures": {"tests::server": [2.5, 0.5, 1]},
}


def test_time_is_added_by_process_file_fixture_and_test():
    assert list(table([ONE, OTHER])) == [
        "",
        "| test process | tests | seconds in them | computing | waiting | idle at the end |",
        "|---|---:|---:|---:|---:|---:|",
        "| 0 | 3 | 7 | 4 | 4 | 0 |",
        "| 1 | 1 | 6 | 0 | 6 | 2 |",
        "",
        "| file | seconds | waiting |",
        "|---|---:|---:|",
        "| b.py | 7.5 | 6.5 |",
        "| a.py | 6.0 | 3.0 |",
        "",
        "| fixture | times | seconds | waiting |",
        "|---|---:|---:|---:|",
        "| tests::server | 2 | 5.5 | 4.5 |",
        "",
        f"| the {SLOWEST} slowest tests | seconds | waiting |",
        "|---|---:|---:|",
        "| b.py::test_fourth | 6.5 | 6.0 |",
        "| a.py::test_first | 4.0 | 3.0 |",
        "| a.py::test_second | 2.0 | 0.0 |",
        "| b.py::test_third | 1.0 | 0.5 |",
    ]


@pytest.mark.process
@pytest.mark.parametrize("processes", [(), ("-p", "xdist", "-n", "1")], ids=["in one process", "in another"])
def test_waiting_is_told_from_computing_and_fixtures_from_each_other(tmp_path, processes):
    (tmp_path / "test_waits.py").write_text(
        """
import time
import pytest

@pytest.fixture
def inner():
    time.sleep(0.3)

@pytest.fixture
def outer(request):
    request.getfixturevalue("inner")

def test_waits(outer):
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
"""
    )
    notes = tmp_path / "times.json"

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--disable-plugin-autoload", "-p", "tests.times", *processes],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "TIMES": str(notes)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "| the 50 slowest tests" in done.stdout, done.stdout + done.stderr
    (noted,) = json.loads(notes.read_text())
    seconds, computing = noted["tests"]["test_waits.py::test_waits"]
    assert seconds - computing >= 0.3
    assert computing >= 0.1
    inner, outer = (noted["fixtures"][f"test_waits.py::{name}"] for name in ("inner", "outer"))
    assert inner[0] >= 0.3
    assert inner[0] + outer[0] < seconds - 0.05  # neither is in the other, and the test itself is in none
    assert (inner[2], outer[2]) == (1, 1)
