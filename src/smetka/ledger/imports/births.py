"""Dates of birth, read to ages."""

from __future__ import annotations

import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from smetka.ledger.imports.cells import NOT_KNOWN, OLDEST, age_on
from smetka.ledger.imports.date_notation import Order, lacks_a_part
from smetka.ledger.imports.dates import Dates, TooEarly
from smetka.ledger.imports.defused import bare
from smetka.ledger.imports.months import NAME, month_of
from smetka.ledger.imports.refused import ReadAgain, Refused

# The first days of Excel's two calendars, which programs write where they have no date.
_STAND_FOR_NONE = frozenset({date(1900, 1, 1), date(1904, 1, 1)})
_ZEROS = frozenset("0.-/: TZ")
# The same days with two digits for the year. Whether they are of this century nobody can tell.
_SHORT = re.compile(r"0?1(?:\. ?|[/-])0?1(?:\. ?|[/-])0[04]\.?")
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
        try:
            born = self.dates.day(text)
        except ReadAgain:
            raise
        except TooEarly:
            return None
        except Refused:
            if _stands_for_none(bare(text)):
                return None
            raise
        is_new_year = born.month == born.day == 1
        if is_new_year and (born in _STAND_FOR_NONE or _SHORT.fullmatch(bare(text))):
            return None
        return age_on(self._today, born)


def _earliest(today: date) -> date:
    """The day from which on nobody is older than `OLDEST`."""
    last_day = 28 if (today.month, today.day) == (2, 29) else today.day
    return date(today.year - OLDEST - 1, today.month, last_day) + timedelta(days=1)


def _stands_for_none(written: str) -> bool:
    """What is no date is one of zeros, a word for none, or a birthday: a day and a month."""
    if written.casefold() in NOT_KNOWN or (written.startswith("0") and _ZEROS.issuperset(written)):
        return True
    if lacks_a_part(written) or _SHORT.fullmatch(written):
        return True
    if match := _IN_NUMBERS.fullmatch(written):
        lower, higher = sorted(int(number) for number in match.groups() if number)
        return 1 <= lower <= 12 and higher <= 31
    if match := _IN_WORDS.fullmatch(written):
        return month_of(match[2] or match[3]) > 0 and 1 <= int(match[1] or match[4]) <= 31
    return False
