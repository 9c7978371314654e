from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from smetka.core.errors import CommandFailed, LedgerUnavailable
from smetka.ledger import Ledger
from smetka.ledger.upkeep import INDEX, create_empty, create_index


def indexes(path):
    with closing(sqlite3.connect(path)) as database:
        return [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'index'")]


def test_the_index_is_made_once_and_used(shop):
    assert create_index(shop) >= 0
    assert create_index(shop) is None

    assert indexes(shop) == [INDEX]
    with closing(sqlite3.connect(shop)) as database:
        (plan,) = database.execute(
            "EXPLAIN QUERY PLAN SELECT sum(money_spent) FROM user_spending WHERE user_id = 1"
        )
    assert f"COVERING INDEX {INDEX}" in plan[-1]


@pytest.mark.parametrize(
    ("columns", "enough"),
    [
        ("user_id, year, money_spent", True),
        ("USER_ID, Year, money_spent, user_id", True),
        ("user_id, year", False),
        ("year, user_id, money_spent", False),
        ("user_id, year, money_spent) WHERE (year > 2000", False),
        ("user_id, year, abs(money_spent)", False),
    ],
)
def test_an_index_that_does_the_same_is_enough(shop, columns, enough):
    with closing(sqlite3.connect(shop)) as database:
        database.execute(f"CREATE INDEX own ON user_spending ({columns})")

    assert (create_index(shop) is None) == enough


def test_an_index_needs_a_file_that_is_a_ledger(tmp_path):
    with pytest.raises(CommandFailed, match="There is no file"):
        create_index(tmp_path / "missing.db")
    (tmp_path / "other.db").write_text("no database " * 100)
    with pytest.raises(CommandFailed, match="not a SQLite database"):
        create_index(tmp_path / "other.db")
    with closing(sqlite3.connect(tmp_path / "wrong.db")) as database:
        database.execute("CREATE TABLE user_info (user_id, age)")
    with pytest.raises(LedgerUnavailable):
        create_index(tmp_path / "wrong.db")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.db", "wrong.db"]


def test_a_view_cannot_have_an_index(tmp_path):
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript("""
            CREATE TABLE user_info (user_id, age);
            CREATE VIEW user_spending AS SELECT 1 AS user_id, 2 AS money_spent, 2023 AS year;
        """)

    with pytest.raises(CommandFailed, match="view"):
        create_index(path)


def test_a_locked_ledger_is_left_alone(shop, monkeypatch):
    monkeypatch.setattr("smetka.ledger.upkeep._BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(shop, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        with pytest.raises(CommandFailed, match="locked"):
            create_index(shop)

    assert indexes(shop) == []


def test_an_empty_ledger_has_the_two_tables(tmp_path):
    create_empty(tmp_path / "shop.db")

    with closing(Ledger(str(tmp_path / "shop.db"))) as ledger:
        ledger.ping()
        assert ledger.spending_by_age().rows == ()


@pytest.mark.parametrize("there", ["a file", "a folder"])
def test_nothing_is_made_where_something_is(tmp_path, there):
    path = tmp_path / "shop.db"
    path.write_bytes(b"precious") if there == "a file" else path.mkdir()

    with pytest.raises(CommandFailed, match="exists already"):
        create_empty(path)

    assert path.is_dir() or path.read_bytes() == b"precious"


def test_nothing_is_made_in_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(CommandFailed, match="No such file or directory"):
        create_empty(tmp_path / "missing" / "shop.db")
