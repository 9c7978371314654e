"""How pages show messages: the parts that a chat gets, and what the worker wrote about them."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import Any

import structlog
from markupsafe import Markup

from smetka.core.errors import BonusStoreUnavailable
from smetka.keys import Permission
from smetka.language.terms import KINDS, LANGUAGES, ROLES, STATES, told
from smetka.language.words import CATALOGUES
from smetka.settings import Language
from smetka.telegram.chats import Chat
from smetka.telegram.delivery import QUEUED, Delivery
from smetka.telegram.messages import compose
from smetka.telegram.outbox import CANCELLABLE, RETRIABLE
from smetka.telegram.parts import Document, Part, Picture, Text
from smetka.telegram.reports import report_id_of
from smetka.web import guards
from smetka.web.pages import render, visit
from smetka.web.parts import services

LOOKS = {"delivered": "good", "unknown": "bad", "failed": "bad"}

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")
_TAG = re.compile(r"<[^>]*>")
_TABLE = re.compile(r"(<pre>.*?</pre>)", re.DOTALL)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a message's text; each character of a table is as wide as another."""

    is_table: bool
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One part of a message as a page shows it."""

    name: str
    blocks: tuple[Block, ...] = ()
    buttons: tuple[str, ...] = ()
    picture: str | None = None
    width: int = 0
    height: int = 0
    file_name: str | None = None
    size: int = 0


def composed(delivery: Delivery, language: Language) -> list[Shown] | None:
    """The parts that a delivery is sent as; None when it cannot be written.

    Names of customers are there for an owner only.
    """
    settings = services().settings
    tells_names = delivery.kind == "customer" and not guards.may(Permission.OWN)
    figures = None if tells_names else services().figures
    try:
        return [_shown(part) for part in compose(delivery, language, settings.timezone, figures)]
    except Exception as error:  # noqa: BLE001 - a record that a later version wrote, or a damaged one
        _log.warning("message-not-shown", id=delivery.id, fault=type(error).__name__)
        return None


def tell(text: str) -> Markup:
    """What the worker or Telegram wrote down, in the visit's language where the catalogue has it."""
    found = told(text, render.said().gettext, _local)
    return Markup('<span lang="en">{}</span>').format(text) if found is None else Markup("{}").format(found)


def previewed(name: str, report: dict[str, Any]) -> dict[Language, list[Shown] | None]:
    """The averages as a message that is not stored, in the languages of the chats that would get it.

    Args:
        name: what it would be queued under.
    """
    now, settings = services().now(), services().settings
    delivery = Delivery(
        id=name,
        kind="averages",
        report_id=report_id_of(name, "averages"),
        chat=0,
        send_to=0,
        state=QUEUED,
        attempt=0,
        faults=0,
        owner=None,
        created_at=now,
        next_attempt_at=now,
        delivered_at=None,
        message_id=None,
        reason=None,
        report=report,
        language=None,
    )
    try:
        known = {chat.id: chat for chat in services().chats.all()}
    except BonusStoreUnavailable:
        known = {}
    spoken = [language_of(known.get(each, Chat(each))) for each in settings.recipients]
    return {
        language: composed(delivery, language) for language in dict.fromkeys(spoken or [settings.language])
    }


def language_of(chat: Chat) -> Language:
    """What a chat is written to in, unless a message has a language of its own."""
    return chat.language or services().settings.language


def words() -> dict[str, Any]:
    """What templates name things by, in the visit's language."""
    return {
        "tell": tell,
        "kinds": _named(KINDS),
        "states": _named(STATES),
        "roles": _named(ROLES),
        "languages": _named(LANGUAGES),
        "looks": LOOKS,
        "words": CATALOGUES[visit.language()],
        "retriable": RETRIABLE,
        "cancellable": CANCELLABLE,
    }


def _named(names: Mapping[str, str]) -> dict[str, str]:
    return {key: render.said().gettext(name) for key, name in names.items()}


def _local(value: str) -> str:
    try:
        return render.time(datetime.fromisoformat(value)) if _INSTANT.fullmatch(value) else value
    except ValueError:
        return value


def _shown(part: Part) -> Shown:
    match part:
        case Text():
            return Shown(part.name, tuple(_blocks(part.html)), _buttons(part))
        case Picture():
            width, height = struct.unpack(">II", part.png[16:24])  # where each PNG has its size
            address = "data:image/png;base64," + base64.b64encode(part.png).decode()
            # Drawn twice as fine as it is meant to be seen.
            return Shown(
                part.name, tuple(_blocks(part.caption)), _buttons(part), address, width // 2, height // 2
            )
        case Document():
            return Shown(part.name, file_name=part.file_name, size=len(part.content))


def _buttons(part: Text | Picture) -> tuple[str, ...]:
    return tuple(button.text for row in part.buttons for button in row)


def _blocks(html: str) -> Iterator[Block]:
    for piece in _TABLE.split(html):
        text = unescape(_TAG.sub("", piece)).strip("\n")
        if text:
            yield Block(piece.startswith("<pre>"), text)
