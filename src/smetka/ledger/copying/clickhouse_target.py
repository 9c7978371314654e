"""Copies into ClickHouse.

It has no transactions, but drops a block of rows that bears the token of a block it has taken: a batch
is one block, and its token is made of the copy's name and the batch's number. Killed between a batch
and its note, a copy sends the batch again, and it is in the table once.

The tables are for the questions of `statements`:

- Sorted by customer, then year: what one customer spent is read from one place in each part, and sums
  by customer group rows that are beside each other.
- One partition a year: a question about one year reads no other. Years that no shop has share one, so
  that wrong dates cannot make thousands; there are fewer than the 100 that one insert may touch.
- Payments without an id, an amount or a year are counted, so that all three columns are Nullable. It
  costs a few percent of the time of a sum.
- Names and e-mails that are unknown are empty, as answers have them, too.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from smetka.core.errors import CommandFailed
from smetka.ledger.clickhouse import connect
from smetka.ledger.copying.target import COLUMNS, NOTES, PROGRESS, Packed, Target, check_shape, chunks
from smetka.ledger.layout import CUSTOMERS, PAYMENTS
from smetka.ledger.limits import USUAL
from smetka.settings.ledger_location import Server

FIRST_YEAR, LAST_YEAR = 2000, 2079
"""Those that have partitions of their own."""

_TOKENS_KEPT = 1000
"""For the parts of the last batch, a partition each."""

_PAYMENT_TYPES = ("Nullable(Int64)", "Nullable(Decimal(14, 2))", "Nullable(Int32)")

_ORDERED = {
    CUSTOMERS: "ORDER BY user_id",
    PAYMENTS: f"PARTITION BY ifNull(if(year BETWEEN {FIRST_YEAR} AND {LAST_YEAR}, year, 0), 0) "
    "ORDER BY (user_id, year)",
}

_SETTINGS: dict[str, Any] = {
    "async_insert": 0,  # taken when it is answered
    "insert_deduplicate": 1,
    "session_timezone": "UTC",
}


class ClickHouseTarget(Target):
    """As the module says. Tables that are there already may be of any engine of the MergeTree family."""

    foreign_errors = (ClickHouseError, OSError)

    def __init__(self, server: Server) -> None:
        self.shown = server.shown
        self._server = server
        self._client: Client | None = None
        self._copy = ""
        self._types: dict[str, tuple[str, ...]] = {}

    def progress(self) -> dict[int, str]:
        """As `Target` says."""
        if PROGRESS not in self._engines():
            return {}
        notes: dict[int, str] = dict(map(tuple, self._opened().query(NOTES).result_rows))
        if 0 in notes:
            self._take(json.loads(notes[0]))
        return notes

    def is_empty(self) -> bool:
        """As `Target` says."""
        there = self._engines()
        return not any(
            table in there and self._opened().query(f"SELECT 1 FROM {table} LIMIT 1").result_rows  # noqa: S608 - names of ours
            for table in COLUMNS
        )

    def begin(self, plan: Mapping[str, Any]) -> None:
        """As `Target` says."""
        client = self._opened()
        self._take(plan)
        for table, types in self._types.items():
            wanted = list(zip(COLUMNS[table], types, strict=True))
            words = ", ".join(map(" ".join, wanted))
            client.command(
                f"CREATE TABLE IF NOT EXISTS {table} ({words}) ENGINE = MergeTree {_ORDERED[table]} "
                "SETTINGS allow_nullable_key = 1"
            )
            declared = client.query(
                "SELECT name, type FROM system.columns "
                "WHERE database = currentDatabase() AND table = {table:String} ORDER BY position",
                parameters={"table": table},
            ).result_rows
            check_shape(self.shown, table, list(map(tuple, declared)), wanted, words)
            engine = self._engines()[table]
            if not engine.endswith("MergeTree"):
                raise CommandFailed(
                    f"{self.shown}: {table} is a table of the engine {engine}, not MergeTree."
                )
            if "Replicated" not in engine and "Shared" not in engine:
                client.command(
                    f"ALTER TABLE {table} MODIFY SETTING non_replicated_deduplication_window = {_TOKENS_KEPT}"
                )
        client.command(
            f"CREATE TABLE IF NOT EXISTS {PROGRESS} (batch Int64, note String) "
            "ENGINE = MergeTree ORDER BY batch"
        )
        self._note(0, json.dumps(plan))

    def pack(self, table: str, rows: Iterator[tuple[Any, ...]]) -> Packed:
        """As `Target` says."""
        types = self._types[table]
        columns = [_COLUMNS[type_]() for type_ in types]
        count = 0
        for chunk in chunks(rows):
            count += len(chunk)
            for column, values in zip(columns, zip(*chunk, strict=True), strict=True):
                column.add(values)
        data = [column.data() for column in columns]
        return Packed(count, _block(count, COLUMNS[table], types, data))

    def write(self, number: int, table: str, packed: Packed) -> None:
        """As `Target` says."""
        if self._opened().query(f"{NOTES} WHERE batch = {number}").result_rows:
            raise CommandFailed(f"{self.shown}: another copy into it is running.")
        if packed.count:
            self._opened().raw_insert(
                table,
                COLUMNS[table],
                packed.data,
                settings={"insert_deduplication_token": f"{self._copy}-{number}"},
                fmt="Native",
            )
        self._note(number, str(packed.count))

    def complete(self) -> None:
        """As `Target` says."""
        for table in COLUMNS:
            engine = self._engines()[table]
            if "Replicated" not in engine and "Shared" not in engine:
                # Rows that a shop writes twice later are two payments.
                self._opened().command(
                    f"ALTER TABLE {table} RESET SETTING non_replicated_deduplication_window"
                )

    def forget(self) -> None:
        """As `Target` says."""
        self._opened().command(f"DROP TABLE IF EXISTS {PROGRESS} SYNC")

    def explain(self, error: Exception) -> str:
        """As `Target` says."""
        said = self._server.scrub(" ".join(str(error).split()))
        if "ACCESS_DENIED" in said or "Not enough privileges" in said:
            said = "the user may not write there; grant CREATE TABLE, DROP TABLE, ALTER, SELECT and INSERT"
        elif "AUTHENTICATION_FAILED" in said:
            said = "the user or the password is wrong"
        elif "UNKNOWN_DATABASE" in said:
            said = "there is no such database"
        elif "readonly" in said.lower():
            said = "the user may only read"
        elif "timed out" in said.lower() or "TIMEOUT_EXCEEDED" in said:
            said = "the server took too long and was given up"
        elif isinstance(error, OSError) or "connect" in said.lower():
            said = "the server cannot be reached, or was lost"
        return f"{self.shown}: {said[:300].rstrip('.')}."

    def close(self) -> None:
        """As `Target` says."""
        if self._client is not None:
            self._client.close()

    def _take(self, plan: Mapping[str, Any]) -> None:
        self._copy = plan["copy"]
        user_id = "Nullable(Int64)" if plan["nameless"] else "Int64"
        self._types = {CUSTOMERS: (user_id, "String", "String", "Nullable(Int16)"), PAYMENTS: _PAYMENT_TYPES}

    def _note(self, number: int, note: str) -> None:
        self._opened().insert(PROGRESS, [[number, note]], column_names=["batch", "note"])

    def _engines(self) -> dict[str, str]:
        found = self._opened().query(
            "SELECT name, engine FROM system.tables WHERE database = currentDatabase()"
        )
        return dict(map(tuple, found.result_rows))

    def _opened(self) -> Client:
        if self._client is None:
            self._client = connect(self._server, seconds=USUAL.long_question, **_SETTINGS)
        return self._client


class _Integers:
    """A column of integers. Before one that is Nullable stands a byte for each: 1 where it is NULL."""

    def __init__(self, code: str, *, nullable: bool = True) -> None:
        self._code, self._nullable = code, nullable
        self._values, self._missing = bytearray(), bytearray()

    def add(self, values: Sequence[int | None]) -> None:
        try:
            self._values += array(self._code, values)  # type: ignore[type-var]
            self._missing += bytes(len(values))
        except TypeError:
            self._values += array(self._code, [value or 0 for value in values])
            self._missing += bytes(value is None for value in values)

    def data(self) -> bytes:
        return bytes(self._missing + self._values) if self._nullable else bytes(self._values)


class _Texts:
    """A column of texts, each with its length; unknown ones are empty."""

    def __init__(self) -> None:
        self._values = bytearray()

    def add(self, values: Sequence[str | None]) -> None:
        self._values += b"".join([_text(value or "") for value in values])

    def data(self) -> bytes:
        return bytes(self._values)


_COLUMNS: dict[str, Callable[[], _Integers | _Texts]] = {
    "Int64": partial(_Integers, "q", nullable=False),
    "Nullable(Int64)": partial(_Integers, "q"),
    "Nullable(Int32)": partial(_Integers, "i"),
    "Nullable(Int16)": partial(_Integers, "h"),
    "Nullable(Decimal(14, 2))": partial(_Integers, "q"),  # of cents
    "String": _Texts,
}


def _block(count: int, names: Sequence[str], types: Sequence[str], data: Sequence[bytes]) -> bytes:
    """Rows in the format Native, a column after the other."""
    parts = [_size(len(names)), _size(count)]
    for name, type_, values in zip(names, types, data, strict=True):
        parts += [_text(name), _text(type_), values]
    return b"".join(parts)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _size(len(encoded)) + encoded


def _size(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that more follow."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
