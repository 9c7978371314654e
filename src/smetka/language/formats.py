"""How a language writes numbers, money, days and times."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

NOTHING = "–"
"""Stands where there is no number."""


@dataclass(frozen=True, kw_only=True)
class Formats:
    """One language's way of writing. Days and times are strftime's; `%b` is never translated."""

    day: str
    time: str
    thousands: str
    point: str
    currencies: dict[str, str] = field(default_factory=dict)


FORMATS = {
    # The shop's own order of day and month in both: it is Macedonian whoever reads.
    "en": Formats(day="%d.%m.%Y", time="%d.%m.%Y %H:%M", thousands=",", point="."),
    "mk": Formats(
        day="%d.%m.%Y", time="%d.%m.%Y %H:%M", thousands=".", point=",", currencies={"MKD": "ден."}
    ),
}
"""By language."""


def amount(value: int | Decimal | None, formats: Formats) -> str:
    """An amount for people to read, with two decimals; a dash when there is none."""
    return NOTHING if value is None else _localised(f"{Decimal(value):,.2f}", formats)


def count(value: int | None, formats: Formats) -> str:
    """A whole number for people to read; a dash when there is none."""
    return NOTHING if value is None else _localised(f"{value:,}", formats)


def percent(part: int | Decimal, whole: int | Decimal, formats: Formats, *, sign: bool = False) -> str:
    """A share with one decimal, rounded half up; a dash of nothing, or of less than nothing."""
    if whole <= 0:
        return NOTHING
    value = (Decimal(part) * 100 / Decimal(whole)).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return _localised(f"{value:+,.1f}" if sign and value else f"{value:,.1f}", formats) + "%"


def currency(code: str, formats: Formats) -> str:
    """A currency as people write it."""
    return formats.currencies.get(code, code)


def local_time(time: datetime, timezone: ZoneInfo, formats: Formats) -> str:
    """An instant as the shop's clocks show it."""
    return time.astimezone(timezone).strftime(formats.time)


def local_day(day: date, formats: Formats) -> str:
    """A day of the shop's calendar."""
    return day.strftime(formats.day)


def _localised(number: str, formats: Formats) -> str:
    return number.translate(str.maketrans(",.", formats.thousands + formats.point))
