"""How the two tables of a ledger are declared, as far as it decides how their values are read.

`read_layout` reads it from SQLite; `postgresql` and `clickhouse` from their servers.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal

from smetka.core.errors import LedgerUnavailable
from smetka.ledger.values import Kind

Engine = Literal["sqlite", "postgresql", "clickhouse"]

CUSTOMERS = "user_info"
PAYMENTS = "user_spending"
NEEDED = {CUSTOMERS: ("user_id", "age"), PAYMENTS: ("user_id", "money_spent", "year")}
PERSONAL = {"name", "email"}
COPYING = "smetka_copy"
"""The table that stands in a ledger which is being copied into, and goes when it is complete."""

INDEXED = ("user_id", "year", "money_spent")
"""The columns of the index that answers everything about payments by itself."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the declarations promise.

    Attributes:
        kinds: of every needed (table, column); in SQLite `number` where it turned number-like text into
            numbers by itself.
        ids_unique: no id can stand in `user_info` twice; rows without an id can.
        index: the name of the index over `INDEXED`, if there is one.
        indexable: payments are in a real table, so that an index can be made.
        personal: those of the columns `name` and `email` that customers have.
        is_unfinished: a copy into it was begun and not ended; not all of the rows are there.
    """

    kinds: frozenset[tuple[tuple[str, str], Kind]]
    ids_unique: bool
    index: str | None
    indexable: bool
    personal: frozenset[str] = frozenset()
    engine: Engine = "sqlite"
    is_unfinished: bool = False

    def check(self, *, even_unfinished: bool) -> Layout:
        """The same, if questions may be put to it.

        Raises:
            LedgerUnavailable: it is half a ledger, and that was not asked for.
        """
        if self.is_unfinished and not even_unfinished:
            raise LedgerUnavailable(
                "A copy into this ledger was begun and is not complete; the same `smetka ledger copy` again "
                f"goes on with it. (Its notes are in the table {COPYING}.)"
            )
        return self

    def kind(self, table: str, column: str) -> Kind:
        """What the declaration of a needed column promises."""
        return dict(self.kinds)[table, column]


def read_layout(connection: sqlite3.Connection) -> Layout:
    """Read the declarations.

    Raises:
        LedgerUnavailable: a table or a column is missing; the reason names it.
        sqlite3.Error: they cannot be read.
    """
    types = {table: _declared_types(connection, table) for table in NEEDED}
    kinds: frozenset[tuple[tuple[str, str], Kind]] = frozenset(
        ((table, column), "number" if _is_numeric(types[table][column]) else "any")
        for table, columns in NEEDED.items()
        for column in columns
    )
    is_number = ((CUSTOMERS, "user_id"), "number") in kinds
    unique = is_number and _is_unique(connection, CUSTOMERS, "user_id")
    personal = frozenset(PERSONAL & types[CUSTOMERS].keys())
    return Layout(
        kinds,
        unique,
        _covering_index(connection),
        _is_table(connection, PAYMENTS),
        personal,
        is_unfinished=_is_table(connection, COPYING),
    )


def _declared_types(connection: sqlite3.Connection, table: str) -> dict[str, str]:
    # table_xinfo, since table_info leaves out generated columns; `hidden` 1 are a virtual table's own.
    rows = connection.execute(f"PRAGMA table_xinfo({table})").fetchall()
    types = {name.lower(): declared.upper() for _, name, declared, _, _, _, hidden in rows if hidden != 1}
    if not types:
        raise LedgerUnavailable(f"The ledger has no table {table}.")
    for column in NEEDED[table]:
        if column not in types:
            raise LedgerUnavailable(f"The ledger's table {table} has no column {column}.")
    return types


def _is_numeric(declared: str) -> bool:
    """SQLite's rules for the affinity of a declared type, https://sqlite.org/datatype3.html 3.1."""
    if "INT" in declared:
        return True
    # ANY keeps text as it is in a STRICT table; elsewhere reading it with care only costs time.
    return not any(word in declared for word in ("CHAR", "CLOB", "TEXT", "BLOB")) and declared not in {
        "",
        "ANY",
    }


def _is_unique(connection: sqlite3.Connection, table: str, column: str) -> bool:
    """No two rows share a value of the column, missing ones aside."""
    rows = connection.execute(f"PRAGMA table_xinfo({table})").fetchall()
    if [name.lower() for _, name, _, _, _, key, _ in rows if key] == [column]:
        return True
    return any(
        unique and not partial and _index_columns(connection, name) == (column,)
        for _, name, unique, _, partial in connection.execute(f"PRAGMA index_list({table})").fetchall()
    )


def _covering_index(connection: sqlite3.Connection) -> str | None:
    for _, name, _, _, partial in connection.execute(f"PRAGMA index_list({PAYMENTS})").fetchall():
        if not partial and _index_columns(connection, name)[: len(INDEXED)] == INDEXED:
            return str(name)
    return None


def _index_columns(connection: sqlite3.Connection, index: str) -> tuple[str, ...]:
    rows = connection.execute("SELECT name FROM pragma_index_info(?) ORDER BY seqno", (index,)).fetchall()
    return tuple((name or "").lower() for (name,) in rows)


def _is_table(connection: sqlite3.Connection, name: str) -> bool:
    row = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND lower(name) = ?", (name,)
    ).fetchone()
    return row is not None
