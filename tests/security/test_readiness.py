"""Ready is only who can answer: `/readyz` reads a row of what answers are made of."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from smetka.core.errors import LedgerUnavailable
from smetka.ledger import Ledger


def damage(path, table):
    """Overwrite the page that a table begins with; the file's head stays whole."""
    with closing(sqlite3.connect(path)) as connection:
        [(page,)] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [table])
        [(size,)] = connection.execute("PRAGMA page_size")
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


@pytest.mark.parametrize("table", ["user_info", "user_spending"])
def test_a_ledger_whose_rows_cannot_be_read_is_not_ready(make_ledger, table):
    path = make_ledger([(1, "a", None, 20)], [(1, 5, 2023)])
    damage(path, table)

    with closing(Ledger(str(path))) as ledger, pytest.raises(LedgerUnavailable) as caught:
        ledger.ping()
    assert "malformed" in caught.value.reason


def test_a_ledger_without_rows_is_ready(make_ledger):
    with closing(Ledger(str(make_ledger([], [])))) as ledger:
        ledger.ping()


def test_that_is_said_by_readyz(make_shop, make_ledger, assert_problem):
    path = make_ledger([(1, "a", None, 20)], [(1, 5, 2023)])
    shop = make_shop(ledger=str(path))
    damage(path, "user_spending")

    body = assert_problem(shop.get("/readyz"), 503, "not-ready")

    assert body["parts"]["ledger"]["ready"] is False
