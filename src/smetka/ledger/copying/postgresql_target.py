"""Copies into PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import psycopg

from smetka.ledger.copying.target import COLUMNS, NOTES, PROGRESS, Packed, Target, check_shape, chunks
from smetka.ledger.layout import CUSTOMERS, INDEXED, PAYMENTS
from smetka.ledger.limits import USUAL
from smetka.ledger.postgresql import Connection, connect, first_line
from smetka.ledger.upkeep import INDEX
from smetka.settings.ledger_location import Server

_LIMITS = replace(USUAL, table_lock=10)
_INDEX_SECONDS = 24 * 3600.0
_ANSWER_SECONDS = _LIMITS.long_question + _LIMITS.grace

# As COPY's text format wants it. PostgreSQL has no zero bytes in texts.
_ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", "\0": "\ufffd"})

_NOTE = "INSERT INTO smetka_copy VALUES (%s, %s)"

_DECLARED = """
    SELECT attname, format_type(atttypid, atttypmod)
    FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum
"""


class PostgreSQLTarget(Target):
    """A batch, which is sent by COPY, and its note are one transaction."""

    foreign_errors = (psycopg.Error, OSError)

    def __init__(self, server: Server) -> None:
        self.shown = server.shown
        self._server = server
        self._connection: Connection | None = None

    def progress(self) -> dict[int, str]:
        """As `Target` says."""
        if not self._has(PROGRESS):
            return {}
        return dict(self._opened().execute(NOTES).fetchall())

    def is_empty(self) -> bool:
        """As `Target` says."""
        return not any(
            self._has(table) and self._opened().execute(f"SELECT FROM {table} LIMIT 1").rowcount
            for table in COLUMNS
        )

    def begin(self, plan: Mapping[str, Any]) -> None:
        """As `Target` says."""
        wanted = {
            CUSTOMERS: [("user_id", "bigint"), ("name", "text"), ("email", "text"), ("age", "integer")],
            PAYMENTS: [("user_id", "bigint"), ("money_spent", "numeric(14,2)"), ("year", "integer")],
        }
        key = "UNIQUE (user_id)" if plan["nameless"] else "PRIMARY KEY (user_id)"
        connection = self._opened()
        with connection.transaction():
            for table, columns in wanted.items():
                words = ", ".join(" ".join(column) for column in columns)
                declaration = f"{words}, {key}" if table == CUSTOMERS else words
                connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({declaration})")
                declared = connection.execute(_DECLARED, (table,)).fetchall()
                check_shape(self.shown, table, declared, columns, declaration)
            connection.execute(f"CREATE TABLE IF NOT EXISTS {PROGRESS} (batch bigint PRIMARY KEY, note text)")
            connection.execute(_NOTE, (0, json.dumps(plan)))

    def pack(self, table: str, rows: Iterator[tuple[Any, ...]]) -> Packed:
        """As `Target` says."""
        lines = _customer_lines if table == CUSTOMERS else _payment_lines
        packed, count = [], 0
        for chunk in chunks(rows):
            packed.append(lines(chunk))
            count += len(chunk)
        return Packed(count, packed)

    def write(self, number: int, table: str, packed: Packed) -> None:
        """As `Target` says."""
        connection = self._opened()
        with connection.transaction(), connection.cursor() as cursor:
            # First the note: when another copy took this batch meanwhile, nothing is written.
            cursor.execute(_NOTE, (number, str(packed.count)))
            with cursor.copy(f"COPY {table} ({', '.join(COLUMNS[table])}) FROM STDIN") as copy:
                for lines in packed.data:
                    copy.write(lines)

    def complete(self) -> None:
        """As `Target` says."""
        connection = self._opened()
        with connection.transaction():
            connection.seconds = _INDEX_SECONDS
            connection.execute("SELECT set_config('statement_timeout', '0', true)")
            connection.execute(f"CREATE INDEX IF NOT EXISTS {INDEX} ON {PAYMENTS} ({', '.join(INDEXED)})")
        # Also lets the index answer by itself, which it may only after a vacuum.
        connection.execute(f"VACUUM (ANALYZE) {CUSTOMERS}, {PAYMENTS}")
        connection.seconds = _ANSWER_SECONDS

    def forget(self) -> None:
        """As `Target` says."""
        self._opened().execute(f"DROP TABLE IF EXISTS {PROGRESS}")

    def explain(self, error: Exception) -> str:
        """As `Target` says."""
        said = self._server.scrub(first_line(error))
        match getattr(error, "sqlstate", None):
            case None if isinstance(error, psycopg.ProgrammingError):
                # libpq's own words about a URL may hold a part of the password.
                said = "the URL cannot be read; a password is written with %40 for @, %3A for :, %2F for /"
            case "42501":
                said = f"the user may not write there ({said}); grant CREATE on the schema, or its own tables"
            case "23505" if PROGRESS in said:
                said = "another copy into it is running"
            case "57014":
                said = "a statement took too long and was given up"
            case "55P03":
                said = "a table is locked by another program"
            case "22P05":
                said = f"its encoding lacks a letter ({said}); copy into a database with the encoding UTF8"
        return f"{self.shown}: {said}."

    def close(self) -> None:
        """As `Target` says."""
        if self._connection is not None:
            self._connection.close()

    def _opened(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self._server, _LIMITS, read_only=False, name="smetka copy")
            self._connection.seconds = _ANSWER_SECONDS
        return self._connection

    def _has(self, table: str) -> bool:
        return self._opened().execute("SELECT to_regclass(%s)", (table,)).fetchone() != (None,)


def _payment_lines(rows: list[tuple[Any, ...]]) -> str:
    # Cents with an exponent are the exact amount to PostgreSQL, at no cost here.
    lines = "".join(["%s\t%se-2\t%s\n" % row for row in rows])  # noqa: UP031 - twice as fast
    return lines.replace("Nonee-2", r"\N").replace("None", r"\N")


def _customer_lines(rows: list[tuple[Any, ...]]) -> str:
    return "".join(
        f"{_number(user_id)}\t{_text(name)}\t{_text(email)}\t{_number(age)}\n"
        for user_id, name, email, age in rows
    )


def _number(value: int | None) -> str:
    return r"\N" if value is None else str(value)


def _text(value: str | None) -> str:
    return r"\N" if value is None else value.translate(_ESCAPED)
