"""`smetka telegram`: the bot and its chats."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from smetka.cli import words
from smetka.cli.invite import invite, language, resume, unpair
from smetka.cli.options import json_option, print_json, setting_options, table
from smetka.cli.records import open_storage
from smetka.cli.schedule import send
from smetka.cli.speech import ENGLISH, NOTHING, Speech, head
from smetka.cli.telegram_bot import bot_account, explain
from smetka.cli.terminal import say
from smetka.core.errors import CommandFailed, SmetkaError, Unavailable
from smetka.core.exact_json import instant
from smetka.core.logs import scrub
from smetka.language import terms
from smetka.settings import Settings, load_settings
from smetka.telegram.chats import Chat, Chats, as_known
from smetka.telegram.client import TelegramClient
from smetka.telegram.errors import Refused, TelegramError
from smetka.telegram.messages import trial_message, trial_picture
from smetka.telegram.parts import Picture, Text
from smetka.telegram.topics import ChatId

_BOT_OPTIONS = ("telegram_chat_ids", "telegram_api_url", "language")


@click.group()
def telegram() -> None:
    """The bot that writes to the managers' chats."""


for _command in (send, invite, unpair, language, resume):
    telegram.add_command(_command)


@telegram.command()
@setting_options(*_BOT_OPTIONS)
def test(**options: Any) -> int:
    """Send a test message with a picture to every chat, and say what is wrong where it does not arrive."""
    settings = load_settings(options)
    said, failed = Speech(settings.language), False
    with bot_account(settings) as (client, me):
        if not settings.telegram_chat_ids:
            raise CommandFailed("No chat is configured: set SMETKA_TELEGRAM_CHAT_IDS, for example 123456789.")
        say(said.gettext("The bot is @{name}.", name=me.get("username", "?")))
        for chat in settings.telegram_chat_ids:
            try:
                result = _tried(client, chat, said)
            except TelegramError as error:
                failed, result = True, explain(error, me, said, chat, client)
                say(said.gettext("Chat {chat}: {result}", chat=chat, result=result), err=True)
            else:
                say(said.gettext("Chat {chat}: {result}", chat=chat, result=result))
    return 1 if failed else 0


def _tried(client: TelegramClient, chat: ChatId, said: Speech) -> str:
    """Send a picture, or the text alone where pictures are not allowed; what became of it."""
    text = trial_message(said.language)
    try:
        message = client.send(chat, Picture("chart", trial_picture(), text))
    except Refused as error:
        if not error.forbids("picture"):
            raise
        return said.gettext(
            "delivered (message {message}), but pictures are not allowed there: figures arrive as text. "
            "An administrator can allow photos in the group's permissions.",
            message=client.send(chat, Text("text", text)),
        )
    return said.gettext("delivered (message {message}).", message=message)


@telegram.command()
@setting_options("data_dir", "timezone", *_BOT_OPTIONS)
@json_option
def chats(*, as_json: bool, **options: Any) -> None:
    """The chats that reports go to and those that used an invite, with type, title and what is wrong."""
    settings = load_settings(options)
    said = ENGLISH if as_json else Speech(settings.language)
    known = _known(settings)
    named = list(dict.fromkeys([*settings.telegram_chat_ids, *(chat.id for chat in known if chat.role)]))
    with bot_account(settings) as (client, me):
        found = [_chat(client, as_known(chat, known), settings, me, said) for chat in named]
    if as_json:
        print_json(found)
        return
    if not found:
        raise CommandFailed(
            "There is no chat yet: set SMETKA_TELEGRAM_CHAT_IDS, or `smetka telegram invite`."
        )
    rows = [
        (
            str(chat["chat"]),
            said.word(chat["type"] or NOTHING, words.CHAT_TYPES),
            said.word(chat["role"] or NOTHING, terms.ROLES),
            said.word("yes" if chat["gets_reports"] else "no", words.ANSWERS),
            said.word(chat["language"], terms.LANGUAGES),
            chat["fault"] or _paused(chat, settings, said) or chat["title"] or NOTHING,
        )
        for chat in found
    ]
    _ = said.gettext
    names = head(_("Chat"), _("type"), _("Role"), _("reports"), _("Language"), _("title, or what is wrong"))
    say(table([names, *rows]))


def _paused(chat: dict[str, Any], settings: Settings, said: Speech) -> str:
    """Why nothing is sent to it, and when it is tried again; empty when it is not paused."""
    reason = words.told(chat["paused"] or "", said)
    if not chat["again_at"]:
        return reason
    time = said.moment(datetime.fromisoformat(chat["again_at"]), settings.timezone)
    return said.gettext("{reason} (next attempt: {time})", reason=reason, time=time)


def _known(settings: Settings) -> list[Chat]:
    """What MongoDB knows of chats; without it, what the settings say is shown all the same."""
    try:
        with open_storage(settings, "telegram") as storage:
            return Chats(storage, now=lambda: datetime.now(UTC)).all()
    except SmetkaError as error:
        reason = error.reason if isinstance(error, Unavailable) else str(error)
        say(f"smetka: chats that used an invite are not shown: {scrub(reason)}", err=True)
        return []


def _chat(
    client: TelegramClient, chat: Chat, settings: Settings, me: dict[str, Any], said: Speech
) -> dict[str, Any]:
    shown: dict[str, Any] = {"chat": chat.id, "type": None, "title": None, "fault": None}
    try:
        found = client.get_chat(chat.moved_to or chat.id)
        shown |= {"type": found.get("type"), "title": found.get("title") or found.get("first_name")}
    except TelegramError as error:
        shown["fault"] = explain(error, me, said, chat.id, client)
    is_managers = chat.role is None and chat.id in settings.telegram_chat_ids and not chat.is_group
    return {
        **shown,
        "role": "manager" if is_managers else chat.role,
        "gets_reports": chat.id in settings.telegram_chat_ids,
        "language": chat.language or settings.language,
        "paused": chat.paused,
        "again_at": instant(chat.again_at) if chat.again_at else None,
        "moved_to": chat.moved_to,
    }
