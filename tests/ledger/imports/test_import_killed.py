"""An import, killed at any moment: the ledger has all rows of the files, or none."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from smetka.ledger import Ledger
from smetka.ledger.imports.marker import draft, marker

ROWS = 6_000
KILLS = 24
SMALL_KIB = 64
"""No room for the rows, so that a part of them is in the file before the end."""


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    path, chance = tmp_path_factory.mktemp("exports") / "export.csv", random.Random(3)
    with path.open("w") as file:
        file.write("user_id,money_spent,year\n")
        for _ in range(ROWS):
            cents, year = chance.randint(1, 9999999), chance.randint(2018, 2024)
            file.write(f"{chance.randint(1, 900)},{cents / 100:.2f},{year}\n")
    return path


@pytest.fixture
def old(make_ledger):
    """A ledger with payments of earlier years, and its index."""
    people = [(number, f"Customer {number}", None, 30) for number in range(1, 500)]
    return make_ledger(people, [(number, 1.0, 2010) for number in range(1, 500)], index=True)


@pytest.fixture
def killed(killed, export):
    """A function that imports into a ledger as `killed` runs any command."""

    def killed_import(ledger, begin="", last=0, *, room_kib=None):
        arguments = ["ledger", "import", str(export), "--into", str(ledger)]
        rooms = ("_CACHE_KIB", "_UNWRITTEN_KIB") if room_kib else ()
        settings = {f"smetka.ledger.imports.load.{name}": room_kib for name in rooms}
        return killed(arguments, begin, last, settings=settings)

    return killed_import


def state(ledger):
    """What a program that may write finds, after whatever it rolls back."""
    with closing(sqlite3.connect(ledger)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        imports = (
            "smetka_imports" in tables
            and database.execute("SELECT count(*) FROM smetka_imports").fetchone()[0]
        )
        (payments,) = database.execute("SELECT count(*) FROM user_spending WHERE year > 2010").fetchone()
        return payments, bool(imports)


def check(ledger):
    """All or nothing; whether it was all."""
    payments, imported = state(ledger)
    assert (payments, imported) in {(0, False), (ROWS, True)}
    return imported


def check_finished(status, ledger):
    assert status == 0
    assert check(ledger)
    assert not marker(ledger).exists()
    assert not draft(ledger).exists()


@pytest.mark.parametrize("new", [True, False], ids=["a new ledger", "one that is there"])
def test_killed_at_any_moment_it_is_all_or_nothing(killed, old, tmp_path, new):
    ledger = tmp_path / "new.db" if new else old
    original = None if new else old.read_bytes()
    status, steps = killed(ledger, room_kib=SMALL_KIB)
    check_finished(status, ledger)
    assert steps > 10 * KILLS
    for number in range(KILLS):
        if new:
            ledger.unlink(missing_ok=True)
        else:
            ledger.write_bytes(original)
        status, _ = killed(ledger, last=int(steps * (number + 0.5) / KILLS), room_kib=SMALL_KIB)
        assert status == -signal.SIGKILL
        if ledger.exists() or not new:
            check(ledger)


@pytest.mark.parametrize(
    ("begin", "last"),
    [
        ("BEGIN IMMEDIATE", 1),
        ("INSERT INTO user_info", 1),
        ("INSERT INTO user_spending", 1),
        ("INSERT INTO user_spending", 2),
        ("INSERT INTO smetka_imports", 1),
        ("COMMIT", 2),
        ("DETACH", 1),
        ("CREATE INDEX", 1),
        ("os.link", 1),
    ],
)
@pytest.mark.parametrize("new", [True, False], ids=["a new ledger", "one that is there"])
def test_killed_while_it_writes_it_is_all_or_nothing(killed, old, tmp_path, begin, last, new):
    ledger = tmp_path / "new.db" if new else old
    status, _ = killed(ledger, begin, last)

    if begin in {"CREATE INDEX", "os.link"} and not new:
        assert status == 0
        return
    assert status == -signal.SIGKILL
    if new:
        assert not ledger.exists()
    else:
        assert marker(ledger).exists()
        # Readers put it right by themselves, as one of them may write.
        with closing(Ledger(str(ledger))) as reader:
            assert reader.total_spent(1).payments >= 1
        assert check(ledger) == (begin == "DETACH")
    if begin != "DETACH" or new:
        check_finished(killed(ledger)[0], ledger)


def test_killed_when_pages_are_in_the_ledger_already_the_first_reader_rolls_it_back(killed, old):
    before = old.stat().st_size
    assert killed(old, "INSERT INTO smetka_imports", 1, room_kib=SMALL_KIB)[0] == -signal.SIGKILL

    assert old.stat().st_size > before
    assert old.with_name(f"{old.name}-journal").stat().st_size > 0
    with closing(Ledger(str(old))) as reader:
        assert reader.total_spent(1).payments == 1
    assert state(old) == (0, False)


@pytest.mark.process
def test_the_command_itself_can_be_killed_while_it_waits_for_the_ledger(export, old):
    command = [sys.executable, "-m", "smetka", "ledger", "import", export, "--into", old]
    with closing(sqlite3.connect(old, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not marker(old).exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        assert process.wait() == -signal.SIGKILL

    assert not check(old)
    check_finished(subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode, old)
