"""Dates of birth, read to ages."""

from __future__ import annotations

import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from smetka.ledger.imports.cells import OLDEST, age_on
from smetka.ledger.imports.date_notation import Order, lacks_a_part
from smetka.ledger.imports.dates import Dates, TooEarly
from smetka.ledger.imports.defused import bare
from smetka.ledger.imports.months import NAME, month_of

# The first days of Excel's two calendars, which programs write where they have no date.
_STAND_FOR_NONE = frozenset({date(1900, 1, 1), date(1904, 1, 1)})
_ZEROS = "0.-/: TZ"
# 14.03. and 14/3, 03-14, --03-14; 14. March, March 14.
_IN_NUMBERS = re.compile(r"([0-9]{1,2})\. ?([0-9]{1,2})\.|(?:--)?([0-9]{1,2})[/-]([0-9]{1,2})")
_IN_WORDS = re.compile(rf"([0-9]{{1,2}})\.?[- ]({NAME})\.?|({NAME})\.? ([0-9]{{1,2}})")


class Births:
    """One column of dates of birth.

    Attributes:
        dates: how they are read, by the rules of any column of dates.
    """

    def __init__(self, zone: ZoneInfo, order: Order | None, today: date) -> None:
        self._today = today
        self.dates = Dates(zone, order, today, born_since=_earliest(today))

    def age(self, text: str) -> int | None:
        """The age in whole years. None where there is none to know.

        That is where something stands for no date (0000-00-00, 1900-01-01), where a birthday has no year,
        and where somebody would be older than anyone ever was.

        Raises:
            Refused: it is no date, or one to come.
            ReadAgain: as `Dates.day`.
        """
        written = bare(text)
        if written.startswith("0") and not written.strip(_ZEROS):
            return None
        if lacks_a_part(written) or _has_no_year(written):
            return None
        try:
            born = self.dates.day(written)
        except TooEarly:
            return None
        return None if born in _STAND_FOR_NONE else age_on(self._today, born)


def _earliest(today: date) -> date:
    """The day from which on nobody is older than `OLDEST`."""
    last_day = 28 if (today.month, today.day) == (2, 29) else today.day
    return date(today.year - OLDEST - 1, today.month, last_day) + timedelta(days=1)


def _has_no_year(written: str) -> bool:
    """It is a birthday: a day and a month."""
    if match := _IN_NUMBERS.fullmatch(written):
        lower, higher = sorted(int(number) for number in match.groups() if number)
        return 1 <= lower <= 12 and higher <= 31
    if match := _IN_WORDS.fullmatch(written):
        return month_of(match[2] or match[3]) > 0 and 1 <= int(match[1] or match[4]) <= 31
    return False
