"""`smetka telegram` and `smetka fake-telegram`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from smetka.cli.options import json_option, print_json, setting_options, table
from smetka.cli.schedule import send
from smetka.errors import CommandFailed
from smetka.settings import TOKEN_ELSEWHERE, Settings, as_text, load_settings
from smetka.telegram.client import TelegramClient
from smetka.telegram.errors import Refused, TelegramError, Unreachable
from smetka.telegram.messages import trial_message
from smetka.telegram.parts import Text

_BOT_OPTIONS = ("telegram_chat_ids", "telegram_api_url", "language")


@click.group()
def telegram() -> None:
    """The bot that writes to the managers' chats."""


telegram.add_command(send)


@telegram.command()
@setting_options(*_BOT_OPTIONS)
def test(**options: Any) -> int:
    """Send a test message to every chat, and say what is wrong with those it does not reach."""
    settings = load_settings(options)
    failed = False
    with _bot(settings) as (client, me):
        click.echo(f"The bot is @{me.get('username', '?')}.")
        for chat in settings.telegram_chat_ids:
            try:
                message = client.send(chat, Text("text", trial_message(settings.language)))
                click.echo(f"Chat {chat}: delivered (message {message}).")
            except TelegramError as error:
                failed = True
                click.echo(f"Chat {chat}: {explain(error, me)}", err=True)
    return 1 if failed else 0


@telegram.command()
@setting_options(*_BOT_OPTIONS)
@json_option
def chats(*, as_json: bool, **options: Any) -> None:
    """The chats that reports go to, with type and title."""
    settings = load_settings(options)
    with _bot(settings) as (client, me):
        found = [_chat(client, chat, me) for chat in settings.telegram_chat_ids]
    if as_json:
        print_json(found)
        return
    rows = [(str(chat["chat"]), chat["type"] or "-", chat["title"] or chat["fault"]) for chat in found]
    click.echo(table([("chat", "type", "title"), *rows]))


def _chat(client: TelegramClient, chat: int | str, me: dict[str, Any]) -> dict[str, Any]:
    try:
        found = client.get_chat(chat)
    except TelegramError as error:
        return {"chat": chat, "type": None, "title": None, "fault": explain(error, me)}
    title = found.get("title") or found.get("first_name")
    return {"chat": chat, "type": found.get("type"), "title": title, "fault": None}


@contextmanager
def _bot(settings: Settings) -> Iterator[tuple[TelegramClient, dict[str, Any]]]:
    """A client whose token was seen to be right, and the bot's own account."""
    token = as_text(settings.telegram_bot_token)
    if not token or token == TOKEN_ELSEWHERE:
        raise CommandFailed(
            "No bot is configured: get a token from @BotFather, set SMETKA_TELEGRAM_BOT_TOKEN."
        )
    if not settings.telegram_chat_ids:
        raise CommandFailed("No chat is configured: set SMETKA_TELEGRAM_CHAT_IDS, for example 123456789.")
    client = TelegramClient(token, settings.telegram_api_url)
    try:
        yield client, _account(client, settings)
    finally:
        client.close()


def _account(client: TelegramClient, settings: Settings) -> dict[str, Any]:
    try:
        return client.get_me()
    except Refused as error:
        if error.is_token_wrong:
            raise CommandFailed(
                f"Telegram does not know this bot token ({error.code}). Copy it from @BotFather once more, "
                "to SMETKA_TELEGRAM_BOT_TOKEN."
            ) from None
        raise
    except Unreachable as error:
        raise CommandFailed(
            f"{error} Check the network, and SMETKA_TELEGRAM_API_URL: {settings.telegram_api_url}"
        ) from None


def explain(error: TelegramError, me: dict[str, Any]) -> str:
    """What is wrong with one chat and what to do about it, in a sentence."""
    if not isinstance(error, Refused):
        return str(error)
    words = error.description.lower()
    start = f"open https://t.me/{me.get('username', '')} and press Start"
    if error.migrate_to_chat_id is not None:
        return f"the group became a supergroup: use {error.migrate_to_chat_id} in SMETKA_TELEGRAM_CHAT_IDS."
    if "chat not found" in words:
        return f"Telegram knows no such chat. A person has to {start}; to a group the bot must be added."
    if "initiate conversation" in words:
        return f"the person has not started the bot yet: {start}."
    if "blocked by the user" in words:
        return "the person blocked the bot; it has to be unblocked in Telegram."
    if "kicked" in words or "not a member" in words:
        return "the bot is not in that group any more; add it again."
    if error.retry_after is not None:
        return f"Telegram asks to wait {error.retry_after} s; try again then."
    return str(error)


@click.command("fake-telegram")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8081, show_default=True, help="0: any free one."
)
@click.option("--token", default=None, help="The one token that is right.")
@click.option("--chat", "chat_ids", multiple=True, help="A chat it knows; may be given again.")
@click.option("--lenient", is_flag=True, help="Pass over unknown fields, as the real Bot API does.")
def fake_telegram(port: int, token: str | None, chat_ids: tuple[str, ...], lenient: bool) -> None:
    """Run a stand-in of the Telegram Bot API on this machine; its page shows what arrives."""
    from smetka.telegram.standin import FakeTelegram
    from smetka.telegram.standin.server import TOKEN

    # By the settings' own rule of what a chat id is.
    known = load_settings({"telegram_chat_ids": ",".join(chat_ids) or "1001"}).telegram_chat_ids
    try:
        server = FakeTelegram(token=token or TOKEN, chats=known, port=port, strict=not lenient)
    except OSError as error:
        raise CommandFailed(f"Port {port} cannot be used: {error.strerror}.") from None
    stop = frozenset({signal.SIGTERM, signal.SIGINT})
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    with server:
        click.echo(f"The stand-in answers at {server.url}; this page shows what arrives. To use it:")
        click.echo(f"  export SMETKA_TELEGRAM_API_URL={server.url}")
        click.echo(f"  export SMETKA_TELEGRAM_BOT_TOKEN={server.token}")
        click.echo(f"  export SMETKA_TELEGRAM_CHAT_IDS={','.join(map(str, known))}")
        signal.sigwait(stop)
