"""`make bench`: the ledger's questions beside what one would write instead, in one run on one file.

Ratios count, not times: machines differ and are busy. Each figure is the best of several rounds, in
which the contestants take turns.
"""

from __future__ import annotations

import random
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from smetka.ledger import Ledger

CUSTOMERS, PAYMENTS, ROUNDS, LOOKUPS = 20_000, 400_000, 5, 2_000

AVERAGES = """
    SELECT CASE WHEN age BETWEEN 18 AND 24 THEN '18-24' WHEN age BETWEEN 25 AND 30 THEN '25-30'
                WHEN age BETWEEN 31 AND 36 THEN '31-36' WHEN age BETWEEN 37 AND 47 THEN '37-47'
                WHEN age > 47 THEN '>47' END AS age_group, AVG(money_spent)
    FROM user_info JOIN user_spending USING (user_id) GROUP BY age_group
"""
TOTAL = "SELECT SUM(money_spent) FROM user_spending WHERE user_id = ?"


def main() -> None:
    """Print a table of ratios."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        write_ledger(path)
        ids = random.Random(1).choices(range(1, CUSTOMERS + 1), k=LOOKUPS)
        with closing(sqlite3.connect(path)) as plain, closing(Ledger(str(path))) as ledger:
            averages = compare(lambda: plain.execute(AVERAGES).fetchall(), ledger.spending_by_age)
            totals = compare(
                lambda: [plain.execute(TOTAL, (user_id,)).fetchone() for user_id in ids],
                lambda: [ledger.total_spent(user_id) for user_id in ids],
            )
    print(f"{PAYMENTS:,} payments of {CUSTOMERS:,} customers, indexed; seconds, best of {ROUNDS}\n")
    print(f"{'what':44}{'plain SQL':>12}{'Smetka':>10}{'ratio':>8}")
    for what, (theirs, ours) in {
        "averages by age, one basis, in floats": averages,
        f"{LOOKUPS:,} totals of single customers": totals,
    }.items():
        print(f"{what:44}{theirs:12.3f}{ours:10.3f}{ours / theirs:8.2f}")
    print("\nSmetka's are exact to the cent, know three bases, and count what they leave out.")


def write_ledger(path: Path) -> None:
    """An invented ledger, the same at each run."""
    chance = random.Random(0)
    with closing(sqlite3.connect(path)) as ledger, ledger:
        ledger.execute(
            "CREATE TABLE user_info (user_id INTEGER PRIMARY KEY, name TEXT, email TEXT, age INTEGER)"
        )
        ledger.execute("CREATE TABLE user_spending (user_id INTEGER, money_spent REAL, year INTEGER)")
        ledger.executemany(
            "INSERT INTO user_info VALUES (?, NULL, NULL, ?)",
            ((user_id, chance.randint(15, 85)) for user_id in range(1, CUSTOMERS + 1)),
        )
        ledger.executemany(
            "INSERT INTO user_spending VALUES (?, ?, ?)",
            (
                (chance.randint(1, CUSTOMERS), chance.randint(1, 500_000) / 100, chance.randint(2023, 2026))
                for _ in range(PAYMENTS)
            ),
        )
        ledger.execute("CREATE INDEX payments ON user_spending (user_id, year, money_spent)")


def compare(theirs: Callable[[], object], ours: Callable[[], object]) -> tuple[float, float]:
    """The best time of each, in seconds."""
    best = [float("inf"), float("inf")]
    for _ in range(ROUNDS):
        for number, run in enumerate((theirs, ours)):
            began = time.perf_counter()
            run()
            best[number] = min(best[number], time.perf_counter() - began)
    return best[0], best[1]


if __name__ == "__main__":
    main()
