"""What one delivery consists of: messages as the Bot API takes them, each sent and tracked by itself."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_TEXT = 4096
"""Characters Telegram takes in one message, counted after its markup is parsed."""

LONGEST_CAPTION = 1024
"""The same for what stands under a picture or a file."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message; pressing it sends `data` (at most 64 bytes) back to the bot."""

    text: str
    data: str


Buttons = tuple[tuple[Button, ...], ...]
"""Rows of buttons."""


@dataclass(frozen=True, slots=True)
class Text:
    """HTML of at most `LONGEST_TEXT` characters. `name` tells the parts of a delivery apart."""

    name: str
    html: str
    buttons: Buttons = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, and HTML of at most `LONGEST_CAPTION` characters under it."""

    name: str
    png: bytes
    caption: str
    buttons: Buttons = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A file to keep."""

    name: str
    file_name: str
    content: bytes


Part = Text | Picture | Document
