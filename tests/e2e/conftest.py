"""Whole processes, from outside."""

from __future__ import annotations

import sqlite3

import pytest

from tests.fixtures.product import Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """One running shop for all tests of a module that only ask and post."""
    folder = tmp_path_factory.mktemp("shop")
    with sqlite3.connect(folder / "shop.db") as ledger:
        ledger.executescript(
            """
            CREATE TABLE user_info (user_id INTEGER PRIMARY KEY, name TEXT, email TEXT, age INTEGER);
            CREATE TABLE user_spending (user_id INTEGER, money_spent REAL, year INTEGER);
            """
        )
        ledger.executemany(
            "INSERT INTO user_info VALUES (?, ?, ?, ?)",
            [(n, f"Customer {n}", None, 17 + n % 50) for n in range(1, 101)],
        )
        ledger.executemany(
            "INSERT INTO user_spending VALUES (?, ?, ?)", [(n, 100.10 * n, 2026) for n in range(1, 91)]
        )
    ledger.close()
    shop = Shop(folder, ["serve"], {"SMETKA_LEDGER": str(folder / "shop.db")})
    yield shop.start()
    shop.close()


def pytest_terminal_summary(terminalreporter):
    """The table of the torture tests, each row told by its test (see torture.py)."""
    rows = [
        value
        for report in terminalreporter.stats.get("passed", [])
        for name, value in getattr(report, "user_properties", [])
        if name == "torture"
    ]
    if rows:
        terminalreporter.write_line("\n| what | found |\n|---|---|")
        for row in sorted(rows):
            terminalreporter.write_line(f"| {row} |")
