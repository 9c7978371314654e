"""Files with codes, names or addresses are their owner's alone, and follow no link."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from smetka.cli.kinds import OUTPUT
from smetka.core.errors import CommandFailed, WrongUsage
from smetka.files import spreadsheets
from smetka.files.spreadsheets import appearing, write_csv
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


@pytest.fixture
def pipe(tmp_path):
    """A pipe of ours, and what reads it."""
    path = tmp_path / "pipe"
    os.mkfifo(path, 0o600)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    yield path, reading
    os.close(reading)


def becomes_anothers(path, monkeypatch):
    if os.geteuid() == 0:  # whose files are trusted by everybody
        os.lchown(path, 54321, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)


@pytest.mark.parametrize("by_link", [False, True], ids=["itself", "by a link"])
def test_a_pipe_of_ones_own_is_written_to(tmp_path, pipe, by_link):
    path, reading = pipe
    if by_link:
        (tmp_path / "out.csv").symlink_to(path)
        path = tmp_path / "out.csv"

    write(path)

    assert os.read(reading, 100) == b"name\r\nAna\r\n"
    assert stat.S_ISFIFO(path.stat().st_mode)


@pytest.mark.parametrize("whose", ["the pipe", "the link", "the pipe behind a link"])
def test_a_pipe_or_a_link_of_another_user_is_replaced(tmp_path, pipe, whose, monkeypatch):
    path, reading = pipe
    if "link" in whose:
        (tmp_path / "out.csv").symlink_to(path)
        path = tmp_path / "out.csv"
    becomes_anothers(path if whose == "the link" else pipe[0], monkeypatch)

    write(path)

    assert os.read(reading, 100) == b""
    assert (path.read_bytes(), path.is_symlink()) == (b"name\r\nAna\r\n", False)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_pipe_that_others_may_open_is_refused(pipe, mode):
    path, reading = pipe
    path.chmod(mode)

    with pytest.raises(CommandFailed, match=f"a pipe that others may open .mode {mode:04o}.; run `chmod 600"):
        write(path)

    assert os.read(reading, 100) == b""


def test_what_takes_the_place_of_a_pipe_in_the_last_moment_gets_nothing(tmp_path, pipe, monkeypatch):
    path, _ = pipe
    real = spreadsheets._check_stream

    def swapped(output, found):
        real(output, found)
        path.rename(tmp_path / "before")
        path.write_text("precious")

    monkeypatch.setattr(spreadsheets, "_check_stream", swapped)
    with pytest.raises(CommandFailed, match="was another a moment ago"):
        write(path)

    assert path.read_text() == "precious"


@pytest.mark.process
def test_a_socket_is_refused_and_stays(tmp_path):
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        with pytest.raises(CommandFailed, match="is no file, pipe or terminal"):
            write(path)

    assert stat.S_ISSOCK(path.stat().st_mode)


WRITE = """
import sys
from pathlib import Path
from smetka.files.spreadsheets import write_csv

write_csv(Path(sys.argv[1]), ("name",), [("Ana",)], excel=False, language="en")
"""


@pytest.mark.process
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/stderr"])
def test_what_is_open_already_is_written_to(name):
    done = subprocess.run([sys.executable, "-c", WRITE, name], capture_output=True, check=True)

    assert done.stdout + done.stderr == b"name\r\nAna\r\n"


@pytest.mark.process
def test_a_file_that_is_open_already_is_written_on_and_not_replaced(tmp_path):
    # Not by /dev/stdout: were it replaced, then for every program of the machine.
    with (tmp_path / "told").open("wb") as file:
        file.write(b"before\n")
        file.flush()
        subprocess.run([sys.executable, "-c", WRITE, "/proc/self/fd/1"], stdout=file, check=True)

    assert (tmp_path / "told").read_bytes() == b"before\nname\r\nAna\r\n"
    assert [*tmp_path.iterdir()] == [tmp_path / "told"]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "/dev/stdin",
            "/dev/stdout",
            "/dev/stderr",
            "/dev/fd/2",
            "//dev/../dev/stdout",
            "{}/stdout",
            "{}/fd/1",
        ),
        *("/proc/thread-self/fd/1", "/proc/self/task/{pid}/fd/1", "{}-stdout", "{}-again"),
    ],
)
def test_no_name_of_what_is_open_is_taken_for_a_file(name, tmp_path):
    (tmp_path / "devices").symlink_to("/dev")
    (tmp_path / "devices-stdout").symlink_to("/dev/stdout")
    (tmp_path / "devices-again").symlink_to("devices-stdout")
    descriptor = spreadsheets._open_already(Path(name.format(tmp_path / "devices", pid=os.getpid())))

    assert descriptor is not None
    os.close(descriptor)


def test_what_this_program_opened_itself_is_not_written_to(tmp_path):
    with (tmp_path / "ledger.db").open("wb") as own, pytest.raises(CommandFailed, match="is not open"):
        write(Path(f"/dev/fd/{own.fileno()}"))

    assert (tmp_path / "ledger.db").read_bytes() == b""


@pytest.mark.parametrize("number", [999_999_999, 99999999999999999999])
def test_a_number_that_nothing_is_open_under_is_told(number):
    with pytest.raises(CommandFailed, match="cannot be written"):
        write(Path(f"/dev/fd/{number}"))


CLOSED = """
import os
from smetka.cli import main

