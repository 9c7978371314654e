"""The configured bot as commands use it, and what is wrong with it or a chat in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from smetka.cli.speech import Speech
from smetka.cli.words import told
from smetka.errors import CommandFailed
from smetka.settings import TOKEN_ELSEWHERE, Settings, as_text
from smetka.telegram.client import TelegramClient
from smetka.telegram.errors import Refused, TelegramError, Unreachable


@contextmanager
def bot_account(settings: Settings) -> Iterator[tuple[TelegramClient, dict[str, Any]]]:
    """A client whose token was seen to be right, and the bot's own account."""
    token = as_text(settings.telegram_bot_token)
    if not token or token == TOKEN_ELSEWHERE:
        raise CommandFailed(
            "No bot is configured: get a token from @BotFather, set SMETKA_TELEGRAM_BOT_TOKEN."
        )
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


def explain(error: TelegramError, me: dict[str, Any], said: Speech) -> str:
    """What is wrong with one chat and what to do about it, in a sentence."""
    if not isinstance(error, Refused):
        return told(str(error), said)
    words, _ = error.description.lower(), said.gettext
    link = f"https://t.me/{me.get('username', '')}"
    if error.migrate_to_chat_id is not None:
        return _(
            "the group became a supergroup: use {chat} in SMETKA_TELEGRAM_CHAT_IDS.",
            chat=error.migrate_to_chat_id,
        )
    if "chat not found" in words:
        return _(
            "Telegram knows no such chat. A person has to open {link} and press Start; to a group the bot "
            "must be added.",
            link=link,
        )
    if "initiate conversation" in words:
        return _("the person has not started the bot yet: open {link} and press Start.", link=link)
    if "blocked by the user" in words:
        return _("the person blocked the bot; it has to be unblocked in Telegram.")
    if "kicked" in words or "not a member" in words:
        return _("the bot is not in that group any more; add it again.")
    if error.retry_after is not None:
        return _("Telegram asks to wait {seconds} s; try again then.", seconds=error.retry_after)
    return told(str(error), said)
