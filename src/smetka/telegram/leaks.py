"""Invites that stand where others read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from smetka.telegram.invites import Invites

_CODE = re.compile(r"(?<![\w-])[A-Za-z0-9_-]{32}(?![\w-])", re.ASCII)
_MOST = 20


def give_up(message: dict[str, Any], invites: Invites, *, mark: str, given: str | None = None) -> bool:
    """Use up every invite in a message that others read; whether there was one. Safe to repeat.

    Args:
        mark: as `Invites.use` takes it.
        given: the code that a person who can be seen gives for himself: good, unless it is an owner's.
    """
    found = {code: invite for code in _codes(message) if (invite := invites.look(code, mark=mark))}
    if all(code == given and invite.role != "owner" for code, invite in found.items()):
        return False
    for code in found:
        invites.use(code, mark=mark)
    return True


def _codes(message: dict[str, Any]) -> list[str]:
    """Whatever may be one: behind /start, in a link to the bot, or by itself."""
    return list(dict.fromkeys(code for text in _texts(message) for code in _CODE.findall(text)))[:_MOST]


def _texts(message: dict[str, Any]) -> Iterator[str]:
    """Every text in it, its own before what is answered, quoted, pinned, or stands behind a button."""
    level: list[Any] = [message]
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
