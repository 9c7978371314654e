"""How dates and times are written, and the days that one can be by itself."""

from __future__ import annotations

import re
from datetime import UTC, date, timedelta, timezone
from typing import Literal

from smetka.ledger.imports.months import NAME, month_of

Order = Literal["dmy", "mdy"]

_YEAR = "[0-9]{4}|[0-9]{2}"
_AFTER_YEAR = r"(?:\.?\ ?(?:г|год|god)\.|\.?\ (?:година|године|godina|godine)|\.)?"
_YEAR_FIRST = r"(?P<y1>[0-9]{4})(?P<s1>[-/.])(?P<m1>[0-9]{1,2})(?P=s1)(?P<d1>[0-9]{1,2})"
_YEAR_LAST = rf"(?P<a>[0-9]{{1,2}})(?P<s2>[-/]|\.\ ?)(?P<b>[0-9]{{1,2}})(?P=s2)(?P<y2>{_YEAR}){_AFTER_YEAR}"
_MONTH_FIRST = rf"(?P<m3>{NAME})\.?\ (?P<d3>[0-9]{{1,2}}),?\ (?P<y3>[0-9]{{4}})"
_MONTH_BETWEEN = (
    rf"(?P<d4>[0-9]{{1,2}})\.?(?P<s4>[-\ ./])(?P<m4>{NAME})\.?(?P=s4)(?P<y4>{_YEAR}){_AFTER_YEAR}"
)
_TIME = r"""
    (?:T|,?\ (?:at\ )?)
    (?P<hour>[0-9]{1,2}) : (?P<minute>[0-5][0-9]) (?: : (?P<second>[0-5][0-9]) (?:[.,][0-9]{1,9})? )?
    (?: [\ \u202f]? (?P<half>[AaPp])\.?[Mm]\.? )?
    (?: \ ? (?P<offset>Z|UTC|GMT|[-+][0-9]{2}:?[0-9]{2}|[-+][0-9]{2}) )?
"""
DATE = re.compile(
    rf"(?P<date>{_YEAR_FIRST}|{_YEAR_LAST}|{_MONTH_FIRST}|{_MONTH_BETWEEN})(?:{_TIME})?", re.VERBOSE
)
LONGEST = 60
"""In characters; what is longer is no date."""

_EXPECTED = "a date such as 2024-12-31 or 31.12.2024 is expected"
_NUMBER = re.compile(r"[-+]?[0-9]+(?:[.,][0-9]+)?")
_DAYS_IN_EXCEL = re.compile(r"([0-9]{5})(?:[.,][0-9]+)?")
_DAY_0_IN_EXCEL = date(1899, 12, 30)


def has_short_year(match: re.Match[str]) -> bool:
    """A date's year has two digits."""
    return len(match["y2"] or match["y4"] or "") == 2


def full_year_days(match: re.Match[str]) -> dict[Order, date]:
    """The days that a date with a full year can be, by what would come first in it.

    Raises:
        ValueError: there is no such day.
        Refused: its month has another meaning in another language.
    """
    if match["y2"] is None:
        year, day = match["y1"] or match["y3"] or match["y4"], match["d1"] or match["d3"] or match["d4"]
        name = match["m3"] or match["m4"]
        only = date(int(year), month_of(name) if name else int(match["m1"]), int(day))
        return {"dmy": only, "mdy": only}
    one, other, year = int(match["a"]), int(match["b"]), int(match["y2"])
    if match["s2"].startswith("."):
        only = date(year, other, one)
        return {"dmy": only, "mdy": only}
    days: dict[Order, date] = {}
    if other <= 12:
        days["dmy"] = date(year, other, one)
    if one <= 12:
        days["mdy"] = date(year, one, other)
    if not days:
        raise ValueError
    return days


def short_year_parts(match: re.Match[str]) -> dict[Order | Literal["ymd"], tuple[int, int, int]]:
    """Year, month and day of a date whose year has two digits, which may be its first two as well.

    Raises:
        Refused: its month has another meaning in another language.
    """
    if match["y2"] is None:
        return {"dmy": (int(match["y4"]), month_of(match["m4"]), int(match["d4"]))}
    one, other, last = int(match["a"]), int(match["b"]), int(match["y2"])
    if match["s2"].startswith("."):
        return {"dmy": (last, other, one), "ymd": (one, other, last)}
    return {"dmy": (last, other, one), "mdy": (last, one, other), "ymd": (one, other, last)}


def lacks_a_part(written: str) -> bool:
    """The day, the month or the year of a date is zero, as in 0000-09-21."""
    match = DATE.fullmatch(written) if len(written) <= LONGEST else None
    if match is None:
        return False
    numbers = match.group("m1", "d1", "a", "b", "d3", "d4")
    years = match.group("y1", "y2", "y3", "y4")
    return "0000" in years or any(number and not int(number) for number in numbers)


def zone_of(offset: str) -> timezone:
    """The zone of an offset such as ``+02:00``.

    Raises:
        ValueError: there is none so far from Greenwich.
    """
    if offset in ("Z", "UTC", "GMT"):
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[3:].lstrip(":") or 0)
    if hours > 14 or minutes > 59:
        raise ValueError
    shift = timedelta(hours=hours, minutes=minutes)
    return timezone(-shift if offset[0] == "-" else shift)


def day_in_excel(written: str) -> date | None:
    """The day for which Excel keeps such a number, if it is one of five digits."""
    match = _DAYS_IN_EXCEL.fullmatch(written)
    return _DAY_0_IN_EXCEL + timedelta(days=int(match[1])) if match else None


def why_no_date(written: str) -> str:
    """What a text is that is no date."""
    if not written:
        return "is empty"
    if written.isdigit() and len(written) in (10, 13):
        return f"is a Unix timestamp; {_EXPECTED}"
    if _NUMBER.fullmatch(written):
        return f"is a number; {_EXPECTED}"
    if written.startswith("="):
        return "is a formula; save the values that it gives instead"
    return f"is no date; {_EXPECTED}"
