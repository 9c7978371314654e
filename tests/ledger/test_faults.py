"""Whatever is wrong with the file: a sentence, soon, nothing touched, and well again once it is mended."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from smetka.core.errors import LedgerUnavailable, WrongUsage
from smetka.core.money import Money
from smetka.ledger import Ledger, patience
from smetka.ledger.imports.marker import marker
from smetka.ledger.limits import USUAL, Limits
from smetka.ledger.upkeep import create_empty
from tests.selection import not_quick

SOON_SECONDS = 5.0  # 2.5 are promised
QUICK = Limits(file_lock=0.2)
PATIENT = Limits(file_lock=60)


def tables(script):
    def make(path):
        path.unlink()
        with closing(sqlite3.connect(path)) as database:
            database.executescript(script)

    return make


def folder(path):
    path.unlink()
    path.mkdir()


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def cut(path):
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def scribbled(path):
    """The header is fine; the pages behind it are not."""
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))


FAULTS = {
    "missing": (Path.unlink, "There is no file"),
    "a folder": (folder, "is a folder"),
    "a pipe": (pipe, "is not a file"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "a text file": (
        lambda path: path.write_text("customers and payments\n" * 500),
        "is not a SQLite database",
    ),
    "cut in half": (cut, "damaged or cut short"),
    "scribbled over": (scribbled, "damaged or cut short"),
    "no tables": (tables("CREATE TABLE other (x)"), "no table user_info"),
    "no payments": (tables("CREATE TABLE user_info (user_id, age)"), "no table user_spending"),
    "no age": (tables("CREATE TABLE user_info (user_id)"), "user_info has no column age"),
    "no amount": (
        tables("CREATE TABLE user_info (user_id, age); CREATE TABLE user_spending (user_id, year)"),
        "user_spending has no column money_spent",
    ),
    "a view of nothing": (
        tables(
            "CREATE TABLE user_info (user_id, age); CREATE TABLE t (user_id, money_spent, year);"
            "CREATE VIEW user_spending AS SELECT * FROM t; DROP TABLE t"
        ),
        "no such table",
    ),
}
HOLD = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
print(flush=True)
sys.stdin.read()
database.close()
"""
QUESTIONS = {
    "total_spent": lambda ledger: ledger.total_spent(1),
    "spending_by_age": lambda ledger: ledger.spending_by_age(),
    "version": lambda ledger: ledger.version(),
    "ping": lambda ledger: ledger.ping(),
}


def look(folder):
    """Everything in a folder, to the byte."""
    return {
        path.name: path.read_bytes() if path.is_file() else path.stat().st_mode
        for path in sorted(folder.iterdir())
    }


