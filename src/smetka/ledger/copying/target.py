"""The database that a ledger is copied into: what all kinds of them do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from smetka.core.errors import CommandFailed
from smetka.ledger.layout import COPYING, CUSTOMERS, PAYMENTS

PROGRESS = COPYING
"""The table that says how far a copy has come: `note` is the plan in row 0, and how many rows in others."""

NOTES = "SELECT batch, note FROM smetka_copy"

COLUMNS = {CUSTOMERS: ("user_id", "name", "email", "age"), PAYMENTS: ("user_id", "money_spent", "year")}


@dataclass(frozen=True, slots=True)
class Packed:
    """The rows of a batch as a target takes them, and how many they are."""

    count: int
    data: Any


class Target(ABC):
    """A connection that writes. Any method may raise one of `foreign_errors`; `explain` has the sentence.

    Attributes:
        shown: where it is, for people: no password is in it.
    """

    foreign_errors: tuple[type[Exception], ...]
    shown: str

    @abstractmethod
    def progress(self) -> dict[int, str]:
        """The notes of a copy that was begun; empty when there is none."""

    @abstractmethod
    def is_empty(self) -> bool:
        """Neither table is there with a row in it."""

    @abstractmethod
    def begin(self, plan: Mapping[str, Any]) -> None:
        """Make the tables where they are missing, and note the plan.

        Args:
            plan: to be kept as JSON. Its `copy` names this copy and no other; `nameless` is how many
                customers without an id are to come.

        Raises:
            CommandFailed: a table is there that is declared otherwise.
        """

    @abstractmethod
    def pack(self, table: str, rows: Iterator[tuple[Any, ...]]) -> Packed:
        """Put the rows of a batch in the form they are sent in, a few at a time. Sends nothing."""

    @abstractmethod
    def write(self, number: int, table: str, packed: Packed) -> None:
        """Add the rows of a batch, and note it. Safe to repeat after any end of a former attempt."""

    @abstractmethod
    def complete(self) -> None:
        """Make what answers questions quickly. Safe to repeat."""

    @abstractmethod
    def forget(self) -> None:
        """Drop the notes."""

    @abstractmethod
    def explain(self, error: Exception) -> str:
        """A sentence about an error, without a password."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""


def chunks(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """The rows, as many at a time as a processor's cache holds."""
    while chunk := list(islice(rows, 2000)):
        yield chunk


def check_shape(shown: str, table: str, declared: Sequence[Any], wanted: Sequence[Any], words: str) -> None:
    """Compare the columns of a table with those that a copy needs.

    Args:
        words: the columns needed, for people.

    Raises:
        CommandFailed: they differ.
    """
    if list(declared) != list(wanted):
        raise CommandFailed(
            f"{shown} has a table {table} that is declared otherwise than a copy needs it: {words}. "
            "Drop it, or copy into another database."
        )
