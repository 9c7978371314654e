"""Texts that shops on the web keep as HTML, and export so."""

from __future__ import annotations

import re
from html import unescape
from html.entities import html5

# Only with its semicolon: AT&T and R&lt are names.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def decoded(text: str) -> str:
    """A text with the characters that its entities stand for. Once: ``&amp;amp;`` is ``&amp;``."""
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(entity: re.Match[str]) -> str:
    written = entity[0]
    return unescape(written) if written.startswith("&#") else html5.get(written[1:], written)
