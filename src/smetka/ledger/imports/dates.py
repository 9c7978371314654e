"""Dates and times as shops write them, read to the day in the shop's time zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Literal
from zoneinfo import ZoneInfo

from smetka.ledger.imports.defused import bare
from smetka.ledger.imports.refused import ReadAgain, Refused

Order = Literal["dmy", "mdy"]

_EARLIEST = 1990
_EARLIEST_BIRTH = 1900
_MOST_REMEMBERED = 200_000
_LONGEST = 60
_EXPECTED = "a date such as 2024-12-31 or 31.12.2024 is expected"
_MONTHS = {
    name: number
    for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)
}
_MONTHS |= {
    name: number
    for number, name in enumerate(
        "january february march april may june july august september october november december".split(),
        start=1,
    )
} | {"sept": 9}

_YEAR_FIRST = r"(?P<y1>[0-9]{4})(?P<s1>[-/.])(?P<m1>[0-9]{1,2})(?P=s1)(?P<d1>[0-9]{1,2})"
_YEAR_LAST = (
    r"(?P<a>[0-9]{1,2})(?P<s2>[-/]|\.\ ?)(?P<b>[0-9]{1,2})(?P=s2)(?P<y2>[0-9]{4}|[0-9]{2})(?:\.|\ ?г\.)?"
)
_MONTH_FIRST = r"(?P<m3>[A-Za-z]{3,9})\.?\ (?P<d3>[0-9]{1,2}),?\ (?P<y3>[0-9]{4})"
_MONTH_BETWEEN = r"(?P<d4>[0-9]{1,2})\.?(?P<s4>[- ])(?P<m4>[A-Za-z]{3,9})\.?(?P=s4)(?P<y4>[0-9]{4})"
_TIME = r"""
    (?:T|,?\ (?:at\ )?)
    (?P<hour>[0-9]{1,2}) : (?P<minute>[0-5][0-9]) (?: : (?P<second>[0-5][0-9]) (?:[.,][0-9]{1,9})? )?
    (?: [\ \u202f]? (?P<half>[AaPp])\.?[Mm]\.? )?
    (?: \ ? (?P<offset>Z|UTC|GMT|[-+][0-9]{2}:?[0-9]{2}|[-+][0-9]{2}) )?
