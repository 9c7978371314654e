"""A file looked at customer by customer, so that the shop which writes to it waits for a few of them only."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from smetka.ledger.file_session import FileSession
from smetka.ledger.layout import CUSTOMERS, PAYMENTS, Layout
from smetka.ledger.questions import Rows

T = TypeVar("T")

NOBODYS, BETWEEN, FROM = "user_id IS NULL", "user_id >= :low AND user_id < :high", "user_id >= :low"
"""Conditions on rows of either table: each row is in one slice, a customer in that of all payments."""

SLICE_SECONDS = 0.04
_FIRST, _FEWEST, _MOST = 4_000, 100, 1_000_000
"""Rows of a table in a slice."""

_NEXT = "SELECT user_id FROM {table} WHERE user_id >= :low ORDER BY user_id LIMIT 1 OFFSET :rows"
_ABOVE = "SELECT min(user_id) FROM {table} WHERE user_id > :low"


def can_be_sliced(layout: Layout) -> bool:
    """Rows are found by the customer, and the same customer is the same number in both tables."""
    return (
        layout.engine == "sqlite"
        and layout.ids_unique
        and layout.index is not None
        and all(layout.kind(table, "user_id") == "number" for table in (CUSTOMERS, PAYMENTS))
    )


def slices(opened: FileSession, look: Callable[[Rows, str, Mapping[str, Any]], T]) -> Iterator[T]:
    """What `look` finds in each slice, by ascending ids, each being of one moment.

    Args:
        look: is given what runs a statement, the slice as a condition of the above, and its parameters.
    """
    yield opened.at_one_moment(lambda rows: look(rows, NOBODYS, {}))
    low: float | None = -math.inf
    size = _FIRST
    while low is not None:
        start = time.perf_counter()
        found, low = opened.at_one_moment(_from(low, size, look))
        took = time.perf_counter() - start
        yield found
        size = int(max(_FEWEST, min(_MOST, size * min(2.0, SLICE_SECONDS / max(took, 1e-9)))))


def _from(
    low: float, size: int, look: Callable[[Rows, str, Mapping[str, Any]], T]
) -> Callable[[Rows], tuple[T, float | None]]:
    def ask(rows: Rows) -> tuple[T, float | None]:
        high = _number(rows, _NEXT, {"low": low, "rows": size})
        if high == low:  # a customer with that many payments, who stays whole
            high = _number(rows, _ABOVE, {"low": low})
        if high is None:
            return look(rows, FROM, {"low": low}), None
        return look(rows, BETWEEN, {"low": low, "high": high}), high

    return ask


def _number(rows: Rows, statement: str, parameters: Mapping[str, Any]) -> float | None:
    """The lower of both tables' answers; texts and blobs, which are above all numbers, stay together."""
    found = [
        value
        for table in (CUSTOMERS, PAYMENTS)
        for (value,) in rows(statement.format(table=table), parameters)
        if isinstance(value, int | float)
    ]
    return min(found, default=None)
