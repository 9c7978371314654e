"""The ledger that is imported into: opened for writing, or made beside its place and put there whole."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from smetka.core.errors import CommandFailed
from smetka.ledger.imports.marker import draft, marked
from smetka.ledger.open_file import connect
from smetka.ledger.upkeep import create_empty, create_index

BUSY_SECONDS = 10

_OWN_TABLES = """
CREATE TABLE IF NOT EXISTS {schema}.smetka_imports (
    number INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    at TEXT NOT NULL,
    payments INTEGER NOT NULL,
    first_day TEXT,
    last_day TEXT,
    by_order INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS {schema}.smetka_import_years (
    import INTEGER NOT NULL,
    year INTEGER NOT NULL,
    payments INTEGER NOT NULL,
    PRIMARY KEY (import, year)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS {schema}.smetka_orders (
    order_id TEXT NOT NULL PRIMARY KEY,
    cents INTEGER NOT NULL,
    import INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS {schema}.smetka_buyers (
    order_id TEXT NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL,
    year INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS {schema}.smetka_allotted (user_id INTEGER PRIMARY KEY);
"""
_OWN_COLUMNS = {
    "smetka_imports": "number sha256 name at payments first_day last_day by_order".split(),
    "smetka_import_years": "import year payments".split(),
    "smetka_orders": "order_id cents import".split(),
    "smetka_buyers": "order_id user_id year".split(),
    "smetka_allotted": ["user_id"],
}
_BRIEF = {
    "user_info": {"user_id": "INT", "name": None, "email": None, "age": "INT"},
    "user_spending": {"user_id": "INT", "money_spent": None, "year": "INT"},
}


def stands(path: Path) -> bool:
    """There is something to add to; an empty file is nothing.

    Raises:
        CommandFailed: what stands there is no file.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror}.") from None
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no file"
        raise CommandFailed(f"{path} is {kind}; a ledger is a file. Nothing was written.")
    return status.st_size > 0


class Earlier(NamedTuple):
    """An import of a file.

    Attributes:
        at: when.
        payments: how many of it count.
        rejected: rows of it were rejected, and may be taken yet.
        order_column: where its order numbers stood then; empty where there were none, or none was rejected.
    """

    at: str
    payments: int
    rejected: bool = False
    order_column: str = ""


def key_of(sha256: str, number: int, *, rejected: bool, order_column: str) -> str:
    """How an import remembers the bytes of its file: read by `earlier_imports`."""
    return f"{sha256} {number} {order_column}" if rejected else sha256


def earlier_imports(path: Path, sha256: str) -> list[Earlier]:
    """The imports of a file with these bytes into the ledger, the last one first."""
    with closing(sqlite3.connect(":memory:", uri=True, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA encoding = '{encoding_of(path)}'")
        attach(connection, path, reading_mode(path))
        if not _has_table(connection, "smetka_allotted"):
            return []
        rows = connection.execute(
            "SELECT at, payments, substr(sha256, 66) FROM smetka_imports WHERE substr(sha256, 1, 64) = ? "
            "ORDER BY number DESC",
            (sha256,),
        ).fetchall()
    return [Earlier(at, payments, bool(rest), rest.partition(" ")[2]) for at, payments, rest in rows]


def reading_mode(path: Path) -> str:
    """How to open a ledger to look at it.

    As one that may write, if possible: what a killed import left behind is rolled back then.
    """
    return "rw" if os.access(path, os.W_OK) else "ro"


def encoding_of(path: Path) -> str:
    """How the ledger stores texts: ``UTF-8``, ``UTF-16le`` or ``UTF-16be``, as SQLite calls them.

    A database can be attached only to one that stores them alike.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    with closing(connect(path, reading_mode(path))) as connection:
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
        return str(connection.execute("PRAGMA encoding").fetchone()[0])


def attach(connection: sqlite3.Connection, path: Path | None, mode: str) -> None:
    """Make the ledger's tables known to the connection as those of the schema `ledger`.

    Raises:
        CommandFailed: it is in another shape than the brief's, where nothing can be added.
        sqlite3.Error: it cannot be opened.
    """
    # Quoted, whatever characters the name holds.
    where = ":memory:" if path is None else f"file:{quote(os.fsencode(path))}?mode={mode}"
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    connection.execute("ATTACH ? AS ledger", (where,))
    if path is not None:
        _check_shape(connection, path)


def make_own_tables(connection: sqlite3.Connection, schema: str) -> None:
    """What is remembered of imports: in the ledger itself, or beside it where that must stay as it is."""
    if schema == "main" and _has_table(connection, "smetka_allotted"):
        return
    # Not executescript, which commits first.
    for statement in _OWN_TABLES.format(schema=schema).split(";")[:-1]:
        connection.execute(statement)


@contextmanager
def writing(path: Path) -> Iterator[tuple[Path, bool]]:
    """Where to write, and whether that is a new ledger, which takes its place when the block has ended well.

    Raises:
        CommandFailed: another import writes to it, or it cannot be written.
    """
    with marked(path, BUSY_SECONDS):
        new = draft(path)
        _discard(new)  # of an import that was killed
        if stands(path):
            yield path, False
            return
        create_empty(new)
        try:
            usual = stat.S_IMODE(new.stat().st_mode)
            new.chmod(0o600)  # people's names and addresses would stay in it, if it were killed
            yield new, True
            create_index(new)
            _put(new, path, usual)
        finally:
            _discard(new)


def _discard(new: Path) -> None:
    # The journal first: beside another database of this name it would be played back into that.
    new.with_name(f"{new.name}-journal").unlink(missing_ok=True)
    new.unlink(missing_ok=True)


def _put(new: Path, path: Path, mode: int) -> None:
    try:
        new.chmod(mode)
        _sync(new)
        if path.exists() and not path.stat().st_size:
            new.replace(path)
        else:
            _link(new, path)
        _sync(path.parent)
    except FileExistsError:
        raise CommandFailed(f"{path} was made by another program meanwhile; it was left as it is.") from None
    except OSError as error:
        raise CommandFailed(f"{path} cannot be made: {error.strerror}.") from None


def _link(new: Path, path: Path) -> None:
    # Fails where something appeared since, as renaming would not.
    try:
        path.hardlink_to(new)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        new.rename(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_shape(connection: sqlite3.Connection, path: Path) -> None:
    for table, own in _OWN_COLUMNS.items():
        found = [name for _, name, *_ in connection.execute(f"PRAGMA ledger.table_info({table})")]
        if found and found != own:
            raise CommandFailed(
                f"{path} has a table {table} that is none of Smetka's; imports are remembered by that name. "
                "Rename it; nothing was written."
            )
    for table, columns in _BRIEF.items():
        row = connection.execute(
            "SELECT type FROM ledger.sqlite_master WHERE lower(name) = ? AND type IN ('table', 'view')",
            (table,),
        ).fetchone()
        if row is None:
            raise CommandFailed(f"{path} has no table {table}, and so is no ledger; nothing was written.")
        if row[0] == "view":
            raise CommandFailed(f"{table} in {path} is a view, which nothing can be added to.")
        # table_info would leave out generated columns, as if they were not there: `hidden` 2 and 3.
        declared_columns = connection.execute(f"PRAGMA ledger.table_xinfo({table})").fetchall()
        generated = {name.lower() for _, name, *_, hidden in declared_columns if hidden > 1}
        there = {
            name.lower(): (declared.upper(), required and default is None and not key and not hidden)
            for _, name, declared, required, default, key, hidden in declared_columns
        }
        for column, kind in columns.items():
            if column in generated:
                raise CommandFailed(
                    f"{table}.{column} in {path} is a generated column, worked out from other columns; "
                    "nothing can be added to it."
                )
            if column not in there:
                raise CommandFailed(f"{table} in {path} has no column {column}; nothing was written.")
            if kind and kind not in there[column][0]:
                raise CommandFailed(
                    f"{table}.{column} in {path} is declared {there[column][0] or 'without a type'}, "
                    "not INTEGER; nothing can be added to a ledger in another shape."
                )
        money = there.get("money_spent", ("REAL",))[0]
        if not any(word in money for word in ("REAL", "FLOA", "DOUB", "NUM", "DEC", "INT")):
            raise CommandFailed(
                f"user_spending.money_spent in {path} is declared {money or 'without a type'}, not REAL; "
                "nothing can be added to a ledger in another shape."
            )
        others = [
            name for name, (_, required) in there.items() if required and name not in {*columns} - {"age"}
        ]
        if others:
            raise CommandFailed(
                f"{table} in {path} requires a value of {others[0]}, which imports do not have."
            )


def _has_table(connection: sqlite3.Connection, name: str) -> bool:
    row = connection.execute(
        "SELECT 1 FROM ledger.sqlite_master WHERE type = 'table' AND name = ?", (name,)
    ).fetchone()
    return row is not None
