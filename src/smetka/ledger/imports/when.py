"""When payments were paid: the year of each, and the first and the last day of all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date

from smetka.ledger.imports.cells import Memo
from smetka.ledger.imports.cells import year as whole_year
from smetka.ledger.imports.columns import Columns
from smetka.ledger.imports.dates import Dates

# Stripe's is called Created date (UTC); what another offset follows is not UTC.
_IN_UTC = re.compile(r"\b(?:UTC|GMT)\b(?!\s*[-+\u2212]?\s*[0-9])")
_TIME_ALONE = re.compile(r"[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?: ?[AaPp][Mm])?$")


class When:
    """The columns of one file that say when.

    Attributes:
        at: place of the column that says it.
        year: the year of what stands there; raises `Refused`, or `ReadAgain`, as `Dates` does.
    """

    def __init__(self, columns: Columns, dates: Dates, last_year: int) -> None:
        self._dates, self._last_year = dates, last_year
        self.has_days = "date" in columns.at
        self.at = columns.at["date" if self.has_days else "year"][0]
        is_utc = self.has_days and len(columns.at["date"]) == 1 and _IN_UTC.search(columns.named["date"])
        self._day = self._utc_day if is_utc else dates.day
        self.year: Callable[[str], int] = (
            self._year_of_day() if self.has_days else Memo(self.whole_year).__getitem__
        )
        self.forget()

    def forget(self) -> None:
        """Begin again: no day was seen."""
        self._first, self._last = date.max, date.min

    def whole_year(self, text: str) -> int:
        """A year that stands by itself."""
        return whole_year(text, self._last_year)

    def day(self, text: str) -> int:
        """The day's ordinal; the first of the year where only that is known."""
        return self._day(text).toordinal() if self.has_days else date(self.year(text), 1, 1).toordinal()

    def days(self, years: Iterable[int]) -> tuple[date, date] | None:
        """The first and the last day of payments of these years; whole years where only these are known."""
        seen = list(years)
        if not seen:
            return None
        if self.has_days and self._dates.undecided is None:
            return self._first, self._last
        return date(min(seen), 1, 1), date(max(seen), 12, 31)

    def _utc_day(self, text: str) -> date:
        """The day in the shop's time zone of a time in UTC, which says so or does not."""
        return self._dates.day(f"{text} UTC" if _TIME_ALONE.search(text) else text)

    def _year_of_day(self) -> Callable[[str], int]:
        day = self._day

        def year(text: str) -> int:
            found = day(text)
            if found < self._first:  # noqa: PLR1730 - twice as fast as min, and called for every row
                self._first = found
            if found > self._last:  # noqa: PLR1730
                self._last = found
            return found.year

        return year
