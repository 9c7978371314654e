"""What an import did, or would do: counts for people and programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from smetka.money import NOTHING, Money

MOST_REJECTS = 100_000
"""Rejected rows that are remembered; beyond them they are only counted."""


class Rejected(NamedTuple):
    """A row that breaks a rule. Says where and why, and nothing that stands in it about a person."""

    file: str
    line: int
    column: str
    reason: str


@dataclass(slots=True)
class FileOutcome:
    """One file.

    Attributes:
        found: sentences about what was found out by itself: encoding, separator and the like.
        dates_unused: of a list of customers, columns of days from which nothing was taken.
        rows: rows read, without the header.
        left_out: rows that are no payment by rule, counted by reason.
        ages_unknown: rows whose age or date of birth stands for none, has no year, or is nobody's.
        already: when the same bytes were imported before; nothing of the file was added then.
    """

    name: str
    kind: str = ""
    encoding: str = ""
    delimiter: str = ""
    found: list[str] = field(default_factory=list)
    recognised: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    dates_unused: Sequence[str] = ()
    rows: int = 0
    payments: int = 0
    rejected: int = 0
    customers_added: int = 0
    customers_updated: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    ages_unknown: int = 0
    already: str | None = None

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.name,
            "kind": self.kind,
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "found": self.found,
            "recognised": self.recognised,
            "mapping": dict(self.mapping),
            "dates_unused": list(self.dates_unused),
            "rows": self.rows,
            "payments": self.payments,
            "rejected": self.rejected,
            "customers_added": self.customers_added,
            "customers_updated": self.customers_updated,
            "left_out": dict(self.left_out),
            "ages_unknown": self.ages_unknown,
            "already": self.already,
        }


@dataclass(slots=True)
class Outcome:
    """All files of one import.

    Attributes:
        payments, total, customers_…: of what was added, or would be.
        customers_unnamed: those of the customers added of whom nothing is known but the id.
        rejects: the first `MOST_REJECTS` of the rejected rows.
        written: the ledger has them now.
        rejects_file: where the rejected rows were written down.
    """

    files: list[FileOutcome]
    rejects: list[Rejected] = field(default_factory=list)
    payments: int = 0
    total: Money = NOTHING
    customers_added: int = 0
    customers_unnamed: int = 0
    customers_updated: int = 0
    written: bool = False
    rejects_file: Path | None = None

    @property
    def rejected(self) -> int:
        """How many rows were rejected."""
        return sum(file.rejected for file in self.files)

    def reject(self, file: FileOutcome, line: int, column: str, reason: str) -> None:
        """Count a rejected row, and remember it while there is room."""
        file.rejected += 1
        if len(self.rejects) < MOST_REJECTS:
            self.rejects.append(Rejected(file.name, line, column, reason))

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "files": [file.as_json() for file in self.files],
            "rejected": self.rejected,
            "payments": self.payments,
            "total": self.total.number,
            "customers_added": self.customers_added,
            "customers_unnamed": self.customers_unnamed,
            "customers_updated": self.customers_updated,
            "written": self.written,
            "rejects_file": None if self.rejects_file is None else str(self.rejects_file),
        }
