"""Rows wait in a temporary database until all files are read: not in memory, nor in the ledger yet.

The database has no name; its file is gone with the process, however that ends.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, NamedTuple, cast

from smetka.ledger.imports.reasons import code

if TYPE_CHECKING:
    from smetka.ledger.imports.plain_rows import PlainRows
    from smetka.ledger.imports.rows import Advance, Rows

_CACHE_KIB = 4096

_SCHEMA = """
PRAGMA encoding = '{encoding}';
PRAGMA journal_mode = OFF;
PRAGMA cache_size = -{cache};
CREATE TABLE payment (user_id INTEGER, money_spent REAL, year INTEGER);
CREATE TABLE staged (
    file INTEGER, line INTEGER, user_id INTEGER, email TEXT, name TEXT, name_key TEXT, age INTEGER,
    cents INTEGER, year INTEGER, day INTEGER, order_id TEXT, fills INTEGER, total INTEGER, left_out TEXT
);
CREATE TABLE aside (
    row INTEGER PRIMARY KEY, file INTEGER, line INTEGER, order_id TEXT, reason TEXT, cents INTEGER,
    amount INTEGER, year INTEGER
);
CREATE INDEX aside_by_order ON aside (order_id, file);
CREATE TABLE gone (row INTEGER PRIMARY KEY, reason TEXT, other_file INTEGER, other_line INTEGER);
CREATE TABLE orders (
    order_id TEXT, file INTEGER, row INTEGER, line INTEGER, cents INTEGER, total INTEGER, year INTEGER,
    user_id INTEGER, email TEXT, PRIMARY KEY (order_id, file)
) WITHOUT ROWID;
CREATE TABLE counted (
    order_id TEXT PRIMARY KEY, file INTEGER, cents INTEGER, year INTEGER, user_id INTEGER, email TEXT
) WITHOUT ROWID;
CREATE TABLE repeated (
    order_id TEXT, row INTEGER, file INTEGER, counted_in INTEGER, differs TEXT, cents INTEGER, amount INTEGER,
    PRIMARY KEY (order_id, row)
) WITHOUT ROWID;
CREATE TABLE named (user_id INTEGER PRIMARY KEY, name_key TEXT, file INTEGER, line INTEGER);
CREATE TABLE wanted (email TEXT PRIMARY KEY);
CREATE TABLE owner (email TEXT, user_id INTEGER, PRIMARY KEY (email, user_id)) WITHOUT ROWID;
CREATE TABLE allotted (user_id INTEGER PRIMARY KEY, email TEXT);
CREATE TABLE customer (
    user_id INTEGER PRIMARY KEY, file INTEGER, name TEXT, name_fills INTEGER, email TEXT, email_fills INTEGER,
    age INTEGER, age_fills INTEGER
);
CREATE TABLE fresh (user_id INTEGER PRIMARY KEY, file INTEGER, name TEXT, email TEXT, age INTEGER);
CREATE TABLE change (user_id INTEGER PRIMARY KEY, file INTEGER, name TEXT, email TEXT, age INTEGER);
"""


class Staged(NamedTuple):
    """A row that passed: a payment unless `cents` is None or it is left out.

    `day` counts days, so that of two payments the later is known; `fills`: it gives a customer of the
    ledger only what that one lacks. `total` is the order's as written, `cents` what of it stays paid: of a
    row that is `left_out` (why) both as far as they are known.
    """

    file: int
    line: int
    user_id: int | None
    email: str | None
    name: str | None
    name_key: str | None
    age: int | None
    cents: int | None
    year: int | None
    day: int
    order_id: str | None
    fills: bool
    total: int | None = None
    left_out: str | None = None


def open_staging(encoding: str = "UTF-8") -> sqlite3.Connection:
    """A connection to an empty staging database, which stores texts as the ledger does."""
    connection = sqlite3.connect("", uri=True, isolation_level=None)
    connection.executescript(_SCHEMA.format(cache=_CACHE_KIB, encoding=encoding))
    connection.create_function("fold", 1, _fold, deterministic=True)
    connection.create_function("code", 1, code, deterministic=True)
    return connection


def stage(connection: sqlite3.Connection, rows: Rows, advance: Advance) -> None:
    """Read one file into the database.

    Raises:
        ReadAgain, Refused: as `Rows`.
    """
    connection.execute("BEGIN")
    try:
        if rows.columns.is_plain:
            known = f"INSERT INTO staged (file, user_id, fills) VALUES ({rows.number}, ?, 1)"  # noqa: S608
            for ids, payments in cast("PlainRows", rows).plain(advance):
                connection.executemany(known, ((user_id,) for user_id in ids))
                # One statement for many rows takes a quarter of the time of one for each.
                values = ", ".join(["(?, ?, ?)"] * (len(payments) // 3))
                if values:
                    connection.execute(f"INSERT INTO payment VALUES {values}", payments)  # noqa: S608
        else:
            values = ", ".join("?" * len(Staged._fields))
            connection.executemany(f"INSERT INTO staged VALUES ({values})", rows.staged(advance))  # noqa: S608
    finally:
        connection.execute("COMMIT")


def marks(connection: sqlite3.Connection) -> tuple[int, int]:
    """How far the tables are filled, for `cut`."""
    row = connection.execute(
        "SELECT (SELECT ifnull(max(rowid), 0) FROM payment), (SELECT ifnull(max(rowid), 0) FROM staged)"
    ).fetchone()
    return int(row[0]), int(row[1])


def cut(connection: sqlite3.Connection, since: tuple[int, int]) -> None:
    """Take out what was staged after `marks` were taken."""
    connection.execute("DELETE FROM payment WHERE rowid > ?", since[:1])
    connection.execute("DELETE FROM staged WHERE rowid > ?", since[1:])


def _fold(email: object) -> str | None:
    return email.strip().lower() if isinstance(email, str) else None
