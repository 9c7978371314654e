"""Files with codes, names or addresses are their owner's alone, and follow no link."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from smetka.errors import WrongUsage
from smetka.spreadsheets import appearing, write_csv
from smetka.storage.backup import _appearing


@pytest.fixture(autouse=True)
def everybody_may_read_new_files():
    before = os.umask(0)
    yield
    os.umask(before)


def write(path):
    write_csv(path, ("name",), [("Ana",)], excel=False, language="en")


@pytest.mark.parametrize("is_there", [False, True])
def test_a_file_is_its_owners_alone(tmp_path, is_there):
    path = tmp_path / "out.csv"
    if is_there:
        path.write_text("old")
        path.chmod(0o666)

    with appearing(path) as file:
        file.write(b"new")
        modes = {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir() if each != path}

    assert modes == {0o600}
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o600)
    assert [*tmp_path.iterdir()] == [path]


def test_a_link_beside_it_is_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "out.csv.part").symlink_to(victim)

    write(tmp_path / "out.csv")

    assert victim.read_text() == "precious"
    assert (tmp_path / "out.csv").read_text() == "name\nAna\n"


@pytest.mark.parametrize("content", ["precious", None], ids=["a file", "nothing"])
def test_a_link_at_its_place_is_replaced(tmp_path, content):
    victim = tmp_path / "victim"
    if content:
        victim.write_text(content)
    (tmp_path / "out.csv").symlink_to(victim)

    write(tmp_path / "out.csv")

    assert not (tmp_path / "out.csv").is_symlink()
    assert (victim.read_text() if content else victim.exists() or None) == content


def test_what_is_no_file_is_written_to():
    write(Path("/dev/null"))

    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize("by_link", [False, True], ids=["itself", "by a link"])
@pytest.mark.parametrize("reader", ["we", "another"])
def test_a_pipe_is_written_to_where_no_other_user_may_read_it(tmp_path, monkeypatch, reader, by_link):
    path = pipe = tmp_path / "out.csv"
    if by_link:
        pipe = tmp_path / "pipe"
        path.symlink_to(pipe)
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    if reader == "another":
        if os.geteuid() == 0:  # whose files are trusted by everybody
            os.lchown(path, 54321, -1)
        monkeypatch.setattr(os, "geteuid", lambda: 12345)

    write(path)

    told = os.read(reading, 100)
    os.close(reading)
    assert (told or path.read_bytes()) == b"name\r\nAna\r\n"
    assert bool(told) == (reader == "we")


def test_a_backup_is_not_written_through_a_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "backup.part").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(WrongUsage, match="is in the way"), _appearing(tmp_path / "backup"):
        (tmp_path / "backup.part" / "manifest.json").write_text("{}")

    assert [*(tmp_path / "elsewhere").iterdir()] == []


def test_a_backup_is_not_written_into_another_users_folder(tmp_path, monkeypatch):
    (tmp_path / "backup.part").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)

    with pytest.raises(WrongUsage, match="belongs to somebody else"), _appearing(tmp_path / "backup"):
        pass
