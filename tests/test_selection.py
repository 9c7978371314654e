"""Which tests run with `--quick`, with `--long` and without, and what a test is told that is not quick."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

pytestmark = pytest.mark.process

TESTS = """
import socket, subprocess, threading
import pytest
from tests.selection import not_quick

def start():
    subprocess.run(["true"], check=True)

def listen():
    socket.create_server(("127.0.0.1", 0)).close()

@pytest.fixture
@not_quick
def server():
    start()

@pytest.fixture
def shop(server):
    pass

@pytest.fixture
def undeclared():
    listen()

def test_computes():
    assert threading.Thread(target=sum, args=[[1]])

def test_uses_a_server(shop):
    pass

@pytest.mark.process
def test_starts_a_process():
    start()

@pytest.mark.long
def test_long():
    pass

def test_forgot_the_mark():
    start()

def test_forgot_it_and_goes_on_whatever_happens():
    with pytest.raises(BaseException):
        listen()

def test_its_fixture_forgot(undeclared):
    pass

@pytest.mark.filterwarnings("ignore")
def test_forgot_the_mark_of_a_thread():
    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
"""
FORGOT = {
    "test_forgot_the_mark": "FAILED",
    "test_forgot_it_and_goes_on_whatever_happens": "FAILED",
    "test_its_fixture_forgot": "ERROR",
}
QUICK = {"test_computes": "PASSED", "test_forgot_the_mark_of_a_thread": "FAILED"} | FORGOT
OTHERS = {"test_uses_a_server": "PASSED", "test_starts_a_process": "PASSED"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A function that runs TESTS, and the same below `e2e`, with pytest's options: (outcomes, what was shown)."""
    folder = tmp_path_factory.mktemp("tests")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  long\n  process\n")
    (folder / "test_parts.py").write_text(TESTS)
    (folder / "e2e").mkdir()
    (folder / "e2e" / "test_whole.py").write_text("def test_is_of_whole_processes():\n    pass\n")

    def run(*options):
        command = [
            sys.executable,
            "-m",
            "pytest",
            "--disable-plugin-autoload",
            "-p",
            "tests.selection",
            "-rA",
        ]
        done = subprocess.run(
            [*command, *options],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            check=False,
        )
        lines = [
            line.split()
            for line in done.stdout.splitlines()
            if line.startswith(("PASSED", "FAILED", "ERROR"))
        ]
        return {words[1].rpartition("::")[2]: words[0] for words in lines}, done.stdout

    return run


def test_quick_ones_need_no_server_and_no_process(run):
    outcomes, shown = run("--quick")

    assert outcomes == QUICK
    assert "test_parts.py::test_forgot_the_mark did subprocess.Popen" in shown
    assert "test_parts.py::test_its_fixture_forgot did socket.bind" in shown
    assert "Long tests" not in shown


def test_without_an_option_all_run_but_the_long_and_the_forgotten_are_told(run):
    outcomes, shown = run()

    thread = {"test_forgot_the_mark_of_a_thread": "PASSED"}  # it could be one that an earlier test left
    assert outcomes == QUICK | OTHERS | thread | {"test_is_of_whole_processes": "PASSED"}
    assert "Long tests left to `make torture` (--long): 1." in shown


def test_the_long_ones_run_alone(run):
    outcomes, shown = run("--long")

    assert outcomes == {"test_long": "PASSED"}
    assert "Long tests" not in shown


def test_processes_side_by_side_say_how_many_long_ones_they_left(run):
    _, shown = run("-p", "xdist", "-n", "2", "-k", "computes or long")

    assert "1 passed" in shown
    assert "Long tests left to `make torture` (--long): 1." in shown
