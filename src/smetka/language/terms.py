"""What people call that which records and programs have names for, and what was written down in English."""

from __future__ import annotations

import re
from collections.abc import Callable

from smetka.language.translations import mark

KINDS = {
    "averages": mark("Average spending by age"),
    "asked": mark("Answer: average spending by age"),
    "bonus": mark("Year-end bonus"),
    "campaign": mark("Vouchers issued"),
    "shop": mark("The shop"),
    "customer": mark("Answer: one customer"),
    "reply": mark("Answer of the bot"),
}
"""Of messages."""

STATES = {
    "queued": mark("waits to be sent"),
    "sending": mark("is being sent"),
    "delivered": mark("delivered"),
    "waiting": mark("will be tried again"),
    "unknown": mark("delivery unknown"),
    "failed": mark("failed"),
    "held": mark("held back"),
    "cancelled": mark("cancelled"),
}
"""Of messages."""

ROLES = {
    "reader": mark("reader"),
    "cashier": mark("cashier"),
    "manager": mark("manager"),
    "owner": mark("owner"),
}
YEARS = {
    "all": mark("all years"),
    "current": mark("the current year"),
    "previous": mark("the previous year"),
}
"""Of schedules."""

LANGUAGES = {"en": mark("English"), "mk": mark("Macedonian")}

_TOLD = (
    mark("Running."),
    mark("No worker has run yet."),
    mark("No worker runs; the last sign was at {0}."),
    mark("Not known: MongoDB cannot be reached."),
    mark("Not known: MongoDB cannot be used as it is."),
    mark("Not known: the worker is not running."),
    mark("No bot is configured; messages are disabled."),
    mark("Not checked yet."),
    mark("Telegram is reachable."),
    mark("Telegram is reachable. Paused: chat {0}."),
    mark("Telegram asked to wait {0} s."),
    mark("Telegram refuses the bot's token ({0})."),
    mark("Telegram cannot be reached: {0}."),
    mark("no connection"),
    mark("the connection broke"),
    mark("no answer in time"),
    mark("connecting takes too long"),
    mark("its name is not known"),
    mark("Cancelled by hand."),
    mark("The chat is paused: {0}"),
    mark("Given up after {0} attempts: {1}"),
    mark("The bot was blocked."),
    mark("The bot was taken out of the group."),
    mark("The sender was stopped while it was sending; whether it arrived is unknown."),
    mark("The message could not be written; the worker's log says why."),
    mark("Forbidden: bot was blocked by the user"),
    mark("Forbidden: bot was kicked from the group chat"),
    mark("Forbidden: bot was kicked from the supergroup chat"),
    mark("Forbidden: bot can't initiate conversation with a user"),
    mark("Bad Request: chat not found"),
    mark("Bad Request: have no rights to send a message"),
    mark("Bad Request: need administrator rights in the channel chat"),
    mark("Bad Request: not enough rights to send text messages to the chat"),
    mark("Pictures are not allowed in this chat; the figures go as text."),
    mark("Files are not allowed in this chat; the message goes without it."),
    mark("The topic is closed."),
    mark("The topic was deleted."),
    mark("There is no such topic in the chat, or it was deleted."),
    mark("Telegram refused: {0} ({1})."),
    mark("the secure connection broke"),
    mark("the proxy does not connect"),
    mark("its address is not valid"),
    mark("its certificate is not valid"),
    mark("the answer names no message"),
    mark("the response was too long or cut off"),
    mark("the answer is not the Bot API's"),
    mark("the answer is not the Bot API's (HTTP {0})"),
    mark("undone at the cash desk"),
)
"""What Smetka and Telegram write into records; all else is what people wrote, or new to us."""

_PATTERNS = tuple(
    (text, re.compile(re.sub(r"\\\{[01]\\\}", "(.+)", re.escape(text)), re.DOTALL)) for text in _TOLD
)


def told(
    text: str, gettext: Callable[[str], str], value: Callable[[str], str] = lambda value: value
) -> str | None:
    """What was written down in English, in another language; None where the catalogue does not have it.

    Args:
        value: writes what stands in a sentence and is no sentence itself, such as an instant.
    """
    for pattern, found in ((known, each.fullmatch(text)) for known, each in _PATTERNS):
        if found:
            parts = (told(each, gettext, value) or value(each) for each in found.groups())
            return gettext(pattern).format(*parts)
    return None
