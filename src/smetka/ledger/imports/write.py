"""The settled rows go into the ledger, all in the transaction that is open."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from smetka.core.exact_json import instant
from smetka.ledger.imports.rows import Rows
from smetka.ledger.imports.target import key_of


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
    (last_number,) = db.execute("SELECT ifnull(max(number), 0) FROM smetka_imports").fetchone()
    for number, (rows, sha256) in enumerate(zip(read, hashes, strict=True), start=last_number + 1):
        first, last = rows.days() or (None, None)
        order_column = rows.columns.named.get("order_id", "")
        db.execute(
            "INSERT INTO smetka_imports VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                key_of(sha256, number, rejected=rows.told.rejected > 0, order_column=order_column),
                rows.told.name,
                at,
                rows.told.payments,
                first and first.isoformat(),
                last and last.isoformat(),
                bool(order_column),
            ),
        )
        db.executemany(
            "INSERT INTO smetka_import_years VALUES (?, ?, ?)",
            [(number, year, payments) for year, payments in rows.years.items() if payments],
        )
        db.execute(
            "INSERT INTO smetka_orders SELECT order_id, cents, ? FROM staged "
            "WHERE file = ? AND order_id IS NOT NULL",
            (number, rows.number),
        )
