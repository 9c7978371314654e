"""The only two commands that write to a ledger's file, each on the user's word."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from smetka.core.errors import CommandFailed
from smetka.ledger.faults import explain
from smetka.ledger.layout import INDEXED, PAYMENTS, read_layout
from smetka.ledger.open_file import connect, fingerprint

INDEX = "smetka_user_spending"
_BUSY_SECONDS = 10

_SCHEMA = """
CREATE TABLE user_info (
    user_id INTEGER PRIMARY KEY,
    name TEXT,
    email TEXT,
    age INTEGER
);
CREATE TABLE user_spending (
    user_id INTEGER,
    money_spent REAL,
    year INTEGER
);
"""


def create_empty(path: Path) -> None:
    """Make a ledger without customers and payments.

    Raises:
        CommandFailed: something stands at the path already, or it cannot be written.
    """
    try:
        # SQLite itself would take what is there; this fails instead, whoever else is just making it.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileExistsError:
        raise CommandFailed(f"{path} exists already; nothing was changed.") from None
    except OSError as error:
        raise CommandFailed(f"{path} cannot be made: {error.strerror}.") from error
    try:
        with closing(connect(path, "rw")) as connection:
            connection.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
    except sqlite3.Error as error:
        path.unlink(missing_ok=True)
        raise CommandFailed(explain(error, path)) from error


def create_index(path: Path) -> float | None:
    """Make the index that answers everything about payments by itself.

    Other programs cannot write to the ledger meanwhile. Safe to repeat.

    Returns:
        The seconds it took; None when such an index was there.

    Raises:
        CommandFailed: the file cannot be written.
        LedgerUnavailable: it cannot be read, or is no ledger.
    """
    try:
        fingerprint(path)
        with closing(connect(path, "rw")) as connection:
            connection.execute(f"PRAGMA busy_timeout = {int(_BUSY_SECONDS * 1000)}")
            return _create_index(connection, path)
    except (sqlite3.Error, OSError) as error:
        raise CommandFailed(_explain_write(error, path)) from error


def _create_index(connection: sqlite3.Connection, path: Path) -> float | None:
    layout = read_layout(connection)
    if layout.index is not None:
        return None
    if not layout.indexable:
        raise CommandFailed(f"{PAYMENTS} in {path} is a view, which cannot have an index.")
    start = time.perf_counter()
    connection.execute(f"CREATE INDEX IF NOT EXISTS {INDEX} ON {PAYMENTS} ({', '.join(INDEXED)})")
    return time.perf_counter() - start


def _explain_write(error: Exception, path: Path) -> str:
    if path.exists() and not os.access(path, os.W_OK):
        return f"{path} may not be written by this user; grant write permission."
    return explain(error, path)