@pytest.mark.parametrize("opened_before", [False, True], ids=["from the start", "while it is open"])
@pytest.mark.parametrize(("damage", "reason"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_told_soon_and_heals(shop, tmp_path, damage, reason, opened_before):
    whole = tmp_path / "whole"
    shutil.copy(shop, whole)
    with closing(Ledger(str(shop))) as ledger:
        if opened_before:
            ledger.spending_by_age()
        damage(shop)
        before = look(tmp_path)

        for ask in QUESTIONS.values():
            start = time.monotonic()
            with pytest.raises(LedgerUnavailable) as caught:
                ask(ledger)
            assert time.monotonic() - start < SOON_SECONDS
            assert reason in caught.value.reason
            assert "\n" not in caught.value.reason
            assert str(shop) not in str(caught.value)

        assert look(tmp_path) == before
        if shop.is_dir():
            shop.rmdir()
        whole.replace(shop)
        assert ledger.total_spent(1).total == Money(30030)


@pytest.fixture
def lock(shop):
    """Another connection's exclusive lock on the ledger, until it is closed."""
    with closing(sqlite3.connect(shop, isolation_level=None, check_same_thread=False)) as database:
        database.execute("BEGIN EXCLUSIVE")
        yield database


@pytest.mark.parametrize("opened_before", [False, True], ids=["from the start", "while it is open"])
@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS.keys())
def test_sixteen_who_meet_a_locked_ledger_are_all_told_soon(shop, ask, opened_before):
    with (
        closing(Ledger(str(shop), limits=QUICK)) as ledger,
        closing(sqlite3.connect(shop, isolation_level=None)) as database,
        ThreadPoolExecutor(16) as threads,
    ):
        if opened_before:
            ledger.spending_by_age()
        database.execute("BEGIN EXCLUSIVE")

        def meet(_):
            start = time.monotonic()
            with pytest.raises(LedgerUnavailable) as caught:
                ask(ledger)
            return time.monotonic() - start, caught.value.reason

        for took, reason in threads.map(meet, range(16)):
            assert took < SOON_SECONDS
            assert reason == f"{shop} is locked by another process."
        database.execute("ROLLBACK")

        ask(ledger)


@pytest.mark.process
def test_a_lock_of_another_process_is_told_and_heals(shop):
    holder = subprocess.Popen(
        [sys.executable, "-ISc", HOLD, shop], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder, closing(Ledger(str(shop), limits=QUICK)) as ledger:
        assert holder.stdout.readline()
        with pytest.raises(LedgerUnavailable):
            ledger.version()
        holder.stdin.close()
        assert holder.wait(30) == 0

        assert ledger.total_spent(1).total == Money(30030)


class Clock:
    """Stands still until somebody sleeps."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def test_after_one_waited_in_vain_the_next_does_not_wait(shop, lock, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(patience, "time", clock)

    def waited():
        start = clock.now
        with pytest.raises(LedgerUnavailable):
            ledger.version()
        return clock.now - start

    with closing(Ledger(str(shop))) as ledger:
        assert waited() == pytest.approx(USUAL.file_lock)
        assert [waited() for _ in range(5)] == [0] * 5

        clock.sleep(patience.LOCK_REMEMBERED_SECONDS)
        assert waited() == pytest.approx(USUAL.file_lock)


def test_a_short_lock_is_waited_for(shop, lock):
    with closing(Ledger(str(shop), limits=PATIENT)) as ledger, ThreadPoolExecutor(1) as threads:
        asked = threads.submit(ledger.total_spent, 1)
        time.sleep(0.1)
        assert not asked.done()

        lock.execute("ROLLBACK")

        assert asked.result(30).total == Money(30030)


def test_a_question_while_all_kept_connections_are_busy_is_answered(shop):
    with closing(Ledger(str(shop))) as ledger, ExitStack() as stack:
        ledger.ping()
        for _ in range(20):
            stack.enter_context(ledger._source._opened.connection())

        assert ledger.total_spent(1).total == Money(30030)


@pytest.mark.parametrize(
    "name", ["a shop.db", "what?.db", "50%25.db", "a#b.db", "продажба.db", "a'b;c&mode=rw.db"]
)
def test_any_file_name_will_do(make_ledger, name):
    path = make_ledger([(1, "a", None, 20)], [(1, 5, 2023)], name=name)

    for location in (str(path), f"sqlite:///{path}"):
        if "?" in name and location.startswith("sqlite:"):
            continue  # in a URL that begins its options
        with closing(Ledger(location)) as ledger:
            assert ledger.total_spent(1).total == Money(500)
    assert [file.name for file in path.parent.iterdir()] == [name]


def test_a_relative_path_stays_where_it_was(shop, monkeypatch, tmp_path):
    monkeypatch.chdir(shop.parent)
    with closing(Ledger(shop.name)) as ledger:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")

        assert ledger.path == shop
        ledger.ping()


@pytest.mark.parametrize(
    "location",
    ["", "  ", "a\0b", ":memory:", "sqlite://", "sqlite://host/x.db", "sqlite:///x.db?mode=rw", "sqlite:///",
     "mysql://me:secret@host/shop", "postgresql://me:secret@host:x/shop", "mysql+pymysql://host/x", "file:///shop.db"],
)  # fmt: skip
def test_what_is_no_ledger_is_wrong_usage(location):
    with pytest.raises(WrongUsage) as caught:
        Ledger(location)

    assert "secret" not in str(caught.value)


def test_a_ledger_is_not_written_to(shop):
    before = look(shop.parent)
    with closing(Ledger(str(shop))) as ledger:
        for ask in QUESTIONS.values():
            ask(ledger)
        with ledger._source._opened.connection() as connection, pytest.raises(Exception, match="readonly"):
            connection.execute("DELETE FROM user_spending")

    assert look(shop.parent) == before


def test_a_wal_ledger_is_read_while_it_is_written(shop):
    with closing(sqlite3.connect(shop)) as database, closing(Ledger(str(shop))) as ledger:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("INSERT INTO user_spending VALUES (1, 1, 2023)")
        database.commit()
        database.execute("DELETE FROM user_spending")

        assert ledger.total_spent(1).total == Money(30130)


@pytest.fixture
def crashed(shop, tmp_path):
    """A ledger with the rollback journal of a writer who was killed: only one who may write can undo it."""
    with closing(sqlite3.connect(shop, isolation_level=None)) as database:
        database.execute("PRAGMA cache_size = 1")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("BEGIN")
        database.execute("UPDATE user_spending SET money_spent = 0")
        database.executemany(
            "INSERT INTO user_info VALUES (?, ?, '', 1)", ((n, "x" * 900) for n in range(100, 999))
        )
        crashed = tmp_path / "crashed" / "shop.db"
        crashed.parent.mkdir()
        shutil.copy(shop, crashed)
        shutil.copy(f"{shop}-journal", f"{crashed}-journal")
        database.execute("ROLLBACK")
    return crashed


def test_an_interrupted_write_is_told(crashed):
    before = look(crashed.parent)

    with closing(Ledger(str(crashed))) as ledger:
        with pytest.raises(LedgerUnavailable) as caught:
            ledger.total_spent(1)
        assert "rolled back" in caught.value.reason
        assert look(crashed.parent) == before

        with closing(sqlite3.connect(crashed)) as database:
            database.execute("SELECT count(*) FROM user_info").fetchone()
        assert ledger.total_spent(1).total == Money(30030)


NOBODY = """
import os, sys
from smetka.core.errors import LedgerUnavailable
from smetka.ledger import Ledger

Ledger(sys.argv[1]).payments(1, 1)  # everything is imported while it may be
if os.geteuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
for line in sys.stdin:
    try:
        print(Ledger(line.rstrip("\\n")).total_spent(1).total, flush=True)
    except LedgerUnavailable as error:
        print(error.reason, flush=True)
"""


@pytest.fixture(scope="module")
@not_quick
def nobody(tmp_path_factory):
    """A process of a user without rights, which reads paths of ledgers and tells the reason or customer 1's total."""
    path = tmp_path_factory.mktemp("readable") / "shop.db"
    create_empty(path)
    with subprocess.Popen(
        [sys.executable, "-c", NOBODY, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def ask_as_nobody(shop, nobody):
    """Ask a copy of the ledger, in a folder of its own, as a user without rights."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)  # pytest's own may be entered by its owner alone
    path = Path(shutil.copy(shop, folder / "shop.db"))
    path.chmod(0o644)

    def ask():
        print(path, file=nobody.stdin, flush=True)
        return nobody.stdout.readline().strip()

    ask.path, ask.folder = path, folder
    yield ask
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_killed_import_of_ours_is_undone_by_the_first_who_asks(crashed):
    marker(crashed).touch()

    with closing(Ledger(str(crashed))) as ledger:
        assert ledger.total_spent(1).total == Money(30030)

    assert [file.name for file in crashed.parent.iterdir()] == ["shop.db"]


def test_an_import_that_is_still_at_it_is_not_undone(crashed):
    marker(crashed).touch()
    with marker(crashed).open("r+") as held, closing(Ledger(str(crashed), limits=QUICK)) as ledger:
        fcntl.flock(held, fcntl.LOCK_EX)

        with pytest.raises(LedgerUnavailable):
            ledger.total_spent(1)

        fcntl.flock(held, fcntl.LOCK_UN)
    with closing(Ledger(str(crashed))) as ledger:
        assert ledger.total_spent(1).total == Money(30030)


@pytest.mark.process
def test_a_file_that_may_not_be_read_is_told(ask_as_nobody):
    assert ask_as_nobody() == "300.30"
    ask_as_nobody.path.chmod(0)

    assert "grant read permission" in ask_as_nobody()


@pytest.mark.process
def test_a_folder_that_may_not_be_entered_is_told(ask_as_nobody):
    ask_as_nobody.folder.chmod(0)

    assert "Permission denied" in ask_as_nobody()


@pytest.mark.process
def test_a_wal_ledger_in_a_folder_not_writable_says_what_to_grant(ask_as_nobody):
    with closing(sqlite3.connect(ask_as_nobody.path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
    ask_as_nobody.folder.chmod(0o555)

    assert f"Grant write permission on {ask_as_nobody.folder}" in ask_as_nobody()
