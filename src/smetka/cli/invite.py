"""`smetka telegram invite`, `unpair`, `language` and `resume`: who may ask the bot, and its chats."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from smetka.cli.options import json_option, print_json, setting_options
from smetka.cli.records import open_storage
from smetka.cli.telegram_bot import bot_account
from smetka.cli.terminal import say
from smetka.core.errors import CommandFailed
from smetka.core.exact_json import instant
from smetka.keys import ROLES
from smetka.settings import load_settings
from smetka.telegram.chats import Chats
from smetka.telegram.invites import Invites
from smetka.telegram.topics import ChatId, chat_of


def _chat(_context: click.Context, _parameter: click.Parameter, value: str) -> ChatId:
    # By the settings' own rule of what a chat is.
    (chat,) = load_settings({"telegram_chat_ids": value}).telegram_chat_ids or (0,)
    return chat


_chat_argument = click.argument("chat", metavar="CHAT", callback=_chat)


@click.command()
@click.option("--role", type=click.Choice(list(ROLES)), default="manager", show_default=True)
@click.option(
    "--language", type=click.Choice(["en", "mk"]), help="The chat's language; the shop's unless given."
)
@click.option(
    "--hours", type=click.IntRange(1, 24 * 31), default=24, show_default=True, help="How long it works."
)
@setting_options("data_dir", "telegram_api_url")
@json_option
def invite(*, role: Any, language: Any, hours: int, as_json: bool, **options: Any) -> None:
    """A link that works once: whoever opens it may ask the bot. Shown only now."""
    settings = load_settings(options)
    with bot_account(settings) as (_, me), open_storage(settings, "telegram") as storage:
        invites = Invites(storage, now=lambda: datetime.now(UTC))
        code, ends = invites.make(role, language=language, hours=hours)
    link = f"https://t.me/{me.get('username', '')}?start={code}"
    if as_json:
        print_json({"link": link, "code": code, "role": role, "expires_at": instant(ends)})
        return
    say(link)
    if "telegram_api_url" in settings.model_fields_set:
        say(f"Where such links do not work: /start {code}", err=True)
    say(f"Whoever opens it first has the role {role}. It works until {instant(ends)}.", err=True)


@click.command(context_settings={"ignore_unknown_options": True})  # ids of groups begin with a minus
@_chat_argument
@setting_options("data_dir")
def unpair(*, chat: ChatId, **options: Any) -> None:
    """Take back what an invite gave to a chat."""
    with open_storage(load_settings(options), "telegram") as storage:
        if not Chats(storage, now=lambda: datetime.now(UTC)).unpair(chat):
            raise CommandFailed(f"Nobody used an invite in chat {chat}.")
    say(f"Chat {chat} may ask the bot nothing any more, unless the settings name it.")


@click.command(context_settings={"ignore_unknown_options": True})  # ids of groups begin with a minus
@_chat_argument
@click.argument("language", type=click.Choice(["en", "mk"]))
@setting_options("data_dir")
def language(*, chat: ChatId, language: Any, **options: Any) -> None:
    """Write to a chat in this language from now on."""
    with open_storage(load_settings(options), "telegram") as storage:
        Chats(storage, now=lambda: datetime.now(UTC)).speak(chat, language)
    say(f"Chat {chat} is written to in {language}.")


@click.command(context_settings={"ignore_unknown_options": True})  # ids of groups begin with a minus
@_chat_argument
@setting_options("data_dir")
def resume(*, chat: ChatId, **options: Any) -> None:
    """Write to a chat, or a topic, again that was paused. What waits for it is sent at once.

    What was held stays held; `smetka deliveries retry` sends it.
    """
    with open_storage(load_settings(options), "telegram") as storage:
        chats, whole = Chats(storage, now=lambda: datetime.now(UTC)), chat_of(chat)
        if not chats.resume(chat):
            where = f" Its chat {whole} is; resume that." if chats.get(chat).paused else ""
            raise CommandFailed(f"Chat {chat} is not paused.{where}")
    say(f"Chat {chat} is written to again.")
