"""Ledgers to measure on: invented by a formula in SQL, the same each time, ten millions in half a minute."""

from __future__ import annotations

import itertools
import random
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from smetka.core.age_groups import parse_age_groups

PAYMENTS_EACH = 20

GROUPS = parse_age_groups("18-24,25-30,31-36,37-47,>47")
"""What the averages are asked of, as the settings have them unless told otherwise."""

_WRITE = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -200000;
CREATE TABLE user_info (user_id INTEGER PRIMARY KEY, name TEXT, email TEXT, age INTEGER);
CREATE TABLE user_spending (user_id INTEGER, money_spent REAL, year INTEGER);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {customers})
INSERT INTO user_info
SELECT i, 'Customer ' || i, 'customer' || i || '@example.com', 15 + i * 2654435761 % 4294967296 % 71 FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {payments})
INSERT INTO user_spending
SELECT 1 + i * 2654435761 % 4294967296 % {customers},
       (i * 2246822519 % 4294967296 % 500000 + 1) / 100.0, 2023 + i / 7 % 4 FROM n;
COMMIT;
CREATE INDEX payments_of_customer ON user_spending (user_id, year, money_spent);
"""


def ledger(folder: Path, payments: int, *, analysed: bool = False) -> Path:
    """An indexed ledger of so many payments, made unless the folder has it; `analysed` is a copy of it."""
    path = folder / f"shop{payments}{'analysed' if analysed else ''}.db"
    if path.exists():
        return path
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    if analysed:
        shutil.copyfile(ledger(folder, payments), part)
    with closing(sqlite3.connect(part)) as database:
        database.executescript(
            "ANALYZE" if analysed else _WRITE.format(payments=payments, customers=customers(payments))
        )
    return part.rename(path)


def customers(payments: int) -> int:
    """How many customers a ledger of so many payments has; their ids begin with 1."""
    return max(payments // PAYMENTS_EACH, 20)


def random_ids(payments: int, count: int) -> list[int]:
    """Customers as they are asked for: the same sequence for all who are measured."""
    return random.Random(1).choices(range(1, customers(payments) + 1), k=count)


def pay(path: Path) -> None:
    """Commit one more payment, as the shop would."""
    with closing(sqlite3.connect(path, timeout=60)) as database, database:
        database.execute("INSERT INTO user_spending VALUES (1, 12.34, 2026)")


@contextmanager
def selling(path: Path) -> Iterator[None]:
    """A payment a second, until told to stop."""
    stop = threading.Event()

    def sell() -> None:
        began = time.monotonic()
        for second in itertools.count(1):
            pay(path)
            if stop.wait(max(0.0, began + second - time.monotonic())):
                return

    thread = threading.Thread(target=sell)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
