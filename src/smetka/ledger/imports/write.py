"""The settled rows go into the ledger, all in the transaction that is open."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from smetka.exact_json import instant
from smetka.ledger.imports.rows import Rows


def write(db: sqlite3.Connection, read: list[Rows], hashes: list[str]) -> None:
    """Add the payments and customers, and remember the files."""
    # A ledger whose customers must have names gets empty ones.
    required = {
        name for _, name, _, required, _, _ in db.execute("PRAGMA ledger.table_info(user_info)") if required
    }
    texts = ", ".join(f"ifnull({name}, '')" if name in required else name for name in ("name", "email"))
    db.execute(
        "INSERT INTO user_info (user_id, name, email, age) "  # noqa: S608 - ours
        f"SELECT user_id, {texts}, age FROM fresh"
    )
    db.execute(
        "UPDATE user_info SET name = ifnull(change.name, user_info.name), "
        "email = ifnull(change.email, user_info.email), age = ifnull(change.age, user_info.age) "
        "FROM change WHERE change.user_id = user_info.user_id"
    )
    columns = [name for _, name, *_ in db.execute("PRAGMA ledger.table_info(user_spending)")]
    if columns == ["user_id", "money_spent", "year"]:
        # Said so, SQLite copies records as they are, in a third of the time.
        db.execute("INSERT INTO user_spending SELECT * FROM payment")
    else:
        db.execute("INSERT INTO user_spending (user_id, money_spent, year) SELECT * FROM payment")
    db.execute(
        "INSERT INTO user_spending (user_id, money_spent, year) "
        "SELECT user_id, cents / 100.0, year FROM staged WHERE cents IS NOT NULL"
    )
    db.execute(
        "INSERT OR REPLACE INTO smetka_buyers "
        "SELECT order_id, user_id, year FROM staged WHERE order_id IS NOT NULL"
    )
    db.execute("INSERT OR IGNORE INTO smetka_allotted SELECT user_id FROM allotted")
    at = instant(datetime.now(UTC))
    for rows, sha256 in zip(read, hashes, strict=True):
        first, last = rows.days() or (None, None)
        number = db.execute(
            "INSERT INTO smetka_imports (sha256, name, at, payments, first_day, last_day, by_order) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                sha256,
                rows.told.name,
                at,
                rows.told.payments,
                first and first.isoformat(),
                last and last.isoformat(),
                "order_id" in rows.columns.at,
            ),
        ).lastrowid
        db.executemany(
            "INSERT INTO smetka_import_years VALUES (?, ?, ?)",
            [(number, year, payments) for year, payments in rows.years.items() if payments],
        )
        db.execute(
            "INSERT INTO smetka_orders SELECT order_id, cents, ? FROM staged "
            "WHERE file = ? AND order_id IS NOT NULL",
            (number, rows.number),
        )
