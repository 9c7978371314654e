"""Copies into a SQLite file, in the brief's schema."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from smetka.ledger.copying.target import COLUMNS, NOTES, PROGRESS, Packed, Target, check_shape
from smetka.ledger.faults import explain
from smetka.ledger.layout import CUSTOMERS, PAYMENTS
from smetka.ledger.open_file import connect
from smetka.ledger.upkeep import create_index

_BUSY_SECONDS = 10

_NOTE = "INSERT INTO smetka_copy VALUES (?, ?)"

_INSERT = {
    CUSTOMERS: "INSERT INTO user_info VALUES (?, ?, ?, ?)",
    # The double next to the amount, which is what its text would be read as.
    PAYMENTS: "INSERT INTO user_spending VALUES (?, ? / 100.0, ?)",
}


class SQLiteTarget(Target):
    """One file, made when a copy begins. A batch and its note are one transaction."""

    foreign_errors = (sqlite3.Error, OSError)

    def __init__(self, path: Path) -> None:
        self.shown = str(path)
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def progress(self) -> dict[int, str]:
        """As `Target` says."""
        if not self._path.exists() or not self._has(PROGRESS):
            return {}
        return dict(self._opened().execute(NOTES).fetchall())

    def is_empty(self) -> bool:
        """As `Target` says."""
        return not self._path.exists() or not any(
            self._has(table) and self._opened().execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()  # noqa: S608 - names of ours
            for table in COLUMNS
        )

    def begin(self, plan: Mapping[str, Any]) -> None:
        """As `Target` says."""
        nameless = bool(plan["nameless"])
        wanted = {
            CUSTOMERS: [
                # A missing id would become a number in SQLite's integer primary key.
                ("user_id", "INTEGER", int(not nameless)),
                ("name", "TEXT", 0),
                ("email", "TEXT", 0),
                ("age", "INTEGER", 0),
            ],
            PAYMENTS: [("user_id", "INTEGER", 0), ("money_spent", "REAL", 0), ("year", "INTEGER", 0)],
        }
        with self._transaction() as connection:
            for table, columns in wanted.items():
                words = ", ".join(f"{name} {type_}{' PRIMARY KEY' * key}" for name, type_, key in columns)
                if table == CUSTOMERS and nameless:
                    words = words.replace("INTEGER", "INTEGER UNIQUE", 1)
                connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({words})")
                declared = connection.execute("SELECT name, type, pk FROM pragma_table_info(?)", (table,))
                found = [(name.lower(), type_.upper(), key) for name, type_, key in declared]
                check_shape(self.shown, table, found, columns, words)
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {PROGRESS} (batch INTEGER PRIMARY KEY, note TEXT)"
            )
            connection.execute(_NOTE, (0, json.dumps(plan)))

    def pack(self, table: str, rows: Iterator[tuple[Any, ...]]) -> Packed:  # noqa: ARG002 - one form for both
        """As `Target` says."""
        kept = list(rows)
        return Packed(len(kept), kept)

    def write(self, number: int, table: str, packed: Packed) -> None:
        """As `Target` says."""
        with self._transaction() as connection:
            # First the note: when another copy took this batch meanwhile, nothing is written.
            connection.execute(_NOTE, (number, str(packed.count)))
            connection.executemany(_INSERT[table], packed.data)

    def complete(self) -> None:
        """As `Target` says."""
        create_index(self._path)

    def forget(self) -> None:
        """As `Target` says."""
        self._opened().execute(f"DROP TABLE IF EXISTS {PROGRESS}")

    def explain(self, error: Exception) -> str:
        """As `Target` says."""
        if not self._folder.is_dir():
            return f"There is no folder {self._folder}."
        match getattr(error, "sqlite_errorname", ""):
            case "SQLITE_FULL":
                return f"The disk of {self.shown} is full."
            case "SQLITE_CONSTRAINT_PRIMARYKEY":
                return f"Another copy into {self.shown} is running."
            case name if name.startswith("SQLITE_READONLY") or (
                name.startswith("SQLITE_CANTOPEN") and not os.access(self._folder, os.W_OK)
            ):
                return f"{self.shown} may not be written by this user."
        return explain(error, self._path)

    def close(self) -> None:
        """As `Target` says."""
        if self._connection is not None:
            self._connection.close()

    @property
    def _folder(self) -> Path:
        return self._path.parent

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self._path, "rwc")
            self._connection.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
        return self._connection

    def _has(self, table: str) -> bool:
        found = self._opened().execute("SELECT 1 FROM sqlite_master WHERE lower(name) = ?", (table,))
        return found.fetchone() is not None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._opened()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
