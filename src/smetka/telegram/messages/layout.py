"""Numbers, times and markup as messages write them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from html import escape
from zoneinfo import ZoneInfo

from smetka.telegram.messages.words import Catalogue


def escaped(text: str) -> str:
    """Text as Telegram's HTML shows it, whatever is in it."""
    return escape(text, quote=False)


def amount(value: int | Decimal | None, words: Catalogue) -> str:
    """An amount for people to read, with two decimals; a dash when there is none."""
    return "–" if value is None else _localised(f"{Decimal(value):,.2f}", words)


def count(value: int, words: Catalogue) -> str:
    """A whole number for people to read."""
    return _localised(f"{value:,}", words)


def local_time(time: datetime, timezone: ZoneInfo, words: Catalogue) -> str:
    """An instant as the shop's clocks show it."""
    return time.astimezone(timezone).strftime(words.time)


def _localised(number: str, words: Catalogue) -> str:
    return number.translate(str.maketrans(",.", words.thousands + words.point))