try:
    main(["--version"])
except SystemExit:
    pass
os._exit(0 if os.open(os.devnull, os.O_RDONLY) > 2 else 1)
"""


@pytest.mark.process
def test_no_file_takes_the_place_of_a_stream_that_was_closed():
    shell = ["sh", "-c", '"$0" -c "$1" <&- >&- 2>&-', sys.executable, CLOSED]

    assert subprocess.run(shell, check=False).returncode == 0


@pytest.mark.process
def test_a_stream_that_was_closed_is_not_written_to():
    shell = [
        "sh",
        "-c",
        '"$0" -c "$1" /dev/stdout >&-',
        sys.executable,
        f"import os; os.set_inheritable(os.dup(0), True)\n{WRITE}",
    ]
    done = subprocess.run(shell, stderr=subprocess.PIPE, text=True, check=False)

    assert "/dev/stdout is not open" in done.stderr


def test_what_is_written_need_not_be_readable(tmp_path, monkeypatch):
    """As another user's pipe under /dev/stdout is not, after `sudo -u`."""
    (tmp_path / "stdout").touch()
    monkeypatch.setattr(os, "access", lambda *_: False)

    assert OUTPUT.convert(str(tmp_path / "stdout"), None, None) == tmp_path / "stdout"


@pytest.mark.parametrize("name", ["/dev/exported.csv", "{}/exported.csv", "/dev/fd", "{}/shm"])
def test_no_file_is_made_among_devices(name, tmp_path):
    (tmp_path / "devices").symlink_to("/dev")
    with pytest.raises(CommandFailed, match="a file among devices"):
        spreadsheets._open_already(Path(name.format(tmp_path / "devices")))


def test_a_backup_is_not_written_through_a_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "backup.part").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(WrongUsage, match="is in the way"), _appearing(tmp_path / "backup"):
        (tmp_path / "backup.part" / "manifest.json").write_text("{}")

    assert [*(tmp_path / "elsewhere").iterdir()] == []


@pytest.mark.parametrize("leads_to", ["a folder", "nothing", "another link"])
def test_a_backup_takes_no_link_of_another_user_for_its_place(tmp_path, leads_to, monkeypatch):
    elsewhere = theirs = tmp_path / "elsewhere"
    if leads_to != "nothing":
        elsewhere.mkdir()
    if leads_to == "another link":
        theirs = tmp_path / "theirs"
        theirs.symlink_to(elsewhere)
    (tmp_path / "backup").symlink_to(theirs)
    becomes_anothers(theirs if leads_to == "another link" else tmp_path / "backup", monkeypatch)

    with pytest.raises(WrongUsage, match="a link of somebody else's"), _appearing(tmp_path / "backup"):
        pass

    assert [*tmp_path.rglob("*.part")] == []
    assert (tmp_path / "backup").is_symlink()


def test_a_loop_of_links_is_no_place_for_a_backup(tmp_path):
    (tmp_path / "backup").symlink_to(tmp_path / "again")
    (tmp_path / "again").symlink_to(tmp_path / "backup")

    with pytest.raises((OSError, WrongUsage)), _appearing(tmp_path / "backup"):
        pass

    assert [*tmp_path.rglob("*.part")] == []


def test_a_backup_follows_a_link_to_the_folder_that_it_is_put_into(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "backups").symlink_to(tmp_path / "disk")

    with _appearing(tmp_path / "backups" / "monday") as folder:
        (folder / "manifest.json").touch()

    assert [each.name for each in (tmp_path / "disk" / "monday").iterdir()] == ["manifest.json"]


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777])
def test_a_backup_is_not_written_into_a_folder_that_is_open_to_others(tmp_path, mode):
    (tmp_path / "backup.part").mkdir()
    (tmp_path / "backup.part").chmod(mode)

    with (
        pytest.raises(WrongUsage, match=f"open to others .mode {mode:04o}."),
        _appearing(tmp_path / "backup"),
    ):
        pass

    assert (tmp_path / "backup.part").is_dir()
    assert not (tmp_path / "backup").exists()


def test_a_backup_is_not_written_into_another_users_folder(tmp_path, monkeypatch):
    (tmp_path / "backup.part").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)

    with pytest.raises(WrongUsage, match="belongs to somebody else"), _appearing(tmp_path / "backup"):
        pass
