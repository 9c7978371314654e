"""Dates and times as shops write them, read to the day in the shop's time zone."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from smetka.ledger.imports.date_notation import (
    DATE,
    LONGEST,
    Order,
    day_in_excel,
    full_year_days,
    has_short_year,
    short_year_parts,
    why_no_date,
    zone_of,
)
from smetka.ledger.imports.defused import bare
from smetka.ledger.imports.refused import ReadAgain, Refused

_EARLIEST = 1990
_MOST_REMEMBERED = 200_000
# 2024-05-01 12:34:56 +0200
_HOUR_AND_OFFSET = re.compile(r".{10}[T ][0-9]{2}(?::[0-9]{2}){2}(?:\.000)? ?(?:Z|UTC|GMT|[-+][0-9:]+)")
_MINUTES = re.compile(r":[0-5][0-9]:[0-5][0-9]").fullmatch
_LOCAL_TIME = re.compile(
    r"[ T](?:(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?"
    r"|(?:0?[1-9]|1[0-2]):[0-5][0-9](?::[0-5][0-9])? [AP]M)"
).fullmatch
_FIRST = {"dmy": "day", "mdy": "month"}


class TooEarly(Refused):
    """A day before the first that the column may have."""


class _Reading(NamedTuple):
    """The day that a date is taken for, the order by which, and whether no other one is possible.

    `may_be`: all days that it could be.
    """

    day: date
    order: Order
    is_shown: bool
    may_be: set[date]


class Dates:
    """One column of dates. The first that can be read in one way only decides what comes first, for all.

    In 01/02/2024 that is the day or the month; where the year has two digits it may also be the year, which
    is refused. Until it is known it is taken to be the day.

    Args:
        zone: the shop's. A time with an offset is converted to it, one without is taken to be in it.
        order: what comes first in such dates; found out if None.
        today: dates later than the day after it are refused.
        born_since: they are dates of birth, from this day to today; others are from 1990 on.
    """

    def __init__(
        self, zone: ZoneInfo, order: Order | None, today: date, *, born_since: date | None = None
    ) -> None:
        self._zone, self._order = zone, order
        self._of_births = born_since is not None
        self._earliest = born_since or date(_EARLIEST, 1, 1)
        self._latest = today if born_since else today + timedelta(days=1)
        self._example: str | None = None
        self._years_differ = False
        self._guessed: set[Order] = set()
        self._forget()

    def day(self, text: str) -> date:
        """The day in the shop's time zone.

        Raises:
            TooEarly, Refused: it is no date, or none that a shop can have.
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
        return self._example if self._order is None else None

    @property
    def undecided_year(self) -> bool:
        """Not only the days of such dates differ, but their years."""
        return self._order is None and self._years_differ

    def _forget(self) -> None:
        self._days: dict[str, date] = {}
        self._hours: dict[str, date] = {}

    def _any(self, text: str) -> date:
        written = bare(text)
        match = DATE.fullmatch(written) if len(written) <= LONGEST else None
        if match is None:
            raise Refused(self._why_no_date(written))
        try:
            reading = self._short_year(match) if has_short_year(match) else self._full_year(match)
            self._check_range(reading.day, leeway=1)
            local = self._local_day(match, reading.day)
        except ValueError:
            raise Refused("is no day or time that there is") from None
        self._check_range(local, leeway=0)
        if self._order is None and (reading.is_shown or len(reading.may_be) > 1):
            self._learn(match["date"], reading)
        if written == text:
            self._remember(match, reading.day, local)
        return local

    def _full_year(self, match: re.Match[str]) -> _Reading:
        days = full_year_days(match)
        if len(days) == 1:
            ((shown, day),) = days.items()
            if self._order not in (None, shown):
                raise Refused(f"has its {_FIRST[shown]} first, unlike the others")
            return _Reading(day, shown, is_shown=True, may_be={day})
        possible = [order for order, day in days.items() if self._may_be(day)]
        is_shown = self._order is None and len(possible) == 1
        order = possible[0] if is_shown else self._order or "dmy"
        return _Reading(days[order], order, is_shown, set(days.values()))

    def _short_year(self, match: re.Match[str]) -> _Reading:
        """A date whose year has two digits: in the century in which the column can have it."""
        parts = short_year_parts(match)
        found = {order: days for order, part in parts.items() if (days := self._in_a_century(*part))}
        if self._order is not None and self._order in parts:
            if self._order not in found and (others := found.keys() - {"ymd"}):
                raise Refused(f"has its {_FIRST[others.pop()]} first, unlike the others")
            found = {self._order: found[self._order]} if self._order in found else {}
        elif self._order is not None and len(found) > 1:  # points, where the month is said to be first
            raise Refused("has a two-digit year that may be first or last; write years with four digits")
        if found.keys() == {"ymd"}:
            raise Refused("has a two-digit year first; write years with four digits")
        if not found:
            raise self._never(*parts.get(self._order or "dmy", parts["dmy"]))
        order: Order = "dmy" if "dmy" in found else "mdy"
        if len(found[order]) > 1:
            raise Refused("has a two-digit year that may be of either century; write years with four digits")
        may_be = {day for days in found.values() for day in days}
        return _Reading(found[order][0], order, len(found) == 1 < len(parts), may_be)

    def _in_a_century(self, year: int, month: int, day: int) -> list[date]:
        days = []
        for century in (1900, 2000):
            with suppress(ValueError):
                days.append(date(century + year, month, day))
        return [day for day in days if self._may_be(day)]

    def _never(self, year: int, month: int, day: int) -> Refused:
        """Why a date is of no century."""
        try:
            date(2000 + year, month, day)
        except ValueError:
            return Refused("is no day or time that there is")
        return Refused("is later than today")

    def _may_be(self, day: date) -> bool:
        return self._earliest <= day <= self._latest

    def _why_no_date(self, written: str) -> str:
        day = day_in_excel(written)
        if day is None or not self._may_be(day):
            return why_no_date(written)
        # No reason tells anybody's day of birth.
        means = "may be a date" if self._of_births else f"means {day}"
        return (
            f"is a number, which {means} in Excel; format the column as dates there and save the file again"
        )

    def _local_day(self, match: re.Match[str], day: date) -> date:
        hour, offset = int(match["hour"] or 0), match["offset"]
        if match["half"]:
            if not 1 <= hour <= 12:
                raise ValueError
            hour = hour % 12 + (12 if match["half"] in "pP" else 0)
        zone = zone_of(offset) if offset else self._zone
        minute, second = int(match["minute"] or 0), int(match["second"] or 0)
        moment = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=zone)
        return moment.astimezone(self._zone).date() if offset else day

    def _check_range(self, day: date, *, leeway: int) -> None:
        margin = timedelta(days=leeway)
        if day < self._earliest - margin:
            hint = "; a date of 1970 often stands for none" if day.year in (1969, 1970) else ""
            raise TooEarly(f"is before {self._earliest.year}{hint}")
        if day > self._latest + margin:
            raise Refused("is later than today")

    def _learn(self, written: str, reading: _Reading) -> None:
        """Keep what a date that was taken shows about the column."""
        if reading.is_shown:
            self._order = reading.order
            if self._guessed - {reading.order}:
                self._forget()
                raise ReadAgain(
                    f"shows that the {_FIRST[reading.order]} is first in {self._example} before it. "
                    "Name the order with --dates"
                )
            return
        self._guessed.add(reading.order)
        years_differ = len({day.year for day in reading.may_be}) > 1
        if self._example is None or (years_differ and not self._years_differ):
            self._example, self._years_differ = written, years_differ

    def _remember(self, match: re.Match[str], day: date, local: date) -> None:
        text = match.string
        if len(self._days) + len(self._hours) > _MOST_REMEMBERED:
            self._forget()
        if match["offset"] is None:
            self._days[match["date"]] = local
        elif _HOUR_AND_OFFSET.fullmatch(text):
            zone = zone_of(match["offset"])
            start = datetime(day.year, day.month, day.day, int(match["hour"]), tzinfo=zone)
            first, last = (
                moment.astimezone(self._zone) for moment in (start, start + timedelta(minutes=59, seconds=59))
            )
            if first.date() == last.date() and first.utcoffset() == last.utcoffset():
                self._hours[text[:13] + text[19:]] = local