"""
_DATE = re.compile(
    rf"(?P<date>{_YEAR_FIRST}|{_YEAR_LAST}|{_MONTH_FIRST}|{_MONTH_BETWEEN})(?:{_TIME})?", re.VERBOSE
)
# 2024-05-01 12:34:56 +0200
_HOUR_AND_OFFSET = re.compile(r".{10}[T ][0-9]{2}(?::[0-9]{2}){2}(?:\.000)? ?(?:Z|UTC|GMT|[-+][0-9:]+)")
_MINUTES = re.compile(r":[0-5][0-9]:[0-5][0-9]").fullmatch
_LOCAL_TIME = re.compile(
    r"[ T](?:(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?"
    r"|(?:0?[1-9]|1[0-2]):[0-5][0-9](?::[0-5][0-9])? [AP]M)"
).fullmatch
_NUMBER = re.compile(r"[-+]?[0-9]+(?:[.,][0-9]+)?")
_FIRST = {"dmy": "day", "mdy": "month"}


class Dates:
    """One column of dates. The first with a day beyond 12 decides what comes first in 01/02/2024, for all.

    Until then it is the day. The year is the same either way.

    Args:
        zone: the shop's. A time with an offset is converted to it, one without is taken to be in it.
        order: what comes first where slashes part a date; found out if None.
        today: dates later than the day after it are refused.
        birth: dates of birth, from 1900 to today; others are from 1990 on.
    """

    def __init__(self, zone: ZoneInfo, order: Order | None, today: date, *, birth: bool = False) -> None:
        self._zone, self._order = zone, order
        self._earliest = date(_EARLIEST_BIRTH if birth else _EARLIEST, 1, 1)
        self._latest = today if birth else today + timedelta(days=1)
        self._taken_for_day_first: str | None = None
        self._forget()

    def day(self, text: str) -> date:
        """The day in the shop's time zone.

        Raises:
            Refused: it is no date, or none that a shop can have.
            ReadAgain: dates before it were read otherwise than it shows.
        """
        # A column has few different days, and in order of time few hours: each is understood once.
        found = self._days.get(text[:10])
        if found is not None and (len(text) <= 10 or _LOCAL_TIME(text, 10)):
            return found
        found = self._hours.get(text[:13] + text[19:])
        if found is not None and _MINUTES(text[13:19]):
            return found
        written = text.partition(" ")[0]
        found = self._days.get(written)
        if found is not None and _LOCAL_TIME(text, len(written)):
            return found
        return self._days.get(text) or self._any(text)

    @property
    def undecided(self) -> str | None:
        """A date that could be read in two ways, when none in the column said which: '01/02/2024'."""
        return self._taken_for_day_first if self._order is None else None

    def _forget(self) -> None:
        self._days: dict[str, date] = {}
        self._hours: dict[str, date] = {}

    def _any(self, text: str) -> date:
        written = bare(text)
        match = _DATE.fullmatch(written) if len(written) <= _LONGEST else None
        if match is None:
            raise Refused(_reason(written))
        try:
            days = _readings(match)
            shown = self._shown(days)
            day = days[shown or self._order or "dmy"]
            self._check_range(day, leeway=1)
            local = self._local_day(match, day)
        except ValueError:
            raise Refused("is no day or time that there is") from None
        self._check_range(local, leeway=0)
        if self._order is None and (shown or len(set(days.values())) > 1):
            self._learn(match["date"], shown)
        if written == text:
            self._remember(match, day, local)
        return local

    def _shown(self, days: dict[Order, date]) -> Order | None:
        """The order that a date shows to be the column's, because read in the other it is none."""
        if days.keys() == {"dmy", "mdy"}:
            if self._order is not None:
                return None
            possible: list[Order] = [
                order for order, day in days.items() if self._earliest <= day <= self._latest
            ]
            return possible[0] if len(possible) == 1 else None
        ((shown, _),) = days.items()
        if self._order not in (None, shown):
            raise Refused(f"has its {_FIRST[shown]} first, unlike the others")
        return shown

    def _local_day(self, match: re.Match[str], day: date) -> date:
        hour, offset = int(match["hour"] or 0), match["offset"]
        if match["half"]:
            if not 1 <= hour <= 12:
                raise ValueError
            hour = hour % 12 + (12 if match["half"] in "pP" else 0)
        zone = _zone_of(offset) if offset else self._zone
        minute, second = int(match["minute"] or 0), int(match["second"] or 0)
        moment = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=zone)
        return moment.astimezone(self._zone).date() if offset else day

    def _check_range(self, day: date, *, leeway: int) -> None:
        margin = timedelta(days=leeway)
        if day < self._earliest - margin:
            hint = "; a date of 1970 often stands for none" if day.year in (1969, 1970) else ""
            raise Refused(f"is before {self._earliest.year}{hint}")
        if day > self._latest + margin:
            raise Refused("is later than today")

    def _learn(self, written: str, shown: Order | None) -> None:
        """Keep what a date that was taken shows about the column."""
        taken = self._taken_for_day_first
        self._order = shown
        if shown is None:
            self._taken_for_day_first = taken or written
        elif shown == "mdy" and taken:
            self._forget()
            raise ReadAgain(
                f"shows that the month is first in {taken} before it. Name the order with --dates"
            )

    def _remember(self, match: re.Match[str], day: date, local: date) -> None:
        text = match.string
        if len(self._days) + len(self._hours) > _MOST_REMEMBERED:
            self._forget()
        if match["offset"] is None:
            self._days[match["date"]] = local
        elif _HOUR_AND_OFFSET.fullmatch(text):
            zone = _zone_of(match["offset"])
            start = datetime(day.year, day.month, day.day, int(match["hour"]), tzinfo=zone)
            first, last = (
                moment.astimezone(self._zone) for moment in (start, start + timedelta(minutes=59, seconds=59))
            )
            if first.date() == last.date() and first.utcoffset() == last.utcoffset():
                self._hours[text[:13] + text[19:]] = local


def _readings(match: re.Match[str]) -> dict[Order, date]:
    """The days that a date can be, by what would come first in it.

    Raises:
        ValueError: there is no such day.
        Refused: its year has two digits.
    """
    if match["y2"] is None:
        year, day = match["y1"] or match["y3"] or match["y4"], match["d1"] or match["d3"] or match["d4"]
        name = (match["m3"] or match["m4"] or "").lower()
        only = date(int(year), _MONTHS.get(name, 0) if name else int(match["m1"]), int(day))
        return {"dmy": only, "mdy": only}
    if len(match["y2"]) == 2:
        raise Refused(f"has a year of two digits; {_EXPECTED}")
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


def _zone_of(offset: str) -> timezone:
    if offset in ("Z", "UTC", "GMT"):
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[3:].lstrip(":") or 0)
    if hours > 14 or minutes > 59:
        raise ValueError
    shift = timedelta(hours=hours, minutes=minutes)
    return timezone(-shift if offset[0] == "-" else shift)


def _reason(written: str) -> str:
    if not written:
        return "is empty"
    if written.isdigit() and len(written) in (10, 13):
        return f"is a Unix timestamp; {_EXPECTED}"
    if _NUMBER.fullmatch(written):
        return f"is a number; {_EXPECTED}"
    if written.startswith("="):
        return "is a formula; save the values that it gives instead"
    return f"is no date; {_EXPECTED}"
