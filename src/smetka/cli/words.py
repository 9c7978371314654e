"""What people call things that have a name of their own in records and on the command line."""

from __future__ import annotations

from smetka.cli.speech import Speech
from smetka.language import terms
from smetka.language.translations import mark

CHATS = {"all": mark("all")}
"""Of schedules."""

WEEKDAYS = (mark("Mon"), mark("Tue"), mark("Wed"), mark("Thu"), mark("Fri"), mark("Sat"), mark("Sun"))

CHAT_TYPES = {
    "private": mark("private"),
    "group": mark("group"),
    "supergroup": mark("supergroup"),
    "channel": mark("channel"),
}

SOURCES = {"api": mark("sent by a program"), "collected": mark("collected")}
"""Of bonus records."""

REVIEWS = {
    "none": mark("none needed"),
    "pending": mark("to be decided"),
    "approved": mark("approved"),
    "rejected": mark("rejected"),
}
"""Of bonus records."""

ANSWERS = {"yes": mark("yes"), "no": mark("no")}

BONUS_COLUMNS = {
    "user_id": mark("Customer"),
    "total_spending": mark("Stored total"),
    "ledger_total": mark("By the ledger"),
    "matches_ledger": mark("Matches the shop's data"),
    "source": mark("Source"),
    "review": mark("Decision"),
    "stored_at": mark("Stored on"),
    "basis_period": mark("Period"),
    "ledger_year_total": mark("In the year"),
}
PERIODS = {"all": mark("all years")}
"""Of bonus records; else they are of a year."""
DELIVERY_COLUMNS = {
    "kind": mark("Kind"),
    "chat": mark("Chat"),
    "state": mark("State"),
    "queued_at": mark("Queued"),
    "reason": mark("Reason"),
}


def told(text: str, said: Speech) -> str:
    """What was written down in English, in another language where the catalogue has it."""
    return terms.told(text, said.gettext) or text
