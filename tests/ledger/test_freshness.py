"""Each answer reflects every commit made before the question, however the file came to change."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from smetka.core.errors import LedgerUnavailable, NotAtOnce
from smetka.core.money import Money
from smetka.ledger import Ledger
from smetka.ledger.limits import Limits

PAY = "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute('INSERT INTO user_spending VALUES (1, 5, 2023)'); d.commit(); d.close()"


@pytest.fixture
def ledger(shop):
    # Patient: on a busy disk a commit may hold its lock for longer than a shop's customers wait.
    with closing(Ledger(str(shop), limits=Limits(file_lock=60))) as ledger:
        yield ledger


def spent(ledger):
    """By both questions, which must agree."""
    total = ledger.total_spent(1).total
    assert [row.total for row in ledger.spending_by_age().rows if row.age == 20] == [total]
    return total


def test_an_unchanged_file_keeps_its_version(ledger):
    version = ledger.version()

    spent(ledger)

    assert [ledger.version() for _ in range(5)] == [version] * 5


@pytest.mark.process
@pytest.mark.parametrize("mode", ["DELETE", "TRUNCATE", "PERSIST", "WAL"])
def test_a_payment_of_another_process_is_in_the_next_answer(ledger, shop, mode):
    with closing(sqlite3.connect(shop)) as database:
        database.execute(f"PRAGMA journal_mode = {mode}")
    for paid in range(5):
        assert spent(ledger) == Money(30030 + paid * 500)
        version = ledger.version()

        subprocess.run([sys.executable, "-ISc", PAY, shop], check=True)

        assert ledger.version() != version


def test_commits_in_quick_succession_are_all_seen(ledger, shop):
    """Faster than the clock of the file system ticks, and without a change of size."""
    versions = {ledger.version()}
    with closing(sqlite3.connect(shop, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        for paid in range(200):
            database.execute("UPDATE user_spending SET money_spent = ? WHERE year = 2024", (paid,))
            versions.add(ledger.version())
            assert ledger.total_spent(1).total == Money(10010 + paid * 100)

    assert len(versions) == 201


def test_what_is_not_committed_is_not_seen(ledger, shop):
    version = ledger.version()
    with closing(sqlite3.connect(shop)) as database:
        database.execute("DELETE FROM user_spending")

        assert spent(ledger) == Money(30030)
        database.rollback()

    assert ledger.version() == version


def another(make_ledger, amount):
    return make_ledger([(1, "x", None, 20)], [(1, amount, 2023)], name="another.db")


def test_a_replaced_file_is_opened_anew(ledger, shop, make_ledger):
    spent(ledger)
    version = ledger.version()

    another(make_ledger, 7).replace(shop)

    assert ledger.version() != version
    assert spent(ledger) == Money(700)


def test_a_file_replaced_by_one_of_other_types_is_read_as_those_demand(ledger, shop, tmp_path):
    spent(ledger)
    with closing(sqlite3.connect(tmp_path / "another.db")) as database:
        database.executescript("""
            CREATE TABLE user_info (user_id TEXT, age TEXT);
            CREATE TABLE user_spending (user_id TEXT, money_spent TEXT, year TEXT);
            INSERT INTO user_info VALUES ('001', '20');
            INSERT INTO user_spending VALUES ('1', '7.5', '2023');
        """)

    (tmp_path / "another.db").replace(shop)

    assert spent(ledger) == Money(750)


def test_a_file_overwritten_in_place_is_opened_anew(ledger, shop, make_ledger):
    """By a file of the same size, the same change counter and the same times."""
    spent(ledger)
    version = ledger.version()
    before = shop.stat()
    copy = make_ledger(
        [(1, "Ана", None, 20), (2, "Bob", None, 30), (3, "C", None, None)],
        [(1, 100.10, 2023), (1, 900.20, 2024), (3, -5.05, 2023)],
        name="copy.db",
    )
    assert copy.stat().st_size == before.st_size

    with shop.open("r+b") as file:
        file.write(copy.read_bytes())
    os.utime(shop, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert ledger.version() != version
    assert spent(ledger) == Money(100030)


def test_a_link_that_is_pointed_elsewhere_is_followed(shop, make_ledger, tmp_path):
    link = tmp_path / "link.db"
    link.symlink_to(shop)
    with closing(Ledger(str(link))) as ledger:
        assert spent(ledger) == Money(30030)

        link.unlink()
        link.symlink_to(another(make_ledger, 7))

        assert spent(ledger) == Money(700)


def test_a_deleted_file_is_unavailable_at_once_and_well_again_when_it_is_back(ledger, shop, tmp_path):
    spent(ledger)
    shop.rename(tmp_path / "elsewhere.db")
    for ask in (ledger.version, lambda: ledger.total_spent(1), ledger.spending_by_age, ledger.ping):
        with pytest.raises(LedgerUnavailable) as caught:
            ask()
        assert str(shop) in caught.value.reason
    assert not shop.exists()

    shutil.copy(tmp_path / "elsewhere.db", shop)

    assert spent(ledger) == Money(30030)


def test_a_deleted_file_frees_its_space_at_the_next_question(ledger, shop):
    ledger.ping()
    assert open_files(shop) > 0
    shop.unlink()
    with pytest.raises(LedgerUnavailable):
        ledger.ping()

    still_open = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
    assert not any(name.startswith(str(shop)) for name in still_open)


def test_columns_are_looked_for_again_after_a_change(ledger, shop):
    ledger.ping()
    with closing(sqlite3.connect(shop)) as database:
        database.execute("ALTER TABLE user_spending RENAME COLUMN year TO jahr")
    with pytest.raises(LedgerUnavailable) as caught:
        ledger.ping()
    assert caught.value.reason == "The ledger's table user_spending has no column year."
    with closing(sqlite3.connect(shop)) as database:
        database.execute("ALTER TABLE user_spending RENAME COLUMN jahr TO year")

    ledger.ping()


def test_a_closed_ledger_opens_again_when_asked(ledger):
    version = ledger.version()
    ledger.close()
    ledger.close()

    assert spent(ledger) == Money(30030)
    assert ledger.version() != version


def test_threads_never_see_half_a_commit_or_an_older_one(ledger, shop):
    """One process moves money between two customers of one age and adds to it; totals only ever grow."""

    def ask(_):
        seen = [ledger.spending_by_age().rows[0].total for _ in range(20)]
        assert seen == sorted(seen)
        return seen[-1]

    with (
        closing(sqlite3.connect(shop, isolation_level=None, timeout=20)) as database,
        ThreadPoolExecutor(8) as threads,
    ):
        asked = [threads.submit(ask, n) for n in range(8)]
        for _ in range(50):
            database.execute("BEGIN")
            database.execute("INSERT INTO user_spending VALUES (1, -100, 2023)")
            database.execute("INSERT INTO user_spending VALUES (1, 101, 2023)")
            database.execute("COMMIT")
        assert {answer.result(60).cents % 100 for answer in asked} == {30030 % 100}
    assert spent(ledger) == Money(30030 + 50 * 100)


def open_files(path):
    return sum(file.path == str(path) for file in psutil.Process().open_files())


def test_a_connection_in_use_while_the_file_changes_is_closed_when_it_is_given_back(ledger, shop):
    ledger.ping()
    opened = ledger._source._opened
    with opened.connection():
        ledger.close()
        assert open_files(shop) == 1

    assert open_files(shop) == 0


def test_connections_do_not_pile_up_however_questions_and_changes_fall_together(ledger, shop):
    with (
        ThreadPoolExecutor(8) as threads,
        closing(sqlite3.connect(shop, isolation_level=None, timeout=20)) as database,
    ):
        asked = [threads.submit(lambda: [ledger.spending_by_age() for _ in range(30)]) for _ in range(8)]
        for _ in range(60):
            database.execute("INSERT INTO user_spending VALUES (2, 1, 2023)")
        for answer in asked:
            answer.result(60)

    assert open_files(shop) <= 5  # four connections and the one that watches
    ledger.close()
    assert open_files(shop) == 0


def test_nobody_waits_for_a_connection_of_a_file_that_was_replaced(ledger, shop, make_ledger, monkeypatch):
    """More ask than connections are kept, and the file changes while all of those are in use."""
    begun, go_on = threading.Semaphore(0), threading.Event()

    def asks(opened):
        def take(rows):
            begun.release()
            assert go_on.wait(30)
            return [count for (count,) in rows]

        return opened.fold("SELECT COUNT(*) FROM user_info", {}, take)[0]

    with ThreadPoolExecutor(12) as pool:
        answers = [pool.submit(ledger.read, asks) for _ in range(12)]
        for _ in answers:
            assert begun.acquire(timeout=10)  # all at once: none waits for another's
        make_ledger([(1, "Another", None, 20)], name="next.db").replace(shop)
        assert ledger.total_spent(1).payments == 0
        go_on.set()

        assert len({answer.result() for answer in answers}) == 1


def test_tables_declared_otherwise_in_the_write_ahead_log_are_read_as_those_demand(ledger, shop):
    with closing(sqlite3.connect(shop, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        assert ledger.total_spent(1).total == Money(30030)
        glance = ledger.glance()
        assert glance.total_spent(1).total == Money(30030)
        database.executescript(
            """
            BEGIN;
            DROP TABLE user_spending;
            CREATE TABLE user_spending (user_id INTEGER, money_spent TEXT, year INTEGER);
            INSERT INTO user_spending VALUES (1, '777.50', 2023), (1, '1.25', 2023);
            COMMIT;
            """
        )

        with pytest.raises(NotAtOnce):
            ledger.glance().total_spent(1)
        assert ledger.total_spent(1).total == Money(77875)
        assert ledger.glance().total_spent(1).total == Money(77875)
