"""What is copied at a time: parts of the two tables, settled once, so that a repeated copy reads the same."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from typing import Any, Literal

from smetka.core.errors import CommandFailed
from smetka.ledger.copying.readings import Readings
from smetka.ledger.layout import CUSTOMERS, PAYMENTS
from smetka.ledger.source import Opened

BATCH_ROWS = 250_000
"""Rows in a batch, about; at most 40 MB of memory."""

_LOWEST, _HIGHEST = -(2**63), 2**63 - 1

_NEXT_ROWIDS = """
    SELECT max(number), count(*)
    FROM (SELECT _rowid_ AS number FROM {table} WHERE _rowid_ >= :low ORDER BY _rowid_ LIMIT :rows)
"""

_IS_TABLE = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND lower(name) = :table"
_HAS_OWN = "SELECT 1 FROM pragma_table_xinfo(:table) WHERE lower(name) = '_rowid_'"

# Ranges of ctid are found without reading the rest since PostgreSQL 14. Other kinds of relations have
# none, or those of several tables.
_BLOCKS = """
    SELECT pg_relation_size(oid) / current_setting('block_size')::int
    FROM pg_class
    WHERE oid = to_regclass(%(table)s) AND relkind = 'r' AND NOT relhassubclass
      AND current_setting('server_version_num')::int >= 140000
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one table.

    Attributes:
        by: what `low` and `high` are of, both included: SQLite's row numbers, PostgreSQL's blocks, or
            ids; of ids None are those that are no whole numbers.
        offset: of one id with more rows than a batch: how many of them come before, in their order.
        rows: how many there were when the plan was made, about.
    """

    table: str
    by: Literal["rowid", "ctid", "user_id"]
    low: int | None
    high: int | None
    offset: int | None
    rows: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be copied.

    Attributes:
        nameless: customers without any id.
    """

    customers: int
    payments: int
    nameless: int
    batches: tuple[Batch, ...]

    def as_json(self) -> dict[str, Any]:
        """As it is kept in the target."""
        kept = [astuple(batch) for batch in self.batches]
        return {
            "customers": self.customers,
            "payments": self.payments,
            "nameless": self.nameless,
            "batches": kept,
        }

    @staticmethod
    def of_json(kept: dict[str, Any]) -> Plan:
        """The plan that `as_json` made this of."""
        batches = tuple(Batch(*each) for each in kept["batches"])
        return Plan(kept["customers"], kept["payments"], kept["nameless"], batches)


def plan(opened: Opened) -> Plan:
    """Divide an open ledger into batches.

    Raises:
        CommandFailed: customers have ids that are no whole numbers.
    """
    readings = Readings(opened.layout)
    [(nameless, odd)] = opened.rows(readings.odd_ids(), {})
    if odd:
        raise CommandFailed(
            f"{odd:,} rows of {CUSTOMERS} have a user_id that is no whole number. They cannot be copied; "
            "correct or remove them first. Nothing was written."
        )
    customers = tuple(_divided(opened, readings, CUSTOMERS))
    payments = tuple(_divided(opened, readings, PAYMENTS))
    return Plan(
        sum(batch.rows for batch in customers),
        sum(batch.rows for batch in payments),
        nameless,
        customers + payments,
    )


def _divided(opened: Opened, readings: Readings, table: str) -> Iterable[Batch]:
    # Ids that stand there twice become one row, which only a range of ids keeps together.
    if table == PAYMENTS or opened.layout.ids_unique:
        if opened.layout.engine == "sqlite" and _has_rowids(opened, table):
            return _by_rowids(opened, table)
        if opened.layout.engine == "postgresql" and (found := opened.rows(_BLOCKS, {"table": table})):
            return _by_blocks(opened, table, found[0][0])
    counts = readings.ids(table)
    return opened.fold(counts, {}, lambda rows: _by_ids(table, rows))


def _has_rowids(opened: Opened, table: str) -> bool:
    if not opened.rows(_IS_TABLE, {"table": table}) or opened.rows(_HAS_OWN, {"table": table}):
        return False
    try:
        opened.rows(f"SELECT _rowid_ FROM {table} LIMIT 0", {})  # noqa: S608 - a name of ours
    except sqlite3.OperationalError:
        return False  # WITHOUT ROWID
    return True


def _by_rowids(opened: Opened, table: str) -> Iterator[Batch]:
    low = _LOWEST
    while True:
        [(high, rows)] = opened.rows(_NEXT_ROWIDS.format(table=table), {"low": low, "rows": BATCH_ROWS})
        if not rows:
            return
        yield Batch(table, "rowid", low, high, None, rows)
        if high == _HIGHEST:
            return
        low = high + 1


def _by_blocks(opened: Opened, table: str, blocks: int) -> Iterator[Batch]:
    rows = opened.rows(f"SELECT count(*) FROM {table}", {})[0][0]  # noqa: S608 - a name of ours
    step = max(1, blocks * BATCH_ROWS // max(rows, 1))
    done = 0
    for low in range(0, blocks, step):
        high = min(low + step, blocks) - 1
        before, done = done, rows * (high + 1) // blocks
        yield Batch(table, "ctid", low, high, None, done - before)


def _by_ids(table: str, counts: Iterator[tuple[int | None, int]]) -> list[Batch]:
    """Batches of neighbouring ids.

    Args:
        counts: each id and how many rows it has, by id; None once.
    """
    batches: list[Batch] = []
    low = high = 0
    rows = 0

    def cut() -> None:
        if rows:
            batches.append(Batch(table, "user_id", low, high, None, rows))

    for user_id, count in counts:
        if user_id is None or count > BATCH_ROWS:
            batches += [
                Batch(table, "user_id", user_id, user_id, offset, min(BATCH_ROWS, count - offset))
                for offset in range(0, count, BATCH_ROWS)
            ]
            continue
        if rows + count > BATCH_ROWS:
            cut()
            rows = 0
        if not rows:
            low = user_id
        high, rows = user_id, rows + count
    cut()
    return batches
