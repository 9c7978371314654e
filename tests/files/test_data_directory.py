"""The data directory is held by one process at a time, which it names."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from smetka.core.errors import StartFailed
from smetka.core.processes import birth, descendants
from smetka.files import data_directory
from smetka.files.data_directory import DataDirectory, Running


@pytest.fixture
def directory(tmp_path):
    with DataDirectory(tmp_path / "data").hold("serve") as directory:
        yield directory


def test_the_folder_is_the_users_alone(directory):
    assert directory.path.stat().st_mode & 0o777 == 0o700


def test_a_second_holder_is_refused_in_one_line_that_names_the_first(directory, monkeypatch):
    assert data_directory.LOCK_SECONDS == 1
    monkeypatch.setattr(data_directory, "LOCK_SECONDS", 0.05)
    directory.publish(Running(holder=4711, command="serve", url="http://127.0.0.1:8000"))

    with pytest.raises(StartFailed) as caught:
        DataDirectory(directory.path).hold("serve")

    assert "4711" in str(caught.value)
    assert "http://127.0.0.1:8000" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_runs_is_known_while_it_is_held_and_not_after(directory):
    directory.publish(Running(holder=os.getpid(), command="serve", mongodb_uri="mongodb://u:p@h"))

    assert DataDirectory(directory.path).running().mongodb_uri == "mongodb://u:p@h"
    assert (directory.path / "running.json").stat().st_mode & 0o777 == 0o600
    directory.release()
    assert DataDirectory(directory.path).running() is None


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(StartFailed, match="cannot be used"):
        DataDirectory(tmp_path / "file" / "data").hold("serve")


def test_a_folder_on_a_full_disk_is_one_line_and_not_held(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(DataDirectory, "publish", full)
        with pytest.raises(StartFailed, match="cannot be used: No space left on device"):
            DataDirectory(tmp_path / "data").hold("serve")

    DataDirectory(tmp_path / "data").hold("serve").release()


def test_a_folder_whose_name_is_not_text_is_one_line(tmp_path):
    with pytest.raises(StartFailed, match="needs a name in UTF-8"):
        DataDirectory(Path(os.fsdecode(os.fsencode(tmp_path) + b"/data\xff"))).hold("serve")


def test_looking_at_what_runs_keeps_nobody_from_holding_it(tmp_path):
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            DataDirectory(tmp_path).running()

    looker = threading.Thread(target=look)
    looker.start()
    try:
        for _ in range(50):
            DataDirectory(tmp_path).hold("serve").release()
    finally:
        stop.set()
        looker.join()


@pytest.mark.process
def test_the_next_holder_waits_for_the_children_of_the_last(tmp_path):
    folder = tmp_path / "data"
    with DataDirectory(folder).hold("serve") as last:
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        last.publish(Running(holder=os.getpid(), command="serve", pids={"web": child.pid}))
        (folder / "running.json").rename(folder / "kept.json")
    (folder / "kept.json").rename(folder / "running.json")  # as a kill -9 would leave it

    began = time.monotonic()
    threading.Timer(0.3, child.stdin.close).start()  # it ends then
    DataDirectory(folder).hold("serve").release()

    assert time.monotonic() - began > 0.1
    assert birth(child.pid) is None
    child.wait()


@pytest.mark.process
def test_a_process_is_told_from_a_later_one_with_its_pid():
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    born = birth(child.pid)

    assert born is not None
    assert child.pid in descendants(os.getpid())
    child.communicate()
    assert birth(child.pid) is None
    assert birth(os.getpid()) != born
