"""What an import did, or would do: counts for people and programs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from sys import intern
from typing import Any, NamedTuple

from smetka.core.money import NOTHING, Money
from smetka.ledger.imports.reasons import CODES
from smetka.ledger.imports.refused import SHOWN

MOST_REJECTS = 100_000
"""Rejected rows that are remembered; beyond them they are only counted."""

MOST_STATES = 50


class Rejected(NamedTuple):
    """A row that breaks a rule. Says where and why, and nothing that stands in it about a person."""

    file: str
    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders counted together.

    Attributes:
        cents: of all whose amount is known; negative where it is something lost.
        unknown: those of them whose amount is not.
    """

    orders: int = 0
    cents: int = 0
    unknown: int = 0

    def __add__(self, other: Orders) -> Orders:
        return Orders(self.orders + other.orders, self.cents + other.cents, self.unknown + other.unknown)

    @property
    def amount(self) -> Money:
        """Of all whose amount is known."""
        return Money(self.cents)

    @property
    def size(self) -> Money:
        """The same without its sign."""
        return Money(abs(self.cents))

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"orders": self.orders, "amount": self.amount.number, "amount_unknown": self.unknown}


def _by_reason() -> defaultdict[str, Orders]:
    return defaultdict(Orders)


@dataclass(slots=True)
class FileOutcome:
    """One file.

    Attributes:
        found: sentences about what was found out by itself: encoding, separator and the like.
        dates_unused: of a list of customers, columns of days from which nothing was taken.
        columns_missing: columns of the platform's export that were cut off, and might take money off an
            order: of that nothing was taken off.
        rows: rows read, without the header.
        left_out: rows that are no payment by rule, counted by reason.
        left_out_orders: the orders among them with their money, by reason.
        ages_unknown: rows whose age or date of birth stands for none, has no year, or is nobody's.
        unknown_state_orders: the orders of each word for a state that nobody knows, with their totals, by the
            word as it is written; of the first `MOST_STATES` words.
        already: when the same bytes were imported before; nothing of the file was added then.
        in_part: rows of these bytes were rejected then.
    """

    name: str
    kind: str = ""
    encoding: str = ""
    delimiter: str = ""
    found: list[str] = field(default_factory=list)
    recognised: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    dates_unused: Sequence[str] = ()
    columns_missing: Sequence[str] = ()
    rows: int = 0
    payments: int = 0
    rejected: int = 0
    customers_added: int = 0
    customers_updated: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    left_out_orders: dict[str, Orders] = field(default_factory=dict)
    ages_unknown: int = 0
    unknown_state_orders: defaultdict[str, Orders] = field(default_factory=_by_reason)
    already: str | None = None
    in_part: bool = False

    def forget(self) -> None:
        """No row was read."""
        self.rows = self.rejected = self.ages_unknown = 0
        self.left_out.clear()
        self.unknown_state_orders.clear()

    @property
    def unknown_states(self) -> dict[str, int]:
        """How many orders have each state that nobody knows."""
        return {word: orders.orders for word, orders in self.unknown_state_orders.items()}

    def note_state(self, word: str, cents: int | None) -> None:
        """Count an order whose state nobody knows. An address, of a column mapped by mistake, is none."""
        noted = self.unknown_state_orders
        if "@" not in word and (word in noted or len(noted) < MOST_STATES):
            noted[word] += Orders(1, cents or 0, int(cents is None))

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
            "columns_missing": list(self.columns_missing),
            "rows": self.rows,
            "payments": self.payments,
            "rejected": self.rejected,
            "customers_added": self.customers_added,
            "customers_updated": self.customers_updated,
            "left_out": dict(self.left_out),
            "ages_unknown": self.ages_unknown,
            "unknown_states": self.unknown_states,
            "unknown_state_orders": [
                {"state": word, **orders.as_json()} for word, orders in self.unknown_state_orders.items()
            ],
            "already": self.already,
            "in_part": self.in_part,
        }


@dataclass(slots=True)
class Outcome:
    """All files of one import.

    Attributes:
        payments, total, customers_…: of what was added, or would be.
        customers_unnamed: those of the customers added of whom nothing is known but the id.
        changed: orders that the ledger has and goes on counting as they were, by the code of what is
            otherwise in the files; with what it would gain or lose if it were taken.
        left_out: the other orders that add nothing, each once, by the code of the reason; with what they
            would count, or their total where they would not count.
        states_unmet: states that were told, and that no row of any file has.
        rejects: the first `MOST_REJECTS` of the rejected rows.
        written: the ledger has them now.
        rejects_file: where the rejected rows were written down.
    """

    files: list[FileOutcome]
    states_unmet: list[str] = field(default_factory=list)
    rejects: list[Rejected] = field(default_factory=list)
    payments: int = 0
    total: Money = NOTHING
    customers_added: int = 0
    customers_unnamed: int = 0
    customers_updated: int = 0
    changed: defaultdict[str, Orders] = field(default_factory=_by_reason)
    left_out: defaultdict[str, Orders] = field(default_factory=_by_reason)
    written: bool = False
    rejects_file: Path | None = None

    @property
    def rejected(self) -> int:
        """How many rows were rejected."""
        return sum(file.rejected for file in self.files)

    @property
    def changed_in_all(self) -> Orders:
        """All orders that have changed, and by how much the ledger is off."""
        return sum(self.changed.values(), Orders())

    def reject(self, file: FileOutcome, line: int, column: str, reason: str) -> None:
        """Count a rejected row, and remember it while there is room."""
        file.rejected += 1
        if len(self.rejects) < MOST_REJECTS:
            # A hundred thousand rows say the same: the texts are kept once.
            self.rejects.append(Rejected(file.name, line, intern(column[:SHOWN]), intern(reason)))

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "files": [file.as_json() for file in self.files],
            "rejected": self.rejected,
            "payments": self.payments,
            "total": self.total.number,
            "customers": self.customers_added,
            "customers_added": self.customers_added,
            "customers_unnamed": self.customers_unnamed,
            "customers_updated": self.customers_updated,
            "changed": {**self.changed_in_all.as_json(), "reasons": _listed(self.changed)},
            "left_out": _listed(self.left_out),
            "states_unmet": self.states_unmet,
            "written": self.written,
            "rejects_file": None if self.rejects_file is None else str(self.rejects_file),
        }


def _listed(orders: Mapping[str, Orders]) -> list[dict[str, Any]]:
    return [{"reason": reason, **orders[reason].as_json()} for reason in CODES if reason in orders]
