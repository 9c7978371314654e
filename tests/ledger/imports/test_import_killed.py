"""The real command, killed at any moment: the ledger has all rows of the files, or none."""

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

pytestmark = pytest.mark.process

ROWS = 60_000
KILLS = 12

# A process that dies by its own hand just before the n-th statement on its databases that begins so.
DYING = """
import os, signal, sqlite3, sys
word, left = sys.argv[1], int(sys.argv[2])

class Dying(sqlite3.Connection):
    def execute(self, sql, *values):
        global left
        if sql.startswith(word):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().execute(sql, *values)

real = sqlite3.connect
sqlite3.connect = lambda *arguments, **options: real(*arguments, **options, factory=Dying)
from smetka.cli import main
main(sys.argv[3:])
"""


def write_export(path, rows):
    chance = random.Random(3)
    with path.open("w") as file:
        file.write("user_id,money_spent,year\n")
        for _ in range(rows):
            cents, year = chance.randint(1, 9999999), chance.randint(2018, 2024)
            file.write(f"{chance.randint(1, 9000)},{cents / 100:.2f},{year}\n")
    return path


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    return write_export(tmp_path_factory.mktemp("exports") / "export.csv", ROWS)


@pytest.fixture
def old(make_ledger):
    """A ledger with payments of earlier years, and its index."""
    people = [(number, f"Customer {number}", None, 30) for number in range(1, 500)]
    return make_ledger(people, [(number, 1.0, 2010) for number in range(1, 500)], index=True)


def start(export, ledger, *before):
    command = [sys.executable, *(before or ("-m", "smetka")), "ledger", "import", export, "--into", ledger]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


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


def finished(export, ledger):
    assert start(export, ledger).wait() == 0
    assert check(ledger)
    assert not marker(ledger).exists()
    assert not draft(ledger).exists()


@pytest.mark.parametrize("new", [True, False], ids=["a new ledger", "one that is there"])
def test_killed_at_any_moment_it_is_all_or_nothing(export, old, tmp_path, new):
    ledger = tmp_path / "new.db" if new else old
    original = None if new else old.read_bytes()
    begun = time.monotonic()
    finished(export, ledger)
    whole = time.monotonic() - begun
    alive = 0
    for number in range(KILLS):
        if new:
            ledger.unlink(missing_ok=True)
        else:
            ledger.write_bytes(original)
        process = start(export, ledger)
        time.sleep(whole * (number + 0.5) / KILLS)
        process.kill()
        alive += process.wait() == -signal.SIGKILL
        if ledger.exists() or not new:
            check(ledger)

    assert alive > KILLS // 3


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("BEGIN IMMEDIATE", 1),
        ("INSERT INTO user_info", 1),
        ("INSERT INTO user_spending", 1),
        ("INSERT INTO user_spending", 2),
        ("INSERT INTO smetka_imports", 1),
        ("COMMIT", 2),
        ("DETACH", 1),
        ("CREATE INDEX", 1),
    ],
)
@pytest.mark.parametrize("new", [True, False], ids=["a new ledger", "one that is there"])
def test_killed_while_it_writes_it_is_all_or_nothing(export, old, tmp_path, word, number, new):
    ledger = tmp_path / "new.db" if new else old
    ended = start(export, ledger, "-c", DYING, word, str(number)).wait()

    if word == "CREATE INDEX" and not new:
        assert ended == 0
        return
    assert ended == -signal.SIGKILL
    if new:
        assert not ledger.exists()
    else:
        assert marker(ledger).exists()
        # Readers put it right by themselves, as one of them may write.
        with closing(Ledger(str(ledger))) as reader:
            assert reader.total_spent(1).payments >= 1
        assert check(ledger) == (word == "DETACH")
    if word != "DETACH" or new:
        finished(export, ledger)


def test_killed_when_pages_are_in_the_ledger_already_it_is_rolled_back(old, tmp_path):
    """More rows than the cache has room for: a part is in the file when the end comes."""
    export, before = write_export(tmp_path / "long.csv", 5 * ROWS), old.stat().st_size
    assert start(export, old, "-c", DYING, "INSERT INTO smetka_imports", "1").wait() == -signal.SIGKILL

    assert old.stat().st_size > before
    assert old.with_name(f"{old.name}-journal").stat().st_size > 0
    assert state(old) == (0, False)
