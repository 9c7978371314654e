"""The year that is not over: its figures are of a part of it, and must not be read as those of a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class OpenYear:
    """A calendar year that is not over. `last` is the last day that its figures can be of so far."""

    first: date
    last: date

    def as_json(self) -> dict[str, Any]:
        """The `period` of answers and reports. Those of whole years, and of all, have none."""
        return {"from": self.first.isoformat(), "to": self.last.isoformat(), "finished": False}


def open_year(year: int | None, today: date) -> OpenYear | None:
    """The year from 1 to 9999 as it is today, a day of the shop's calendar; None when it is over, or of all.

    A year that has not begun is not over either; figures that a ledger has of it are of all of it.
    """
    if year is None or year < today.year:
        return None
    return OpenYear(date(year, 1, 1), today if year == today.year else date(year, 12, 31))


def is_whole(report: Mapping[str, Any]) -> bool:
    """Whether a report is of a year that is over, or of all years: only such are compared."""
    return not report.get("period")
