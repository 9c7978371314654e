"""Rows that contradict each other or the ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from smetka.ledger.imports.outcome import Outcome

_NONE: Mapping[str, str] = {}


def reject(
    db: sqlite3.Connection,
    outcome: Outcome,
    field: str,
    reason: str,
    select: str,
    *,
    values: Mapping[str, str] = _NONE,
) -> None:
    """Reject the rows that a statement finds: each its row, a reason's own word, and what it contradicts."""
    if not db.execute(f"INSERT INTO gone {select}", values).rowcount:
        return
    for file, line, what, other_file, other_line in db.execute(
        "SELECT file, line, reason, other_file, other_line FROM gone JOIN ("
        "SELECT rowid AS row, file, line FROM staged UNION ALL SELECT row, file, line FROM aside"
        ") USING (row) ORDER BY row"
    ):
        of_file = "" if other_file in {None, file} else f" of {outcome.files[other_file].name}"
        column = outcome.files[file].mapping.get(field, "")
        said = reason.format(line=other_line, of_file=of_file, reason=what)
        outcome.reject(outcome.files[file], line, column, said)
    for table, row in (("staged", "rowid"), ("aside", "row")):
        db.execute(f"DELETE FROM {table} WHERE {row} IN (SELECT row FROM gone)")  # noqa: S608 - ours
    db.execute("DELETE FROM gone")
