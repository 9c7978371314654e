"""Tables and markup as messages write them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape, unescape

from smetka.core.shown_text import bare

_TAG = re.compile(r"<[^>]*>")


def escaped(text: str) -> str:
    """Text as Telegram's HTML shows it, whatever is in it; what is hidden is left out."""
    return escape(bare(text, lines=True), quote=False)


def length(html: str) -> int:
    """How long HTML is for Telegram's limits: in UTF-16 units after its markup is parsed.

    The Bot API speaks of characters and counts entities in UTF-16 units; in these nothing can be
    longer than it thinks.
    """
    return len(unescape(_TAG.sub("", html)).encode("utf-16-le")) // 2


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
