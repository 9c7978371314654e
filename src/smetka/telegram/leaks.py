"""Invites that stand where others read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any
from urllib.parse import unquote

from smetka.telegram.invites import Invites

_CODE = re.compile("(?=([A-Za-z0-9_-]{32}))")
"""Wherever one may begin: what stands before or behind it may be of a code's own symbols."""

_UNQUOTED = 3
"""How often an address may stand in another one's query."""


def give_up(said: dict[str, Any], invites: Invites, *, mark: str, given: str | None = None) -> bool:
    """Use up every invite in what others read; whether there was one. Safe to repeat.

    Args:
        mark: as `Invites.use` takes it.
        given: the code that a person who can be seen gives for himself: good, unless it is an owner's.
    """
    found = invites.among(_codes(said), mark=mark)
    if all(code == given and invite.role != "owner" for code, invite in found.items()):
        return False
    for code in found:
        invites.use(code, mark=mark)
    return True


def _codes(said: dict[str, Any]) -> Iterator[str]:
    """Whatever may be one, however much there is: behind /start, in a link to the bot, or by itself."""
    readings = {reading for text in _texts(said) for reading in _readings(text)}
    return chain.from_iterable(map(_CODE.findall, readings))


def _readings(text: str) -> Iterator[str]:
    """The text, and what it says where it is in another link: `...%3Fstart%3D...`."""
    yield text
    for _ in range(_UNQUOTED):
        if (plain := unquote(text)) == text:
            return
        yield plain
        text = plain


def _texts(said: dict[str, Any]) -> Iterator[str]:
    """Every text in it: also what is answered, quoted, pinned, a title, or stands behind a button."""
    level: list[Any] = [said]
    while level:
        yield from (each for each in level if isinstance(each, str))
        level = [inner for each in level for inner in _within(each)]


def _within(value: Any) -> Iterable[Any]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
    return ()
