"""Questions about a file that is being written: how long they wait, and how long they keep a shop waiting."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from smetka.core.errors import LedgerUnavailable
from smetka.core.money import Money
from smetka.ledger import Ledger, patience
from smetka.ledger.limits import USUAL, Limits

PAY = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
database.execute("INSERT INTO user_spending VALUES (1, 1, 2023)")
"""
COUNT = "SELECT count(*) FROM user_spending"
LENGTHY = (
    "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 50000000) SELECT count(*) FROM n"
)


class Writer:
    """Somebody who locks the ledger, and the clock that those see who wait: it goes on as they sleep."""

    def __init__(self, path):
        self.database = sqlite3.connect(path, isolation_level=None)
        self.now = self.until = 1000.0

    def lock(self, seconds):
        self.database.execute("BEGIN EXCLUSIVE")
        self.until = self.now + seconds

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        if self.now >= self.until and self.database.in_transaction:
            self.database.execute("ROLLBACK")


@pytest.fixture
def writer(shop, monkeypatch):
    writer = Writer(shop)
    monkeypatch.setattr(patience, "time", writer)
    with closing(writer.database):
        yield writer


@pytest.fixture
def ledger(shop):
    with closing(Ledger(str(shop))) as ledger:
        yield ledger


def test_a_lock_that_a_long_question_meets_late_is_waited_for_like_any_other(ledger, writer):
    def ask(opened):
        opened.rows(COUNT, {})
        writer.sleep(100)
        writer.lock(USUAL.file_lock * 0.9)
        return opened.rows(COUNT, {})

    assert ledger.read(ask, long=True) == [(3,)]


def test_patience_begins_anew_after_each_answer_and_what_was_answered_is_not_asked_again(ledger, writer):
    asked = []

    def ask(opened):
        for part in range(5):
            writer.lock(USUAL.file_lock * 0.9)
            asked.append(part)
            opened.rows(COUNT, {})

    ledger.read(ask, long=True)

    assert asked == [0, 1, 2, 3, 4]


def test_a_lock_that_does_not_end_is_told_although_other_parts_were_answered(ledger, writer):
    def ask(opened):
        opened.rows(COUNT, {})
        writer.lock(1000)
        opened.rows(COUNT, {})

    start = writer.now
    with pytest.raises(LedgerUnavailable, match="cannot be read") as caught:
        ledger.read(ask, long=True)

    assert caught.value.reason.endswith("is locked by another process.")
    assert writer.now - start == pytest.approx(USUAL.file_lock)


def test_who_met_a_lock_and_got_through_does_not_tell_others_that_it_is_there(ledger, writer):
    def ask(opened):
        writer.lock(USUAL.file_lock * 0.9)
        return opened.rows(COUNT, {})

    ledger.read(ask, long=True)
    writer.lock(USUAL.file_lock * 0.9)

    assert ledger.total_spent(1).total == Money(30030)


@pytest.mark.parametrize("long", [False, True])
def test_a_statement_that_takes_too_long_is_given_up(shop, long):
    with closing(Ledger(str(shop), limits=Limits(file_question=0.05))) as ledger:
        start = time.monotonic()
        with pytest.raises(LedgerUnavailable) as caught:
            ledger.read(lambda opened: opened.rows(LENGTHY, {}), long=long)

        assert caught.value.reason == f"{shop} did not answer within 0.05 s."
        assert time.monotonic() - start < 5
        assert ledger.read(lambda opened: opened.rows(COUNT, {}), long=long) == [(3,)]


def test_a_question_whose_file_is_replaced_is_interrupted_and_put_to_the_one_that_stands_there(
    ledger, shop, make_ledger
):
    other = make_ledger([(1, "x", None, 20)], [(1, 7, 2023)], name="other.db")
    asked = []

    def ask(opened):
        asked.append(opened)
        if len(asked) == 1:
            other.replace(shop)
            opened.rows(LENGTHY, {})
        return opened.rows(COUNT, {})

    assert ledger.read(ask, long=True) == [(1,)]


def test_a_question_whose_file_is_taken_away_says_so(ledger, shop):
    def ask(opened):
        opened.rows(COUNT, {})
        shop.unlink()
        opened.rows(LENGTHY, {})

    with pytest.raises(LedgerUnavailable) as caught:
        ledger.read(ask, long=True)

    assert caught.value.reason == f"There is no file {shop}."


def test_a_file_that_is_replaced_again_and_again_is_given_up(ledger, shop, tmp_path):
    def ask(opened):
        shutil.copy(shop, tmp_path / "next.db")
        (tmp_path / "next.db").replace(shop)
        opened.rows(LENGTHY, {})

    with pytest.raises(LedgerUnavailable) as caught:
        ledger.read(ask, long=True)

    assert caught.value.reason == f"{shop} is replaced again and again."


@pytest.mark.process
def test_long_questions_that_overlap_without_end_let_a_shop_write(ledger, shop):
    """Another process waits for a moment in which this one reads nothing; two who take turns leave none."""
    changed, begun, over = threading.Condition(), 0, False

    def take(rows):
        nonlocal begun
        with changed:
            begun += 1
            mine = begun
            changed.notify_all()
            changed.wait_for(lambda: begun > mine or over, timeout=0.1)
        return list(rows)

    def ask():
        while not over:
            ledger.read(lambda opened: opened.fold(COUNT, {}, take), long=True)

    with ThreadPoolExecutor(2) as threads:
        asking = [threads.submit(ask) for _ in range(2)]
        try:
            with changed:
                assert changed.wait_for(lambda: begun > 10, timeout=30)
            subprocess.run([sys.executable, "-ISc", PAY, shop], check=True)
        finally:
            over = True
        for asked in asking:
            asked.result(30)
    assert ledger.total_spent(1).total == Money(30130)
