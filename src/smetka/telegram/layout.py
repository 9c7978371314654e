"""Numbers, times, tables and markup as messages write them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from html import escape, unescape
from zoneinfo import ZoneInfo

from smetka.telegram.words import Catalogue

_TAG = re.compile(r"<[^>]*>")


def escaped(text: str) -> str:
    """Text as Telegram's HTML shows it, whatever is in it."""
    return escape(text, quote=False)


def length(html: str) -> int:
    """How long HTML is for Telegram's limits: in UTF-16 units after its markup is parsed.

    The Bot API speaks of characters and counts entities in UTF-16 units; in these nothing can be
    longer than it thinks.
    """
    return len(unescape(_TAG.sub("", html)).encode("utf-16-le")) // 2


def amount(value: int | Decimal | None, words: Catalogue) -> str:
    """An amount for people to read, with two decimals; a dash when there is none."""
    return "–" if value is None else _localised(f"{Decimal(value):,.2f}", words)


def count(value: int, words: Catalogue) -> str:
    """A whole number for people to read."""
    return _localised(f"{value:,}", words)


def percent(part: int | Decimal, whole: int | Decimal, words: Catalogue, *, sign: bool = False) -> str:
    """A share with one decimal, rounded half up; a dash of nothing."""
    if not whole:
        return "–"
    value = (Decimal(part) * 100 / Decimal(whole)).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return _localised(f"{value:+,.1f}" if sign and value else f"{value:,.1f}", words) + "%"


def currency(code: str, words: Catalogue) -> str:
    """A currency as people write it."""
    return words.currencies.get(code, code)


def local_time(time: datetime, timezone: ZoneInfo, words: Catalogue) -> str:
    """An instant as the shop's clocks show it."""
    return time.astimezone(timezone).strftime(words.time)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of columns as wide as they need to be, the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def preformatted(lines: Sequence[str]) -> str:
    """Lines of which each character is as wide as another."""
    return f"<pre>{escaped(chr(10).join(lines))}</pre>"


def tables(lines: Sequence[str], longest: int) -> Iterator[str]:
    """The lines in as few preformatted pieces as keep within the limit; a line is never cut."""
    piece: list[str] = []
    for line in lines:
        if piece and length(preformatted([*piece, line])) > longest:
            yield preformatted(piece)
            piece = []
        piece.append(line)
    if piece:
        yield preformatted(piece)


def _localised(number: str, words: Catalogue) -> str:
    return number.translate(str.maketrans(",.", words.thousands + words.point))
