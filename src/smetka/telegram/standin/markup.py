"""Telegram's HTML: the tags it takes, the text that remains, and its complaints word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

_ENTITY_OF_TAG = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "blockquote": "blockquote",
}
_PIECE = re.compile(r"<(?P<end>/?)(?P<tag>[A-Za-z0-9-]*)(?P<rest>[^<>]*)>|(?P<open><)|(?P<text>[^<]+)")
_CHARACTER = re.compile(r"&(?:lt|gt|amp|quot|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});")


class MarkupError(Exception):
    """The markup cannot be read; `str(error)` is the Bot API's own description."""


@dataclass
class Parsed:
    """Text without its markup, the entities in it, and the pieces (tag, is_end, text) it came from."""

    text: str = ""
    entities: list[dict[str, Any]] = field(default_factory=list)
    pieces: list[tuple[str | None, bool, str]] = field(default_factory=list)


def parse_html(source: str) -> Parsed:
    """Read a text with `parse_mode=HTML`.

    Raises:
        MarkupError: a tag that is unknown, not closed or closed by another.
    """
    parsed = Parsed()
    opened: list[tuple[str, int]] = []
    for piece in _PIECE.finditer(source):
        offset = len(source[: piece.start()].encode())
        if piece["open"]:
            raise MarkupError(f"Unclosed start tag at byte offset {offset}")
        if piece["text"] is not None:
            text = _CHARACTER.sub(lambda match: unescape(match[0]), piece["text"])
            parsed.text += text
            parsed.pieces.append((None, False, text))
        elif piece["end"]:
            _close(piece["tag"].lower(), offset, opened, parsed)
        else:
            tag = piece["tag"].lower()
            if tag not in _ENTITY_OF_TAG:
                raise MarkupError(f'Unsupported start tag "{tag}" at byte offset {offset}')
            if tag == "span" and "tg-spoiler" not in piece["rest"]:
                raise MarkupError(f'Tag "span" must have class "tg-spoiler" at byte offset {offset}')
            opened.append((tag, _utf16(parsed.text)))
            parsed.pieces.append((tag, False, ""))
    if opened:
        raise MarkupError(f'Can\'t find end tag corresponding to start tag "{opened[-1][0]}"')
    return parsed


def _close(tag: str, offset: int, opened: list[tuple[str, int]], parsed: Parsed) -> None:
    if not opened:
        raise MarkupError(f"Unexpected end tag at byte offset {offset}")
    expected, start = opened.pop()
    if tag not in {expected, ""}:
        raise MarkupError(
            f'Unmatched end tag at byte offset {offset}, expected "</{expected}>", found "</{tag}>"'
        )
    if length := _utf16(parsed.text) - start:
        parsed.entities.append({"type": _ENTITY_OF_TAG[expected], "offset": start, "length": length})
    parsed.pieces.append((expected, True, ""))


def _utf16(text: str) -> int:
    """Length as Telegram counts it in entities."""
    return len(text.encode("utf-16-le")) // 2
