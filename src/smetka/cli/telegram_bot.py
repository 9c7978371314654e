"""The configured bot as commands use it, and what is wrong with it or a chat in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from smetka.cli.speech import Speech
from smetka.cli.words import told
from smetka.core.errors import CommandFailed
from smetka.settings import TOKEN_ELSEWHERE, Settings, as_text
from smetka.telegram.client import TelegramClient
from smetka.telegram.errors import Refused, TelegramError, TopicFault, Unreachable
from smetka.telegram.pauses import TOPIC_FAULTS
from smetka.telegram.topics import ChatId, join, split


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


def explain(
    error: TelegramError,
    me: dict[str, Any],
    said: Speech,
    chat: ChatId | None = None,
    client: TelegramClient | None = None,
) -> str:
    """What is wrong with one chat and what to do about it, in a sentence.

    Args:
        client: to ask whether a chat that is not found is known by another id.
    """
    if not isinstance(error, Refused):
        return told(str(error), said)
    words, _ = error.description.lower(), said.gettext
    link = f"https://t.me/{me.get('username', '')}"
    if error.migrate_to_chat_id is not None:
        return _(
            "the group became a supergroup: use {chat} in SMETKA_TELEGRAM_CHAT_IDS.",
            chat=error.migrate_to_chat_id,
        )
    if fault := error.topic_fault:
        return _topic(fault, said)
    if error.is_of_rights:
        return _(
            "the bot may not write there now ({description}); an administrator can allow it.",
            description=error.description.removeprefix("Bad Request: "),
        )
    if "chat not found" in words and chat is not None and (better := _better_id(chat, client)):
        return _(
            "Telegram knows no such chat, but it knows {chat}: use that in SMETKA_TELEGRAM_CHAT_IDS.",
            chat=better,
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


def _topic(fault: TopicFault, said: Speech) -> str:
    what_to_do = (
        said.gettext("Reopen it in Telegram, or name another.")
        if fault == "closed"
        else said.gettext("Name another: a topic's number is the last one in its link.")
    )
    return f"{told(TOPIC_FAULTS[fault], said)} {what_to_do}"


def _better_id(chat: ChatId, client: TelegramClient | None) -> ChatId | None:
    """The id that a supergroup or a channel has for bots, when one was given as links and apps show it."""
    number, topic = split(chat)
    digits = str(number).lstrip("-")
    if client is None or not digits.isdecimal() or len(digits) > 12:
        return None
    try:
        client.get_chat(better := int(f"-100{digits}"))
    except TelegramError:
        return None
    return join(better, topic)
